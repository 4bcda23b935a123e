"""Steps: where a config would repeat the score of a good trial that was made already.

Scores that are shares of few rows, rounded, or the same for all values of a parameter that does not
matter are staircases: beside a trial lies a step on which everything has that trial's score to the
last bit. Nothing is gained there, however much a process hopes for that believes in slopes, and a
search that follows it stands still: on recorded tasks that were asked at any config (the value of
the nearest recorded one), 25 of 30 trials had the score of the best. How far the steps of a study
reach is seen from its own trials alone, so cold trials may know it:

    logit P(tie | distance) = k (1 - distance / reach)                                    # eq. (1)

fitted to each trial of the better half and its nearest other one. Where no two of those have the
same score the reach is 0 and nothing changes. What is bad and flat does not count: nobody is sent
there, and one that returns the same bad value wherever it diverges has no steps where it is good.

As for failures, a log chance is not enough where a repetition is almost sure: log improvements
differ by dozens. Regret with steps less regret without, 20 development tasks each, one seed, paired
(standard errors in brackets), after 10 / 20 / 30 trials:

    staircase-mindware   -.043 (.029)  -.165 (.047)  -.178 (.044)
    staircase-zap        -.044 (.018)  -.066 (.022)  -.079 (.024)

Eight and ten of these tasks were run with an earlier form, fitted to all trials, and chose between
two forms: a chance that falls off from distance 0 on, without that limit, did half as well.

Shapes: n scored trials, m candidates, d unit columns.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_expit

from autometa.encoding import Floats

_REACHES = np.geomspace(0.01, 4.0, 40)  # tried, in unit columns
_STEEP = 6.0  # k
_HOPELESS, _PENALTY = 0.2, 100.0  # of a change


class Steps:
    """See the module.

    Args:
        unit: Unit configs of the scored trials, (n, d), n >= 1.
        scores: Their scores, higher is better, (n,).
    """

    def __init__(self, unit: Floats, scores: Floats) -> None:
        good = scores >= np.sort(scores)[len(scores) // 2]  # no mean of two, which may overflow
        self._good = unit[good]
        self.reach = _reach(unit, scores, np.flatnonzero(good))

    def log_change(self, unit: Floats) -> Floats:
        """Log chance (m,) that candidates (m, d) do not repeat the nearest good trial's score.

        Far lower still where that is under one in five.
        """
        if not self.reach:
            return np.zeros(len(unit))
        away = _distances(unit, self._good).min(axis=1)
        change = log_expit(-_logit(away, self.reach))
        result: Floats = change - _PENALTY * (change < np.log(_HOPELESS))
        return result


def _reach(unit: Floats, scores: Floats, good: np.ndarray[tuple[int], np.dtype[np.intp]]) -> float:
    """The most likely reach of eq. (1), 0 without a tie."""
    if len(np.unique(scores[good])) == len(good):
        return 0.0
    away = _distances(unit[good], unit)
    away[np.arange(len(good)), good] = np.inf
    tied = scores[good] == scores[away.argmin(axis=1)]
    if not tied.any():
        return 0.0
    logit = _logit(away.min(axis=1), _REACHES[:, None])
    likelihood = np.where(tied, log_expit(logit), log_expit(-logit)).sum(axis=1)
    return float(_REACHES[likelihood.argmax()])


def _logit(distance: Floats, reach: float | Floats) -> Floats:
    result: Floats = _STEEP * (1.0 - distance / reach)
    return result


def _distances(a: Floats, b: Floats) -> Floats:
    square = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2.0 * a @ b.T
    result: Floats = np.sqrt(np.maximum(square, 0.0))
    return result
