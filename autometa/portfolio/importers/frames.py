"""A data frame with one row a trial -> histories. Nothing is dropped; a bad cell is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from autometa.encoding import Floats
from autometa.errors import InputError, SpaceError
from autometa.portfolio.importers.durations import in_seconds, moments
from autometa.space import SearchSpace, Value, describe
from autometa.space.choices import place_of
from autometa.space.plain import plain_choice, unboxed
from autometa.space.rates import as_space
from autometa.task import Direction, State, Task, TaskHistory, check_direction

ROUNDING = 1e-7  # share of a bound: what single precision or a logarithm there and back may cost
_STATES = {
    "COMPLETE": State.COMPLETE,
    "FAILED": State.FAILED,
    "FAIL": State.FAILED,  # Optuna's word
    "PRUNED": State.PRUNED,
}


def histories_of_frame(
    frame: pd.DataFrame,
    *,
    task: str,
    value: str,
    direction: Direction,
    space: SearchSpace | Mapping[str, BaseDistribution],
    state: str | None,
    fidelity: str | None,
    seconds: str | None,
    family: str | None,
    metric: str,
) -> list[TaskHistory]:
    """One history a task, in order of first appearance; see `Portfolio.from_frame`."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"a {type(frame).__name__}", allowed="a pandas.DataFrame")
    direction = check_direction(direction)
    space = as_space(space)
    named = [n for n in (task, value, state, fidelity, seconds, family) if n is not None]
    _check_columns(frame, [*named, *space.names])
    names = _task_names(frame[task])
    raw = np.empty((len(frame), len(space.names)))
    for j, (name, distribution) in enumerate(space.distributions.items()):
        raw[:, j] = _raw(frame[name], distribution)
    _fill_none(raw, space)
    raw = space.check_raw(raw)
    values = _numbers(frame[value])
    finite = np.isfinite(values)
    states = _states(frame[state]) if state else np.zeros(len(frame), dtype=np.int8)
    states[~finite] = State.FAILED
    shares = np.ones(len(frame)) if fidelity is None else _fidelity(frame[fidelity])
    times = np.full(len(frame), np.nan) if seconds is None else _numbers(frame[seconds])
    values = np.where(finite, values, np.nan)
    codes, unique = pd.factorize(names)
    rows_of = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    families = _families(frame[family], codes, names) if family else [""] * len(unique)
    return [
        TaskHistory.unchecked(
            task=Task(
                name=str(name), space=space, direction=direction, metric=metric, family=relatives
            ),
            raw=raw[rows],
            values=values[rows],
            states=states[rows],
            fidelity=shares[rows],
            seconds=times[rows],
            fold_scores=np.empty((len(rows), 0)),
            curves=np.empty((len(rows), 0)),
        )
        for name, rows, relatives in zip(unique, rows_of, families, strict=True)
    ]


def _check_columns(frame: pd.DataFrame, needed: list[str]) -> None:
    if frame.empty:
        raise InputError(f"an empty frame of shape {frame.shape}", allowed="one row a trial")
    missing = [n for n in needed if n not in frame.columns]
    if missing:
        raise InputError(
            f"column {missing[0]!r} is missing ({len(missing)} in all)",
            allowed=", ".join(map(repr, list(frame.columns)[:20])),
            do="Its cells are not parted by commas: read it with pandas, or write it with commas"
            if len(frame.columns) == 1 and any(c in str(frame.columns[0]) for c in ";\t|")
            else "Rename the frame's columns, or name others",
        )
    twice = [n for n in needed if (frame.columns == n).sum() > 1]
    if twice:
        raise InputError(f"column {twice[0]!r} comes twice", allowed="one column a name")


def _bad(column: pd.Series[Any], wrong: NDArray[np.bool_], allowed: str) -> None:
    """Name the first wrong cell, if there is one."""
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        cell = unboxed(column.iloc[row])
        shown = "missing" if column.isna().iloc[row] else repr(cell)
        raise InputError(
            f"column {column.name!r} is {shown} in row {row} ({int(wrong.sum())} rows in all)",
            allowed=allowed,
            do="Correct or remove these rows",
        )


def _task_names(column: pd.Series[Any]) -> NDArray[np.object_]:
    """Names as text; whole numbers (such as OpenML ids) become their digits."""
    allowed = "a task name, as text or a whole number"
    _bad(column, column.isna().to_numpy(), allowed)
    if pd.api.types.is_float_dtype(column):
        numbers = column.to_numpy(dtype=np.float64)
        _bad(column, ~np.isfinite(numbers) | (numbers != np.round(numbers)), allowed)
        column = column.astype(np.int64)
    names = column.astype(str).to_numpy(dtype=object)
    _bad(column, names == "", allowed)
    return np.asarray(names)


