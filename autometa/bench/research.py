"""autometa's own research, a package beside it: whether it is there, and how to get it."""

from __future__ import annotations

from importlib.util import find_spec

PACKAGE = "autometa_benchmarks"
MORE = (
    "The suites of public data, the learned inner rates and other people's methods are a package "
    "of their own: `pip install ./benchmarks` in a clone of autometa's repository"
)


def has_research() -> bool:
    """Whether it is installed, or beside autometa in a checkout."""
    return find_spec(PACKAGE) is not None
