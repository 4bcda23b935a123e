"""Versions of Python and of the packages that decide a result."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from autometa._version import __version__

OF_MODELS = (
    *("scikit-learn", "torch", "numpy", "scipy", "pandas"),
    *("lightgbm", "xgboost", "xgboost-cpu", "catboost"),
)
"""Packages that decide what a model says."""


def versions_of(packages: Iterable[str] = OF_MODELS) -> dict[str, str]:
    """Versions of autometa, Python and those of some packages that are installed."""
    found = {"autometa": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
