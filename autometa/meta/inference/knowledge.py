"""What a search knows before its first trial, in the study's own space.

    knowledge(model's transfer, study)   everything that prior tasks taught, see `projection`
    no_knowledge(study)                  nothing: a plain Gaussian process on the unit cube

The second is what a cold trial decides by. Of the prior tasks it takes no number whatever: it is a
function of the study's space alone, so that nothing which they may have got wrong (their optima,
length scales, noise, scales of the metric, candidates and failures) can reach such a trial.

Shapes: d unit columns of the study, e of the prior, p basis functions, k configs of the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autometa.encoding import Floats
from autometa.meta.parts.basis import Basis
from autometa.meta.parts.catalogue import Catalogue
from autometa.meta.parts.feasibility import FailureRate
from autometa.meta.parts.kernel import Kernel, usual_scale
from autometa.meta.parts.prior import HeadPrior
from autometa.meta.parts.projection import project
from autometa.meta.parts.similarity import Similarity
from autometa.meta.parts.transfer import Transfer
from autometa.meta.spaces.study_space import StudySpace
from autometa.space import SearchSpace

_NOISE = 0.01  # of a cold process, in squared standard deviations of the scores
_ANY_SLOPE = (0.0, 1e3)  # centre and spread of the log slope: no scale is more likely than another


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Knowledge:
    """What a posterior and its acquisition start from.

    Args:
        transfer: In the study's columns.
        known: Configs that were among the best of prior tasks, in the study's columns (k, d), NaN
            in columns of which prior tasks know nothing.
        unknown: Share of the study's space, by parameters, that prior tasks know nothing of.
    """

    transfer: Transfer
    known: Floats
    unknown: float


def knowledge(transfer: Transfer, prior: SearchSpace, study: StudySpace) -> Knowledge:
    """What prior tasks taught, for a study of a space of its own.

    Args:
        transfer: In the prior's columns.
        prior: The space of the prior tasks.
        study: The space of the study.
    """
    if study.space == prior:
        return Knowledge(transfer=transfer, known=transfer.catalogue.unit, unknown=0.0)
    catalogue = transfer.catalogue
    best = catalogue.unit[np.argsort(catalogue.regret.mean(axis=1), kind="stable")]
    projection = project(prior, study.space, best)
    residual, cold = transfer.residual, transfer.cold
    return Knowledge(
        transfer=replace(
            transfer,
            basis=replace(transfer.basis, projection=projection),
            # Each parameter is taken to explain its share of a normal score's variance.
            residual=replace(
                residual,
                scales=projection.scales(residual.scales),
                variance=residual.variance + projection.unknown,
            ),
            cold=replace(cold, scales=projection.scales(cold.scales)),
        ),
        known=projection.back(catalogue.unit),
        unknown=projection.unknown,
    )


def no_knowledge(study: StudySpace) -> Knowledge:
    """A search that knows the ranges of its parameters and nothing else."""
    d = study.space.dim
    kernel = Kernel(scales=np.full(d, usual_scale(d)), variance=1.0, noise=_NOISE)
    nothing = np.zeros((0, d))
    constant = Basis(layers=((np.zeros((d, 0), np.float32), np.zeros(0, np.float32)),))
    return Knowledge(
        transfer=Transfer(
            basis=constant,
            prior=HeadPrior(mean=np.zeros(1), cov=np.eye(1), noise=_NOISE, heads=np.zeros((1, 1))),
            residual=kernel,
            cold=kernel,
            log_slope=_ANY_SLOPE,
            similarity=Similarity(names=(), values=np.zeros((1, 0)), width=1.0, share=0.0),
            failure=FailureRate(weights=np.zeros(0), rate=0.0),
            catalogue=Catalogue(
                judges=np.zeros(0, dtype=np.int64),
                unit=nothing,
                scores=np.zeros((0, 0)),
                regret=np.zeros((0, 0)),
            ),
        ),
        known=nothing,
        unknown=1.0,
    )
