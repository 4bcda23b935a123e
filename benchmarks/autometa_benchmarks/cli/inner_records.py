"""Options of the suites on inner learning rates, and how their records are kept and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.output import Format, show_json, show_table
from autometa.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

Into = Annotated[
    Path | None, typer.Option(help="Results file (JSON); records of other variants in it stay.")
]
Variants = Annotated[str, typer.Option(help="Variants, separated by commas, or all.")]
Seeds = Annotated[int, typer.Option(help="Number of seeds: 0, 1, ...", min=1)]
State = Annotated[
    Path | None, typer.Option(help="Folder for checkpoints; training goes on from what is there.")
]
Iterations = Annotated[
    int | None, typer.Option(help="Outer updates instead of the variant's own.", min=1)
]


def chosen(given: str, known: Iterable[str]) -> list[str]:
    """The variants that were asked for.

    Raises:
        InputError: one is unknown, or there is none.
    """
    names = list(known)
    wanted = names if given == "all" else [n.strip() for n in given.split(",") if n.strip()]
    unknown = [name for name in wanted if name not in names]
    if unknown or not wanted:
        raise InputError(f"variant {(unknown or [given])[0]!r}", allowed=", ".join(names))
    return wanted


def keep(
    into: Path | None, suite: str, records: list[dict[str, Any]], facts: dict[str, Any]
) -> None:
    """Add records to the results file, where there is one."""
    from autometa.bench import record_file

    if into is not None:
        record_file.add_records(into, suite, records, **facts)


def content(
    into: Path | None, suite: str, records: list[dict[str, Any]], facts: dict[str, Any]
) -> dict[str, Any]:
    """All of the results file, or just these records where there is none."""
    from autometa.bench import record_file

    whole = {"suite": suite, **facts, "records": records}
    return whole if into is None else record_file.read(into)


def show_records(content: dict[str, Any], output: Format) -> None:
    """Print measures and bars, or JSON."""
    from autometa.bench import record_file

    if output is Format.JSON:
        show_json(content)
        return
    heads = ("variant", "seed", "measure", "mean", "+- (95 %)")
    show_table(content["suite"], heads, record_file.measures(content))
    bars = [
        (b["variant"], b["measure"], b["bar"], b["value"], b["seeds"], _answer(b["reached"]))
        for b in record_file.bars(content)
    ]
    if bars:
        show_table("bars", ("variant", "measure", "bar", "value", "seeds", "reached"), bars)


def _answer(reached: bool | None) -> str:
    return {None: "not run", True: "yes", False: "no"}[reached]
