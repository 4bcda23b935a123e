"""A study that a prior is given to: its space and its sampler."""

from __future__ import annotations

from collections.abc import Mapping

import optuna
from optuna.samplers import BaseSampler

from autometa.errors import AutometaError, InputError
from autometa.samplers.sampler import MetaSampler
from autometa.samplers.study_feedback import TASK
from autometa.space import SearchSpace
from autometa.space.choices import usable
from autometa.space.rates import as_space

_NO_MODEL = (
    *("TPESampler", "NSGAIISampler", "NSGAIIISampler", "RandomSampler", "GridSampler"),
    *("BruteForceSampler", "QMCSampler"),
)


def own_space(study: optuna.Study) -> SearchSpace | None:
    """What a study tunes, as far as it says so; None where it has neither a note nor trials."""
    noted = study.user_attrs.get(TASK)
    if isinstance(noted, Mapping):
        try:
            return SearchSpace.from_json(noted.get("space", {}))
        except AutometaError:
            pass  # anyone may write attributes
    distributions = {}
    for trial in study.get_trials(deepcopy=False):
        distributions.update(trial.distributions)  # the latest range of each
    plain = {n: usable(n, d) for n, d in distributions.items()}
    known = {n: d for n, d in plain.items() if d is not None}
    return as_space(known) if known else None


def base_of(study: optuna.Study) -> BaseSampler | None:
    """The study's own sampler where it goes on as the cold arm, None where ours is as good.

    Raises:
        InputError: it holds parameters fixed, which only it can go on doing.
    """
    sampler = study.sampler
    if isinstance(sampler, optuna.samplers.PartialFixedSampler):
        raise InputError(
            "a study whose sampler holds parameters fixed",
            allowed="any other sampler",
            do="study.sampler = PartialFixedSampler(fixed, autometa.MetaSampler(prior)) does both",
        )
    if isinstance(sampler, MetaSampler) or type(sampler).__name__ in _NO_MODEL:
        return None
    return sampler
