"""The command line: `autometa COMMAND ...`. Results on stdout, progress on stderr.

One file of this package is one group of commands, with a function `register(app)`. Modules import
what they need inside their commands, so that `autometa --help` needs neither torch nor sklearn.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from io import TextIOWrapper
from typing import Annotated

import typer

from autometa._version import __version__
from autometa.errors import AutometaError

COMMANDS = (
    "tune",
    "collect",
    "learn",
    "loop",
    "portfolio",
    "model",
    "explain",
    "bench",
    "inner",
    "report",
)

app = typer.Typer(
    name="autometa",
    help="Start a hyperparameter search where your last hundred ended.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"autometa {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Start a hyperparameter search where your last hundred ended."""


for _name in COMMANDS:
    if find_spec(f"{__name__}.{_name}") is not None:
        import_module(f"{__name__}.{_name}").register(app)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; deliberate errors become one line on stderr and exit code 2.

    Args:
        arguments: Words after the program's name; those of the process where there are none.
    """
    for stream in (sys.stdout, sys.stderr):
        # Under an ASCII locale a data set's name must not end the program.
        if isinstance(stream, TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments)
    except AutometaError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
