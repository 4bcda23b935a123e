"""How often a held-out task's trials lie inside the posterior's intervals, and a slow check of it.

    AUTOMETA_COVERAGE_INTO=FILE.json pytest -m slow --timeout 0 tests/meta/test_coverage.py

A third of the families of tables is held out. The posterior of a task knows n of its trials, the
next 35 are asked for. A trial that is far below the good ones counts as an event of the probability
that the posterior gives to all such (it is a censored observation, see `standard`).
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from autometa.encoding import Floats
from autometa.meta import MetaLearner
from autometa.meta.data.standard import raise_diverged
from autometa.meta.data.targets import usable
from autometa.meta.inference.posterior import Posterior
from autometa.meta.parts.transfer import Transfer
from autometa.portfolio import Portfolio
from autometa.task import TaskHistory
from autometa.testing.families import Bowls

CHILDREN = (
    "hist_gradient_boosting",
    "random_forest",
    "svm",
    "linear",
    "k_nearest_neighbors",
    "mlp",
)
KNOWN, ASKED = (3, 5, 10, 30), 35
LEVELS = (0.5, 0.8, 0.9)
GRID = np.linspace(0.025, 0.975, 39)
PARTS = 3


def covered(transfer: Transfer, history: TaskHistory, known: int, seed: int) -> Floats | None:
    """Shares of the asked trials inside the central intervals of each level, (3,)."""
    rows = usable(history)
    unit, scores = history.task.space.encode_raw(history.raw[rows]), history.scores[rows]
    order = np.random.default_rng([seed, known]).permutation(len(scores))
    first, asked = order[:known], order[known : known + ASKED]
    if len(asked) < ASKED or np.ptp(scores[first]) == 0.0:
        return None
    posterior = Posterior(transfer, unit[first], scores[first])
    quantiles = posterior.quantiles(unit[asked], GRID)  # (39, 35)
    low = raise_diverged(scores[first]).min()
    places = np.stack(
        [
            np.interp([max(s, low), low], q, GRID, left=0.0, right=1.0)
            for s, q in zip(scores[asked], quantiles.T, strict=True)
        ]
    )
    top, censored = places[:, 0], scores[asked] <= low
    below = np.where(censored, 0.0, top)
    inside = []
    for level in LEVELS:
        start, stop = 0.5 - level / 2, 0.5 + level / 2
        overlap = np.clip(np.minimum(top, stop) - np.maximum(below, start), 0.0, None)
        part = overlap / np.maximum(top - below, 1e-9)
        inside.append(np.where(top > below, part, (top >= start) & (top <= stop)).mean())
    return np.array(inside)


def part_of(history: TaskHistory) -> int:
    digest = hashlib.sha256(f"coverage:{history.task.family}".encode()).hexdigest()
    return int(digest, 16) % PARTS


def held_out(child: str) -> tuple[Transfer, list[TaskHistory]]:
    """What was learned without some families, and their tasks."""
    histories = list(Portfolio.embedded(child, kind="classification").histories)
    transfer = MetaLearner(seed=0).fit(Portfolio([h for h in histories if part_of(h)])).transfer
    assert transfer is not None
    return transfer, [h for h in histories if not part_of(h)]


@pytest.mark.slow
def test_intervals_cover_what_they_say() -> None:
    into = os.environ.get("AUTOMETA_COVERAGE_INTO")
    children = CHILDREN if into else ("svm", "mlp")
    found: dict[str, dict[int, list[Floats]]] = {c: {n: [] for n in KNOWN} for c in children}
    for child in children:
        transfer, tasks = held_out(child)
        for known in KNOWN:
            shares = [covered(transfer, h, known, seed) for h in tasks for seed in (0, 1)]
            found[child][known] += [s for s in shares if s is not None]
    means = {c: {n: np.mean(shares, axis=0) for n, shares in f.items()} for c, f in found.items()}
    overall = {n: np.mean([means[c][n] for c in children], axis=0) for n in KNOWN}
    if into:
        rows = {**{c: means[c] for c in children}, "all": overall}
        report = {
            "about": __doc__,
            "levels": LEVELS,
            "covered": {
                name: {str(n): np.round(shares, 3).tolist() for n, shares in row.items()}
                for name, row in rows.items()
            },
        }
        Path(into).write_text(json.dumps(report, indent=1) + "\n")
    worst = max(float(np.abs(shares - LEVELS).max()) for shares in overall.values())
    assert worst < (0.05 if into else 0.08), overall


def test_an_interval_holds_the_trials_of_a_new_task_and_quantiles_are_ordered() -> None:
    family = Bowls()
    transfer = MetaLearner(seed=0, steps=100).fit(family.portfolio(10)).transfer
    assert transfer is not None
    inside = []
    for number in range(20, 28):
        unit = family.space.encode_raw(family.space.sample_raw(45, np.random.default_rng(number)))
        scores = 100.0 + 7.0 * family.score(number)(unit)
        posterior = Posterior(transfer, unit[:5], scores[:5])
        low, middle, high = posterior.quantiles(unit[5:], [0.05, 0.5, 0.95])
        assert (low < middle).all()
        assert (middle < high).all()
        bad = scores[5:] <= raise_diverged(scores[:5]).min()  # how bad is not said
        inside.append(((scores[5:] >= low) | bad) & (scores[5:] <= high))
    assert 0.75 < np.mean(inside) <= 1.0


def test_what_is_far_from_all_trials_is_less_sure_and_the_offset_is_part_of_it() -> None:
    """At a trial the offset does not matter; elsewhere its variance is that of kriging."""
    family = Bowls()
    transfer = MetaLearner(seed=0, steps=30).fit(family.portfolio(6)).transfer
    assert transfer is not None
    unit = family.space.encode_raw(family.space.sample_raw(40, np.random.default_rng(1)))
    posterior = Posterior(transfer, unit[:3], family.score(50)(unit[:3]))
    for fit in posterior._fits:
        at_trials = fit.factor @ fit.factor.T
        at_trials[np.diag_indices(3)] -= fit.noise
        assert np.abs(fit.offset_leverage(at_trials)).max() < np.abs(
            fit.offset_leverage(np.zeros((1, 3)))
        )
        assert fit.shares.sum() == pytest.approx(1.0)
    _, near = posterior.predict(unit[:3])
    _, far = posterior.predict(unit[3:])
    assert near.max() < np.median(far)
