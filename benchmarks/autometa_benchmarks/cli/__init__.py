"""The commands that the research adds: `autometa loop`, and several below `autometa bench`."""

from __future__ import annotations

import typer

from autometa_benchmarks.cli import (
    automl,
    cash,
    hpob,
    inner,
    loop,
    own_objective,
    priors,
    pruning,
    seconds,
    several,
    start,
)


def register(app: typer.Typer, bench: typer.Typer) -> None:
    """Add the commands to the application and to its group `bench`."""
    loop.register(app)
    for part in (
        priors,
        pruning,
        start,
        inner,
        hpob,
        own_objective,
        several,
        seconds,
        cash,
        automl,
    ):
        part.register(bench)
