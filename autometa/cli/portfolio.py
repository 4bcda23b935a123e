"""`autometa portfolio`: look at portfolios, merge and compare them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.adapting import Choices, Defaults, Outside, Renamed, rules, show_report
from autometa.cli.ending import or_told, tell_lost
from autometa.cli.importing import import_file, report, trials_of
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import busy
from autometa.errors import PortfolioError
from autometa.writing import write_whole

if TYPE_CHECKING:
    from autometa.portfolio import Portfolio
    from autometa.space import SearchSpace
    from autometa.task import TaskHistory

EMBEDDED = "embedded"
TOP = 10  # trials that `inspect --task` shows

group = typer.Typer(no_args_is_help=True, help="Look at, import, merge and compare portfolios.")
Folder = Annotated[
    str,
    typer.Argument(
        help=f"A portfolio's folder, a family that ships, '{EMBEDDED}' for all that ship, or "
        "studies: a URL or file."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group.command("import")(import_file)
    app.add_typer(group, name="portfolio")


@group.command("list")
def list_tasks(folder: Folder = EMBEDDED, form: FormatOption = Format.TABLE) -> None:
    """Show the tasks of a portfolio."""
    portfolio = _load(folder)
    rows = [_task_row(h) for h in portfolio.histories]
    if form is Format.JSON:
        show_json({"folder": folder, "licence": portfolio.licence, "tasks": rows})
        return
    title = f"{len(rows)} tasks, {sum(r['trials'] for r in rows):,} trials"
    show_table(title, list(rows[0]) if rows else ["task"], [list(r.values()) for r in rows])


@group.command()
def inspect(
    folder: Folder,
    task: Annotated[str | None, typer.Option(help="Show this task and its best trials.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show what a portfolio is made of, or one task of it."""
    portfolio = _load(folder)
    if task is None:
        _inspect_portfolio(portfolio, form)
        return
    found = [h for h in portfolio.histories if h.task.name == task]
    if not found:
        raise PortfolioError(
            f"no task {task!r} in {folder}", do=f"See `autometa portfolio list {folder}`"
        )
    details = [_task_details(h) for h in found]
    if form is Format.JSON:
        show_json({"task": task, "histories": details})
        return
    for detail in details:
        best = detail.pop("best")
        show_table(f"Task {task}", ["", ""], [[k, _short(v)] for k, v in detail.items()])
        rows = [[t["value"], t["seconds"], _short(t["config"])] for t in best]
        show_table("Best trials", ["value", "seconds", "config"], rows)


