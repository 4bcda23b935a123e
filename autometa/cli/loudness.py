"""How much a command says on stderr: `-q` and `-v`, the same on every command.

They are added to all commands at once (`give_switches`), so that none can be without them. `-q`
leaves errors only; `-v` adds a line for every step and Optuna's own log.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any

import typer

from autometa.errors import InputError


class Loudness(Enum):
    """What is told on stderr."""

    QUIET = "errors"
    NORMAL = "progress"
    VERBOSE = "every step"


_chosen: ContextVar[Loudness] = ContextVar("loudness", default=Loudness.NORMAL)


def loudness() -> Loudness:
    """What the running command was asked for."""
    return _chosen.get()


def hush_optuna() -> None:
    """Optuna's log lines only where they are asked for: ours say the same in fewer words.

    Only the command line calls this; the library never touches a user's logging.
    """
    import optuna

    verbose = loudness() is Loudness.VERBOSE
    optuna.logging.set_verbosity(optuna.logging.INFO if verbose else optuna.logging.ERROR)


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors on stderr.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="A line for every step on stderr.")]


def give_switches(app: typer.Typer) -> None:
    """Give every command of an application, in all its groups, `-q` and `-v`."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _switched(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            give_switches(group.typer_instance)


def _switched(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that takes the two switches after its own options."""

    @wraps(command)
    def switched(*, quiet: bool, verbose: bool, **options: Any) -> Any:
        if quiet and verbose:
            raise InputError("--quiet together with --verbose", allowed="one of them")
        _chosen.set(Loudness.QUIET if quiet else Loudness.VERBOSE if verbose else Loudness.NORMAL)
        return command(**options)

    # What typer reads the options from.
    own = signature(command, eval_str=True)
    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in (("quiet", Quiet), ("verbose", Verbose))
    ]
    parameters = [*own.parameters.values(), *added]
    switched.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    switched.__annotations__ = {p.name: p.annotation for p in parameters}
    return switched
