"""`autometa bench automl`: models in a given time, beside what people use today."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autometa.cli.bench import one_of, parts
from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import note
from autometa.errors import InputError


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("automl")(automl)


def automl(
    into: Annotated[Path, typer.Option(help="Results (JSON); finished cells lie next to it.")],
    times: Annotated[str, typer.Option(help="Seconds, separated by commas.")] = "30,120",
    seeds: Annotated[int, typer.Option(help="Number of seeds: 0, 1, ...", min=1)] = 3,
    tables: Annotated[str, typer.Option(help="Names of tables, separated by commas.")] = "",
    count: Annotated[int, typer.Option(help="Tables of the protocol at most.", min=1)] = 32,
    systems: Annotated[
        str, typer.Option(help="Systems, separated by commas; all by default.")
    ] = "",
    python: Annotated[
        list[str] | None,
        typer.Option(help="NAME=PATH of an environment's Python: flaml=..., autogluon=..."),
    ] = None,
    metric: Annotated[str, typer.Option(help="Of classifications.")] = "balanced_accuracy",
    pin: Annotated[bool, typer.Option(help="Keep each system to one core.")] = True,
    figure: Annotated[Path | None, typer.Option(help="Figure to write.")] = None,
    data: DataOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Give every system the same rows and seconds, and score it on rows that none has seen.

    Finished cells are kept: stop it when you like, and the same command goes on from there.
    """
    import json

    from autometa.bench.data import folder
    from autometa.bench.provenance import commit, versions
    from autometa.writing import write_whole
    from autometa_benchmarks.automl import protocol, running
    from autometa_benchmarks.automl.figure import draw
    from autometa_benchmarks.automl.summary import summarise
    from autometa_benchmarks.automl.systems import SYSTEMS, interpreters

    for path in (into, figure):
        check_writable(path)
    chosen = parts(systems) or tuple(SYSTEMS)
    for name in chosen:
        one_of("system", name, tuple(SYSTEMS))
    pythons = interpreters(_pythons(python or []), [SYSTEMS[name] for name in chosen])
    for name, found in pythons.items():
        if isinstance(found, str):
            note(f"{name} is left out: {found}")
    where = folder(data, "tables")
    jobs = list(
        protocol.jobs(
            protocol.chosen_tables(where, parts(tables), count), chosen, seeds, _seconds(times)
        )
    )
    cells = running.run(
        jobs,
        pythons,
        where,
        into.with_suffix(".cells.jsonl"),
        metric=metric,
        pinned=pin,
        told=lambda job, cell: note(f"{job.key}: {_said(cell)}"),
    )
    results: dict[str, Any] = {
        "suite": "automl",
        "commit": commit(),
        "versions": versions(),
        **summarise(cells),
        "cells": cells,
    }
    write_whole(into, json.dumps(results, indent=1))
    if figure is not None:
        draw(results, figure)
    if output is Format.JSON:
        show_json({k: v for k, v in results.items() if k != "cells"})
    else:
        _show(results)


def _pythons(given: list[str]) -> dict[str, Path]:
    pairs = [text.partition("=") for text in given]
    if wrong := [text for text, (_, sign, path) in zip(given, pairs, strict=True) if not path]:
        raise InputError(f"--python {wrong[0]}", allowed="NAME=PATH")
    return {name: Path(path) for name, _, path in pairs}


def _seconds(text: str) -> list[float]:
    try:
        found = [float(part) for part in parts(text)]
    except ValueError:
        found = []
    if not found or not all(0 < s < 1e6 for s in found):
        raise InputError(f"--times {text}", allowed="seconds, separated by commas")
    return found


def _said(cell: dict[str, Any]) -> str:
    if "score" in cell:
        return f"{cell['score']} in {cell['took']} s, load {cell['load'][1]}"
    return str(cell.get("missing") or cell.get("error"))


def _show(results: dict[str, Any]) -> None:
    for at in results["times"]:
        show_table(
            f"{at['seconds']:g} s: {at['places']} places of {at['tables']} tables",
            ["system", "rank", "score", "failed", "took", "longest", "we win", "interval"],
            [
                [
                    row["system"],
                    row["rank"],
                    row["score"],
                    row["failed"],
                    row["median_took"],
                    row["longest_took"],
                    row["wins"]["share"] if "wins" in row else None,
                    f"{row['wins']['low']} to {row['wins']['high']}" if "wins" in row else None,
                ]
                for row in at["rows"]
            ],
        )
        for worse in at.get("behind_defaults", [])[:10]:
            note(f"behind an untuned default on {worse['table']}: {worse}")
    for system, why in results["missing"].items():
        note(f"{system} is missing: {why}")
