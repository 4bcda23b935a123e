"""Histories of one space <-> one Arrow table, with no Python per trial.

One row a trial; the rows of a task stand together, in the order of the manifest's tasks:

    task          text, dictionary
    config.NAME   one column a parameter: double or int64, null where inactive; a category is the
                  JSON text of its choice (null is inactive, "null" the choice None), dictionary
    value         double, null where there is none
    state         text, dictionary: COMPLETE, FAILED, PRUNED
    fidelity      double
    seconds       double, null where unknown
    fold_scores   list of double, NaN where a fold has none
    curve         list of double
    metric.NAME   one column for each other metric: list of float, one a fold
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from autometa.encoding import Floats
from autometa.errors import AutometaError, StoreError
from autometa.portfolio.diff import row_lengths
from autometa.space import SearchSpace
from autometa.task import State, Task, TaskHistory

_TEXT = pa.dictionary(pa.int32(), pa.string())
_STATES = [s.name for s in State]


def schema(space: SearchSpace, metrics: Sequence[str] = ()) -> pa.Schema:
    """Columns of the trials of a space, in order."""
    configs = [(f"config.{n}", _type(d)) for n, d in space.distributions.items()]
    numbers = pa.list_(pa.float64())
    return pa.schema(
        [
            ("task", _TEXT),
            *configs,
            ("value", pa.float64()),
            ("state", _TEXT),
            ("fidelity", pa.float64()),
            ("seconds", pa.float64()),
            ("fold_scores", numbers),
            ("curve", numbers),
            *((f"metric.{name}", pa.list_(pa.float32())) for name in metrics),
        ]
    )


def _type(distribution: BaseDistribution) -> pa.DataType:
    if isinstance(distribution, CategoricalDistribution):
        return _TEXT
    return pa.int64() if isinstance(distribution, IntDistribution) else pa.float64()


# Writing -----------------------------------------------------------------------------------------


def metrics_of(histories: Sequence[TaskHistory]) -> list[str]:
    """Names of the other metrics that any of the histories holds."""
    return list(dict.fromkeys(name for h in histories for name in h.metrics))


def to_arrow(space: SearchSpace, histories: Sequence[TaskHistory]) -> pa.Table:
    """The trials of the histories of one space, each history's rows together."""
    metrics = metrics_of(histories)
    raw = np.concatenate([np.empty((0, len(space.names))), *(h.raw for h in histories)])
    counts = [len(h) for h in histories]
    columns = [
        _dictionary(np.repeat(np.arange(len(histories)), counts), [h.task.name for h in histories]),
        *(_config_column(d, raw[:, j]) for j, d in enumerate(space.distributions.values())),
        _numbers([h.values for h in histories]),
        _dictionary(np.concatenate([[], *(h.states for h in histories)]), _STATES),
        _numbers([h.fidelity for h in histories]),
        _numbers([h.seconds for h in histories]),
        _lists([h.fold_scores for h in histories]),
        _lists([h.curves for h in histories]),
        *(
            _lists([h.metrics.get(name, np.empty((len(h), 0))) for h in histories]).cast(
                pa.list_(pa.float32())
            )
            for name in metrics
        ),
    ]
    return pa.Table.from_arrays(columns, schema=schema(space, metrics))


def _config_column(distribution: BaseDistribution, raw: Floats) -> pa.Array:
    if isinstance(distribution, CategoricalDistribution):
        return _dictionary(raw, [json.dumps(c) for c in distribution.choices])
    missing = np.isnan(raw)
    if isinstance(distribution, IntDistribution):
        return pa.array(np.where(missing, 0, raw).astype(np.int64), mask=missing)
    return pa.array(raw, mask=missing)


def _dictionary(codes: NDArray[Any], texts: list[str]) -> pa.Array:
    missing = np.isnan(codes) if codes.dtype.kind == "f" else np.zeros(len(codes), dtype=bool)
    indices = pa.array(np.where(missing, 0, codes).astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, type=pa.string()))


def _numbers(parts: Sequence[Floats]) -> pa.Array:
    return pa.array(np.concatenate([np.empty(0), *parts]), from_pandas=True)


def _lists(parts: Sequence[Floats]) -> pa.Array:
    lengths = [row_lengths(p) for p in parts]
    cells = [p[np.arange(p.shape[1]) < n[:, None]] for p, n in zip(parts, lengths, strict=True)]
    ends = np.cumsum(np.concatenate([[0], *lengths]).astype(np.int64))
    if ends[-1] > np.iinfo(np.int32).max:
        raise StoreError(
            f"{ends[-1]:,} cells of curves in one space",
            allowed=f"up to {np.iinfo(np.int32).max:,}",
            do="Split the portfolio, or shorten the curves",
        )
    values = pa.array(np.concatenate([np.empty(0), *cells]))
    return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), values)


# Reading -----------------------------------------------------------------------------------------


