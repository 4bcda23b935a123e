"""A search space from a JSON file, written by hand or by `SearchSpace.to_json`.

{"eta": {"low": 0.01, "high": 0.3, "log": true},      a number; whole where both ends are
"max_depth": {"low": 2, "high": 10},
"booster": ["gbtree", "dart"]}                       choices
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.errors import InputError
from autometa.reading import parse_json, read_bytes
from autometa.space import SearchSpace
from autometa.space.rates import as_space
from autometa.space.values import read_distribution

_FORM = '{"NAME": {"low": 0.01, "high": 0.3, "log": true}, "OTHER": ["a", "b"]}'
_ALLOWED = f"JSON: {_FORM}, or that of SearchSpace.to_json"


def read_space(path: Path) -> SearchSpace:
    """The space of a file; see the module.

    Raises:
        InputError: there is no such file, or it holds no space.
        SpaceError: a range or a choice that cannot be.
    """
    try:
        data = parse_json(read_bytes(path))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no search space: {error}", allowed=_ALLOWED) from error
    if not isinstance(data, dict) or not data:
        raise InputError(f"{path} holds no parameters", allowed=_ALLOWED)
    if isinstance(data.get("distributions"), dict):
        return SearchSpace.from_json(data)
    return as_space({str(name): _distribution(str(name), given) for name, given in data.items()})


def _distribution(name: str, given: Any) -> BaseDistribution:
    try:
        if isinstance(given, list):
            return CategoricalDistribution(given)
        if "attributes" in given:
            return read_distribution(given)
        ends = given["low"], given["high"]
        unknown = given.keys() - {"low", "high", "log", "step", "type"}
        if unknown or any(isinstance(e, bool) or not isinstance(e, int | float) for e in ends):
            raise ValueError(sorted(unknown) or ends)
        kind = given.get("type", "int" if all(isinstance(e, int) for e in ends) else "float")
        log, step = bool(given.get("log", False)), given.get("step")
        if kind == "int":
            return IntDistribution(*ends, log=log, step=step or 1)
        return FloatDistribution(float(ends[0]), float(ends[1]), log=log, step=step)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"parameter {name!r} is {given!r:.80} ({error})", allowed=f"as in {_FORM}"
        ) from error
