"""The trials of a search as data frames: which did best, and why they were tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from autometa.tuning.arms import Arm, TunedTrial

Members: TypeAlias = Sequence[tuple[TunedTrial, float]]
"""Trials in the fitted model, and their weights."""

COLUMNS = ("rank", "family", "trial", "score", "spread", "weight", "seconds", "rule", "config")


def leaderboard(arm: Arm, members: Members) -> pd.DataFrame:
    """One row a trial of an arm, the best first; failed ones last, their error in `error`.

    Columns: rank (1 is best), family, trial (Optuna's number), score (mean over the folds), spread
    (standard deviation over them), weight (in the fitted model, 0 where it is no member), seconds
    (processor time), rule (what proposed it), config, error.
    """
    return pd.DataFrame(rows(arm, members), columns=[*COLUMNS, "error"])


def rows(arm: Arm, members: Members) -> list[dict[str, Any]]:
    """The same as plain data."""
    sign = -1.0 if arm.direction == "maximize" else 1.0
    done = sorted(
        (t for t in arm.trials if t.value is not None), key=lambda t: sign * (t.value or 0)
    )
    failed = [t for t in arm.trials if t.value is None]
    weights = {(t.child, t.number): w for t, w in members}
    return [
        _row(trial, place, weights.get((trial.child, trial.number), 0.0))
        for place, trial in enumerate([*done, *failed], start=1)
    ]


def _row(trial: TunedTrial, rank: int, weight: float) -> dict[str, Any]:
    scores = [s for s in trial.fold_scores if np.isfinite(s)]
    return {
        "rank": rank,
        "family": trial.child,
        "trial": trial.number,
        "score": trial.value,
        "spread": float(np.std(scores)) if trial.value is not None and scores else None,
        "weight": round(weight, 6),
        "seconds": trial.seconds,
        "rule": trial.rule,
        "config": dict(trial.config),
        "error": trial.error,
    }


def explain(arm: Arm, members: Members) -> pd.DataFrame:
    """One row a member of the model, or for the best trial where there is no model.

    Columns: family, trial, weight, score, rule, reason (in a sentence), prior_tasks (name -> its
    weight in what was expected).
    """
    shown = members or ([(arm.best, 1.0)] if arm.best is not None else [])
    listed = [
        {
            "family": t.child,
            "trial": t.number,
            "weight": weight,
            "score": t.value,
            "rule": t.rule,
            "reason": t.reason,
            "prior_tasks": dict(t.weights),
        }
        for t, weight in shown
    ]
    names = ("family", "trial", "weight", "score", "rule", "reason", "prior_tasks")
    return pd.DataFrame(listed, columns=list(names))
