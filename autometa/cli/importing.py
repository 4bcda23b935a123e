"""`autometa portfolio import`: trials that were run elsewhere, in any of the known layouts."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.errors import AutometaError, InputError

if TYPE_CHECKING:
    from autometa.portfolio import Portfolio


class Layout(StrEnum):
    """How a file of trials is laid out."""

    CSV = "csv"
    PARQUET = "parquet"
    MLFLOW = "mlflow"
    WANDB = "wandb"
    HPOB = "hpob"


TABLES = (Layout.CSV, Layout.PARQUET)
# The options that a layout needs, and those that it knows besides.
_NEEDED = {
    Layout.CSV: ("task", "value", "direction", "space"),
    Layout.PARQUET: ("task", "value", "direction", "space"),
    Layout.MLFLOW: ("value", "direction"),
    Layout.WANDB: ("value", "direction"),
    Layout.HPOB: (),
}
_KNOWN = {
    **dict.fromkeys(TABLES, ("state", "fidelity", "seconds", "family", "metric")),
    Layout.MLFLOW: ("task", "space"),
    Layout.WANDB: ("task", "space", "param"),
    Layout.HPOB: ("only",),
}


def import_file(
    file: Annotated[Path, typer.Argument(help="File of trials.")],
    into: Annotated[Path, typer.Option(help="Folder; joins the portfolio there, if any.")],
    layout: Annotated[
        Layout | None, typer.Option(help="Of the file. Default: csv or parquet by its name.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Column (or key) of task names.")] = None,
    value: Annotated[str | None, typer.Option(help="Column (or key) of the metric.")] = None,
    direction: Annotated[str | None, typer.Option(help="maximize or minimize.")] = None,
    space: Annotated[
        Path | None,
        typer.Option(help="JSON file, as of `warm`; mlflow and wandb can infer it."),
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="wandb: a key that was tuned; repeat for several.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="hpob: a space to take; repeat for several.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="Tables: column of states.")] = None,
    fidelity: Annotated[str | None, typer.Option(help="Tables: column of budget shares.")] = None,
    seconds: Annotated[str | None, typer.Option(help="Tables: column of training times.")] = None,
    family: Annotated[str | None, typer.Option(help="Tables: column of task families.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="Tables: what the values measure. Default: value.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the data.")] = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Import trials that were run elsewhere: tables, MLflow, Weights & Biases, HPO-B."""
    from autometa.cli.space_file import read_space
    from autometa.portfolio import Portfolio

    given = {
        "task": task,
        "value": value,
        "direction": direction,
        "space": None if space is None else read_space(space),
        "param": param,
        "only": only,
        "state": state,
        "fidelity": fidelity,
        "seconds": seconds,
        "family": family,
        "metric": metric,
    }
    named = {name: option for name, option in given.items() if option}
    _check_options(file, layout, set(named))
    found = _imported(file, layout, named)
    new = replace(found, licence=licence)
    result = Portfolio.update(into, lambda old: old.merge(new))
    report(result, into, form, imported_tasks=len(new), imported_trials=trials_of(new))


def _check_options(file: Path, said: Layout | None, named: set[str]) -> None:
    layout = said or Layout.CSV
    missing = [n for n in _NEEDED[layout] if n not in named]
    if missing:
        like = None if said else _layout_like(file)
        raise InputError(
            f"layout {layout} without " + ", ".join(f"--{n}" for n in missing),
            allowed=", ".join(f"--{n}" for n in _NEEDED[layout]),
            do=f"Its columns are those of an export: --layout {like} needs "
            + ", ".join(f"--{n}" for n in _NEEDED[like])
            if like
            else f"Give these, or another --layout: {', '.join(Layout)}",
        )
    allowed = (*_NEEDED[layout], *_KNOWN[layout])
    foreign = sorted(named - set(allowed))
    if foreign:
        raise InputError(
            f"layout {layout} with --{foreign[0]}",
            allowed=", ".join(f"--{n}" for n in allowed),
        )


def _layout_like(file: Path) -> Layout | None:
    """The tracker whose export a file looks like, by its columns."""
    from autometa.reading import csv_header

    try:
        names = csv_header(file)
    except (AutometaError, OSError, ValueError):  # what is wrong with it is said once it is read
        return None
    if any(name.startswith(("params.", "metrics.")) for name in names):
        return Layout.MLFLOW
    return Layout.WANDB if {"config", "summary"} <= set(names) else None


def _imported(file: Path, layout: Layout | None, options: dict[str, Any]) -> Portfolio:
    from autometa._version import __version__
    from autometa.portfolio import Portfolio

    if layout is Layout.HPOB:
        return Portfolio.from_hpob(file, spaces=options.get("only"))
    if layout is None or layout in TABLES:
        from autometa.portfolio.importers.importing import read_trials

        frame = read_trials(file, options["space"], kind=layout)
        table = Portfolio.from_frame(frame, **options)
        return replace(table, provenance={"imported": file.name, "autometa": __version__})
    options["metric"] = options.pop("value")
    if layout is Layout.MLFLOW:
        return Portfolio.from_mlflow(file, **options)
    return Portfolio.from_wandb(file, params=options.pop("param", None), **options)


def trials_of(portfolio: Portfolio) -> int:
    """Number of its trials."""
    return sum(len(h) for h in portfolio.histories)


def report(portfolio: Portfolio, folder: Path, form: Format, **more: int) -> None:
    """Say what a folder holds now."""
    data = {"folder": str(folder), "tasks": len(portfolio), "trials": trials_of(portfolio), **more}
    if form is Format.JSON:
        show_json(data)
    else:
        show_table("Written", list(data), [list(data.values())])
