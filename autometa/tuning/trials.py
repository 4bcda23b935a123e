"""One Optuna study whose trials are configs of children, cross-validated on a table.

Everything that the result needs is kept in the study itself (user attributes `autometa:*`, short
JSON), so that a study which is continued later, or by another process, reads as one search.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from autometa.errors import InputError, SpaceError
from autometa.samplers.asking import config_of, suggest
from autometa.samplers.explanation import UNKNOWN, explain_trial
from autometa.space import Config
from autometa.storages import attributes
from autometa.storages.connect import explained, is_outage, patiently, retry
from autometa.storages.orphans import give_back_unnamed, release
from autometa.task import State
from autometa.tuning.arms import TunedTrial
from autometa.tuning.cross_validator import Judge, TimeIsUpError

if TYPE_CHECKING:
    from optuna.study import Study

    from autometa.children import Child, Outcome

LONGEST_ERROR = 1000  # characters that a study keeps of it
PROPOSED = attributes.PREFIX + "proposed"  # rule and reason of a config that was proposed
CHILD = "child"  # the parameter that chooses among several children

STATES = {
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.FAIL: State.FAILED,
    TrialState.PRUNED: State.PRUNED,
}


@dataclass(frozen=True)
class ModelChoice:
    """Children that share a study: one, or several with a parameter that chooses among them."""

    children: tuple[Child, ...]

    def suggest(self, trial: Trial) -> tuple[Child, Config]:
        """A child and its config."""
        if len(self.children) == 1:
            return self.children[0], suggest(trial, self.children[0].space)
        names = [c.name for c in self.children]
        child = self._child(trial.suggest_categorical(CHILD, names))
        return child, suggest(trial, child.space, prefix=f"{child.name}.")

    def read(self, params: Mapping[str, Any]) -> tuple[Child, Config]:
        """The same of a finished trial."""
        if len(self.children) == 1:
            return self.children[0], config_of(params, self.children[0].space)
        child = self._child(params[CHILD])
        return child, config_of(params, child.space, prefix=f"{child.name}.")

    def _child(self, name: object) -> Child:
        return next(c for c in self.children if c.name == name)


@dataclass(frozen=True)
class Search:
    """A study, what it chooses among, who judges, and what the prior expects of a config.

    Several processes may work on the same study, each through a Search of its own.

    Args:
        worker: Names the process in the trials that it runs.
    """

    study: Study
    choice: ModelChoice
    judge: Judge
    expect: Callable[[Config], float | None] = lambda config: None
    worker: str = field(default_factory=lambda: secrets.token_hex(6))
    _read: dict[int, TunedTrial] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look at once whether what the study has already can be read.

        Raises:
            InputError: it has trials of another space, such as a family's of an earlier version.
        """
        for trial in patiently(self.finished):
            try:
                self.choice.read(trial.params)
            except SpaceError as error:
                raise InputError(
                    f"trial {trial.number} of study {self.study.study_name!r} is of another space "
                    f"than is searched now: {error.given}",
                    allowed="a study whose trials this version, or this family, has made",
                    do="Choose another --study-name",
                ) from error

    def propose(self, config: Config, why: str, rule: str = "portfolio") -> None:
        """Have a config of the only child tried next; its trial says rule and why."""
        about = {PROPOSED: [rule, why]}
        patiently(lambda: self.study.enqueue_trial(config, user_attrs=about, skip_if_exists=True))

    def fill(self, target: int, late: Callable[[], bool]) -> Iterator[TunedTrial]:
        """Evaluate until the study has `target` evaluated trials, or others are at the last ones.

        Exact with any number of processes: a trial goes ahead only while fewer than `target`
        trials with lower numbers hold a place, and numbers are given in the order of creation.

        Raises:
            StoreError: the storage is full, or away for longer than `storage.PATIENCE`.
            KeyboardInterrupt: as `step`.
        """
        while not late():
            with explained():
                if self.open_places(target) > 0:
                    trial = patiently(lambda: self.step(target))
                elif give_back_unnamed(self.study):
                    continue
                else:
                    return
            if trial is not None:
                yield trial

    def open_places(self, target: int) -> int:
        """How many trials are still to be started, so that `target` will have been evaluated."""
        trials = patiently(lambda: self.study.get_trials(deepcopy=False))
        return target - sum(t.state == TrialState.RUNNING or evaluated(t) for t in trials)

    def step(self, target: int) -> TunedTrial | None:
        """Ask, evaluate, tell, with the heartbeats of the storage.

        Returns:
            The trial; None where its place was taken, or there is no result.

        Raises:
            KeyboardInterrupt: the user stopped it; the trial is told as failed and not reported.
        """
        run = _Run(self, target)
        try:
            self.study.optimize(run, n_trials=1)
        except Exception as error:
            cause = run.error or _underlying(error)
            if run.trial is None or not (is_outage(cause) or run.taken_away(cause)):
                raise cause from None  # after an outage `fill` tries again, while it has patience
            self._settle(run, error)
        if run.trial is None or run.found is None:
            return None
        number = run.trial.number
        trials = patiently(lambda: self.study.get_trials(deepcopy=False))
        frozen = next(t for t in trials if t.number == number)
        if not evaluated(frozen):
            return None
        return self.tuned(frozen)

    def _settle(self, run: _Run, error: Exception) -> None:
        """Tell a result that could not be told; a config that lost its own is tried again."""
        assert run.trial is not None
        number = run.trial.number
        if run.found is None:
            if error is run.error and is_outage(error):  # Optuna has told it as failed
                retry(self.study, patiently(lambda: self.study.get_trials()[number]))
            elif is_outage(_underlying(error)):  # perhaps it has
                release(self.study, number, hidden=True)
            return  # else whoever took the trial away has queued its config
        value = run.found.trial.value
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        with suppress(UpdateFinishedTrialError):  # finished between Optuna's look and its telling
            patiently(lambda: self.study.tell(number, value, state=state, skip_if_finished=True))

    def finished(self) -> list[FrozenTrial]:
        """Trials that were evaluated; not running or enqueued ones, nor interrupted ones."""
        return [t for t in self.study.get_trials(deepcopy=False) if evaluated(t)]

    def tuned(self, trial: FrozenTrial) -> TunedTrial:
        """A finished trial as a record; read once, as nothing of it changes any more."""
        if trial.number not in self._read:
            self._read[trial.number] = self._tuned(trial)
        return self._read[trial.number]

    def _tuned(self, trial: FrozenTrial) -> TunedTrial:
        child, config = self.choice.read(trial.params)
        evaluation = trial.user_attrs[attributes.EVALUATION]
        why = explain_trial(self.study, trial)
        rate = config.get(child.space.inner_lr) if child.space.inner_lr else None
        return TunedTrial(
            number=trial.number,
            child=child.name,
            config=config,
            value=trial.value if trial.state == TrialState.COMPLETE else None,
            state=STATES[trial.state],
            fold_scores=folds_of(evaluation.get("folds")),
            seconds=attributes.number(evaluation.get("seconds")),
            inner_lr=float(rate) if isinstance(rate, int | float) else None,
            rule="" if why.rule == UNKNOWN else why.rule,
            reason=why.reason,
            expected=attributes.number(evaluation.get("expected")),
            weights=why.weights,
            error=str(evaluation.get("error") or ""),
        )


