"""Small tuning results made by hand, for the tests of plots and reports."""

from __future__ import annotations

from collections.abc import Sequence

from autometa.meta import MetaModel
from autometa.task import State
from autometa.tuning.arms import Arm, TunedTrial
from autometa.tuning.result import TuneResult

HOSTILE = "<script>alert('x')</script> & $\\frac$ --> \"quoted\""


def arm(
    name: str, values: Sequence[float | None], *, weights: Sequence[str] = (), reason: str = ""
) -> Arm:
    """An arm with these values; the warm one carries expectations and weights."""
    warm = name == "warm"
    trials = tuple(
        TunedTrial(
            number=i,
            child="svm",
            config={"C": 0.5 + i, "kernel": "rbf"},
            value=value,
            state=State.FAILED if value is None else State.COMPLETE,
            fold_scores=() if value is None else (value - 0.01, value, value + 0.01),
            inner_lr=0.01 * (i + 1) if warm else None,
            rule="portfolio" if warm else "",
            reason=reason or (f"reason {i}" if warm else ""),
            expected=0.1 * i if warm else None,
            weights={task: 1.0 / (j + 1) for j, task in enumerate(weights)} if warm else {},
        )
        for i, value in enumerate(values)
    )
    return Arm(name=name, trials=trials)


def result(
    warm: Sequence[float | None] = (0.8, None, 0.9, 0.85, 0.95),
    cold: Sequence[float | None] | None = (0.5, 0.6, 0.7, 0.9, 0.9),
    *,
    name: str = "table",
    excluded: Sequence[str] = (),
    weights: Sequence[str] = ("iris", "wine"),
    reason: str = "",
    model: MetaModel | None = None,
) -> TuneResult:
    """A result with these values."""
    return TuneResult(
        table=name,
        child="svm",
        asked="svm",
        metric="balanced_accuracy",
        warm=arm("warm", warm, weights=weights, reason=reason),
        cold=None if cold is None else arm("cold", cold),
        prior_tasks=7,
        excluded_tasks=tuple(excluded),
        versions={"autometa": "0.1.0"},
        model=model,
    )
