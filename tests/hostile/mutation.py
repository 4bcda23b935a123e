"""Valid input -> hostile input: bytes that flip, vanish or repeat, and JSON with odd parts."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    2**31,
    2**63,
    10**400,
    1e308,
    -0.0,
    float("nan"),
    float("inf"),
    "",
    "nan",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "a\x00b",
    "\ud800",
    "x" * 3000,
    [],
    {},
    [[]],
    [None],
    {"": None},
    [0] * 200,
)
_TOKENS = (
    *(b"\x00", b"\xff" * 8, b"\x7f\xff\xff\xff", b"nan", b"1e999", b"-1", b'"', b"{", b"[" * 3000),
    *(b",", b"\n", b"\r\n", b"\\", b"../", b"<script>", "\N{SNOWMAN}".encode()),
)


def bytes_of(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes of single bytes, slices or tokens."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        start = int(rng.integers(len(changed) + 1))
        stop = min(len(changed), start + int(rng.choice([1, 4, 16, 400])))
        kind = int(rng.integers(7))
        if kind == 0 and start < len(changed):
            changed[start] ^= 1 << int(rng.integers(8))
        elif kind == 1 and start < len(changed):
            changed[start] = int(rng.integers(256))
        elif kind == 2:
            del changed[start:stop]
        elif kind == 3:
            changed[start:start] = changed[start:stop] * int(rng.integers(1, 4))
        elif kind == 4:
            changed[start:stop] = _TOKENS[int(rng.integers(len(_TOKENS)))]
        elif kind == 5:
            changed[start:stop] = rng.bytes(stop - start)
        elif rng.random() < 0.2:
            del changed[start:]
    return bytes(changed)


def json_of(data: Any, rng: np.random.Generator) -> Any:
    """A copy of JSON data with one to three nodes replaced, dropped, renamed or repeated."""
    changed = copy.deepcopy(data)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(changed))
        if not places:
            return _odd(rng)
        holder, key = places[int(rng.integers(len(places)))]
        kind = int(rng.integers(6))
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[str(_odd(rng))] = holder.pop(key)
        elif kind == 2 and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif kind == 3:
            other, place = places[int(rng.integers(len(places)))]
            holder[key] = copy.deepcopy(other[place])
        else:
            holder[key] = _odd(rng)
    return changed


def json_text(data: Any, rng: np.random.Generator) -> bytes:
    """The text of changed JSON data; now and then nested too deeply, or with changed bytes too."""
    text = json.dumps(json_of(data, rng)).encode()
    luck = rng.random()
    if luck < 0.01:
        return b'{"a":' * 100_000 + text
    return bytes_of(text, rng) if luck < 0.1 else text


def _odd(rng: np.random.Generator) -> Any:
    return copy.deepcopy(ODD[int(rng.integers(len(ODD)))])


def _places(data: Any) -> Any:
    """(holder, key) of every node below the root, breadth cut at 300 a holder."""
    waiting = [data]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in list(keys)[:300]:
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
