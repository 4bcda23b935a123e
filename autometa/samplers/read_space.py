"""What a running study has shown of its space, read off its trials, each finished one only once."""

from __future__ import annotations

from collections.abc import Sequence, Set

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from autometa.meta.spaces.study_space import ObservedSpace, wider
from autometa.meta.spaces.switches import Switches
from autometa.samplers.new_trials import NewTrials
from autometa.space import SearchSpace, Value
from autometa.space.choices import usable

_WHOLE = (TrialState.COMPLETE, TrialState.PRUNED)  # trials that have asked for all they need
_MOST_CHANGES = 3  # of a range, by whoever runs the study


class SpaceReader:
    """Reads the trials of one study again and again. Not for use by two threads at once.

    Args:
        prior: The space of the prior tasks.
        expected: What is searched, where that is known before the first trial.
    """

    def __init__(self, prior: SearchSpace, expected: SearchSpace | None = None) -> None:
        self._prior = prior
        self._new = NewTrials()
        self._finished = _Seen()
        if expected is not None:
            self._finished.expect(expected, prior)
        self._shown = ObservedSpace()

    def read(self, trials: Sequence[FrozenTrial]) -> ObservedSpace:
        """What these trials have shown; the same object as the last time where nothing is new.

        Args:
            trials: All of the study's, in the order of their numbers.
        """
        running = []
        for trial in self._new.of(trials):
            if trial.state.is_finished():
                self._finished.add(trial, self._prior)
            elif trial.distributions:
                running.append(trial)
        seen = self._finished
        if running:
            seen = self._finished.copy()
            for trial in running:
                seen.add(trial, self._prior)
        shown = seen.shown(self._prior)
        if shown != self._shown:
            self._shown = shown
        return self._shown


class _Seen:
    """The state of a reader."""

    def __init__(self) -> None:
        self.latest: dict[str, tuple[int, BaseDistribution]] = {}
        self.widest: dict[str, BaseDistribution] = {}
        self.earlier: dict[str, list[BaseDistribution]] = {}  # ranges before the latest
        self.varying: set[str] = set()
        self.whole = 0  # trials
        self.had: dict[str, int] = {}  # name -> whole trials that had it
        self.lacked: set[str] = set()
        self.unconditional: set[str] = set()
        self.worded: set[str] = set()
        self.switches = Switches()

    def expect(self, space: SearchSpace, prior: SearchSpace) -> None:
        self.lacked = set(prior.names) - set(space.names)
        self.latest = {n: (-1, d) for n, d in space.distributions.items()}
        self.widest = dict(space.distributions)

    def copy(self) -> _Seen:
        other = _Seen()
        other.latest, other.widest = dict(self.latest), dict(self.widest)
        other.earlier = {n: list(ranges) for n, ranges in self.earlier.items()}
        other.varying = set(self.varying)
        other.whole, other.had = self.whole, dict(self.had)
        other.lacked, other.unconditional = set(self.lacked), set(self.unconditional)
        other.worded = set(self.worded)
        other.switches = self.switches  # trials that run have no say
        return other

    def add(self, trial: FrozenTrial, prior: SearchSpace) -> None:
        for name, given in trial.distributions.items():
            distribution = usable(name, given) or given
            if distribution is not given:  # lists and other objects
                self.worded.add(name)
            number, before = self.latest.get(name, (-1, distribution))
            if trial.number > number:
                self.latest[name] = (trial.number, distribution)
                if number >= 0 and distribution != before:
                    self._changed(name, before, distribution)
            # What was only expected does not widen what the trials have.
            known = distribution if number < 0 else self.widest[name]
            if known is not distribution:
                known = wider(known, distribution)
            self.widest[name] = known
        if trial.state in _WHOLE and trial.params:
            self.whole += 1
            for name in trial.params:
                self.had[name] = self.had.get(name, 0) + 1
            active = set(prior.active(trial.params))
            self.lacked |= active - trial.params.keys()
            self.unconditional |= (trial.params.keys() & prior.distributions.keys()) - active
            plain = {n: d for n, d in trial.distributions.items() if n not in self.worded}
            self.switches.add(trial.params, plain)

    def _changed(self, name: str, before: BaseDistribution, now: BaseDistribution) -> None:
        """A range that comes back, or changes again and again, depends on other parameters."""
        earlier = self.earlier.setdefault(name, [])
        if name not in self.varying:
            earlier.append(before)
        if now in earlier or len(earlier) > _MOST_CHANGES:
            self.varying.add(name)

    def shown(self, prior: SearchSpace) -> ObservedSpace:
        new = {n for n in self.widest if n not in prior.distributions}
        sometimes = {n for n in new if self.had.get(n, 0) < self.whole}
        lacked = self.lacked | sometimes
        always = frozenset(n for n, count in self.had.items() if count == self.whole)
        return ObservedSpace(
            latest={
                n: self.widest[n] if n in self.varying else d for n, (_, d) in self.latest.items()
            },
            widest=dict(self.widest),
            lacked=frozenset(lacked),
            always=always,
            unconditional=frozenset(self.unconditional),
            worded=frozenset(self.worded),
            varying=frozenset(self.varying),
            expected=frozenset(n for n, (number, _) in self.latest.items() if number < 0),
            switched=self._switched(lacked, always),
        )

    def _switched(
        self, lacked: Set[str], always: Set[str]
    ) -> dict[str, tuple[str, tuple[Value, ...]]]:
        found = {}
        earlier: set[str] = set()
        for child in self.widest:
            if child in lacked:
                may = (earlier | always) - self.worded
                switch = self.switches.of(child, {n: d for n, d in self.widest.items() if n in may})
                if switch is not None:
                    found[child] = switch
            earlier.add(child)
        return found
