"""`autometa bench inner`: suites on learned inner learning rates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autometa.cli.loudness import Loudness, loudness
from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json
from autometa.cli.progress import busy, note, progress
from autometa_benchmarks.cli import inner_small
from autometa_benchmarks.cli.inner_records import (
    Into,
    Iterations,
    Seeds,
    State,
    Variants,
    chosen,
    content,
    keep,
    show_records,
)


def register(bench: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Learned inner learning rates.", no_args_is_help=True)
    group.command("sinusoid")(sinusoid)
    group.command("omniglot")(omniglot)
    group.command("tables")(tables)
    group.command("speed")(speed)
    group.command("lr-transfer")(lr_transfer)
    group.command("lr-floor")(lr_floor)
    group.command("rate-law")(rate_law)
    inner_small.register(group)
    group.command("show")(show)
    group.command("plot")(plot)
    bench.add_typer(group, name="inner")


def sinusoid(
    variants: Variants = "maml-1,meta-sgd-1,meta-sgd-5,parameter-step-5",
    seeds: Seeds = 1,
    into: Into = None,
    state: State = None,
    iterations: Iterations = None,
    compiled: Annotated[
        bool, typer.Option(help="Compile the outer gradient (needs a C++ compiler).")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Ten-shot regression of sinusoids: error after 1, 5, 10 and 20 inner steps."""
    from autometa_benchmarks.inner import sinusoid as suite

    names = chosen(variants, suite.VARIANTS)
    programs: dict[tuple[Any, ...], Any] = {}
    records = []
    for name in names:
        arguments = suite.VARIANTS[name].arguments
        key = tuple(arguments.get(name) for name in ("order", "steps", "clip"))
        if compiled and key not in programs:
            programs[key] = suite.compiled(name)
        for seed in range(seeds):
            record = suite.run(
                name,
                seed,
                iterations=iterations,
                state=state,
                progress=loudness() is not Loudness.QUIET,
                program=programs.get(key),
            )
            records.append(record)
            keep(into, "inner-sinusoid", [record], suite.facts())
    show_records(content(into, "inner-sinusoid", records, suite.facts()), output)


