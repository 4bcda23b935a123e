"""Constraints of an Optuna trial: an infeasible trial is a failed one, whatever its value.

Optuna calls a trial feasible where all of its constraint values are zero or less. They are kept
with the trial by a sampler's `constraints_func`, or by `Trial.set_constraint` from Optuna 5 on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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


def constraint_values(trial: FrozenTrial) -> dict[str, float]:
    """The constraint values of a finished trial, by name or place; empty where it has none.

    Where they are not all finite numbers, none counts: nobody knows what they mean.
    """
    if trial.state not in _WITH_VALUE:
        return {}
    found: dict[str, Any] = {str(i): v for i, v in enumerate(_listed(trial.system_attrs))}
    found |= {k: v for k, v in trial.system_attrs.items() if k.startswith(_KEY + ":")}
    numbers = all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)
        for v in found.values()
    )
    return {name: float(v) for name, v in found.items()} if numbers else {}


def count_infeasible(trials: Iterable[FrozenTrial]) -> int:
    """How many of some trials are infeasible."""
    return sum(map(infeasible, trials))


def _values(attributes: Mapping[str, Any]) -> list[float]:
    named = (v for k, v in attributes.items() if k.startswith(_KEY + ":"))
    found = [*_listed(attributes), *named]
    return [v for v in found if isinstance(v, int | float) and not isinstance(v, bool)]


def _listed(attributes: Mapping[str, Any]) -> Sequence[Any]:
    found = attributes.get(_KEY)
    return found if isinstance(found, list | tuple) else ()