def from_arrow(
    table: pa.Table,
    space: SearchSpace,
    tasks: Sequence[Task],
    counts: Sequence[int],
    metrics: Sequence[str] = (),
) -> list[TaskHistory]:
    """The histories of the tasks, `counts[i]` rows each; their arrays are views of the columns.

    Raises:
        StoreError: a column is missing, has another type or holds what the space does not allow.
    """
    check_types(table.schema, space, metrics)
    columns = {
        name: table.column(name).unify_dictionaries().combine_chunks()
        for name in table.schema.names
    }
    columns = {n: c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for n, c in columns.items()}
    order = {t.name: i for i, t in enumerate(tasks)}
    if not np.array_equal(
        _codes("task", columns["task"], order.get), np.repeat(np.arange(len(tasks)), counts)
    ):
        raise StoreError("trials whose tasks are not in the manifest's order and number")
    raw = np.empty((len(table), len(space.names)))
    for j, (name, distribution) in enumerate(space.distributions.items()):
        raw[:, j] = _raw_column(f"config.{name}", columns[f"config.{name}"], distribution)
    states = _codes("state", columns["state"], {n: i for i, n in enumerate(_STATES)}.get)
    folds, curves = _Ragged(columns["fold_scores"]), _Ragged(columns["curve"])
    try:
        whole = TaskHistory(  # all tasks' trials at once, so that each check runs once a space
            task=Task(name="trials", space=space, direction="maximize"),
            raw=raw,
            values=_floats(columns["value"]),
            states=states,  # type: ignore[arg-type]  # NaN must reach the check
            fidelity=_floats(columns["fidelity"]),
            seconds=_floats(columns["seconds"]),
        )
    except AutometaError as error:
        raise StoreError(f"trials that do not fit their space {space.name!r}: {error}") from error
    others = {name: _Ragged(columns[f"metric.{name}"]) for name in metrics}
    stops = np.cumsum(counts, dtype=np.int64)
    return [
        TaskHistory.unchecked(
            task=task,
            metrics={m: others[m].rows(stop - n, stop) for m in metrics if m in task.metrics},
            raw=whole.raw[stop - n : stop],
            values=whole.values[stop - n : stop],
            states=whole.states[stop - n : stop],
            fidelity=whole.fidelity[stop - n : stop],
            seconds=whole.seconds[stop - n : stop],
            fold_scores=folds.rows(stop - n, stop),
            curves=curves.rows(stop - n, stop),
        )
        for task, n, stop in zip(tasks, counts, stops.tolist(), strict=True)
    ]


def check_types(given: pa.Schema, space: SearchSpace, metrics: Sequence[str] = ()) -> None:
    """Refuse columns other than those of `schema`.

    Raises:
        StoreError: one is missing, too many, or of another type.
    """
    expected = schema(space, metrics)
    if given.names != expected.names:
        raise StoreError(f"columns {given.names}", allowed=str(expected.names))
    for found, field in zip(given, expected, strict=True):
        if found.type != field.type:
            raise StoreError(f"column {field.name!r} of type {found.type}", allowed=str(field.type))


def _raw_column(name: str, column: pa.Array, distribution: BaseDistribution) -> Floats:
    if not isinstance(distribution, CategoricalDistribution):
        return _floats(column)
    # True and 1 are one key of a dict, "true" and "1" are not: the JSON texts keep them apart.
    place = {json.dumps(c): i for i, c in enumerate(distribution.choices)}
    return _codes(name, column, place.get)


def _floats(column: pa.Array) -> Floats:
    array = column.to_numpy(zero_copy_only=False)
    return np.asarray(array, dtype=np.float64)


def _codes(name: str, column: pa.Array, place: Callable[[str], int | None]) -> Floats:
    """Dictionary texts -> numbers (n,) by `place`, NaN for null."""
    known = [place(text) for text in column.dictionary.to_pylist()]
    table = np.array([np.nan if k is None else float(k) for k in known] or [np.nan])
    missing = np.asarray(column.is_null().to_numpy(zero_copy_only=False))
    indices = column.indices.fill_null(0).to_numpy(zero_copy_only=False)
    codes: Floats = table[indices] if len(indices) else np.empty(0)
    unknown = np.isnan(codes) & ~missing
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise StoreError(f"column {name!r} holds {column[row].as_py()!r} in row {row}")
    codes[missing] = np.nan
    return codes


class _Ragged:
    """A list column, cut into NaN-padded matrices by ranges of rows."""

    def __init__(self, column: pa.ListArray) -> None:
        if column.null_count or column.values.null_count:
            raise StoreError("a list column with nulls", allowed="numbers or NaN")
        self.ends = column.offsets.to_numpy().astype(np.int64)
        self.cells: Floats = column.values.to_numpy(zero_copy_only=False).astype(np.float64)
        self.lengths = np.diff(self.ends)

    def rows(self, start: int, stop: int) -> Floats:
        """Rows start..stop as a matrix (n, k), k their longest."""
        lengths = self.lengths[start:stop]
        longest = int(lengths.max(initial=0))
        cells = self.cells[self.ends[start] : self.ends[stop]]
        if (lengths == longest).all():
            return cells.reshape(stop - start, longest)
        matrix = np.full((stop - start, longest), np.nan)
        matrix[np.arange(longest) < lengths[:, None]] = cells
        return matrix