def omniglot(
    data: DataOption = None,
    variants: Variants = "5-way-1-shot-learned,5-way-5-shot-learned",
    seeds: Seeds = 1,
    into: Into = None,
    state: State = None,
    iterations: Iterations = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Few-shot recognition of handwritten characters."""
    from autometa_benchmarks.inner import omniglot as suite

    names = chosen(variants, suite.VARIANTS)
    drawings = suite.load(data)
    records = []
    for name in names:
        for seed in range(seeds):
            record = suite.run(
                name,
                seed,
                drawings,
                iterations=iterations,
                state=state,
                progress=loudness() is not Loudness.QUIET,
            )
            records.append(record)
            keep(into, "inner-omniglot", [record], suite.facts())
    show_records(content(into, "inner-omniglot", records, suite.facts()), output)


def tables(
    data: DataOption = None,
    seeds: Seeds = 1,
    into: Into = None,
    state: State = None,
    iterations: Iterations = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """A perceptron's learned start and rates on held-out tables, against Adam and other peers."""
    from autometa_benchmarks.inner import tables as suite

    parts = suite.load(data)
    records = []
    for seed in range(seeds):
        record = suite.run(
            parts,
            seed,
            iterations=iterations or suite.ITERATIONS,
            state=state,
            progress=loudness() is not Loudness.QUIET,
        )
        records.append(record)
        for name, row in record["methods"].items():
            if "skipped" in row:
                note(f"{name}: skipped, {row['skipped']} (extra peers)")
        keep(into, "inner-tables", [record], suite.facts())
    show_records(content(into, "inner-tables", records, suite.facts()), output)


def speed(
    repetitions: Annotated[int, typer.Option(help="Timed iterations.", min=3)] = 30,
    compiled: Annotated[
        bool, typer.Option(help="Time the compiled gradient too (needs a C++ compiler).")
    ] = False,
    into: Into = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """One meta-iteration against a plain loop (and learn2learn, TorchOpt where installed)."""
    from autometa_benchmarks.inner import speed as suite

    with busy("timing"):
        records = [suite.run(k, repetitions=repetitions, compiled=compiled) for k in (1, 5)]
    keep(into, "inner-speed", records, suite.facts())
    show_records(content(into, "inner-speed", records, suite.facts()), output)


def lr_transfer(
    data: DataOption = None,
    variants: Variants = "lcbench,taskset,mlp",
    seeds: Seeds = 1,
    into: Into = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """The inner rate of held-out tasks, predicted from earlier ones."""
    from autometa_benchmarks.inner import lr_transfer as suite

    records: list[dict[str, Any]] = []
    cells = [(name, seed) for name in chosen(variants, suite.VARIANTS) for seed in range(seeds)]
    with progress("runs") as bar:
        for name, seed in cells:
            bar("lr-transfer", len(records), len(cells), f"{name}, seed {seed}")
            record = suite.run(name, seed, data=data)
            records.append(record)
            keep(into, "inner-lr-transfer", [record], suite.facts())
    show_records(content(into, "inner-lr-transfer", records, suite.facts()), output)


def lr_floor(
    data: DataOption = None,
    variants: Variants = "all",
    seeds: Seeds = 1,
    into: Into = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """What no prediction of the inner rate can be better than, by what it would have to know."""
    from autometa_benchmarks.inner import lr_floor as suite

    names = chosen(variants, suite.VARIANTS)
    with busy("looking up the truths"):
        records = [suite.run(n, seed, data=data) for n in names for seed in range(seeds)]
    keep(into, "inner-lr-floor", records, suite.facts())
    show_records(content(into, "inner-lr-floor", records, suite.facts()), output)


def rate_law(
    data: DataOption = None,
    variants: Variants = "all",
    seeds: Seeds = 1,
    into: Into = None,
    learn: Annotated[
        Path | None, typer.Option(help="Learn the law that ships and write it here; judge nothing.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """The best learning rate of model sizes left out, from public runs at other sizes."""
    from autometa_benchmarks.inner import rate_law as suite
    from autometa_benchmarks.inner.rate_learning import learn as learned

    if learn is not None:
        check_writable(learn)
        with busy("learning the law of rates"):
            learned(data).save(learn)
        if output is Format.JSON:
            show_json({"law": str(learn)})
        return
    names = chosen(variants, suite.VARIANTS)
    records: list[dict[str, Any]] = []
    for seed in range(seeds):
        for name in names:
            with busy(f"{name}, seed {seed}"):
                records.append(suite.run(name, seed, data=data))
            keep(into, "inner-rate-law", records[-1:], suite.facts())
    show_records(content(into, "inner-rate-law", records, suite.facts()), output)


def show(
    files: Annotated[list[Path], typer.Argument(help="Results files of these suites.")],
    page: Annotated[
        Path | None,
        typer.Option(
            "--into", help="Markdown file whose markers (see `bench table`) take the tables."
        ),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """What was measured beside each bar."""
    from autometa.bench import record_file
    from autometa.bench.show import replace_in_page

    if page is not None:
        texts = {path.stem: record_file.markdown(record_file.read(path)) for path in files}
        replace_in_page(page, texts)
        if output is Format.JSON:
            show_json({"page": str(page)})
        return
    for path in files:
        show_records(record_file.read(path), output)


def plot(
    file: Annotated[Path, typer.Argument(help="A results file of sinusoid or omniglot.")],
    into: Annotated[Path, typer.Option(help="Figure to write: .svg, .png or .pdf.")],
    output: FormatOption = Format.TABLE,
) -> None:
    """The measure after each inner step."""
    from autometa.bench import record_curves, record_file

    record_curves.save(record_file.read(file), into)
    if output is Format.JSON:
        show_json({"figure": str(into)})
