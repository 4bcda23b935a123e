"""`autometa bench`: compare methods on the tasks of a suite.

Other packages bring suites and methods (`autometa.bench.collection`); autometa's own research also
adds commands to this group.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
import typer.core

from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, show_json
from autometa.cli.progress import note, progress
from autometa.errors import InputError

if TYPE_CHECKING:
    from autometa.bench.suite import Split

_DEFAULT_METHODS = "autometa,random,cold-tpe,cold-gp,greedy-portfolio,enqueue3-tpe,enqueue3-gp"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        cls=_RunUnlessNamed, help="Compare methods on held-out tasks.", no_args_is_help=True
    )
    group.command("run")(run)
    group.command("table")(table)
    group.command("plot")(plot)
    group.command("list")(list_all)
    app.add_typer(group, name="bench")


class _RunUnlessNamed(typer.core.TyperGroup):
    """`autometa bench lcbench` means `autometa bench run lcbench`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front of what is not one."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


def run(
    suite: Annotated[str, typer.Argument(help="Name of a suite; `autometa bench list` has all.")],
    methods: Annotated[
        str, typer.Option(help='Methods, separated by commas, or "all".')
    ] = _DEFAULT_METHODS,
    data: DataOption = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Results file (JSON); a journal of finished cells lies next to it."),
    ] = None,
    split: Annotated[str, typer.Option(help="development or test.")] = "test",
    tasks: Annotated[str, typer.Option(help="Only these tasks, separated by commas.")] = "",
    seeds: Annotated[int, typer.Option(help="Number of seeds: 0, 1, ...")] = 5,
    trials: Annotated[
        int | None, typer.Option(help="Trials of every study. Default: to the last checkpoint.")
    ] = None,
    evaluations: Annotated[
        str | None,
        typer.Option(help="Evaluations of every prior task, or all. Default: the suite's own."),
    ] = None,
    reference: Annotated[
        str, typer.Option(help="The method that the others are paired with.")
    ] = "autometa",
    again: Annotated[str, typer.Option(help="Methods to run again though they are finished.")] = "",
    workers: Annotated[int, typer.Option(help="Processes, each with one thread.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a running Dask scheduler; it has no login, keep it private."),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Run methods side by side on the tasks of a suite.

    Finished cells are kept: stop it when you like, and the same command goes on from there.
    """
    from autometa.bench import methods as known
    from autometa.bench import show
    from autometa.bench.runner import run as run_suite
    from autometa.bench.suite import SPLITS

    one_of("split", split, SPLITS)
    with progress("cells") as bar:
        results = run_suite(
            suite,
            known.names() if methods == "all" else parts(methods),
            data=data,
            split=cast("Split", split),
            tasks=parts(tasks),
            seeds=range(seeds),
            trials=trials,
            evaluations=evaluations_of(evaluations),
            reference=reference,
            cells=None if into is None else journal_of(into, suite),
            again=parts(again),
            workers=workers,
            scheduler=scheduler,
            progress=lambda done, total, cell: bar(
                suite, done, total, f"{cell.method} on {cell.task}"
            ),
            message=note,
        )
    if into is not None:
        show.save(results, into)
    show_results(results, output)


def table(
    files: Annotated[list[Path], typer.Argument(help="Results that `autometa bench run` wrote.")],
    measures: Annotated[
        str, typer.Option(help="mean_regret, median_regret, mean_rank; separated by commas.")
    ] = "mean_regret,median_regret",
    page: Annotated[
        Path | None,
        typer.Option(
            "--into",
            help="Markdown file with <!-- bench:begin NAME --> and <!-- bench:end NAME --> lines, "
            "NAME being the results file's without .json; the tables go between them.",
        ),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Turn results into Markdown tables."""
    from autometa.bench import show

    chosen = parts(measures)
    for measure in chosen:
        one_of("measure", measure, tuple(show.MEASURES))
    loaded = {path: show.load(path) for path in files}
    if page is None and output is Format.JSON:
        show_json({str(path): _numbers(results, chosen) for path, results in loaded.items()})
        return
    texts = {path: show.markdown(results, chosen) for path, results in loaded.items()}
    if page is None:
        typer.echo("\n\n".join(texts.values()), nl=False)
        return
    show.replace_in_page(page, {path.stem: text for path, text in texts.items()})
    if output is Format.JSON:
        show_json({"page": str(page)})


def plot(
    file: Annotated[Path, typer.Argument(help="Results that `autometa bench run` wrote.")],
    into: Annotated[Path, typer.Option(help="Figure to write: .svg, .png or .pdf.")],
    what: Annotated[
        str, typer.Option(help="regret, or reliability of class probabilities where judged.")
    ] = "regret",
    output: FormatOption = Format.TABLE,
) -> None:
    """Draw mean regret against trials, or a reliability plot."""
    from autometa.bench import show
    from autometa.bench.figure import save_regret
    from autometa.bench.show_judged import save_reliability

    draw = {"regret": save_regret, "reliability": save_reliability}
    one_of("what", what, tuple(draw))
    draw[what](show.load(file), into)
    if output is Format.JSON:
        show_json({"figure": str(into)})


def list_all(output: FormatOption = Format.TABLE) -> None:
    """List suites and methods."""
    from autometa.bench import methods, suites
    from autometa.bench.research import MORE, has_research

    about = {name: suites.about(name) for name in suites.names()}
    listed = [methods.get(name) for name in methods.names()]
    more = "" if has_research() else MORE
    if output is Format.JSON:
        show_json(
            {
                "suites": [{"name": name, "about": text} for name, text in about.items()],
                "methods": [
                    {"name": m.name, "about": m.about, "missing": list(m.missing())} for m in listed
                ],
                "more": more,
            }
        )
        return
    typer.echo("suites")
    for name, text in about.items():
        typer.echo(f"  {name:<22} {text}")
    typer.echo("methods")
    for method in listed:
        missing = method.missing()
        typer.echo(
            f"  {method.name:<22} {method.about}"
            + (f" (needs {', '.join(missing)})" if missing else "")
        )
    if more:
        typer.echo(f"{more}.")


def journal_of(results: Path, suite: str) -> Path:
    """Where finished cells are kept: one journal a suite, shared by all results in a folder."""
    return results.parent / "cells" / f"{suite}.jsonl"


def parts(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def one_of(what: str, given: str, allowed: tuple[str, ...]) -> None:
    """Refuse what is not allowed.

    Raises:
        InputError: the given word is none of the allowed ones.
    """
    if given not in allowed:
        raise InputError(f"{what} {given!r}", allowed=", ".join(allowed))


def evaluations_of(text: str | None) -> int | Literal["all"] | None:
    """Evaluations of a prior task, as the command line has them; None where it says nothing.

    Raises:
        InputError: no number above 0, nor "all".
    """
    if text is None or text == "all":
        return cast("Literal['all'] | None", text)
    if not text.isdigit() or int(text) < 1:
        raise InputError(f"evaluations {text!r}", allowed="a number above 0, or all")
    return int(text)


def _numbers(results: dict[str, Any], measures: tuple[str, ...]) -> dict[str, Any]:
    """What the Markdown tables hold, for programs."""
    return {
        "checkpoints": results["checkpoints"],
        **{m: {n: found[m] for n, found in results["methods"].items()} for m in measures},
    }


def show_results(results: dict[str, Any], output: Format) -> None:
    """Every measure as a table, and the pairs; or all of it as JSON."""
    if output is Format.JSON:
        show_json(results)
        return
    from rich.console import Console

    from autometa.bench import show

    console = Console()
    for measure in show.MEASURES:
        console.print(show.terminal_table(results, measure))
    pairs = show.pairs_table(results)
    if pairs is not None:
        console.print(pairs)
