"""A model file in words, and what differs between two of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from autometa.meta.model import MetaModel
from autometa.meta.store import parts

_FIRST = 3  # configs of the start that are shown and compared


def describe(path: str | Path) -> dict[str, Any]:
    """What a file holds, JSON-able.

    Raises:
        StoreError: not a model, or damaged.
    """
    model, content = MetaModel.load(path), Path(path).read_bytes()
    tensors, scalars = parts(model)
    return {
        "file": Path(path).name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": model.licence,
        "provenance": dict(model.provenance),
        "space": model.space.name,
        "parameters": list(model.space.names),
        "inner_lr": model.space.inner_lr,
        "tasks": list(model.tasks),
        "meta_features": len({n for m in model.meta_features for n in m}),
        "curves": scalars["chance"],
        "start": [c.config for c in model.warm_start(_FIRST)],
        "tensors": {n: {"shape": list(t.shape), "bytes": t.nbytes} for n, t in tensors.items()},
    }


def differences(first: str | Path, second: str | Path) -> dict[str, Any]:
    """What the second model has otherwise than the first, JSON-able; empty where nothing is.

    Raises:
        StoreError: one of them is not a model, or damaged.
    """
    one, two = MetaModel.load(first), MetaModel.load(second)
    found: dict[str, Any] = {}
    old, new = one.space.to_json(), two.space.to_json()
    fields = [k for k in dict.fromkeys([*old, *new]) if old.get(k) != new.get(k)]
    if fields:
        found["space"] = fields
    for kind, names in (
        ("tasks_added", [t for t in two.tasks if t not in one.tasks]),
        ("tasks_removed", [t for t in one.tasks if t not in two.tasks]),
    ):
        if names:
            found[kind] = names
    for name in ("licence", "provenance"):
        if getattr(one, name) != getattr(two, name):
            found[name] = [getattr(one, name), getattr(two, name)]
    starts = [[c.config for c in m.warm_start(_FIRST)] for m in (one, two)]
    if starts[0] != starts[1]:
        found["start"] = starts
    (tensors, scalars), (others, other_scalars) = parts(one), parts(two)
    changed = {
        name: _distance(tensors.get(name), others.get(name))
        for name in dict.fromkeys([*tensors, *others])
        if not _equal(tensors.get(name), others.get(name))
    }
    if changed:
        found["tensors"] = changed
    if scalars != other_scalars:
        found["scalars"] = [k for k in scalars if scalars[k] != other_scalars[k]]
    return found


def _equal(a: np.ndarray[Any, Any] | None, b: np.ndarray[Any, Any] | None) -> bool:
    return a is not None and b is not None and a.shape == b.shape and bool(np.array_equal(a, b))


def _distance(a: np.ndarray[Any, Any] | None, b: np.ndarray[Any, Any] | None) -> str:
    """How far apart two tensors are, for people."""
    if a is None or b is None:
        return "only in the first" if b is None else "only in the second"
    if a.shape != b.shape:
        return f"shape {a.shape} and {b.shape}"
    scale = float(np.abs(a).max()) or 1.0
    return f"differs by up to {float(np.abs(a - b).max()) / scale:.2g} of its largest number"
