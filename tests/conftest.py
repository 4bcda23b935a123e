"""Hooks of the whole run: the table of faults, where fault tests ran, and one thread a process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from autometa.children.evaluation.threads import ONE_THREAD
from tests.faults.counter import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

# The workers of a parallel run take all cores: threads of OpenMP that wait for one another in each
# of them make a boosting of sixty rows last minutes. The workers, and every process that a test
# starts, read this where they load their libraries.
for _name, _number in ONE_THREAD.items():
    os.environ.setdefault(_name, _number)


@pytest.fixture(autouse=True)
def _loudness() -> Iterator[None]:
    """Optuna says as much after a test as before: commands that tests call may silence it."""
    from optuna import logging  # not earlier: the threads are limited by then

    before = logging.get_verbosity()
    yield
    logging.set_verbosity(before)


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the run's own: tests neither find nor leave anything in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOMETA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
