"""What a config costs in seconds, and what it promises for them.

Log seconds have a posterior of their own on the study's trials that have ended, by the prior tasks'
log seconds where these are known: the trials correct how long all configs take, and how much longer
some of them. The acquisition is then divided by the expected seconds (Snoek, Larochelle, Adams,
"Practical Bayesian optimization of machine learning algorithms", 2012) to a power: a whole second
counts at power 1, which tries what is cheap for ever where the best configs are dear.
A cold trial knows the study's own seconds only.

Shapes: t timed trials, m configs, d unit columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.meta.cost_model import CostModel
from autometa.meta.inference.hypotheses import Hypothesis
from autometa.meta.inference.posterior import Posterior
from autometa.meta.spaces.study_space import StudySpace
from autometa.suggest.acquisition import Acquisition, numeric_slope
from autometa.suggest.configs import belief_of
from autometa.suggest.known_spaces import KnownSpaces
from autometa.suggest.observations import Observations

LogSeconds: TypeAlias = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What prior tasks say of seconds.

    Args:
        knowledge: In the columns of a study's space; None where none of them knows its seconds.
        relevance: Weights of the prior tasks before any trial, (T,).
    """

    knowledge: KnownSpaces | None
    relevance: Floats | None

    @classmethod
    def of(cls, model: CostModel, features: Mapping[str, float]) -> Cost:
        """Of a model, for a task with these meta-features."""
        if model.seconds.transfer is None:
            return cls(knowledge=None, relevance=None)
        return cls(
            knowledge=KnownSpaces(model.seconds),
            relevance=model.seconds.task_relevance(features),
        )


def log_seconds(
    cost: Cost | None,
    study: StudySpace,
    timed: Observations,
    hypotheses: tuple[Hypothesis, ...],
) -> LogSeconds | None:
    """What log seconds are expected of unit configs (m, d) -> (m,); None before the first trial.

    Args:
        cost: What prior tasks say; None of a cold trial.
        study: The study's space.
        timed: The trials that have ended, a score being minus the log of the seconds.
        hypotheses: Readings that compete.
    """
    if not len(timed.scores):
        return None
    known, relevance = (None, None) if cost is None else (cost.knowledge, cost.relevance)
    posterior, _ = belief_of(known, study, timed, hypotheses, relevance)
    return partial(_expected, posterior)


def per_second(acquisition: Acquisition, expected: LogSeconds, power: float) -> Acquisition:
    """An acquisition for the seconds that a config takes, to a power.

    Raises:
        InputError: a negative power.
    """
    if power < 0.0:
        raise InputError(f"power {power}", allowed="0 or more")
    return replace(
        acquisition,
        name=f"{acquisition.name} per second",
        value=partial(_value, acquisition, expected, power),
        slope=None if acquisition.slope is None else partial(_slope, acquisition, expected, power),
    )


def _expected(posterior: Posterior, unit: Floats) -> Floats:
    return -posterior.predict(unit)[0]


def _value(
    acquisition: Acquisition,
    expected: LogSeconds,
    power: float,
    posterior: Posterior,
    observed: Observations,
    unit: Floats,
    features: Floats,
) -> Floats:
    return acquisition.value(posterior, observed, unit, features) - power * expected(unit)


def _slope(
    acquisition: Acquisition,
    expected: LogSeconds,
    power: float,
    posterior: Posterior,
    observed: Observations,
    unit: Floats,
) -> tuple[Floats, Floats]:
    assert acquisition.slope is not None
    value, slope = acquisition.slope(posterior, observed, unit)
    seconds, dearer = numeric_slope(expected, unit)
    return value - power * seconds, slope - power * dearer


def timed_trials(unit: Floats, seconds: Floats) -> Observations:
    """Trials (t, d) and their seconds, (t,), positive, as `log_seconds` takes them."""
    return Observations.of(unit, -np.log(seconds))
