"""`autometa learn`: put the user's own finished studies into a portfolio."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.adapting import (
    Choices,
    Defaults,
    Outside,
    Renamed,
    rules,
    show_report,
)
from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.cli.progress import busy, note

if TYPE_CHECKING:
    from autometa.portfolio import Portfolio


def learn(
    storage: Annotated[
        list[str],
        typer.Argument(help="URLs as Optuna reads them, or sqlite or journal files; only read."),
    ],
    into: Annotated[Path, typer.Option(help="Folder; joins the portfolio there, if any.")],
    names: Annotated[
        list[str] | None,
        typer.Option(help="Name or glob pattern of studies; repeat for several. Default: all."),
    ] = None,
    metric: Annotated[str, typer.Option(help="What the values measure.")] = "value",
    space: Annotated[
        Path | None,
        typer.Option(help="JSON file, as of `warm`: adapt all studies to this space."),
    ] = None,
    inner_lr: Annotated[
        str | None,
        typer.Option(
            help='The parameter that is the inner learning rate. Default: by its name; "": none.'
        ),
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the trials.")] = "",
    renamed: Renamed = None,
    choice: Choices = None,
    default: Defaults = None,
    outside: Outside = "clip",
    form: FormatOption = Format.TABLE,
) -> None:
    """Learn from finished Optuna studies: add them to a portfolio, each trial once."""
    from autometa.cli.space_file import read_space
    from autometa.portfolio import Portfolio
    from autometa.portfolio.learning import learn_studies

    with busy("reading the studies"):
        found = Portfolio.from_studies(
            storage,
            names=names,
            metric=metric,
            space=None if space is None else read_space(space),
            inner_lr=inner_lr,
            **rules(renamed, choice, default, outside),
        )
        new = replace(found, licence=licence)
        result, added = learn_studies(new, into)
    _show(new, result, added, into, form)


def _show(
    new: Portfolio, result: Portfolio, added: dict[str, int], into: Path, form: Format
) -> None:
    rows: list[dict[str, Any]] = []
    for study in new.provenance["studies"]:
        rows += [
            {
                "study": study["study"],
                "task": task,
                "added": added[task],
                "known": study["trials"] - added[task],
                "skipped": sum(study["skipped"].values()),
                "reasons": study["skipped"],
                "not_finite": study["not_finite"],
                "infeasible": study["infeasible"],
                "left_out": study["left_out"],
                "left_out_why": study["left_out_why"],
            }
            for task in study["tasks"]
        ]
    refused, notes = new.provenance["skipped_studies"], new.provenance["notes"]
    adapted = new.provenance.get("adapted")
    if form is Format.JSON:
        total = sum(map(len, result.histories))
        data = {"folder": str(into), "tasks": len(result), "trials": total, "studies": rows}
        told = {"adapted": adapted} if adapted else {}
        show_json({**data, "skipped_studies": refused, "notes": notes, **told})
        return
    for text in notes:
        note(text)
    lines = [
        [r["study"], r["task"], r["added"], r["known"], r["skipped"], _why(r)] for r in rows
    ] + [[r["study"], "", 0, 0, None, r["reason"]] for r in refused]
    columns = ["study", "task", "trials added", "known before", "skipped", "why"]
    show_table(f"{sum(added.values()):,} trials added to {into}", columns, lines)
    if adapted:
        show_report(adapted)


def _why(row: dict[str, Any]) -> str:
    parts = [f"{count} {reason}" for reason, count in row["reasons"].items()]
    parts += [f"parameter {name!r} left out: {why}" for name, why in row["left_out_why"].items()]
    for count, what in (
        (row["not_finite"], "without a finite value"),
        (row["infeasible"], "infeasible"),
    ):
        parts += [f"{count} {what} taken as failed"] if count else []
    return ", ".join(parts)
