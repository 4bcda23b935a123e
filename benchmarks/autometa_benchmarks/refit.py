"""What one more task costs: `MetaLearner.refit` beside a whole fit, on all tasks of a suite.

Seconds are of the machine at hand, in the time of this process alone; their ratio is what counts.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from autometa.bench import suites
from autometa.bench.provenance import commit, versions
from autometa.errors import InputError
from autometa.portfolio import Portfolio

_ADDED = 3  # tasks that are added, one at a time, each to all others


def measure(suite: str, data: Path | None, *, evaluations: int, seed: int = 0) -> dict[str, Any]:
    """Fit all tasks but one, then refit with it; for a few tasks in turn.

    Args:
        suite: Name of a suite whose tasks share a space.
        data: Root of the public data.
        evaluations: Of every task.
        seed: Of the evaluations and the model.

    Raises:
        InputError: an unknown suite, or one without prior tasks enough.
    """
    from autometa.meta import MetaLearner

    loaded = suites.load(suite, data)
    # Each fold's prior leaves that fold out; together they are all development tasks.
    folds = dict.fromkeys(t.fold for t in loaded.tasks)
    known = {h.task.name: h for f in folds for h in loaded.prior(f, evaluations, seed).histories}
    every = Portfolio(known.values())
    if len(every) <= _ADDED:
        raise InputError(f"suite {suite!r} with {len(every)} prior tasks", allowed="a larger one")
    learner, rows = MetaLearner(seed=seed), []
    for task in every.tasks[:_ADDED]:
        before = time.process_time()
        model = learner.fit(every.without([task.name]))
        between = time.process_time()
        more = learner.refit(model, every)
        rows.append((between - before, time.process_time() - between))
        assert len(more.tasks) == len(model.tasks) + 1
    fits, refits = zip(*rows, strict=True)
    return {
        "suite": suite,
        "commit": commit(),
        "versions": versions(),
        "tasks": len(every),
        "evaluations": evaluations,
        "fit_seconds": [round(s, 3) for s in fits],
        "refit_seconds": [round(s, 3) for s in refits],
        "ratio": round(sum(fits) / sum(refits), 2),
    }
