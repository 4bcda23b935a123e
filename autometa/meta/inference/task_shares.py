"""Task shares: which of the judging prior tasks the trials so far speak for.

Each judge's opinion of the configs that were tried is fitted to their scores by a line that rises,

    y = a + b s_j + noise,    b >= 0,    share_j ~ (1 - R_j^2)^(-(n - 2) / 2)              # eq. (1)

with R_j^2 the variance that judge j explains: the likelihood of a regression whose line and noise
are free. Shares are equal until there are three trials, as two points lie on a line of any judge
that has their order right. Of a config in the catalogue a judge's opinion is that of its own trees,
of any other that of its head (as in ranking-weighted ensembles, Feurer et al., 2018).

Shapes: n scored trials, J judges, k configs of the catalogue, d unit columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.standard import standardise
from autometa.meta.parts.transfer import Transfer

_LEAST = 3  # trials
_UNEXPLAINED = 0.1  # of the variance, at least: opinions are noisy, and the best fit is chosen
_TINY = 1e-9


def task_shares(
    transfer: Transfer, unit: Floats, scores: Floats, listed: NDArray[np.bool_]
) -> Floats:
    """Shares of the judges (J,), summing to one.

    Args:
        transfer: What was learned from prior tasks.
        unit: Unit configs of the trials, (n, d).
        scores: Their scores, higher is better, (n,), finite.
        listed: Which config of the catalogue each trial is, if any, (k, n).
    """
    catalogue = transfer.catalogue
    judges, n = len(catalogue.judges), len(scores)
    if n < _LEAST:
        return np.full(judges, 1.0 / judges)
    opinions = transfer.basis(unit) @ transfer.prior.heads[catalogue.judges].T
    known = listed.any(axis=0)
    opinions[known] = catalogue.scores[listed.argmax(axis=0)[known]]
    x = opinions - opinions.mean(axis=0)
    y = standardise(scores).z[:, None]  # its mean is 0
    slope = np.maximum((x * y).sum(axis=0) / np.maximum((x**2).sum(axis=0), _TINY), 0.0)
    unexplained = ((y - slope * x) ** 2).sum(axis=0) / max(float((y**2).sum()), _TINY)
    logs = -0.5 * (n - 2) * np.log(np.maximum(unexplained, _UNEXPLAINED))
    shares = np.exp(logs - logs.max())
    result: Floats = shares / shares.sum()
    return result
