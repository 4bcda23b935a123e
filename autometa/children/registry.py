"""Which families there are: those in `families`, those registered, those that packages bring.

To add one: a module in `families` with a `CHILD`, or from outside `register(child)`, or an entry
point of the group `autometa.families` that names a `Child`. A family that nothing is known of (no
portfolio ships for it) is searched cold until its own histories have come in.

`mlp@FOLDER` is the perceptron that starts from what `inner.learn_start` learned. Its name holds the
start's checksum; a process that made it once knows it by that name too, and opens no file for it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pkgutil import iter_modules

from autometa.children import families
from autometa.children.child import Child
from autometa.errors import InputError, MissingExtraError, reason
from autometa.tables import Kind

GROUP = "autometa.families"
FIRST = (
    "lightgbm",
    "xgboost",
    "catboost",
    "hist_gradient_boosting",
    "random_forest",
    "extra_trees",
    "svm",
    "linear",
    "k_nearest_neighbors",
    "mlp",
)
"""The order in which families are listed; others follow by name."""
_STARTED_MODULES = {"mlp": "autometa.children.starts.started"}
_started: dict[str, Child] = {}
_registered: dict[str, Child] = {}


def register(child: Child) -> None:
    """Make a family of your own known by its name, in this process.

    Other processes, those that `tune` and `collect` evaluate in, find it by its `source`: where it
    names none, by the module that holds it. What only a script or a notebook holds they cannot
    find: see `here_only`.

    Raises:
        InputError: not a child, or its name is taken.
    """
    if not isinstance(child, Child):
        raise InputError(f"a family of type {type(child).__name__}", allowed="a Child")
    if child.name in _places() or child.name in _brought():
        raise InputError(
            f"a family named {child.name!r}",
            allowed=f"a name other than {', '.join(known())}",
            do="Rename the child and its space",
        )
    _registered[child.name] = _with_source(child, _address(child))


def here_only(name: str) -> bool:
    """Whether only this process knows a family: nothing can be evaluated for it in another one."""
    return name in _registered and _registered[name].source == name


def _with_source(child: Child, address: str) -> Child:
    return replace(child, source=address) if address and child.source == child.name else child


def _address(child: Child) -> str:
    """Where another process can import a child: "module:attribute"; "" where it cannot."""
    main = sys.modules.get("__main__")  # by all of its names: it would run once more
    for module, held in list(sys.modules.items()):
        own = {} if held is main else getattr(held, "__dict__", {})
        for attribute, value in list(own.items()):
            if value is child:
                return f"{module}:{attribute}"
    return ""


def known() -> tuple[str, ...]:
    """Names of all families, whether what they need is installed or not."""
    every = dict.fromkeys((*_places(), *_brought(), *_registered))
    first = [name for name in FIRST if name in every]
    return (*first, *sorted(name for name in every if name not in first))


def names() -> tuple[str, ...]:
    """Names of the families that can be trained here."""
    return tuple(name for name in known() if not missing(name) and not broken(name))


def missing(name: str) -> str:
    """The package that a family lacks; empty where it lacks none."""
    if name not in _places():
        return ""
    package = _shipped(name).package
    return package if package and find_spec(package) is None else ""


def broken(name: str) -> str:
    """Why a family that a package brings cannot be loaded; empty where it can."""
    found = _loaded(_brought()[name]) if name in _brought() else None
    return str(found) if isinstance(found, InputError) else ""


def get(name: str, kind: Kind | None = None) -> Child:
    """A child by name, or from a learned start by `NAME@FOLDER`.

    Args:
        name: Its name, or "module:attribute" of a `Child` that other processes can import.
        kind: The kind of problem that it is for; see `Child.on`.

    Raises:
        InputError: there is none of this name.
        MissingExtraError: a package that it needs is not installed.
        StoreError, ModelError: the folder holds no start for this child.

    >>> get("svm").space.active({"kernel": "linear"})
    ('kernel', 'C', 'tol', 'class_weight')
    >>> "class_weight" in get("svm", "regression").space.names
    False
    """
    return _find(name).on(kind)


def _find(name: str) -> Child:
    base, at, folder = name.partition("@")
    if at and base in _STARTED_MODULES:
        started: Child = import_module(_STARTED_MODULES[base]).starting_from(folder)
        _started[started.name] = started
        return started
    if name in _started:
        return _started[name]
    if name in _registered:
        return _registered[name]
    if name in _brought():
        found = _loaded(_brought()[name])
        if isinstance(found, InputError):
            raise InputError(found.given, allowed=found.allowed, do=found.do)
        return found
    if name in _places():
        child = _shipped(name)
        if lacking := missing(name):
            raise MissingExtraError(
                f"family {name!r} needs {lacking}, which is not installed", do=child.install
            )
        return child
    if ":" in name:
        return _elsewhere(name)
    starts = (f"{base}@FOLDER of a learned start" for base in _STARTED_MODULES)
    raise InputError(f"child {name!r}", allowed=", ".join((*known(), *starts)))


@cache
def _places() -> dict[str, str]:
    """Family -> its module, for those that ship."""
    listed = (m.name for m in iter_modules(families.__path__))
    return {name: f"{families.__name__}.{name}" for name in listed if not name.startswith("_")}


def _shipped(name: str) -> Child:
    return _checked(import_module(_places()[name]).CHILD, name)


@cache
def _brought() -> dict[str, EntryPoint]:
    """Family -> the entry point that brings it."""
    return {point.name: point for point in entry_points(group=GROUP)}


@cache
def _loaded(point: EntryPoint) -> Child | InputError:
    """The family that a package brings, or why it brings none; tried once in a process."""
    try:
        return _checked(point.load(), point.name)
    except InputError as error:
        return error
    except Exception as error:  # of a package that is not ours
        return InputError(
            f"family {point.name!r} cannot be loaded from {point.value!r} ({reason(error)})",
            do="Mend or uninstall the package that brings it",
        )


def _elsewhere(name: str) -> Child:
    module, _, attribute = name.partition(":")
    try:
        child = _with_source(_checked(getattr(import_module(module), attribute), name), name)
        return _registered.setdefault(child.name, child)  # known by its own name from here on
    except InputError:
        raise
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"family {name!r}: {error}", allowed="MODULE:ATTRIBUTE of a Child that can be imported"
        ) from error
    except Exception as error:  # of a module that is not ours
        raise InputError(f"family {name!r} cannot be imported ({reason(error)})") from error


def _checked(child: object, name: str) -> Child:
    if not isinstance(child, Child):
        raise InputError(f"{name!r} is a {type(child).__name__}", allowed="an autometa Child")
    return child
