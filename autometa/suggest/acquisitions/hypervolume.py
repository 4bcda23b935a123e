"""Expected hypervolume improvement of independent normal beliefs of several objectives, in logs.

Notation
    u_k         objective k, higher is better, 0 = the reference point
    w           a unit direction of the positive orthant, W of them
    s_w(u)      = min_k u_k / w_k, how far one gets along w before leaving what u dominates
    s*_w        the largest s_w of the trials so far, at least 0

The hypervolume is, but for a constant, the mean over all w of (s*_w)^K (Golovin and Zhang, "Random
hypervolume scalarizations for provable multi-objective black box optimization", 2020), so that

    E[improvement] ~ mean_w  int_{s*_w}^inf  prod_k P(u_k > w_k t)  K t^(K-1) dt          # eq. (1)

which sees improvements in front of every part of the front. With a single random w it is the
expected improvement of a random scalarisation (Knowles, "ParEGO", 2006; here without its sum).
Everything is summed in logs, which keep a slope where the improvement is tiny (Ament et al., 2023).

Shapes: m candidates, K objectives, n trials, W directions, q nodes of the integral.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from autometa.encoding import Floats

_NODES = np.geomspace(2e-3, 1.6, 16)  # of the integral, beyond s*: fine where it is steep
_ENDS = np.concatenate([[0.0], np.sqrt(_NODES[1:] * _NODES[:-1]), [_NODES[-1]]])


def random_directions(k: int, count: int, rng: np.random.Generator) -> Floats:
    """Random unit directions of the positive orthant, (W, K); of two objectives one a stratum."""
    if k == 2:
        angles = (np.arange(count) + rng.uniform(size=count)) * np.pi / (2 * count)
        angles = np.clip(angles, 1e-3, np.pi / 2 - 1e-3)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    normal = np.abs(rng.standard_normal((count, k))) + 1e-3
    result: Floats = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return result


def reached(values: Floats, directions: Floats) -> Floats:
    """s_w of trials (n, K) along directions (W, K), (n, W), at least 0."""
    result: Floats = np.maximum((values[:, None] / directions).min(axis=2), 0.0)
    return result


def log_hypervolume_gain(
    means: Floats, deviations: Floats, values: Floats, directions: Floats
) -> Floats:
    """Log of eq. (1), up to a constant, (m,).

    Args:
        means: What is believed of candidates, (m, K), in units of u.
        deviations: Its standard deviations, (m, K), positive.
        values: The trials so far, (n, K).
        directions: Along which the gain is measured, (W, K).
    """
    k = means.shape[1]
    best = reached(values, directions).max(axis=0, initial=0.0)
    at = best[:, None] + _NODES  # (W, q)
    total: Floats = np.log(np.diff(_ENDS) * k * at ** (k - 1))[None]  # (1, W, q)
    for j in range(k):
        bar = directions[:, j, None] * at
        z = (means[:, j, None, None] - bar) / deviations[:, j, None, None]
        total = total + log_ndtr(z)
    gains: Floats = np.logaddexp.reduce(total.reshape(len(means), -1), axis=1)
    return gains - float(np.log(len(directions)))
