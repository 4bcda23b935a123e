"""`autometa bench cash`: which pairs of family and config are tried first, replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autometa.cli.bench import one_of, parts
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import progress


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("cash")(cash)


def cash(
    families: Annotated[
        str, typer.Option(help="Families that compete, separated by commas; all by default.")
    ] = "",
    kind: Annotated[str, typer.Option(help="classification or regression.")] = "classification",
    metric: Annotated[str, typer.Option(help="By which tables are scored.")] = "",
    strategies: Annotated[
        str, typer.Option(help="Strategies, separated by commas; all by default.")
    ] = "",
    splits: Annotated[int, typer.Option(help="How often tables are dealt out.", min=1)] = 3,
    portfolio: Annotated[
        Path | None, typer.Option(help="Folder of a portfolio; what ships by default.")
    ] = None,
    into: Annotated[Path | None, typer.Option(help="Results file (JSON).")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Replay searches over all families on tables that nothing was learned from."""
    import json

    from autometa import children
    from autometa.bench.provenance import commit, versions
    from autometa.children.metrics import DEFAULT
    from autometa.portfolio import Portfolio
    from autometa.writing import write_whole
    from autometa_benchmarks.cash.replay import replay, summarise
    from autometa_benchmarks.cash.strategies import STRATEGIES

    check_writable(into)
    one_of("kind", kind, tuple(DEFAULT))
    chosen = parts(strategies) or tuple(STRATEGIES)
    for name in chosen:
        one_of("strategy", name, tuple(STRATEGIES))
    default = DEFAULT["regression" if kind == "regression" else "classification"]
    scored = metric or default
    known = {}
    for family in parts(families) or children.names():
        found = (
            Portfolio.embedded(family, kind=kind)
            if portfolio is None
            else Portfolio.load(portfolio).select(family).of_kind(kind)
        )
        known[family] = found if scored == default else found.by(scored)
    with progress("tables") as bar:
        cells = list(
            replay(
                known,
                scored,
                strategies=chosen,
                splits=splits,
                progress=lambda done, total, what: bar("cash", done, total, what),
            )
        )
    results: dict[str, Any] = {
        "suite": "cash",
        "kind": kind,
        "metric": scored,
        "families": list(known),
        "commit": commit(),
        "versions": versions(),
        **summarise(cells),
    }
    if into is not None:
        write_whole(into, json.dumps(results, indent=1))
    if output is Format.JSON:
        show_json(results)
    else:
        _show(results)


def _show(results: dict[str, Any]) -> None:
    columns = [*(f"{s:g} s" for s in results["seconds"]), *(f"@{k}" for k in results["trials"])]
    show_table(
        f"mean regret over {results['tables']} tables, {results['splits']} splits: within seconds "
        "of training, after trials",
        ["strategy", *columns],
        [[row["strategy"], *(round(v, 3) for v in row["mean"])] for row in results["rows"]],
    )
    show_table(
        "regret of pairs less that of another: mean, 95 % interval over families of tables",
        ["less", *columns],
        [
            [
                row["strategy"],
                *(
                    f"{a:+.3f} [{b:+.3f}, {c:+.3f}]"
                    for a, b, c in zip(row["less"], row["low"], row["high"], strict=True)
                ),
            ]
            for row in results["rows"]
            if "less" in row
        ],
    )
