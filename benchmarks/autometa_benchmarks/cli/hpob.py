"""`autometa bench hpob`: HPO-B-v3 for whoever has its files, beside published numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from autometa.cli.bench import journal_of, parts, show_results
from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, show_table
from autometa.cli.progress import note, progress
from autometa.errors import InputError

if TYPE_CHECKING:
    from autometa.bench.suite import Split

_SUITES = {"discrete": "hpob", "continuous": "hpob-continuous"}
_METHODS = "autometa,random,cold-tpe,cold-gp,enqueue3-gp"


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("hpob")(hpob)


def hpob(
    data: DataOption = None,
    protocol: Annotated[
        str,
        typer.Option(help="discrete: choose among recorded configs; continuous: surrogates."),
    ] = "discrete",
    methods: Annotated[str, typer.Option(help="Methods, separated by commas.")] = _METHODS,
    spaces: Annotated[
        str, typer.Option(help="Only these of the 16 spaces, separated by commas.")
    ] = "",
    split: Annotated[
        str, typer.Option(help="test, or development: the meta-validation data sets.")
    ] = "test",
    seeds: Annotated[int, typer.Option(help="The first of the five given.", min=1, max=5)] = 5,
    suggestions: Annotated[
        int, typer.Option(help="After the five given configs.", min=1, max=100_000)
    ] = 100,
    evaluations: Annotated[
        int, typer.Option(help="Random ones of every prior data set.", min=1)
    ] = 1_000,
    into: Annotated[
        Path | None,
        typer.Option(help="Results file (JSON); a journal of finished cells lies next to it."),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes, each with one thread.", min=1)] = 1,
    output: FormatOption = Format.TABLE,
) -> None:
    """Run methods on HPO-B-v3, from the five configs that each of its seeds gives.

    Finished cells are kept: stop it when you like, and the same command goes on from there.
    """
    from autometa.bench import run, show, suites
    from autometa.bench.suite import SPLITS
    from autometa_benchmarks import hpob_published
    from autometa_benchmarks.suites.hpob import GIVEN

    for what, given, allowed in (("protocol", protocol, (*_SUITES,)), ("split", split, SPLITS)):
        if given not in allowed:
            raise InputError(f"{what} {given!r}", allowed=", ".join(allowed))
    suite = _SUITES[protocol]
    tasks = _of_spaces(suites.load(suite, data), parts(spaces), split)
    with progress("cells") as bar:
        results = run(
            suite,
            parts(methods),
            data=data,
            split=cast("Split", split),
            tasks=tasks,
            seeds=range(seeds),
            trials=GIVEN + suggestions,
            evaluations=evaluations,
            cells=None if into is None else journal_of(into, suite),
            workers=workers,
            progress=lambda done, total, cell: bar(
                suite, done, total, f"{cell.method} on {cell.task}"
            ),
            message=note,
        )
    results["hpob"] = hpob_published.beside(results)
    if into is not None:
        show.save(results, into)
    show_results(results, output)
    if output is not Format.JSON:
        _show(results["hpob"])


def _of_spaces(suite: Any, spaces: tuple[str, ...], split: str) -> tuple[str, ...]:
    """Names of the tasks of some spaces, in a split."""
    listed = [t.name for t in suite.tasks if t.split == split]
    known = list(dict.fromkeys(name.partition("/")[0] for name in listed))
    unknown = [space for space in spaces if space not in known]
    if unknown or not listed:
        raise InputError(
            f"space {unknown[0]!r}" if unknown else f"no data sets of split {split!r}",
            allowed=", ".join(known),
        )
    return tuple(name for name in listed if not spaces or name.partition("/")[0] in spaces)


def _show(found: dict[str, Any]) -> None:
    columns = ["method", *(f"@{n}" for n in found["suggestions"])]
    rows = [[name, *row] for name, row in found["ours"].items()]
    rows += [[f"{name} (published)", *row] for name, row in found["published"].items()]
    show_table("1 - normalised incumbent, mean over spaces, after k suggestions", columns, rows)
    if found["why"]:
        note(f"published numbers are not shown: {found['why']}")
