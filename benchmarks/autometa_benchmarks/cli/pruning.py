"""`autometa bench pruning`: epochs saved by a pruner that has seen curves before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.cli.progress import progress
from autometa.errors import InputError

if TYPE_CHECKING:
    from autometa.bench.suite import Split


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("pruning")(pruning)


def pruning(
    into: Annotated[
        Path, typer.Option(help="Results file (JSON); what it has already is not run again.")
    ],
    data: DataOption = None,
    variants: Annotated[
        str, typer.Option(help="SAMPLER+PRUNER, separated by commas, or all.")
    ] = "all",
    split: Annotated[str, typer.Option(help="development or test.")] = "test",
    seeds: Annotated[int, typer.Option(help="Number of seeds: 0, 1, ...", min=0)] = 3,
    figure: Annotated[
        Path | None, typer.Option("--plot", help="Figure of regret against epochs to write.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare pruners, each with a warm and a cold sampler, at half the epochs of no pruning."""
    from autometa.bench import record_file
    from autometa.bench.suite import SPLITS
    from autometa_benchmarks import pruning as suite
    from autometa_benchmarks import pruning_figure

    chosen = suite.VARIANTS if variants == "all" else tuple(v.strip() for v in variants.split(","))
    for name, given, allowed in (
        *(("variant", v, suite.VARIANTS) for v in chosen),
        ("split", split, SPLITS),
    ):
        if given not in allowed:
            raise InputError(f"{name} {given!r}", allowed=", ".join(allowed))
    _run(into, data, chosen, cast("Split", split), range(seeds))
    content = record_file.read(into)
    if figure is not None:
        pruning_figure.save(content, figure)
    rows = suite.summary(content)
    if form is Format.JSON:
        show_json(rows)
        return
    columns = ("variant", "seeds", "regret", "epochs", "trials", "added", "ci95")
    show_table(content["about"], columns, [[r.get(c) for c in columns] for r in rows])


def _run(
    into: Path, data: Path | None, variants: tuple[str, ...], split: Split, seeds: range
) -> None:
    """Run what the file does not have yet; it is written after each variant and seed."""
    from autometa.bench import record_file
    from autometa_benchmarks import pruning as suite

    if not len(seeds):
        return
    loaded = suite.load(data)
    done = record_file.read(into)["records"] if into.exists() else []
    known = {(r["variant"], r["seed"]) for r in done}
    left = [(v, seed) for seed in seeds for v in variants if (v, seed) not in known]
    tasks = loaded.chosen(split)
    facts = suite.facts(split, tasks)
    models: dict[str, Any] = {}
    fitted: int | None = None  # the seed of the models
    with progress("records") as bar:
        for number, (variant, seed) in enumerate(left, start=1):
            if seed != fitted:
                models = {f: suite.fit(loaded, f, seed) for f in {t.fold for t in tasks}}
                fitted = seed
            record = suite.run(loaded, models, variant, tasks, seed)
            record_file.add_records(into, suite.NAME, [record], **facts)
            regret = record["final"]["regret"]["mean"]
            bar("pruning", number, len(left), f"{variant}, seed {seed}: {regret:.3f}")
