"""A search space from a JSON file, written by hand or by `SearchSpace.to_json`.

{"eta": {"low": 0.01, "high": 0.3, "log": true},      a number; "step" and "type" may be added
"max_depth": {"low": 2, "high": 10},                 whole where ends and step are
"subsample": {"low": 0, "high": 1, "type": "float"},
"booster": ["gbtree", "dart"]}                       choices
"""

from __future__ import annotations

from collections.abc import Mapping
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
        if not isinstance(given, dict):
            raise ValueError("neither a range nor a list of choices")
        if "attributes" in given:
            return read_distribution(given)
        return _range(given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        told = str(error).rstrip(".")
        raise InputError(
            f"parameter {name!r} is {given!r:.80} ({told})", allowed=f"as in {_FORM}"
        ) from error


def _range(given: Mapping[str, Any]) -> BaseDistribution:
    """A range of numbers.

    Raises:
        ValueError: a key that is missing or unknown, a value that it cannot have, or ends that say
            neither int nor float.
    """
    if not {"low", "high"} <= given.keys() <= {"low", "high", "log", "step", "type"}:
        raise ValueError("a range has low and high, perhaps log, step and type")
    low, high, step, kind = given["low"], given["high"], given.get("step"), given.get("type")
    numbers = [low, high] if step is None else [low, high, step]
    log = given.get("log", False)
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        raise ValueError("low, high and step are numbers")
    if not isinstance(log, bool):
        raise ValueError("log is true or false")
    if kind not in (None, "int", "float"):
        raise ValueError('type is "int" or "float"')
    whole = all(isinstance(n, int) for n in numbers)
    if kind is None and whole and (low, high) == (0, 1):
        raise ValueError('0 to 1 may mean whole numbers or any: add "type": "int" or "float"')
    if kind == "float" or (kind is None and not whole):
        return FloatDistribution(float(low), float(high), log=log, step=step)
    if not all(float(n).is_integer() for n in numbers):
        raise ValueError("an int has whole ends and steps")
    return IntDistribution(int(low), int(high), log=log, step=1 if step is None else int(step))
