"""The one way to evaluate: fit on each fold's training rows, ask of its test rows, score.

Children on tables (`evaluate.run`) and estimators of scikit-learn (`sklearn.cv_objective`) both end
here. What differs between them is a `Learner`: how rows are prepared, what a fit is, what is asked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from autometa.children.problem import Fold, Problem
from autometa.errors import reason


class Learner(Protocol):
    """What is evaluated: something that fits folds."""

    def folds(self, problem: Problem) -> Iterable[Fold]:
        """The folds as it takes them; nothing of it is on the clock."""

    def fit(self, fold: Fold) -> Any:
        """A model of the training rows."""

    def say(self, model: Any, fold: Fold) -> Any:
        """What the model says of the test rows."""

    def more(self, model: Any, fold: Fold) -> Mapping[str, float]:
        """Further scores of a fold that is done, off the clock; may raise to stop it all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldResult:
    """What came of one fold.

    Args:
        scores: By name; none where it failed.
        said: Of the test rows; None where it failed.
        model: Fitted; None where it is not kept.
        fit_seconds: By the clock that was given.
        say_seconds: The same of asking.
        score_seconds: The same of scoring.
        failed: What of it failed, if anything.
        error: Why: all causes, in one text.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    said: Any = None
    model: Any = None
    fit_seconds: float = math.nan
    say_seconds: float = 0.0
    score_seconds: float = 0.0
    failed: Literal["", "fit", "score"] = ""
    error: str = ""


def cross_validated(
    problem: Problem,
    learner: Learner,
    *,
    clock: Callable[[], float] = time.process_time,
    keep_models: bool = False,
    keep_going: bool = False,
    n_jobs: int | None = None,
) -> tuple[FoldResult, ...]:
    """What came of each fold, in order.

    Args:
        problem: What to learn.
        learner: What learns it.
        clock: Tells seconds.
        keep_models: Whether the fitted models come back.
        keep_going: Whether a fold that fails is a result, and the others go on; else it raises.
        n_jobs: Folds at a time, as joblib counts them; the learner then crosses to processes.
    """

    def one(fold: Fold) -> FoldResult:
        return _judged(problem, learner, fold, clock, keep_models, keep_going)

    folds = learner.folds(problem)
    if n_jobs is None or n_jobs == 1:
        return tuple(map(one, folds))
    from sklearn.utils.parallel import Parallel, delayed

    options = (clock, keep_models, keep_going)
    run = Parallel(n_jobs=n_jobs)
    return tuple(run(delayed(_judged)(problem, learner, fold, *options) for fold in folds))


def _judged(
    problem: Problem,
    learner: Learner,
    fold: Fold,
    clock: Callable[[], float],
    keep_models: bool,
    keep_going: bool,
) -> FoldResult:
    begun = clock()
    try:
        model = learner.fit(fold)
        fitted = clock()
    except Exception as error:
        if not keep_going:
            raise
        return FoldResult(fit_seconds=clock() - begun, failed="fit", error=reason(error))
    result = FoldResult(fit_seconds=fitted - begun, model=model if keep_models else None)
    try:
        said = learner.say(model, fold)
        answered = clock()
        scores = problem.score(model, said, fold)
        result = replace(
            result,
            scores=scores,
            said=said,
            say_seconds=answered - fitted,
            score_seconds=clock() - answered,
        )
        return replace(result, scores={**scores, **learner.more(model, fold)})
    except Exception as error:
        if not keep_going:
            raise
        return replace(result, failed="score", error=reason(error))
