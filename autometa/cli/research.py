"""The commands of autometa's own research; without it they say how to get it."""

from __future__ import annotations

from importlib import import_module

import typer

from autometa.bench.research import MORE, PACKAGE, has_research
from autometa.errors import MissingExtraError

OF_BENCH = ("hpob", "inner", "pruning", "record", "refit", "start")
_ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def register(app: typer.Typer) -> None:
    """Add the commands: `loop`, and some to the group `bench`, which is there already."""
    bench = next(g.typer_instance for g in app.registered_groups if g.name == "bench")
    assert bench is not None
    if has_research():
        import_module(f"{PACKAGE}.cli").register(app, bench)
        return
    for group, names in ((app, ("loop",)), (bench, OF_BENCH)):
        for name in names:
            group.command(name, hidden=True, context_settings=_ANYTHING)(_absent)


def _absent(context: typer.Context) -> None:
    raise MissingExtraError(f"{context.command_path} comes with autometa's benchmarks", do=MORE)
