"""Transfer: everything that was learned from the prior tasks of one space, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

from autometa.meta.parts.basis import Basis
from autometa.meta.parts.catalogue import Catalogue
from autometa.meta.parts.feasibility import FailureRate
from autometa.meta.parts.inner_rate import RateModel
from autometa.meta.parts.kernel import Kernel
from autometa.meta.parts.prior import HeadPrior
from autometa.meta.parts.similarity import Similarity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transfer:
    """What a meta-model knows.

    Args:
        basis: phi, see `basis`.
        prior: N(m, S) over heads and the T prior tasks' heads, see `prior`.
        residual: Kernel of what the basis leaves over.
        cold: Kernel of a Gaussian process without transfer, its scales learned on prior tasks.
        log_slope: Mean and standard deviation over prior tasks of the log of a normal score's
            worth in the task's own metric.
        similarity: How meta-features weigh the prior tasks in the mean head.
        failure: How often configs fail on prior tasks.
        catalogue: Configs that are among the best of some prior task.
        rates: Which inner learning rates are best; None where the space has none.
    """

    basis: Basis
    prior: HeadPrior
    residual: Kernel
    cold: Kernel
    log_slope: tuple[float, float]
    similarity: Similarity
    failure: FailureRate
    catalogue: Catalogue
    rates: RateModel | None = None
