"""Hypotheses: readings of the model in `posterior` that stand side by side until trials decide.

What prior tasks taught of noise is believed up to a tenth of the variance of normal scores. Log
evidence of random trials of development tasks, less that of noise believed up to a fiftieth only
(12 tasks a line, three draws each; LightGBM is users' own objectives on tables):

    trials              the first hypothesis      all that ask prior tasks
                          8     16     32           8     16     32
    LightGBM            .32    .43   1.01         .07    .04    .15
    lcbench             .56   1.45   5.25         .00    .06    .15
    rbv2_xgboost        .00    .00    .01         .00    .00    .00
    mindware            .72   2.30   5.27         .08    .21    .00
    zap                 .25    .99   3.06         .03    .06    .05

Believed without a limit it costs .14 on mindware after 32 trials. Regret of searches, less that
with the lower limit (paired over 12 pairs of space and table with three seeds each, 32 searches on
the others; standard errors in brackets), after 10 / 15 / 20 / 25 trials, elsewhere 30 for the last:

    LightGBM            -.010 (.033)  -.034 (.029)  -.045 (.029)  -.051 (.023)
    lcbench              .003 (.008)  -.004 (.011)  -.007 (.008)
    rbv2_xgboost        -.002 (.002)  -.006 (.006)  -.002 (.004)
    staircase-mindware  -.042 (.032)  -.007 (.029)  -.006 (.024)   .002 (.025)
    staircase-zap        .010 (.014)  -.021 (.014)  -.015 (.016)  -.017 (.017)

Where the new task has no noise and twenty made prior tasks taught .16 of it, the higher limit costs
.06 of what the start leaves after 8 trials, .03 after 15, and nothing from 20 on (14 searches).
(On the first, most of what was tried gained nearly as much: the search before may have been unlucky
there.) Tried beside it and not kept, as the gain was noise or was paid for elsewhere: less weight
for readings with more variance (lcbench .053 (.018) worse after 10 trials), none of sixteenfold
variance before 8 trials (staircase-mindware .026 (.017) after 8), and a kernel fitted to the
residual from 8 trials on in the place of 12 (rbv2_xgboost -.011 (.005) after 20, level on the other
four).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from autometa.meta.parts.kernel import Kernel

Arm: TypeAlias = Literal["transfer", "cold"]

_NOISE_FLOOR, _NOISE_CAP, _NOISY = 1e-3, 0.1, 0.2


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
