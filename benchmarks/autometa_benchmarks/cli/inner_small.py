"""`autometa bench inner`: suites on small modules, whose data are small or made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json
from autometa.cli.progress import busy
from autometa_benchmarks.cli.inner_records import (
    Into,
    Iterations,
    Seeds,
    Variants,
    chosen,
    content,
    keep,
    show_records,
)


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("suggested-rate")(suggested_rate)
    group.command("small-sweeps")(small_sweeps)
    group.command("low-rank")(low_rank)


def suggested_rate(
    data: DataOption = None,
    variants: Variants = "all",
    seeds: Seeds = 1,
    into: Into = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """One training at the suggested rate beside a sweep of ten, for twelve small modules."""
    from autometa_benchmarks.inner import suggested as suite

    names = chosen(variants, suite.NAMES)
    records: list[dict[str, Any]] = []
    for seed in range(seeds):
        for name in names:
            with busy(f"{name}, seed {seed}"):
                records.append(suite.run(name, seed, data=data))
            keep(into, "inner-suggested-rate", records[-1:], suite.facts())
    known = content(into, "inner-suggested-rate", records, suite.facts())["records"]
    records.append(suite.together(known))
    keep(into, "inner-suggested-rate", records[-1:], suite.facts())
    show_records(content(into, "inner-suggested-rate", records, suite.facts()), output)


def small_sweeps(
    into: Annotated[Path, typer.Option(help="File to write (JSON).")],
    data: DataOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Sweeps of the rate on eight small modules of three sizes: a family of the law of rates."""
    from autometa_benchmarks.inner import small_sweeps as suite

    check_writable(into)
    problems = suite.sweeps()
    found: list[dict[str, Any]] = []
    for problem in problems:
        with busy(f"{problem.name}, {len(found) + 1} of {len(problems)}"):
            found.append(suite.sweep(problem, data))
    suite.save(found, into)
    if output is Format.JSON:
        show_json({"sweeps": str(into)})


def low_rank(
    seeds: Seeds = 1,
    into: Into = None,
    iterations: Iterations = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """A learned start of low-rank updates of a frozen backbone, beside Adam and SGD; made data."""
    from autometa_benchmarks.inner import low_rank as suite

    records: list[dict[str, Any]] = []
    for seed in range(seeds):
        with busy(f"low-rank, seed {seed}"):
            found = suite.run(seed, iterations=iterations or suite.ITERATIONS)
        records += found
        keep(into, "inner-low-rank", found, suite.facts())
    show_records(content(into, "inner-low-rank", records, suite.facts()), output)
