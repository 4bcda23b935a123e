"""The suites by name. A new suite is one file here and one line in `_HOME`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from autometa.bench.data import folder
from autometa.bench.suite import Suite
from autometa.errors import InputError

# name -> (module, class, folder of its data below the root, or "" where it needs none)
_HOME = {
    "lcbench": ("lcbench", "LCBench", "yahpo/lcbench"),
    "rbv2_xgboost": ("rbv2_xgboost", "RBv2XGBoost", "yahpo/rbv2_xgboost"),
    "mindware": ("mindware", "MindWare", "mindware"),
    "geoalgo-xgboost": ("geoalgo", "GeoAlgoXGBoost", "geoalgo"),
    "geoalgo-deepar": ("geoalgo", "GeoAlgoDeepAR", "geoalgo"),
    "tables": ("tables", "Tables", "tables"),
    "medicine": ("domains", "Medicine", "tables"),
    "education": ("domains", "Education", "tables"),
    "games": ("games", "Games", ""),
    "solver": ("solver", "Solver", ""),
    "adversarial": ("adversarial", "AdversarialSynthetic", ""),
    "adversarial-lcbench": ("adversarial", "AdversarialLCBench", "yahpo/lcbench"),
    "adapted-lcbench": ("adapted", "AdaptedLCBench", "yahpo/lcbench"),
    "synthetic": ("synthetic", "Synthetic", ""),
}

_NEEDS = {"games": "gymnasium", "solver": "ortools"}  # beyond what autometa itself needs


def names() -> tuple[str, ...]:
    """Names of all suites."""
    return tuple(_HOME)


def load(name: str, data: Path | None = None) -> Suite:
    """A suite by name.

    Args:
        name: One of `names()`.
        data: Root of the public data; None = the environment variable AUTOMETA_DATA.

    Raises:
        InputError: an unknown name, a package that it needs, or data that are not there.
    """
    kind = _kind(name)
    part = _HOME[name][2]
    make: Callable[[Path | None], Suite] = kind
    return make(folder(data, part) if part else data)


def about(name: str) -> str:
    """What a suite measures, in a sentence; or which package it lacks.

    Raises:
        InputError: an unknown name.
    """
    lacking = missing(name)
    return f"(needs {lacking})" if lacking else _kind(name).about


def missing(name: str) -> str:
    """The package that a suite needs and that cannot be imported; empty where there is none."""
    package = _NEEDS.get(name, "")
    return package if package and find_spec(package) is None else ""


def _kind(name: str) -> type[Suite]:
    if name not in _HOME:
        raise InputError(f"suite {name!r}", allowed=", ".join(_HOME))
    if missing(name):
        raise InputError(
            f"suite {name!r} without the package {missing(name)}",
            do="Install it with `pip install autometa[applications]`",
        )
    module, kind, _ = _HOME[name]
    found: type[Suite] = getattr(import_module(f"{__name__}.{module}"), kind)
    return found
