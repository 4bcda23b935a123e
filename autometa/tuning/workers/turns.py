"""The turns of a contest for several workers: whoever is free has the next one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from autometa.tuning.arms import TunedTrial
from autometa.tuning.contest import Turn
from autometa.tuning.workers.worker import WorkItem
from autometa.tuning.workers.worker_pool import WorkerPool

if TYPE_CHECKING:
    from optuna.study import Study


def in_turns(
    pool: WorkerPool, ask: Callable[[], tuple[Turn, Study, WorkItem] | None]
) -> Iterator[tuple[Turn, TunedTrial | None, float]]:
    """Each turn as it is over: its trial, None where there is none, and seconds by the clock.

    Args:
        pool: Evaluates.
        ask: The next turn, its family's study and an item of one trial; None where time is up.
    """
    under_way: dict[int, tuple[Turn, WorkItem, float]] = {}

    def give() -> tuple[Study, WorkItem] | None:
        if (found := ask()) is None:
            return None
        turn, study, item = found
        under_way[id(item)] = turn, item, time.perf_counter()
        return study, item

    for item, trial in pool.turns(give):
        turn, _, begun = under_way.pop(id(item))
        if trial is not None and turn.config != trial.config:
            other = _whose(trial, turn, [(key, t) for key, (t, _, _) in under_way.items()])
            if other is not None:
                theirs, its, at = under_way[other]
                under_way[other], turn = (turn, its, at), theirs
        yield turn, trial, time.perf_counter() - begun


def _whose(trial: TunedTrial, turn: Turn, others: list[tuple[int, Turn]]) -> int | None:
    """Which other turn under way a trial belongs to, if to any.

    Two workers at one study may take one another's config from its queue: one has the other's
    config then, or what the study's own search says where a config was expected.
    """
    family = [(key, other) for key, other in others if other.family == trial.child]
    exact = [key for key, other in family if other.config == trial.config]
    searching = [key for key, other in family if other.config is None and turn.config is not None]
    return next(iter(exact + searching), None)