@dataclass
class _Run:
    """The objective of one trial; keeps what Optuna does not hand back when something breaks."""

    search: Search
    target: int
    trial: Trial | None = None
    found: Outcome | None = None
    error: Exception | None = None

    def __call__(self, trial: Trial) -> float:
        """The value; NaN, which Optuna tells as a failure, where there is none."""
        self.trial = trial
        try:
            return self._value(trial)
        except Exception as error:
            self.error = error
            raise

    def taken_away(self, error: Exception) -> bool:
        """Whether it broke because another process had taken this one for dead."""
        if self.error is not None:
            return isinstance(self.error, UpdateFinishedTrialError)
        refused = isinstance(error, ValueError | UpdateFinishedTrialError)  # by `tell`
        return self.found is not None and refused

    def _value(self, trial: Trial) -> float:
        search = self.search
        try:
            attributes.beat(trial)
            trial.set_user_attr(attributes.WORKER, search.worker)
            if self._place_taken(trial):
                trial.set_user_attr(attributes.DROPPED, True)
                return math.nan
            child, config = search.choice.suggest(trial)
            if why := trial.user_attrs.get(PROPOSED):
                for name, said in zip(("rule", "reason"), why, strict=True):
                    trial.set_user_attr(attributes.PREFIX + name, said)
            file = predictions_file(search.study.study_name, trial.number, config)
            found = search.judge.evaluate(child, config, file)
        except KeyboardInterrupt:
            trial.set_user_attr(attributes.DROPPED, True)
            raise
        except TimeIsUpError:
            trial.set_user_attr(attributes.DROPPED, True)
            return math.nan
        note = _evaluation(found, search.expect(config))
        patiently(lambda: trial.set_user_attr(attributes.EVALUATION, note))
        self.found = found
        return math.nan if found.trial.value is None else found.trial.value

    def _place_taken(self, trial: Trial) -> bool:
        trials = self.search.study.get_trials(deepcopy=False)
        before = (t for t in trials if t.number < trial.number)
        return sum(not t.state.is_finished() or evaluated(t) for t in before) >= self.target


