"""One Optuna study whose trials are configs of children, cross-validated on a table.

Everything that the result needs is kept in the study itself (user attributes `autometa:*`, short
JSON), so that a study which is continued later, or by another process, reads as one search.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from optuna.trial import FrozenTrial, Trial, TrialState

from autometa.search import attributes
from autometa.search.result import TunedTrial
from autometa.search.suggest import config_of, suggest
from autometa.space import Config
from autometa.task import State

if TYPE_CHECKING:
    from optuna.study import Study

    from autometa.children import Child, Outcome
    from autometa.tables import Table

EVALUATION = attributes.PREFIX + "evaluation"
CHILD = "child"  # the parameter that chooses among several children

REASONS = {
    "transfer": "most promising after weighing prior tasks by how they fit the trials so far",
    "cold": "most promising judged by this table's own trials alone: insurance against the prior",
    "base": "proposed by the base sampler, without the prior",
}

STATES = {
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.FAIL: State.FAILED,
    TrialState.PRUNED: State.PRUNED,
}


class Evaluator(Protocol):
    """What evaluates a config; `children.isolated.Evaluator` is one."""

    def prepare(self, table: Table, child: Child) -> None:
        """Get ready; may run in another thread while nothing is evaluated."""

    def run(
        self,
        child: Child,
        config: Config,
        table: Table,
        *,
        folds: int,
        seed: int,
        timeout: float | None,
    ) -> Outcome:
        """As `children.run`."""

    def close(self) -> None:
        """End its process."""


@dataclass
class Judge:
    """Evaluates configs on one table, always on the same folds, and counts the time it takes."""

    evaluator: Evaluator
    table: Table
    folds: int
    seed: int
    timeout: float | None
    seconds: float = 0.0

    def evaluate(self, child: Child, config: Config) -> Outcome:
        """One trial; a child's failure is a result."""
        started = time.perf_counter()
        try:
            return self.evaluator.run(
                child,
                config,
                self.table,
                folds=self.folds,
                seed=self.seed,
                timeout=self.timeout,
            )
        finally:
            self.seconds += time.perf_counter() - started


@dataclass(frozen=True)
class Menu:
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
    """A study, what it chooses among, who judges, and what the prior expects of a config."""

    study: Study
    menu: Menu
    judge: Judge
    expect: Callable[[Config], float | None] = lambda config: None

    def step(self) -> TunedTrial:
        """Ask, evaluate, tell.

        Raises:
            KeyboardInterrupt: the user stopped it; the trial is told as failed and not reported.
        """
        trial = self.study.ask()
        try:
            child, config = self.menu.suggest(trial)
            found = self.judge.evaluate(child, config)
            trial.set_user_attr(EVALUATION, _evaluation(found, self.expect(config)))
        except BaseException:
            self.study.tell(trial, state=TrialState.FAIL)
            raise
        if found.trial.value is None:
            frozen = self.study.tell(trial, state=TrialState.FAIL)
        else:
            frozen = self.study.tell(trial, found.trial.value)
        return self.tuned(frozen, number=len(self.finished()) - 1)

    def finished(self) -> list[FrozenTrial]:
        """Trials that were evaluated; not running or enqueued ones, nor interrupted ones."""
        return [
            t
            for t in self.study.get_trials(deepcopy=False)
            if t.state.is_finished() and isinstance(t.user_attrs.get(EVALUATION), dict)
        ]

    def tuned(self, trial: FrozenTrial, *, number: int) -> TunedTrial:
        """A finished trial as a record."""
        child, config = self.menu.read(trial.params)
        evaluation = trial.user_attrs[EVALUATION]
        rule = str(self._note(trial, "rule") or "")
        weights = attributes.weights(self._note(trial, "weights"))
        rate = config.get(child.space.inner_lr) if child.space.inner_lr else None
        return TunedTrial(
            number=number,
            child=child.name,
            config=config,
            value=trial.value if trial.state == TrialState.COMPLETE else None,
            state=STATES[trial.state],
            fold_scores=folds_of(evaluation.get("folds")),
            seconds=attributes.number(evaluation.get("seconds")),
            inner_lr=float(rate) if isinstance(rate, int | float) else None,
            rule=rule,
            reason=str(self._note(trial, "reason") or REASONS.get(rule, "")),
            expected=attributes.number(evaluation.get("expected")),
            weights=weights,
            error=str(evaluation.get("error") or ""),
        )

    def _note(self, trial: FrozenTrial, name: str) -> Any:
        return attributes.read(self.study, trial, name)


def in_order(searches: Sequence[Search]) -> tuple[TunedTrial, ...]:
    """All finished trials of some studies, in the order in which they were started."""
    pairs = [(trial, search) for search in searches for trial in search.finished()]
    pairs.sort(key=lambda p: (p[0].datetime_start or datetime.min, p[0].number))
    return tuple(search.tuned(trial, number=i) for i, (trial, search) in enumerate(pairs))


def _evaluation(found: Outcome, expected: float | None) -> dict[str, Any]:
    """What a study keeps of an evaluation: short JSON."""
    trial = found.trial
    return {
        "expected": None if expected is None else round(expected, 4),
        "folds": [round(s, 6) if math.isfinite(s) else None for s in trial.fold_scores],
        "seconds": None if trial.seconds is None else round(trial.seconds, 3),
        "error": found.error[:200],
    }


def folds_of(value: Any) -> tuple[float, ...]:
    """Scores of folds that a study holds, NaN where one failed; none where it is anything else."""
    numbers = map(attributes.number, value if isinstance(value, list | tuple) else ())
    return tuple(math.nan if n is None else n for n in numbers)
