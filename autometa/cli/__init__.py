"""The command line: `autometa COMMAND ...`. Results on stdout, progress on stderr.

Exit codes: 0 done; 1 no trial of the search succeeded; 2 unusable input, nothing half-written; 3
done, but a file of it could not be written; 130 stopped (Ctrl-C, SIGTERM), what was found is kept.

One file of this package is one command, a function of its name, or a group of commands, which a
function `register(app)` adds. Modules import what they need inside their commands, so that
`autometa --help` needs neither torch nor sklearn.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from importlib.util import find_spec
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from autometa._version import __version__
from autometa.cli import loudness
from autometa.cli.ending import printed, stopped_alike
from autometa.errors import AutometaError, without_passwords

_UsageError: Any = typer.BadParameter.__mro__[1]  # click's; newer typers carry their own click

COMMANDS = (
    "tune",
    "predict",
    "collect",
    "learn",
    "start",
    "replay",
    "warm",
    "portfolio",
    "model",
    "explain",
    "lr",
    "bench",
    "research",
    "report",
)

EXIT_CODES = (
    "Exit codes: 0 done; 1 no trial succeeded and there is no model; 2 unusable input (the "
    "message says what is allowed); 3 done, but a file could not be "
    "written, or a table was left out; 130 stopped with Ctrl-C or SIGTERM."
)

app = typer.Typer(
    name="autometa",
    help="Start a hyperparameter search where your last hundred ended.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
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
        _module = import_module(f"{__name__}.{_name}")
        if hasattr(_module, "register"):
            _module.register(app)
        else:
            app.command(_name)(getattr(_module, _name))
loudness.give_switches(app)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; deliberate errors become one line on stderr and exit code 2.

    Args:
        arguments: Words after the program's name; those of the process where there are none.
    """
    for stream in (sys.stdout, sys.stderr):
        # Under an ASCII locale a data set's name must not end the program.
        if isinstance(stream, TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="backslashreplace")
    lost: list[str] = []
    code: Any = 0
    try:
        with stopped_alike(), printed(lost):
            code = app(arguments, prog_name="autometa", standalone_mode=False) or 0
        sys.stderr.write("".join(f"error: {sentence}\n" for sentence in lost))
        sys.exit(3 if lost else code)
    except AutometaError as error:
        sys.stderr.write(f"error: {without_passwords(str(error))}\n")
        sys.exit(2)
    except _UsageError as error:
        error.message = without_passwords(error.message)
        error.show()
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # a mistake of ours: all of it is shown, but no password
        sys.stderr.write(without_passwords(traceback.format_exc()))
        sys.exit(1)
