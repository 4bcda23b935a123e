"""What commands that adapt spaces share: their options, and how they show the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from autometa.cli.output import show_table
from autometa.errors import InputError

Renamed = Annotated[
    list[str] | None, typer.Option(help="OLD=NEW: a parameter's new name; repeat for several.")
]
Choices = Annotated[
    list[str] | None,
    typer.Option("--choice", help="PARAMETER:OLD=NEW: a choice's new name; repeat for several."),
]
Defaults = Annotated[
    list[str] | None,
    typer.Option(
        "--default", help="PARAMETER=VALUE of old trials that have none; repeat for several."
    ),
]
Outside = Annotated[
    str, typer.Option(help="Numbers outside their new range: clip them, or drop their trials.")
]


def rules(
    renamed: Sequence[str] | None,
    choices: Sequence[str] | None,
    defaults: Sequence[str] | None,
    outside: str,
) -> dict[str, Any]:
    """The options as arguments of `Portfolio.adapt`.

    Raises:
        InputError: one of them is not written as it should be.
    """
    renames: dict[str, dict[Any, Any]] = {}
    for text in choices or ():
        name, _, pair = text.partition(":")
        old, new = _pair(pair, f"--choice {text}", "PARAMETER:OLD=NEW")
        renames.setdefault(name, {})[_value(old)] = _value(new)
    return {
        "renamed": dict(_pair(t, f"--renamed {t}", "OLD=NEW") for t in renamed or ()),
        "choices": renames,
        "defaults": pairs(defaults, "--default", "PARAMETER=VALUE"),
        "outside": outside,
    }


def pairs(texts: Sequence[str] | None, option: str, form: str) -> dict[str, Any]:
    """NAME=VALUE of an option that may be repeated, values as JSON has them or text.

    Raises:
        InputError: one is not written so.
    """
    split = [_pair(text, f"{option} {text}", form) for text in texts or ()]
    return {name: _value(value) for name, value in split}


def show_report(report: Mapping[str, Any]) -> None:
    """A table of an `AdaptReport.to_json()`: one row a parameter of an old space."""
    rows = []
    for space in report["spaces"]:
        tasks = ", ".join(space["tasks"][:3]) + (", ..." if len(space["tasks"]) > 3 else "")
        kept = f"{space['kept']} of {space['trials']}"
        if space["too_different"]:
            rows.append([tasks, kept, "", f"too different: {space['too_different']}"])
        rows += [[tasks, kept, p["name"], _changes(p["changes"])] for p in space["parameters"]]
    show_table("adapted", ["tasks", "trials kept", "parameter", "changes"], rows)


def _changes(changes: Sequence[Mapping[str, Any]]) -> str:
    from autometa.space.changes import Change

    return "; ".join(str(Change(**c)) for c in changes)


def _pair(text: str, given: str, form: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not left or not equals:
        raise InputError(given, allowed=form)
    return left, right


def _value(text: str) -> Any:
    """A value as JSON has it, else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, list | dict) else value
