"""Hooks of the whole run: the table of faults, where fault tests ran."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.counter import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the run's own: tests neither find nor leave anything in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOMETA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
