"""`autometa model`: look into model files and compare them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from autometa.cli.output import Format, FormatOption, show_json, show_table

File = Annotated[Path, typer.Argument(help="File that MetaModel.save wrote.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Look into model files and compare them.")
    group.command("inspect")(inspect)
    group.command("diff")(diff)
    app.add_typer(group, name="model")


def inspect(file: File, form: FormatOption = Format.TABLE) -> None:
    """Show what a model was learned from, under which licence, and what it would try first."""
    from autometa.meta.inspect.description import describe

    found = describe(file)
    if form is Format.JSON:
        show_json(found)
        return
    tensors = found.pop("tensors")
    found["tasks"] = f"{len(found['tasks'])}: {', '.join(found['tasks'])}"
    show_table("Model", ["", ""], [[k, _short(v)] for k, v in found.items()])
    rows = [[n, " x ".join(map(str, t["shape"])) or "1", t["bytes"]] for n, t in tensors.items()]
    show_table("Tensors", ["name", "shape", "bytes"], rows)


def diff(first: File, second: File, form: FormatOption = Format.TABLE) -> None:
    """Show what the second model has otherwise than the first."""
    from autometa.meta.inspect.description import differences

    found = differences(first, second)
    if form is Format.JSON:
        show_json(found)
        return
    rows = [[k, _short(v)] for k, v in found.items()]
    show_table(f"{len(rows)} differences", ["what", "how"], rows)


def _short(value: Any, most: int = 400) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else text[: most - 3] + "..."
