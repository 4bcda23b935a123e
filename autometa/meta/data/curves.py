"""Learning curves: where a running trial stands beside the finished ones of its study.

All numbers are free of the metric's unit and scale, so that tasks can be compared: differences are
measured in S = best - median final score of the finished trials (their spread where that is zero).

    share    of the full budget that the trial has used
    gap      S-units from its latest score to the incumbent's final one
    behind   S-units from its latest score to the incumbent's score at the same step
    rank     log odds of being passed by a finished trial at the same step
    growth   S-units that it gained in the latest half of its steps
    room     S-units that the finished trials gained from this step on: the most of all, and median
    count    log of the number of finished trials

Shapes: m finished trials, l steps of the full budget, c steps at which to ask, k = 8 numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.unit import unit_of
from autometa.task import TaskHistory

SHARES = np.geomspace(1 / 64, 0.9, 16)  # of the full budget: where a trial is judged
_FARTHEST = 1e3  # S-units, so that a diverged trial is just far away


def checkpoints(length: int) -> NDArray[np.int64]:
    """Numbers of steps after which a trial is judged, increasing, (c,), c <= 16."""
    steps = np.unique(np.ceil(SHARES * length).astype(np.int64))
    return steps[steps < length]


def whole_curves(history: TaskHistory) -> tuple[Floats, Floats]:
    """Curves (m, l) and final scores (m,) of the complete trials that have a curve.

    Higher is better in both. A gap in a curve takes the value before it; the first step must be
    known.
    """
    curves = history.curve_scores
    known = np.isfinite(curves)
    rows = history.complete & (history.fidelity >= 1.0)
    rows &= known[:, 0] if curves.shape[1] else False
    return filled(curves[rows]), history.scores[rows]


def filled(curves: Floats) -> Floats:
    """Each gap with the latest finite value before it, (m, l)."""
    steps = np.where(np.isfinite(curves), np.arange(curves.shape[1]), 0)
    result: Floats = np.take_along_axis(curves, np.maximum.accumulate(steps, axis=1), axis=1)
    return result


def standing(curve: Floats, steps: NDArray[np.int64], curves: Floats, finals: Floats) -> Floats:
    """The numbers of the module, (c, k).

    Args:
        curve: Scores of the running trial, (at least max(steps),).
        steps: After how many steps to look, (c,), at least 1.
        curves: Of the finished trials, (m, l).
        finals: Their final scores, (m,).
    """
    now, half = curve[steps - 1], curve[np.maximum(steps // 2, 1) - 1]
    others = curves[:, steps - 1]
    best = int(finals.argmax())
    unit = finals[best] - np.median(finals)
    unit = unit if unit > 0 else unit_of(float(np.ptp(curves)), finals[best])
    passed = (others > now).sum(axis=0) + 0.5 * (others == now).sum(axis=0)
    room = finals[:, None] - others
    m = len(finals)
    result: Floats = np.stack(
        [
            np.log(steps / curves.shape[1]),
            _short((finals[best] - now) / unit),
            _short((others[best] - now) / unit),
            np.log((passed + 0.5) / (m - passed + 0.5)),
            _short((now - half) / unit),
            _short(room.max(axis=0) / unit),
            _short(np.median(room, axis=0) / unit),
            np.full(len(steps), np.log(m)),
        ],
        axis=1,
    )
    return result


def _short(units: Floats) -> Floats:
    """Signed logarithm: far away is far away."""
    result: Floats = np.arcsinh(10.0 * np.clip(units, -_FARTHEST, _FARTHEST))
    return result