def _numbers(column: pd.Series[Any], allowed: str = "a number") -> Floats:
    """A column as floats (n,), NaN where missing; durations are seconds, other text is refused."""
    if moments(column):
        raise InputError(
            f"column {column.name!r} holds moments ({column.dropna().iloc[0]})",
            allowed=f"{allowed}, or a duration",
            do=f"Subtract the start: frame[{column.name!r}] = frame[END] - frame[START]",
        )
    column = in_seconds(column)
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_complex_dtype(column):
        _bad(column, np.ones(len(column), dtype=bool), allowed)
    if not pd.api.types.is_numeric_dtype(column):
        odd = np.array([isinstance(v, bool | np.bool_ | complex) for v in column], dtype=bool)
        _bad(column, odd, allowed)
    parsed = pd.to_numeric(column, errors="coerce")
    _bad(column, (parsed.isna() & ~column.isna()).to_numpy(), allowed)
    return np.array(parsed.to_numpy(dtype=np.float64, na_value=np.nan))


def _fidelity(column: pd.Series[Any]) -> Floats:
    allowed = "a share of the full budget, in (0, 1]"
    if in_seconds(column) is not column:
        raise InputError(
            f"column {column.name!r} holds durations",
            allowed=allowed,
            do=f"Divide by the full one: frame[{column.name!r}] / frame[{column.name!r}].max()",
        )
    shares = _numbers(column, allowed)
    _bad(column, ~((shares > 0) & (shares <= 1)), allowed)
    return shares


def _states(column: pd.Series[Any]) -> NDArray[np.int8]:
    codes, unique = pd.factorize(column.to_numpy(dtype=object), use_na_sentinel=True)
    # str() of Optuna's own TrialState is "TrialState.COMPLETE" or a digit: take its name.
    names = [str(getattr(u, "name", u)).upper() for u in unique]
    table = np.array([int(_STATES.get(n, -1)) for n in names] + [-1], dtype=np.int8)
    states = table[codes]
    _bad(column, states < 0, "COMPLETE, FAILED (or FAIL), PRUNED")
    return states


def _families(
    column: pd.Series[Any], codes: NDArray[np.int64], names: NDArray[np.object_]
) -> list[str]:
    """One family a task; missing means that the task has no relatives."""
    texts = column.where(~column.isna(), pd.Series(names, index=column.index)).astype(str)
    known = texts.to_numpy(dtype=object)
    first = np.unique(codes, return_index=True)[1]
    _bad(column, known != known[first][codes], "one family for all rows of a task")
    return [str(known[i]) for i in first]


def _raw(column: pd.Series[Any], distribution: BaseDistribution) -> Floats:
    """A config column -> raw values (n,), NaN where the cell is missing."""
    if isinstance(distribution, FloatDistribution):
        raw = _numbers(column, describe(distribution))
        for bound in (distribution.low, distribution.high):
            raw[np.abs(raw - bound) <= ROUNDING * abs(bound)] = bound
        return raw
    if not isinstance(distribution, CategoricalDistribution):
        return _numbers(column, describe(distribution))
    # True == 1 for a dict, and pandas may hold both in one column: the type is part of the key.
    cells = column.to_numpy(dtype=object)
    missing = column.isna().to_numpy()
    keys = cells if column.dtype.kind in "biuf" else [(isinstance(c, bool), c) for c in cells]
    places: dict[Any, float] = {}
    raw = np.empty(len(cells))
    for i, key in enumerate(keys):
        if missing[i]:
            raw[i] = np.nan
            continue
        try:
            place = places.get(key)
            if place is None:
                place = places[key] = _place(distribution.choices, cells[i])
        except TypeError:  # a list, a dict
            place = _place(distribution.choices, cells[i])
        raw[i] = place
    _bad(column, raw == -1, describe(distribution))
    return raw


def _place(choices: tuple[Value, ...], value: Any) -> float:
    try:
        place = place_of(choices, plain_choice(value))
    except SpaceError:
        return -1.0
    return -1.0 if place is None else float(place)


def _fill_none(raw: Floats, space: SearchSpace) -> None:
    """Read a missing cell as the choice None where the parameter is active and has that choice."""
    for j, (name, distribution) in enumerate(space.distributions.items()):
        if isinstance(distribution, CategoricalDistribution) and None in distribution.choices:
            # Parents come first, so that this column's activity is settled here.
            active = space.active_raw(raw)[:, space.names.index(name)]
            raw[active & np.isnan(raw[:, j]), j] = distribution.choices.index(None)
