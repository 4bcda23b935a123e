"""Average rank over suites: one figure of our method against all others, with intervals.

    python -m autometa_benchmarks.ranks docs/figures/ranks.svg

Within a task the methods are ranked by their regret, the mean over seeds; 1 is best, ties share.
A suite's rank is the mean over its tasks, the figure's the mean over suites, so that one of many
tasks does not rule. The interval is the middle 95 % of 2,000 bootstrap draws of tasks within each
suite (Efron, 1979). Only methods that every one of the suites has are compared.

Shapes: m methods, t tasks of a suite.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from autometa.bench import show
from autometa.encoding import Floats
from autometa.plots import check_figure_name, save_figure

ROOT = Path(__file__).parents[2]
SUITES = ("lcbench", "lcbench-100", "rbv2_xgboost", "rbv2_xgboost-100", "mindware")
CHECKPOINTS = (1, 3, 5, 10, 20, 30, 50)
_DRAWS = 2000
_TIE = 6  # digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Average ranks over suites.

    Args:
        methods: m names.
        checkpoints: Numbers of trials.
        mean: (m, checkpoints).
        low: Lower ends of the 95 % intervals, the same shape.
        high: Upper ends.
    """

    methods: tuple[str, ...]
    checkpoints: tuple[int, ...]
    mean: Floats
    low: Floats
    high: Floats


def average_ranks(
    suites: Sequence[Mapping[str, Any]],
    checkpoints: Sequence[int] = CHECKPOINTS,
    *,
    rng: np.random.Generator,
) -> Ranks:
    """Of results as `autometa bench` writes them.

    Args:
        suites: Results of each suite.
        checkpoints: Numbers of trials; a suite that lacks one counts with its next smaller one.
        rng: Draws the bootstrap's tasks.
    """
    shared = [
        name
        for name in suites[0]["methods"]
        if all(name in s["methods"] and s["methods"][name]["complete"] for s in suites)
    ]
    ranks = [_of_suite(s, shared, checkpoints) for s in suites]  # each (m, t, checkpoints)
    draws = np.stack(
        [
            np.mean(
                [r[:, rng.integers(r.shape[1], size=r.shape[1])].mean(1) for r in ranks], axis=0
            )
            for _ in range(_DRAWS)
        ]
    )
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    mean = np.mean([r.mean(1) for r in ranks], axis=0)
    return Ranks(
        methods=tuple(shared), checkpoints=tuple(checkpoints), mean=mean, low=low, high=high
    )


def _of_suite(
    results: Mapping[str, Any], methods: Sequence[str], checkpoints: Sequence[int]
) -> Floats:
    """Ranks (m, t, checkpoints) within each task."""
    places = [
        max(i for i, c in enumerate(results["checkpoints"]) if c <= wanted)
        for wanted in checkpoints
    ]
    tables = [results["methods"][m]["per_task"] for m in methods]
    tasks = [task for task in tables[0] if all(task in t for t in tables)]
    regret = np.array([[t[task] for task in tasks] for t in tables], dtype=np.float64)
    found: Floats = rankdata(np.round(regret[:, :, places], _TIE), axis=0)
    return found


def draw(ranks: Ranks, into: Path) -> None:
    """Average rank against trials, a band for the interval; the best is on top.

    Raises:
        InputError: a suffix that is not drawn.
        StoreError: the file cannot be written.
    """
    check_figure_name(into)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axes = figure.subplots()
    for i, name in enumerate(ranks.methods):
        ours = name == "autometa"
        (line,) = axes.plot(
            ranks.checkpoints,
            ranks.mean[i],
            marker="o",
            markersize=3,
            linewidth=2.5 if ours else 1.2,
            label=name,
            zorder=3 if ours else 2,
        )
        color = line.get_color()
        axes.fill_between(ranks.checkpoints, ranks.low[i], ranks.high[i], alpha=0.15, color=color)
    axes.set(
        xscale="log",
        xticks=ranks.checkpoints,
        xticklabels=ranks.checkpoints,
        xlabel="trials",
        ylabel=f"average rank of {len(ranks.methods)}, 1 is best",
        title=story(ranks),
    )
    axes.minorticks_off()
    axes.invert_yaxis()
    axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    save_figure(figure, into)


def story(ranks: Ranks) -> str:
    """Where ours is clearly first, and where it is not, in one line."""
    ours = ranks.methods.index("autometa")
    others = np.delete(np.arange(len(ranks.methods)), ours)
    first = ranks.mean[ours] < ranks.mean[others].min(0)
    lost = [f"@{k}" for k, won in zip(ranks.checkpoints, first, strict=True) if not won]
    return "autometa ranks first " + (
        "at every number of trials" if not lost else "but at " + ", ".join(lost)
    )


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    suites = [show.load(ROOT / "benchmarks" / "results" / f"{name}.json") for name in SUITES]
    ranks = average_ranks(suites, rng=np.random.default_rng(0))
    for name, row in zip(ranks.methods, ranks.mean, strict=True):
        sys.stdout.write(f"{name:<20}" + "".join(f"{v:7.2f}" for v in row) + "\n")
    for path in arguments:
        draw(ranks, Path(path))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
