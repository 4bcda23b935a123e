"""`autometa bench start`: the zero-shot list alone, on held-out families."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from autometa.cli.bench import evaluations_of, one_of, parts
from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import progress
from autometa.errors import InputError


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("start")(start)


def start(
    suites: Annotated[
        str,
        typer.Option(
            help="embedded, lcbench, rbv2_xgboost, mindware or synthetic, separated by commas."
        ),
    ] = "embedded",
    into: Annotated[Path | None, typer.Option(help="Results file (JSON).")] = None,
    data: DataOption = None,
    split: Annotated[
        str, typer.Option(help="development, test or all: whose tasks are judged.")
    ] = "development",
    seeds: Annotated[int, typer.Option(help="Number of seeds: 0, 1, ...", min=1)] = 1,
    evaluations: Annotated[
        str | None,
        typer.Option(
            help="Evaluations of every prior task, or all. Default: 100 of lcbench and "
            "rbv2_xgboost, all that are recorded of the others."
        ),
    ] = None,
    portfolio: Annotated[
        Path | None,
        typer.Option(help="Folder of a portfolio of tables, for suite embedded to take instead."),
    ] = None,
    prior: Annotated[
        Path | None,
        typer.Option(help="Folder of another portfolio to make the lists of suite embedded of."),
    ] = None,
    children: Annotated[
        str, typer.Option(help="Only these children of suite embedded, separated by commas.")
    ] = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Judge the first ten configs that prior tasks suggest, beside what could be known of them."""
    from autometa.bench import show
    from autometa_benchmarks.start import judging
    from autometa_benchmarks.start.groups import EMBEDDED

    chosen, count = parts(suites), evaluations_of(evaluations)
    for suite in chosen or ("",):
        one_of("suite", suite, judging.SUITES)
    one_of("split", split, judging.CHOICES)
    only = {"--portfolio": portfolio, "--prior": prior, "--children": parts(children)}
    useless = [option for option, given in only.items() if given]
    if useless and EMBEDDED not in chosen:
        raise InputError(f"{useless[0]} without suite {EMBEDDED!r}", allowed=EMBEDDED)
    check_writable(into)
    chosen_split = cast("judging.SplitOrAll", split)
    groups = [
        group
        for suite in dict.fromkeys(chosen)
        for group in judging.groups_of(
            suite,
            split=chosen_split,
            data=data,
            portfolio=portfolio,
            prior=prior,
            children=parts(children),
        )
    ]
    with progress("fits") as bar:
        results = judging.run(
            groups,
            split=chosen_split,
            evaluations=count,
            seeds=range(seeds),
            progress=lambda done, total, g: bar("start", done, total, f"{g.part}, {g.fold}"),
            portfolio=_named(portfolio, "embedded"),
            prior=_named(prior or portfolio, "embedded"),
        )
    if into is not None:
        show.save(results, into)
    if output is Format.JSON:
        show_json(results)
    else:
        _show(results)


def _named(folder: Path | None, otherwise: str) -> str:
    return otherwise if folder is None else folder.resolve().name


def _show(results: Mapping[str, Any]) -> None:
    trials = [f"@{k}" for k in results["checkpoints"]]
    budgets = [f"{b}x" for b in results["budgets"]]
    several = len({row["suite"] for row in results["rows"]}) > 1
    places = [f"{r['suite']}: {r['part']}" if several else r["part"] for r in results["rows"]]
    show_table(
        "regret after k configs, mean and median over tasks, and its mean within b times the "
        f"median seconds of a config; {results['split']} split, {len(results['seeds'])} seed(s)",
        ["tasks of", "list", "n", *trials, *(f"median {t}" for t in trials), *budgets],
        [
            [place, name, *_numbers(found, len(budgets))]
            for place, row in zip(places, results["rows"], strict=True)
            for name, found in row["lists"].items()
        ],
    )
    show_table(
        "regret of the start less that of another list: mean, 95 % interval over families",
        ["tasks of", "less", *trials, *budgets],
        [
            [place, name, *map(_interval, *found.values())]
            for place, row in zip(places, results["rows"], strict=True)
            for name, found in row["paired"].items()
        ],
    )


def _numbers(found: Mapping[str, Any], budgets: int) -> list[object]:
    regrets = (*found["mean"], *found["median"], *found.get("mean_within", [None] * budgets))
    return [found["tasks"], *(None if v is None else round(v, 3) for v in regrets)]


def _interval(middle: float | None, low: float | None, high: float | None) -> str | None:
    """Three places without the zero before the point, so that seven stand in a row."""
    if middle is None:
        return None
    shown = [f"{v:+.3f}".replace("0.", ".", 1) for v in (middle, low, high) if v is not None]
    return shown[0] + (f" [{shown[1]}, {shown[2]}]" if len(shown) == 3 else "")
