"""Learned inner learning rates: children that adapt in a few steps, and a mother that learns how.

Read in this order: `adapt` (the pure function), `rates`, `maml` (the recipe), `training` (the outer
loop), `fitted` (the result), `few_steps` (it all on real tables). Needs torch; `import autometa`
alone does not load it.

Beside it a law of learning rates for ordinary training: `rate_curve` (how loss depends on the
rate), `rate_law` (what many public runs say), `rate_suggestion` (the call `suggest_lr`), `own_runs`
(what a study of small runs says of a larger one).
"""

from autometa.inner import reptile
from autometa.inner.adapt import adapt, trajectory
from autometa.inner.early import Validation
from autometa.inner.episodes import Episodes
from autometa.inner.few_steps import FewStepClassifier, learn_start, load_start
from autometa.inner.fitted import FittedMAML, Predictor, accuracy
from autometa.inner.maml import MAML
from autometa.inner.own_runs import Extrapolation, extrapolate_lr
from autometa.inner.rates import RateRule
from autometa.inner.stateless import head
from autometa.inner.training import Outer

__all__ = [
    "MAML",
    "Episodes",
    "Extrapolation",
    "FewStepClassifier",
    "FittedMAML",
    "Outer",
    "Predictor",
    "RateRule",
    "Validation",
    "accuracy",
    "adapt",
    "extrapolate_lr",
    "head",
    "learn_start",
    "load_start",
    "reptile",
    "trajectory",
]
