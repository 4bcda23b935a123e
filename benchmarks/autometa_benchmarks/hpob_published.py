"""HPO-B's published numbers beside ours: 1 - normalised incumbent, mean over means of spaces.

Suggestions are counted after the five given configs. The published numbers were computed from the
authors' own traces. The two protocols cannot be compared with one another, and neither can runs on
fewer spaces or seeds; numbers that others published for six of the spaces are left out for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autometa_benchmarks.suites.hpob import AFTER, GIVEN, SEEDS

_FIRST = (4796, 5527, 5636, 5859, 5860, 5889, 5891, 5906, 5965, 5970, 5971)
SPACES = frozenset(map(str, (*_FIRST, 6766, 6767, 6794, 7607, 7609)))
# Suite -> method -> after each of AFTER.
PUBLISHED: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "hpob": {
        "random": (0.187, 0.140, 0.110, 0.084, 0.069, 0.051),
        "GP": (0.179, 0.105, 0.080, 0.051, 0.035, 0.025),
        "RGPE": (0.140, 0.103, 0.075, 0.054, 0.044, 0.025),
        "deep-kernel GP": (0.182, 0.104, 0.079, 0.049, 0.028, 0.017),
        "FSBO": (0.149, 0.087, 0.061, 0.032, 0.019, 0.012),
    },
    "hpob-continuous": {
        "Vizier": (0.121, 0.101, 0.079, 0.055, 0.035, 0.025),
        "HyperBO": (0.104, 0.070, 0.061, 0.048, 0.037, 0.029),
        "OptFormer-EI": (0.081, 0.048, 0.037, 0.028, 0.023, 0.020),
    },
}


def over_spaces(results: Mapping[str, Any]) -> dict[str, list[float]]:
    """Method -> mean over the means of the spaces, at the results' checkpoints; complete ones only.

    Args:
        results: Of a run of `hpob` or `hpob-continuous`.
    """
    found = {}
    for method, measured in results["methods"].items():
        spaces: dict[str, list[list[float]]] = {}
        for task, row in measured["per_task"].items():
            spaces.setdefault(task.partition("/")[0], []).append(row)
        if measured["complete"]:
            means = [np.mean(rows, axis=0) for rows in spaces.values()]
            found[method] = [round(float(value), 5) for value in np.mean(means, axis=0)]
    return found


def beside(results: Mapping[str, Any]) -> dict[str, Any]:
    """The part `hpob` of the results: numbers of suggestions, ours, and what is published.

    `published` is empty where this run cannot be compared with it: `why` says so.
    """
    lacking = SPACES - {task.partition("/")[0] for task in results["tasks"]}
    why = ""
    if results["ran_on"] != "test":
        why = "these are not the test data sets"
    elif set(results["tasks"]) < set(results["split"]["test"]):
        why = "not all test data sets were run"
    elif lacking:
        why = f"{len(lacking)} of its 16 spaces are not there"
    elif len(results["seeds"]) < len(SEEDS):
        why = f"{len(results['seeds'])} of its {len(SEEDS)} seeds were run"
    return {
        "suggestions": [checkpoint - GIVEN for checkpoint in results["checkpoints"]],
        "ours": over_spaces(results),
        "published": {} if why else _at(results),
        "why": why,
    }


def _at(results: Mapping[str, Any]) -> dict[str, list[float | None]]:
    """The published numbers in the columns of the results."""
    columns = [checkpoint - GIVEN for checkpoint in results["checkpoints"]]
    return {
        name: [dict(zip(AFTER, row, strict=True)).get(column) for column in columns]
        for name, row in PUBLISHED[results["suite"]].items()
    }
