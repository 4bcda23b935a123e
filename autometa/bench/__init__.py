"""Comparisons: suites x methods x one runner, for claims, replays and users' own suites.

    suite       what a suite is: tasks, priors that leave them out, objectives
    method      what a method is: prior tasks in, an Optuna sampler out
    suites/, methods/   by name; `collection`: what other packages bring, autometa's research too
    runner      cells (method, task, seed), resumable                   -> journal
    summary     cells -> results: means, medians, ranks, pairs          -> JSON
    judged      what the best configs turn out to be worth              -> part of the results
    show        results -> tables (show_judged: of judgements); figure: results -> plots
    record_file results of another kind: one record a variant and seed; record_curves: drawn

Layers, each importing only from those to its right: runner > work > cell > pool > method, suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autometa.bench.method import Method as Method
    from autometa.bench.method import Start as Start
    from autometa.bench.runner import run as run

__all__ = ["Method", "Start", "run"]


def __getattr__(name: str) -> Any:
    if name == "run":
        from autometa.bench.runner import run

        return run
    if name in ("Method", "Start"):
        from autometa.bench import method

        return getattr(method, name)
    raise AttributeError(f"module 'autometa.bench' has no attribute {name!r}")
