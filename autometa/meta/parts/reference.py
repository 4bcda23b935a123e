"""Reference scores: what a value is worth among random configs, whoever chose the trials.

The rank of a value among the trials of its task depends on the company that it was in: a config
that stands out among random ones is mediocre among those of a search that had found the optimum. So
each value is ranked in the distribution that random configs of the space have on the task,
estimated by a small Gaussian process on the task's own trials.

Notation
    u_j, y_j    unit config and score of trial j of the task, j = 1 ... n
    x_k         the common design: M random configs of the space, the same for every task
    mu_k, s_k   mean and standard deviation of a trial's score at x_k, given the trials

    mu'_j, s'_j the same at u_j, given the others   r   in [0, 1], how far the u_j could be random

    P(y) = mean_k Phi((y - mu_k) / s_k)             what the process promises of random configs
    Q(y) = mean_j Phi((y - mu'_j) / s'_j)           what it says of the trials
    E(y) = share of trials below y                  what they were
    F(y) = P(y) + r (E(y) - Q(y)), between P and E;    z_j = Phi^-1(F(y_j))              # eq. (1)

So the trials of a random search keep their ranks, but for the luck of their draw (P - Q is a
control variate); where somebody chose them, the process alone says what others would have been.

The process (`kriging`) works on scores as they are, but for bad ones: those far below the median of
the design are raised (see `standard`), where each x_k counts as the trial nearest to it.

A model's sum corrected by what it gets wrong where the truth is known: Cassel, Särndal, Wretman,
"Some results on generalized difference estimation" (1976).
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from autometa.encoding import Floats
from autometa.meta.data.standard import standardise
from autometa.meta.data.targets import normal_scores
from autometa.meta.parts.kriging import fit_kriging
from autometa.space import SearchSpace

_DESIGN = 256
_MOST_ROWS = 160
_DEPTH = 4.0
_STRICT = 3.0
_LEAST = 4  # trials
_ORDER = 0.02  # weight of the plain rank, which tells apart what is beyond the whole design


def common_design(space: SearchSpace) -> Floats:
    """Unit configs (2 M, d), the same whenever they are asked for."""
    return space.encode_raw(space.sample_raw(2 * _DESIGN, np.random.default_rng(0)))


def reference_scores(unit: Floats, scores: Floats, design: Floats) -> Floats:
    """Eq. (1), (n,), in the order of the scores; plain normal scores of fewer than four trials.

    Args:
        unit: Unit configs of a task's trials, (n, d).
        scores: Higher is better, (n,), finite.
        design: Of the space, see `common_design`; the second half is what random trials look like.
    """
    plain = normal_scores(scores)
    if len(scores) < _LEAST or np.ptp(scores) == 0.0:
        return plain
    design, peers = np.split(design, 2)
    shares = _shares(unit, design)
    known = standardise(scores, weights=shares, depth=_DEPTH).z
    rows = np.argsort(-shares, kind="stable")[:_MOST_ROWS]
    process = fit_kriging(unit[rows], known[rows])
    order = np.argsort(scores)
    at = known[order]
    promised = _below(at, *process.elsewhere(design)).mean(axis=1)
    said = _below(at, *process.left_out()).mean(axis=1)
    seen = 0.5 * (np.sign(scores[order][:, None] - scores[rows]) + 1.0).mean(axis=1)
    random = _randomness(unit, design, peers)
    ranked = ndtr(plain[order])
    share_below = np.clip(
        promised + random * (seen - said),
        np.minimum(promised, ranked),
        np.maximum(promised, ranked),
    )
    limit = 0.5 / len(design)
    found = np.empty(len(scores))
    found[order] = ndtri(np.clip(np.maximum.accumulate(share_below), limit, 1.0 - limit))
    result: Floats = (1.0 - _ORDER) * found + _ORDER * plain
    return result


def _shares(unit: Floats, design: Floats) -> Floats:
    """For which share of the design each trial is the nearest, (n,)."""
    square = (unit**2).sum(axis=1) - 2.0 * design @ unit.T
    return np.bincount(square.argmin(axis=1), minlength=len(unit)) / len(design)


def _randomness(unit: Floats, design: Floats, peers: Floats) -> float:
    """How far trials (n, d) could be random ones, in [0, 1]: do they cover the design as evenly?"""
    n = min(len(unit), len(peers))
    spread = np.linspace(0, len(unit) - 1, n).round().astype(np.int64)
    uneven, usual = ((_shares(x, design) ** 2).sum() for x in (unit[spread], peers[:n]))
    return float(np.clip(1.0 - _STRICT * (1.0 - usual / uneven), 0.0, 1.0))


def _below(scores: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Chances that trials of some configs have less than some scores, (n, M)."""
    result: Floats = ndtr((scores[:, None] - mean) / deviation)
    return result
