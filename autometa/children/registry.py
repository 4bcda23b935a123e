"""The children that ship. To add one: write its module, then one line here.

`mlp@FOLDER` is the perceptron that starts from what `inner.learn_start` learned. Its name holds the
start's checksum; a process that made it once knows it by that name too, and opens no file for it.
"""

from __future__ import annotations

from importlib import import_module

from autometa.children.child import Child
from autometa.errors import InputError

_MODULES = {
    "hist_gradient_boosting": "autometa.children.hist_gradient_boosting",
    "random_forest": "autometa.children.random_forest",
    "svm": "autometa.children.svm",
    "linear": "autometa.children.linear",
    "k_nearest_neighbors": "autometa.children.k_nearest_neighbors",
    "mlp": "autometa.children.mlp",
}

FROM = "-from-"  # in the name of a child with a learned start, before the checksum
_STARTED_MODULES = {"mlp": "autometa.children.mlp_started"}
_started: dict[str, Child] = {}


def names() -> tuple[str, ...]:
    """Names of the children."""
    return tuple(_MODULES)


def get(name: str) -> Child:
    """A child by name, or from a learned start by `NAME@FOLDER`.

    Raises:
        InputError: there is none of this name.
        StoreError, ModelError: the folder holds no start for this child.

    >>> get("svm").space.active({"kernel": "linear"})
    ('kernel', 'C', 'tol', 'class_weight')
    """
    base, at, folder = name.partition("@")
    if at and base in _STARTED_MODULES:
        started: Child = import_module(_STARTED_MODULES[base]).starting_from(folder)
        _started[started.name] = started
        return started
    if name in _started:
        return _started[name]
    if name not in _MODULES:
        starts = (f"{base}@FOLDER of a learned start" for base in _STARTED_MODULES)
        raise InputError(f"child {name!r}", allowed=", ".join((*_MODULES, *starts)))
    child = import_module(_MODULES[name]).CHILD
    assert isinstance(child, Child)
    return child
