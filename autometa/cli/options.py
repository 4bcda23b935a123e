"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None, typer.Option(help="Root of the public data. Default: AUTOMETA_DATA.")
]


class KindChoice(StrEnum):
    """What a target is read as."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


KindOption = Annotated[
    KindChoice | None,
    typer.Option("--kind", help="Read the target as classes or as numbers. Default: guessed."),
]
KeepOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        help="Column that stays although it counts or identifies rows; repeat for several.",
    ),
]