@group.command()
def merge(
    folders: Annotated[list[str], typer.Argument(help="Two or more portfolios.")],
    into: Annotated[Path, typer.Option(help="Folder to write; what it holds stays in.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Join portfolios; a trial that several of them have is kept once."""
    from autometa.portfolio import Portfolio

    parts = [_load(folder) for folder in folders]

    def join(old: Portfolio) -> Portfolio:
        for part in parts:
            old = old.merge(part)
        return old

    with busy("writing the portfolio"):
        joined = Portfolio.update(into, join)
    report(joined, into, form)


@group.command()
def adapt(
    folder: Folder,
    space: Annotated[Path, typer.Option(help="JSON file, as of `warm`.")],
    into: Annotated[Path, typer.Option(help="Folder; joins the portfolio there, if any.")],
    renamed: Renamed = None,
    choice: Choices = None,
    default: Defaults = None,
    outside: Outside = "clip",
    report_into: Annotated[
        Path | None, typer.Option("--report", help="JSON file for the report.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Turn a portfolio of old spaces into one of a new space; the report says what changed."""
    from autometa.cli.space_file import read_space
    from autometa.portfolio import Portfolio

    check_writable(report_into, space, folder)
    with busy("adapting the portfolio"):
        adapted, told = _load(folder).adapt(
            read_space(space), **rules(renamed, choice, default, outside)
        )
    if not told.helps:
        raise PortfolioError(
            f"nothing in {folder} can help in this space:\n{told}",
            do="Say what was renamed, or start without it",
        )
    result = Portfolio.update(into, lambda old: old.merge(adapted))
    lost: list[str] = []
    if report_into is not None:
        with or_told(lost, f"the report {str(report_into)!r}"):
            write_whole(report_into, json.dumps(told.to_json(), indent=1) + "\n")
    if form is Format.JSON:
        counts = {"tasks": len(result), "trials": trials_of(result)}
        show_json({"folder": str(into), **counts, "adapted": told.to_json()})
    else:
        show_report(told.to_json())
        report(result, into, form)
    tell_lost(lost)


@group.command()
def diff(first: Folder, second: Folder, form: FormatOption = Format.TABLE) -> None:
    """Show what the second portfolio has that the first has not, and the reverse."""
    found = _load(first).diff(_load(second)).to_json()
    if form is Format.JSON:
        show_json(found)
        return
    rows: list[list[object]] = []
    for kind in ("added", "removed"):
        rows += [[kind, t["task"], t["space"], None, None, ""] for t in found[kind]]
    for change in found["changed"]:
        counts = [change["trials_added"], change["trials_removed"]]
        rows.append(["changed", change["task"], change["space"], *counts, _short(change["fields"])])
    rows += [[n, "", "", None, None, "differs"] for n in ("licence", "provenance") if found[n]]
    columns = ["what", "task", "space", "trials added", "trials removed", "fields"]
    show_table(f"{len(rows)} differences", columns, rows)


# Parts -------------------------------------------------------------------------------------------


def _load(source: str) -> Portfolio:
    from autometa.portfolio import Portfolio
    from autometa.portfolio.store import shipped

    with busy("reading the portfolio"):
        if source == EMBEDDED:
            if not shipped.embedded_names():
                raise PortfolioError("this build ships no portfolio", do="Name a folder")
            return Portfolio.load(shipped.FOLDER)
        from autometa.priors.opening import open_portfolio

        return open_portfolio(source)


def _name(space: SearchSpace) -> str:
    """What a space is called; one from a file of the user's has no name."""
    from autometa.portfolio.importers.inferring import name_of

    return space.name or name_of(space.distributions)


def _task_row(history: TaskHistory) -> dict[str, Any]:
    task, scores = history.task, history.scores[history.complete]
    best = float(history.values[history.complete][scores.argmax()]) if len(scores) else None
    return {
        "task": task.name,
        "space": _name(task.space),
        "family": task.family,
        "metric": task.metric,
        "direction": task.direction,
        "trials": len(history),
        "best": best,
    }


def _task_details(history: TaskHistory) -> dict[str, Any]:
    """Everything about a task, with its best trials under "best"."""
    import numpy as np

    rows = np.flatnonzero(history.complete)
    top = history.take(rows[np.argsort(-history.scores[rows], kind="stable")[:TOP]])
    return {
        **{k: v for k, v in _task_row(history).items() if k != "best"},
        "states": _states([history]),
        "meta_features": dict(history.task.meta_features),
        "info": dict(history.task.info),
        "best": [{"value": t.value, "seconds": t.seconds, "config": t.config} for t in top],
    }


def _inspect_portfolio(portfolio: Portfolio, form: Format) -> None:
    spaces = []
    for space in portfolio.spaces:
        part = portfolio.select(space)
        seconds = sum(float(h.seconds[~_nan(h)].sum()) for h in part.histories)
        spaces.append(
            {
                "space": _name(space),
                "parameters": list(space.names),
                "inner_lr": space.inner_lr,
                "tasks": len(part),
                "trials": trials_of(part),
                "hours": round(seconds / 3600, 3),
                "states": _states(part.histories),
            }
        )
    if form is Format.JSON:
        show_json(
            {
                "licence": portfolio.licence,
                "provenance": dict(portfolio.provenance),
                "spaces": spaces,
            }
        )
        return
    rows = [[_short(v) for v in s.values()] for s in spaces]
    show_table(f"Licence: {portfolio.licence or 'not given'}", list(_SPACE_COLUMNS), rows)
    provenance = [[k, _short(v)] for k, v in portfolio.provenance.items()]
    show_table("Provenance", ["", ""], provenance)


_SPACE_COLUMNS = ("space", "parameters", "inner_lr", "tasks", "trials", "hours", "states")


def _nan(history: TaskHistory) -> Any:
    import numpy as np

    return np.isnan(history.seconds)


def _states(histories: Any) -> dict[str, int]:
    from autometa.task import State

    return {s.name: sum(int((h.states == s).sum()) for h in histories) for s in State}


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={_short(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.5g}"
    return "-" if value is None else str(value)
