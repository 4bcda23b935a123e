"""Early values: trials at a part of the budget, and points of learning curves, as further teachers.

The basis takes the budget as an input where prior tasks show several (as in Klein et al., "Fast
Bayesian optimization of machine learning hyperparameters on large datasets", 2017): an early value
then tells something of its config without being taken for a final one, and every prediction asks
for the full budget. Where all trials had the full budget nothing changes.

Shapes: N trials of a task, n of them of full budget, e early values, d unit columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.unit import unit_of
from autometa.task import State, TaskHistory

_SHARES = (1 / 9, 1 / 3)  # of a curve's steps
_LEAST_BUDGET = 1e-3
_LOWEST = 2.0  # below the worst final value, in normal scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that one task shows, early values last; m = n + e.

    Args:
        unit: Unit configs, (m, d).
        fidelity: Share of the full budget, in (0, 1], (m,).
        target: Normal score that a value has among the trials of full budget, (m,).
    """

    unit: Floats
    fidelity: Floats
    target: Floats


def with_early(
    history: TaskHistory, full: NDArray[np.bool_], every: Floats, unit: Floats, target: Floats
) -> Shown:
    """The trials of full budget, and whatever was seen at less than theirs.

    Args:
        history: The task.
        full: Which trials had the full budget, (N,); not all alike.
        every: Unit configs of all trials, (N, d).
        unit: Those of the full ones, (n, d).
        target: Normal scores of the full ones, (n,).
    """
    budget = float(history.fidelity[full].max())
    valued = np.isfinite(history.values) & (history.states != State.FAILED)
    below = np.flatnonzero(valued & ~full & (history.fidelity < budget))
    early = [(below, history.fidelity[below], history.scores[below])]
    if history.curves.shape[1] > 1:
        early += [_on_curves(history, share) for share in _SHARES]
    rows, fidelity, scores = (np.concatenate(parts) for parts in zip(*early, strict=True))
    if not len(rows):
        return Shown(unit=unit, fidelity=np.ones(len(target)), target=target)
    return Shown(
        unit=np.concatenate([unit, every[rows]]),
        # A task whose best trials had a part of the budget stands for the full one.
        fidelity=np.concatenate([np.ones(len(target)), fidelity / budget]),
        target=np.concatenate([target, _placed(scores, history.scores[full], target)]),
    )


def _on_curves(history: TaskHistory, share: float) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Trials that have a value after a share of their steps, their fidelity there, their scores."""
    length = (~np.isnan(history.curves)).cumsum(axis=1).argmax(axis=1) + 1  # to the last value
    step = np.ceil(share * length).astype(np.int64)
    value = history.curves[np.arange(len(step)), step - 1]
    rows = np.flatnonzero((step < length) & np.isfinite(value))
    return rows, (history.fidelity * step / length)[rows], history.folded(value[rows])


def _placed(scores: Floats, final: Floats, target: Floats) -> Floats:
    """Normal scores (e,) of early values among final ones (n,), below the worst by a logarithm.

    Most early values are worse than any final one; their order must not be lost, and a diverged
    start must not count as a hundred deviations.
    """
    known, first = np.unique(final, return_index=True)
    middle = np.median(final)
    unit = unit_of(middle - known[0], middle)
    below = np.log1p(np.maximum(known[0] - scores, 0.0) / unit)
    result: Floats = np.interp(scores, known, target[first]) - np.minimum(below, _LOWEST)
    return result


def budget_column(fidelity: Floats) -> Floats:
    """Shares of the full budget -> an input in [0, 1], by their logarithm, (n, 1)."""
    logs = np.log(np.maximum(fidelity, _LEAST_BUDGET)) / np.log(_LEAST_BUDGET)
    column: Floats = (1.0 - logs)[:, None]
    return column
