"""The children that ship. To add one: write its module, then one line here."""

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


def names() -> tuple[str, ...]:
    """Names of the children."""
    return tuple(_MODULES)


def get(name: str) -> Child:
    """A child by name.

    Raises:
        InputError: there is none of this name.

    >>> get("svm").space.active({"kernel": "linear"})
    ('kernel', 'C', 'tol', 'class_weight')
    """
    if name not in _MODULES:
        raise InputError(f"child {name!r}", allowed=", ".join(_MODULES))
    child = import_module(_MODULES[name]).CHILD
    assert isinstance(child, Child)
    return child
