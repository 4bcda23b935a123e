"""A map of the prior tasks: those that rank configs alike lie close together.

Similarity of two tasks is Spearman's rank correlation of the scores that they expect of the
catalogue's configs, r; their distance is sqrt(2 (1 - r)), the Euclidean one of standardised ranks.
Classical scaling (Torgerson, 1952) lays the tasks out on a plane.

Shapes: J judging tasks (see `catalogue`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from autometa.encoding import Floats
from autometa.errors import ModelError

if TYPE_CHECKING:
    from autometa.meta.model import MetaModel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskMap:
    """See the module.

    Args:
        tasks: Names, length J.
        similarity: Rank correlations (J, J), in [-1, 1].
        places: On the plane, (J, 2); only distances mean something.
        relevance: Weights of the tasks for a new one before any trial, (J,).
        shown: Share of the squared distances that the plane keeps, in [0, 1].
    """

    tasks: tuple[str, ...]
    similarity: Floats
    places: Floats
    relevance: Floats
    shown: float


def task_map(model: MetaModel, *, meta_features: Mapping[str, float] | None = None) -> TaskMap:
    """The map of a model's prior tasks.

    Args:
        model: What was learned.
        meta_features: Of the new task, which decide the relevance.

    Raises:
        ModelError: the model learned nothing.
    """
    if model.transfer is None:
        raise ModelError(
            "a map of no prior tasks",
            allowed="a model fitted on at least one task with three different trials",
        )
    catalogue = model.transfer.catalogue
    similarity = _rank_correlations(catalogue.scores)
    places, shown = _scaled(2.0 * (1.0 - similarity))
    return TaskMap(
        tasks=tuple(model.tasks[i] for i in catalogue.judges),
        similarity=similarity,
        places=places,
        relevance=model.task_relevance(meta_features)[catalogue.judges],
        shown=shown,
    )


def _rank_correlations(scores: Floats) -> Floats:
    """Spearman's r between columns (e, J) -> (J, J); a constant column agrees with none."""
    ranks = rankdata(scores, axis=0)
    ranks -= ranks.mean(axis=0)
    norms = np.linalg.norm(ranks, axis=0)
    ranks /= np.where(norms > 0, norms, 1.0)
    result: Floats = np.clip(ranks.T @ ranks, -1.0, 1.0)
    np.fill_diagonal(result, 1.0)
    return result


def _scaled(squares: Floats) -> tuple[Floats, float]:
    """Squared distances (J, J) -> places (J, 2) and the share of the squares that they keep."""
    count = len(squares)
    centre = np.eye(count) - 1.0 / count
    values, vectors = np.linalg.eigh(-0.5 * centre @ squares @ centre)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    places = np.zeros((count, 2))
    kept = min(2, count)
    axes = vectors[:, :kept] * np.sqrt(values[:kept])
    # The sign of an eigenvector is arbitrary: its heaviest entry points up.
    heaviest = axes[np.abs(axes).argmax(axis=0), np.arange(kept)]
    places[:, :kept] = axes * np.where(heaviest < 0, -1.0, 1.0)
    total = float(values.sum())
    return places, float(values[:kept].sum() / total) if total > 0 else 1.0
