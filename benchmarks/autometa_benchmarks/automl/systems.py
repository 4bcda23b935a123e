"""The systems that are compared: which program runs each, with what, in which environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autometa.errors import InputError

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One of them.

    Args:
        name: In results.
        program: File in `programs`.
        needs: A module that its environment must have.
        environment: Name of the environment: `--python NAME=PATH`, or AUTOMETA_PYTHON_NAME; this
            one where "".
        options: For the program.
    """

    name: str
    program: str
    needs: str
    environment: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


OURS = "autometa"
SYSTEMS = {
    s.name: s
    for s in (
        System(
            name=OURS, program="autometa_program.py", needs="autometa", options={"cached": True}
        ),
        System(
            name="autometa single best",
            program="autometa_program.py",
            needs="autometa",
            options={"cached": True, "ensemble": False},
        ),
        System(
            name="autometa cold race",
            program="autometa_program.py",
            needs="autometa",
            options={"portfolio": None},
        ),
        System(name="FLAML", program="flaml_program.py", needs="flaml", environment="flaml"),
        System(
            name="AutoGluon medium",
            program="autogluon_program.py",
            needs="autogluon.tabular",
            environment="autogluon",
        ),
        System(name="LightGBM + TPE", program="lightgbm_program.py", needs="lightgbm"),
        System(name="scikit-learn defaults", program="defaults_program.py", needs="sklearn"),
    )
}


def interpreters(given: Mapping[str, Path], chosen: list[System]) -> dict[str, Path | str]:
    """System -> its Python, or in a sentence why it cannot run.

    Args:
        given: Environment -> its Python, as the user named it.
        chosen: Systems.

    Raises:
        InputError: an environment that no system needs.
    """
    known = {s.environment for s in SYSTEMS.values()} - {""}
    if strange := sorted(set(given) - known):
        raise InputError(f"environment {strange[0]!r}", allowed=", ".join(sorted(known)))
    return {system.name: _interpreter(system, given) for system in chosen}


def _interpreter(system: System, given: Mapping[str, Path]) -> Path | str:
    python = Path(sys.executable)
    if system.environment:
        variable = f"AUTOMETA_PYTHON_{system.environment.upper()}"
        named = given.get(system.environment) or os.environ.get(variable)
        python = Path(named) if named else python
    found = f"import importlib.util as u, sys; sys.exit(u.find_spec({system.needs!r}) is None)"
    try:
        code = subprocess.run([python, "-c", found], capture_output=True, check=False).returncode
    except OSError as error:
        return f"{python} cannot be run ({error.strerror})"
    if not code:
        return python
    advice = f"; --python {system.environment}=PATH names one that has" * bool(system.environment)
    return f"{python} has no {system.needs}{advice}"
