"""Transfer: everything that was learned from the prior tasks of one space, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

from autometa.encoding import Floats
from autometa.meta.basis import Basis
from autometa.meta.feasibility import FailureRate
from autometa.meta.kernel import Kernel
from autometa.meta.prior import HeadPrior
from autometa.meta.similarity import Similarity


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
        similarity: How meta-features weigh the prior tasks.
        failure: How often configs fail on prior tasks.
        elite_doubt: Standard deviation of a prior task's prediction at each of `elite`, (e,): small
            where configs like it were really tried.
        elite: Unit configs that are predicted to be among the best of some prior task, (e, d).
    """

    basis: Basis
    prior: HeadPrior
    residual: Kernel
    cold: Kernel
    log_slope: tuple[float, float]
    similarity: Similarity
    failure: FailureRate
    elite: Floats
    elite_doubt: Floats
