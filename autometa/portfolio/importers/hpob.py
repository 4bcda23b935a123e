"""HPO-B's JSON files: space id -> data set id -> {"X": [[...], ...], "y": [[...], ...]}.

Arango, Jomaa, Wistuba & Grabocka, "HPO-B: a large-scale reproducible benchmark for black-box HPO
based on OpenML" (2021). Configs lie in the unit cube, y is an accuracy: higher is better. The
parameters have no names there: x0, x1, ...

The files have up to some gigabytes, and a parsed document needs ten times its size. So a file is
read piece by piece: a data set's object holds no other one, hence ends at the next "}", and only
one is parsed at a time.

Shapes: n configs, d parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from optuna.distributions import FloatDistribution

from autometa._version import __version__
from autometa.encoding import Floats
from autometa.errors import InputError, StoreError
from autometa.portfolio.histories import Histories
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

MOST_PIECE = 256 * 2**20  # characters of one data set
_CHUNK = 2**20
_MOST_PARAMETERS = 1000
_HEADER = re.compile(r'^[\s,{]*(?:"(?P<space>[^"]*)"\s*:\s*\{\s*)?"(?P<task>[^"]*)"\s*:\s*$')
_ALLOWED = 'HPO-B\'s layout: {"space": {"data set": {"X": [[...]], "y": [[...]]}}}'


def import_hpob(path: Path, *, spaces: Iterable[str] | None) -> Histories:
    """See `Portfolio.from_hpob`."""
    wanted = None if spaces is None else {str(s) for s in spaces}
    histories: list[TaskHistory] = []
    made: dict[str, SearchSpace] = {}
    seen: list[str] = []
    try:
        with path.open(encoding="utf-8") as stream:
            for space, task, body in _data_sets(stream, path):
                if space not in seen:
                    seen.append(space)
                if wanted is not None and space not in wanted:
                    continue
                raw, values = _read(body, f"data set {task!r} of space {space!r}")
                known = made.setdefault(space, _unit_space(space, raw.shape[1]))
                if len(known.names) != raw.shape[1]:
                    raise InputError(
                        f"data set {task!r} of space {space!r} has {raw.shape[1]} parameters",
                        allowed=f"{len(known.names)}, as the others of its space",
                    )
                histories.append(
                    TaskHistory(
                        task=Task(name=task, space=known, direction="maximize", metric="accuracy"),
                        raw=raw,
                        values=values,
                    )
                )
    except (OSError, UnicodeError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path} cannot be read: {error}") from error
    missing = sorted((wanted or set()) - set(seen))
    if missing or not histories:
        raise InputError(
            f"{path.name} has no space {missing[0]!r}" if missing else f"{path.name} is empty",
            allowed=", ".join(seen) or _ALLOWED,
        )
    return Histories(histories, provenance={"imported": "HPO-B", "autometa": __version__})


def _unit_space(name: str, parameters: int) -> SearchSpace:
    return SearchSpace(
        {f"x{j}": FloatDistribution(0.0, 1.0) for j in range(parameters)}, name=f"hpob-{name}"
    )


def _data_sets(stream: IO[str], path: Path) -> Iterator[tuple[str, str, str]]:
    """(space, data set, the text between its braces)."""
    space = ""
    ends = 0  # "}" in a row: one ends a data set, the next its space, the next the file
    for piece in _pieces(stream, path):
        head, brace, body = piece.rpartition("{")
        if not brace:
            ends += 1
            if piece.strip() or ends > 2:
                raise _damaged(path, piece)
            continue
        header = _HEADER.match(head)
        if header is None or ends > 1 or (header["space"] is None) != (ends == 0 and bool(space)):
            raise _damaged(path, head)
        ends = 0
        space = space if header["space"] is None else header["space"]
        yield space, header["task"], body
    if ends < 2 and space:
        raise _damaged(path, "its end is missing")


def _pieces(stream: IO[str], path: Path) -> Iterator[str]:
    """The text between closing braces, each piece bounded."""
    parts: list[str] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        *whole, rest = chunk.split("}")
        for text in whole:
            yield "".join([*parts, text])
            parts, size = [], 0
        parts.append(rest)
        size += len(rest)
        if size > MOST_PIECE:
            raise StoreError(
                f"a data set of {path.name} has more than {MOST_PIECE >> 20} million characters",
                allowed=_ALLOWED,
            )
    if "".join(parts).strip():
        raise _damaged(path, "text after its end")


def _read(body: str, what: str) -> tuple[Floats, Floats]:
    """Configs (n, d) and values (n,) of one data set."""
    try:
        data = json.loads("{" + body + "}")
        raw = np.array(data["X"], dtype=np.float64)
        values = np.array(data["y"], dtype=np.float64).reshape(len(raw), -1)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{what} is not readable ({error})", allowed=_ALLOWED) from error
    if raw.ndim != 2 or not 0 < raw.shape[1] <= _MOST_PARAMETERS or values.shape[1] != 1:
        raise InputError(
            f"{what} has X of shape {raw.shape} and y of shape {values.shape}",
            allowed=f"X (n, d) with d up to {_MOST_PARAMETERS} and y (n, 1)",
        )
    if not ((raw >= 0.0) & (raw <= 1.0)).all():
        raise InputError(f"{what} has configs outside the unit cube", allowed="X in [0, 1]")
    return raw, values[:, 0]


def _damaged(path: Path, where: str) -> StoreError:
    return StoreError(f"{path} is damaged or no HPO-B file (at {where[-60:]!r})", allowed=_ALLOWED)
