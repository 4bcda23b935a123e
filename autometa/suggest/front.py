"""What to try next for several objectives, as functions of what is known; see `rules`.

Each objective has a posterior of its own, on the same trials, by the prior tasks' values of that
objective; a config promises the hypervolume that it is expected to add to the front so far, see
`acquisitions.hypervolume`. A cold trial has the same search without any prior task.

The reference point lies a tenth of the range below the worst trial of each objective; what diverged
does not count (`meta.data.standard`).

Shapes: K objectives, n trials, d unit columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from autometa.encoding import Floats
from autometa.meta.data.standard import raise_diverged
from autometa.meta.front_model import FrontModel
from autometa.meta.inference.hypotheses import Hypothesis
from autometa.meta.inference.knowledge import Knowledge
from autometa.meta.inference.posterior import Posterior
from autometa.meta.spaces.study_space import StudySpace
from autometa.suggest.acquisition import Acquisition
from autometa.suggest.acquisitions.hypervolume import (
    log_hypervolume_gain,
    random_directions,
    reached,
)
from autometa.suggest.configs import belief_of, informed_config
from autometa.suggest.known_spaces import KnownSpaces
from autometa.suggest.observations import Observations
from autometa.task import Direction

_RANGE = 4.0  # standard deviations of a belief that stand for a range which no trials show
_BELOW = 0.1  # of the range, where the reference point lies below the worst trial
_FRONT_DIRECTIONS = 48  # by which the trials nearest to the front are found
_SHARP = 16  # power of a trial's distance from the front, as a parent of candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What prior tasks taught of each objective.

    Args:
        directions: Of the objectives, K.
        names: Names of the prior tasks, for each objective.
        knowledge: Of each objective, in the columns of a study's space; None of one of which
            nothing was learned.
        relevance: Weights of the prior tasks before any trial, (T,), for each objective.
    """

    directions: tuple[Direction, ...]
    names: tuple[tuple[str, ...], ...]
    knowledge: tuple[KnownSpaces | None, ...]
    relevance: tuple[Floats | None, ...]

    @classmethod
    def of(cls, model: FrontModel, features: Mapping[str, float]) -> Front:
        """Of a model, for a task with these meta-features."""
        return cls(
            directions=model.directions,
            names=tuple(m.tasks for m in model.models),
            knowledge=tuple(None if m.transfer is None else KnownSpaces(m) for m in model.models),
            relevance=tuple(
                None if m.transfer is None else m.task_relevance(features) for m in model.models
            ),
        )

    def weights(self, belief: FrontBelief) -> dict[str, float]:
        """The prior tasks' weights, their means over the objectives, heaviest first."""
        total: dict[str, float] = {}
        for names, posterior, known in zip(
            self.names, belief.posteriors, self.knowledge, strict=True
        ):
            if known is not None:
                for name, weight in zip(names, posterior.task_weights.tolist(), strict=True):
                    total[name] = total.get(name, 0.0) + weight / len(self.names)
        heaviest = sorted(total, key=lambda name: -abs(total[name]))
        return {name: round(total[name], 4) for name in heaviest}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontBelief:
    """What is believed of each objective.

    Args:
        posteriors: K.
        observed: The trials as they are believed to end, by each objective.
    """

    posteriors: tuple[Posterior, ...]
    observed: tuple[Observations, ...]

    @property
    def transfer_share(self) -> float:
        """The mean share of the evidence that speaks for the prior tasks."""
        return float(np.mean([p.transfer_share for p in self.posteriors]))

    @property
    def uses_transfer(self) -> bool:
        """Whether prior tasks are heard about any objective."""
        return any(p.uses_transfer for p in self.posteriors)


def front_belief(
    front: Front | None,
    study: StudySpace,
    observed: Sequence[Observations],
    hypotheses: tuple[Hypothesis, ...],
) -> FrontBelief:
    """What is believed after the trials; of a cold search where there is no front."""
    nothing = (None,) * len(observed)
    taught = (nothing, nothing) if front is None else (front.knowledge, front.relevance)
    found = [
        belief_of(known, study, seen, hypotheses, relevance)
        for known, relevance, seen in zip(*taught, observed, strict=True)
    ]
    posteriors, believed = zip(*found, strict=True)
    return FrontBelief(posteriors=posteriors, observed=believed)


def front_config(
    knowledge: Knowledge,
    study: StudySpace,
    belief: FrontBelief,
    rng: np.random.Generator,
    *,
    count: int,
    pool: Floats | None = None,
) -> Floats:
    """The unit config (d,) that is expected to add most hypervolume.

    Args:
        knowledge: Where candidates and failure rates come from.
        study: The space, and which part of it may be tried.
        belief: What is believed, after one trial or more.
        rng: Source of candidates and directions.
        count: Directions along which the gain is measured: one is a random scalarisation.
        pool: The only configs that can be tried, where there is such a list.
    """
    directions = random_directions(len(belief.observed), count, rng)
    middle = np.full((1, belief.observed[0].unit.shape[1]), 0.5)
    spread = [_RANGE * float(p.predict(middle)[1][0]) for p in belief.posteriors]
    values, zero, size = _in_units([seen.scores for seen in belief.observed], spread)
    promise = Acquisition(
        name="log expected hypervolume improvement",
        value=partial(_promise, belief.posteriors, values, directions, zero, size),
    )
    near = replace(belief.observed[0], scores=nearness(values, directions))
    return informed_config(
        knowledge, study, belief.posteriors[0], near, rng, acquisition=promise, pool=pool
    )


def active_trials(
    observed: Sequence[Observations], most: int, rng: np.random.Generator
) -> tuple[Observations, ...]:
    """At most so many trials, the same by each objective: as `Observations.active`, the front's."""
    if not len(observed[0].scores):
        return tuple(observed)
    values, _, _ = _in_units([seen.scores for seen in observed], [1.0] * len(observed))
    near = nearness(values, random_directions(len(observed), _FRONT_DIRECTIONS, rng))
    rows = replace(observed[0], scores=near).active_rows(most, rng)
    return tuple(seen.only(rows, most) for seen in observed)


def nearness(values: Floats, directions: Floats) -> Floats:
    """How near trials (n, K) are to the front of them, (n,): 1 = alone on it everywhere."""
    far = reached(values, directions)
    result: Floats = ((far / np.maximum(far.max(axis=0), 1e-12)) ** _SHARP).mean(axis=1)
    return result


def _in_units(scores: Sequence[Floats], spread: Sequence[float]) -> tuple[Floats, Floats, Floats]:
    """Scores in [0, 1] from the reference point on, (n, K); that point and the units, (K,).

    Args:
        scores: By each objective, (n,).
        spread: Units where all scores are alike.
    """
    raised = np.stack([raise_diverged(s) for s in scores], axis=1)
    worst, best = raised.min(axis=0), raised.max(axis=0)
    size = np.where(best > worst, (1.0 + _BELOW) * (best - worst), spread)
    zero = best - size
    return (raised - zero) / size, zero, size


def _promise(
    posteriors: Sequence[Posterior],
    values: Floats,
    directions: Floats,
    zero: Floats,
    size: Floats,
    _posterior: Posterior,
    _observed: Observations,
    unit: Floats,
    _features: Floats,
) -> Floats:
    """An `Acquisition.value` for all posteriors together, (m,)."""
    means, deviations = (
        np.stack(column, axis=1)
        for column in zip(*(p.predict(unit) for p in posteriors), strict=True)
    )
    return log_hypervolume_gain((means - zero) / size, deviations / size, values, directions)
