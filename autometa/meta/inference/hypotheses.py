"""Hypotheses: readings of the model in `posterior` that stand side by side until trials decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from autometa.meta.parts.kernel import Kernel

Arm: TypeAlias = Literal["transfer", "cold"]

_NOISE_FLOOR, _NOISE_CAP, _NOISY = 1e-3, 0.02, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One reading of the model, as factors on what was learned from the prior tasks.

    Args:
        arm: "transfer": the prior tasks' weighted sum plus a residual; "cold": a plain process.
        inflation: Factor on the covariance S of the heads.
        residual: Factor on the kernel's variance.
        scale: Factor on the kernel's length scales.
        noisy: Most of what looks like structure is noise.
        adapted: The kernel is the one that fits this task's own trials best (see `adaptation`).
    """

    arm: Arm
    inflation: float = 1.0
    residual: float = 1.0
    scale: float = 1.0
    noisy: bool = False
    adapted: bool = False

    def noise(self, kernel: Kernel) -> float:
        """Noise variance, in squared normal scores.

        One that prior tasks taught is kept in bounds, as they may be far noisier than this one.
        """
        if self.noisy:
            return _NOISY
        return (
            kernel.noise if self.adapted else float(np.clip(kernel.noise, _NOISE_FLOOR, _NOISE_CAP))
        )


HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis(arm="transfer"),
    Hypothesis(arm="transfer", adapted=True),
    Hypothesis(arm="transfer", residual=4.0),
    Hypothesis(arm="transfer", inflation=4.0, residual=4.0),
    Hypothesis(arm="transfer", noisy=True),
    Hypothesis(arm="transfer", inflation=4.0, residual=16.0, noisy=True),
    Hypothesis(arm="cold"),
    Hypothesis(arm="cold", adapted=True),
    Hypothesis(arm="cold", scale=0.5),
    Hypothesis(arm="cold", scale=2.0),
    Hypothesis(arm="cold", noisy=True),
)
