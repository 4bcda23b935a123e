"""Constraints of an Optuna trial: an infeasible trial is a failed one, whatever its value.

Optuna calls a trial feasible where all of its constraint values are zero or less. They are kept
with the trial by a sampler's `constraints_func`, or by `Trial.set_constraint` from Optuna 5 on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from optuna.trial import FrozenTrial, TrialState

_KEY = "constraints"  # of a trial's system attributes: a list, or "constraints:NAME" for each
_WITH_VALUE = (TrialState.COMPLETE, TrialState.PRUNED)


def infeasible(trial: FrozenTrial) -> bool:
    """Whether a finished trial breaks one of its constraints.

    What is no number counts as no constraint: anyone may write to a storage, and Optuna itself
    keeps None where a `constraints_func` has raised.
    """
    return trial.state in _WITH_VALUE and any(v > 0.0 for v in _values(trial.system_attrs))


def count_infeasible(trials: Iterable[FrozenTrial]) -> int:
    """How many of some trials are infeasible."""
    return sum(map(infeasible, trials))


def _values(attributes: Mapping[str, Any]) -> list[float]:
    listed = attributes.get(_KEY)
    named = (v for k, v in attributes.items() if k.startswith(_KEY + ":"))
    found = [*(listed if isinstance(listed, list | tuple) else ()), *named]
    return [v for v in found if isinstance(v, int | float) and not isinstance(v, bool)]