def predictions_file(study_name: str, number: int, config: Config) -> str:
    """Name of the file of a trial's held-out predictions; another study's has another."""
    about = json.dumps([study_name, sorted(config.items())], default=str)
    return f"{number}-{hashlib.sha256(about.encode()).hexdigest()[:16]}.npy"


def _underlying(error: Exception) -> Exception:
    """What broke the telling of a trial.

    Optuna hides it behind an assertion, or, where its look at the trial broke too, a name not set.
    """
    context = error.__context__
    hidden = isinstance(error, AssertionError | UnboundLocalError) and isinstance(
        context, Exception
    )
    return context if hidden else error  # type: ignore[return-value]


def evaluated(trial: FrozenTrial) -> bool:
    """Whether a trial has a result: a value, or the failure of its config.

    A trial that was taken for dead between its result and its end has none: it is tried again.
    """
    evaluation = trial.user_attrs.get(attributes.EVALUATION)
    if not trial.state.is_finished() or not isinstance(evaluation, dict):
        return False
    succeeded = not evaluation.get("error")
    return trial.state != TrialState.FAIL or not succeeded


def in_order(searches: Sequence[Search]) -> tuple[TunedTrial, ...]:
    """All finished trials of some studies, in the order in which they were started."""
    pairs = [(trial, search) for search in searches for trial in search.finished()]
    pairs.sort(key=lambda p: (p[0].datetime_start or datetime.min, p[0].number))
    return tuple(search.tuned(trial) for trial, search in pairs)


def _evaluation(found: Outcome, expected: float | None) -> dict[str, Any]:
    """What a study keeps of an evaluation: short JSON."""
    trial = found.trial
    return {
        "expected": None if expected is None else round(expected, 4),
        "folds": [round(s, 6) if math.isfinite(s) else None for s in trial.fold_scores],
        "seconds": None if trial.seconds is None else round(trial.seconds, 3),
        "error": (found.error or "unknown" * (trial.value is None))[:LONGEST_ERROR],
    }


def folds_of(value: Any) -> tuple[float, ...]:
    """Scores of folds that a study holds, NaN where one failed; none where it is anything else."""
    numbers = map(attributes.number, value if isinstance(value, list | tuple) else ())
    return tuple(math.nan if n is None else n for n in numbers)
