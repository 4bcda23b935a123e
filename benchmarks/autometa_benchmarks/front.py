"""What the front page shows of the results: three suites by five methods, and models from tables.

    regret   mean normalised regret after few, some and many trials; 0 the best known config, 1 a
             median one
    automl   what was lost to untuned defaults, mean rank of each program, and how often our model
             was the better one

Both are made from the files of `results/`, as all pages are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

SUITES: Mapping[str, str] = {
    "lcbench-100": "networks",
    "rbv2_xgboost-100": "XGBoost",
    "mindware": "scikit-learn's children",
}
METHODS: Mapping[str, str] = {
    "autometa": "autometa",
    "enqueue3-gp": "a greedy list's first three configs, then Optuna's GPSampler",
    "cold-gp": "Optuna's GPSampler",
    "cold-tpe": "Optuna's TPE",
    "random": "random search",
}
TRIALS = (3, 10, 50)


def regret(results: Path) -> str:
    """A row a method, a column a suite: regret after `TRIALS`, the least in bold."""
    files = {suite: _read(results / f"{suite}.json") for suite in SUITES}
    found = {
        (method, suite): [
            file["methods"][method]["mean_regret"][file["checkpoints"].index(k)] for k in TRIALS
        ]
        for suite, file in files.items()
        for method in METHODS
    }
    best = {s: [min(found[m, s][i] for m in METHODS) for i in range(len(TRIALS))] for s in SUITES}
    after = " / ".join(f"@{k}" for k in TRIALS)
    rows = [
        f"| regret {after} | " + " | ".join(_title(s, files[s]) for s in SUITES) + " |",
        "|---|" + "---|" * len(SUITES),
    ]
    for method, name in METHODS.items():
        cells = (
            " / ".join(_bold(v, v == b) for v, b in zip(found[method, s], best[s], strict=True))
            for s in SUITES
        )
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def automl(results: Path) -> str:
    """What was lost; a row a program at each time: its mean rank, and the share that we win."""
    file = _read(results / "automl.json")
    tables = [part for at in file["times"] for part in (_lost(at), _automl_at(at))]
    return "\n\n".join([*tables, *_commits(file.get("cells", ()))]) + "\n"


def _lost(at: Mapping[str, Any]) -> str:
    """On how many tables the best untuned default was better, and where by more than .01."""
    behind = at.get("behind_defaults", ())
    far = [(b["table"], b["default"] - b["ours"]) for b in behind]
    named = [f"`{table}` by {lost:.3f}".replace("0.", ".") for table, lost in far if lost > 0.01]
    said = f"The best of four untuned defaults was better on {len(behind)} of {at['tables']} tables"
    return f"{said}, by more than .01 on {len(named)}{': ' * bool(named)}{', '.join(named)}."


def _commits(cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line: which commits made our cells, and those of the others."""
    made: dict[str, set[str]] = {}
    for cell in cells:
        whose = "ours" if cell["system"].startswith("autometa") else "the others"
        made.setdefault(whose, set()).add(cell["commit"])
    if made:
        each = (f"{whose}: commit {', '.join(sorted(found))}" for whose, found in made.items())
        yield f"({'; '.join(sorted(each, reverse=True))})"


def _automl_at(at: Mapping[str, Any]) -> str:
    def rows() -> Iterator[str]:
        when = f"{at['seconds']:g} s, {at['tables']} tables"
        yield f"| {when} | mean rank | we win / tie / lose, share | seconds |"
        yield "|---|---:|---|---:|"
        for row in at["rows"]:
            wins = row.get("wins")
            said = "" if wins is None else f"{wins['won']} / {wins['tied']} / {wins['lost']}"
            if wins is not None:
                said += f", {wins['share']:.2f} [{wins['low']:.2f}, {wins['high']:.2f}]"
            took = "-" if row["median_took"] is None else f"{row['median_took']:g}"
            yield f"| {row['system']} | {row['rank']:.2f} | {said} | {took} |"

    return "\n".join(rows())


def _title(suite: str, file: Mapping[str, Any]) -> str:
    return f"{SUITES[suite]} (`{suite}`, {len(file['tasks'])} tasks)"


def _bold(value: float, best: bool) -> str:
    return f"**{value:.3f}**" if best else f"{value:.3f}"


def _read(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
