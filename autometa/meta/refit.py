"""Refit: a meta-model's knowledge brought up to date, starting from its last state.

    basis                 kept: it serves all tasks, and training it is half of a fit
    heads and their prior EM goes on from the last prior, on the trials of all tasks
    catalogue             kept, with the new tasks' opinions and best configs (`extend_catalogue`)
    kernels, shares and widths of similarity, chances of curves    kept: properties of the family
    log slope, failures, inner rates            computed anew: they are quick

When the basis has grown too old for this, `lineage` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from autometa.meta.data.targets import normal_scores
from autometa.meta.parts.catalogue import extend_catalogue
from autometa.meta.parts.feasibility import fit_failure_rate
from autometa.meta.parts.inner_rate import RateModel, fit_rate_model
from autometa.meta.parts.kernel import fit_kernel
from autometa.meta.parts.prior import fit_prior
from autometa.meta.parts.similarity import Similarity, table
from autometa.meta.parts.transfer import Transfer
from autometa.meta.spaces.candidates import Candidates
from autometa.meta.training_set import TrainingSet
from autometa.space import SearchSpace
from autometa.threads import one_thread

_ROUNDS = 10  # of EM: from the last prior it is close already


def refitted(
    old: Transfer, same: Mapping[int, int], space: SearchSpace, training: TrainingSet, *, seed: int
) -> Transfer:
    """What is known of all tasks, given what was known before some of them.

    Args:
        old: The last state.
        same: Old place -> new place of the tasks whose trials have not changed.
        space: Of all tasks.
        training: Of all tasks, old and new.
        seed: Of everything random.
    """
    rng = np.random.default_rng([seed, len(training)])
    every_phi, phi = training.features(old.basis)
    with one_thread():
        shown = training.observations(old.basis, phi)
        prior = fit_prior(*shown, training.noise, rounds=_ROUNDS, start=old.prior)
        failure = fit_failure_rate(every_phi, training.failed)
        return replace(
            old,
            prior=prior,
            catalogue=extend_catalogue(
                old.catalogue,
                same,
                Candidates(space),
                old.basis,
                prior,
                training.units,
                training.targets,
                training.scores,
                failure,
                rng,
            ),
            log_slope=log_slope(training.worths),
            similarity=_over(old.similarity, training),
            failure=failure,
            rates=rate_model(space, training, seed),
        )


def log_slope(worths: Sequence[float]) -> tuple[float, float]:
    """Mean and spread over tasks of log(metric units a normal score)."""
    logs = [np.log(worth) for worth in worths if worth > 0.0]
    if not logs:
        return 0.0, 3.0
    return float(np.median(logs)), float(max(np.std(logs), 0.5))


def rate_model(space: SearchSpace, training: TrainingSet, seed: int) -> RateModel | None:
    """Which inner learning rates are best; None where the space has none, or no trial used one.

    They are read off the trials' plain ranks, failures being the worst, so its kernel is fitted on
    such: with one of reference scores, which are smoother, intervals covered a tenth less.
    """
    if not space.inner_lr:
        return None
    column = space.names.index(space.inner_lr)
    if not any((~np.isnan(h.raw[:, column])).any() for h in training.histories):
        return None
    rngs = np.random.default_rng([seed, 3]), np.random.default_rng([seed, 1])
    kernel = fit_kernel(training.units, [normal_scores(s) for s in training.scores], rng=rngs[0])
    return fit_rate_model(space, training.histories, kernel, rngs[1])


def _over(old: Similarity, training: TrainingSet) -> Similarity:
    """The same share and width, over the tasks as they are now."""
    return replace(old, values=table(training.meta_features, old.names))
