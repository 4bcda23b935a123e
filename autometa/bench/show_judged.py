"""What the best configs turned out to be worth, as a Markdown table and as a reliability plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autometa.bench.judged import ALL
from autometa.bench.reliability import BIN_NAMES
from autometa.errors import InputError
from autometa.plots import check_figure_name, save_figure


def judged_markdown(results: Mapping[str, Any]) -> str:
    """One row a space and measure: every method after k trials, then the differences to each."""
    groups = results["judged"]
    first = next(iter(groups.values()))
    reference = results["paired"].get("reference", "")
    parts = ["judged on what tuning never saw, after k trials", _worth(groups, first["methods"])]
    for other, between in first["against"].items():
        parts.append(f"{reference} less {other}, with 95 % intervals over families")
        parts.append(_gaps(groups, other, list(between)))
    return "\n\n".join(parts)


def _worth(groups: Mapping[str, Any], methods: Mapping[str, Any]) -> str:
    columns = [(m, k) for m, found in methods.items() for k in found]
    return _table(
        [f"{m} @{k}" for m, k in columns],
        [
            [
                space,
                measure,
                *(_number(found["methods"].get(m, {}).get(k, {}), measure) for m, k in columns),
            ]
            for space, found in groups.items()
            for measure in _measures(found["methods"])
        ],
    )


def _gaps(groups: Mapping[str, Any], other: str, between: Sequence[str]) -> str:
    return _table(
        [f"@{b.replace(' / ', ' - @')}" for b in between],
        [
            [space, measure, *(_interval(gaps[b].get(measure)) for b in between)]
            for space, found in groups.items()
            if (gaps := found["against"].get(other))
            for measure in _measures({other: gaps})
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [["space", "measure", *head], ["---", "---", *("---:" for _ in head)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _measures(methods: Mapping[str, Any]) -> list[str]:
    every = [m for found in methods.values() for at in found.values() for m in at]
    return list(dict.fromkeys(every))


def _number(measured: Mapping[str, float], measure: str) -> str:
    return _rounded(measured[measure]) if measure in measured else "-"


def _rounded(value: float, sign: str = "") -> str:
    return f"{value:{sign}.1f}" if abs(value) >= 100 else f"{value:{sign}.3f}"


def _interval(gap: Mapping[str, float | None] | None) -> str:
    """The difference with its interval, where there is one."""
    shown = [
        _rounded(gap[k] or 0.0, "+")
        for k in ("difference", "low", "high")
        if gap is not None and gap[k] is not None
    ]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]" if len(shown) == 3 else (shown or ["-"])[0]


def save_reliability(results: Mapping[str, Any], path: Path) -> None:
    """Draw how often what was predicted happened, one line a method and number of trials.

    Args:
        results: Of a suite that judges class probabilities.
        path: File to write; its suffix decides the kind.

    Raises:
        InputError: results without reliability bins, or a suffix that is not drawn.
        StoreError: the file cannot be written.
    """
    check_figure_name(path)
    judged = results.get("judged", {})
    groups = {name: found["bins"] for name, found in judged.items() if found["bins"]}
    if not groups:
        raise InputError(
            f"results of suite {results['suite']!r} have no reliability bins",
            allowed="results of a suite that judges class probabilities, such as medicine",
        )
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.0 * len(groups), 4.2), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(groups), sharex=True, sharey=True))
    for axes, (name, methods) in zip(panels, groups.items(), strict=True):
        draw_reliability(axes, methods)
        axes.set(title="all children" if name == ALL else name, xlabel="predicted chance")
    panels[0].set_ylabel("share that happened")
    panels[-1].legend(fontsize="small")
    save_figure(figure, path)


def draw_reliability(axes: Any, methods: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw the bins of methods onto matplotlib axes; bins of fewer than 20 rows are left out."""
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for method, found in methods.items():
        for k, binned in found.items():
            if not binned:
                continue
            rows, predicted, observed = (np.array(binned[n]) for n in BIN_NAMES)
            enough = rows >= 20
            axes.plot(
                predicted[enough] / rows[enough],
                observed[enough] / rows[enough],
                marker="o",
                markersize=3,
                label=f"{method}, {k} trials",
            )
