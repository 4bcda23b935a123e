"""What a page shows of a model's held-out predictions: how reliable they are, or the residuals.

Held-out rows were never trained on, but chose the members' weights, so both look slightly too well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autometa.children.prediction import Prediction
from autometa.tuning.held_out import HeldOut

BINS = 10
_FEWEST = 10  # rows of a bin
_POINTS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Points of a curve.

    Args:
        kind: "reliability": mean probability of the rows of a bin, share of them for which it came
            true (of two classes the second's, of more the most probable one's), number of rows;
            or "residuals": predicted, true minus predicted.
        points: Tuples of numbers.
    """

    kind: str
    points: tuple[tuple[float, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kind": self.kind, "points": [list(point) for point in self.points]}


def shown(said: Prediction, held_out: HeldOut) -> Shown | None:
    """Of what a model said of the held-out rows; None where that is not finite."""
    if not said.finite:
        return None
    truth = np.concatenate(held_out.truths)
    if said.shares is None:
        step = -(-len(truth) // _POINTS)
        rows = zip(said.labels[::step], (truth - said.labels)[::step], strict=True)
        return Shown(kind="residuals", points=tuple((float(a), float(b)) for a, b in rows))
    if said.shares.shape[1] == 2:
        chance, came = said.shares[:, 1], truth == 1
    else:
        chance, came = said.shares.max(axis=1), truth == said.shares.argmax(axis=1)
    order = np.argsort(chance, kind="stable")
    parts = np.array_split(order, max(1, min(BINS, len(order) // _FEWEST)))  # equally many rows
    points = [(float(chance[p].mean()), float(came[p].mean()), float(len(p))) for p in parts]
    return Shown(kind="reliability", points=tuple(points))
