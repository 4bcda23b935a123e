"""What a list is judged on: a task that can be asked, or of which some configs were recorded.

Of a recorded task only what was recorded can be asked: the nearest config (unit coordinates) that
is not used yet stands for a config of a list. What tasks have recorded in common is the truth that
the oracle knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from autometa.encoding import Floats
from autometa.task import State, TaskHistory
from autometa_benchmarks.start.regret import CHECKPOINTS, Tried, nearest_unused, scaled

_LEAST_GAP = 1e-4  # between best and median: tasks below it cannot tell lists apart
_COMMON = 0.5  # of the prior tasks know a config that they have in common

Ask: TypeAlias = Callable[[Floats], Tried]  # the raw configs of a list, in order
Truth: TypeAlias = tuple[Floats, Floats]  # raw candidates (m, p), regret on the prior tasks (m, T)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A task that no list has seen.

    Args:
        name: Of the task.
        family: Relatives share it.
        ask: What the configs of a list turn out to be worth.
        random: Random configs of the task, or all that were recorded.
    """

    name: str
    family: str
    ask: Ask
    random: Tried


def recorded(history: TaskHistory) -> HeldOut:
    """A task of which only what was recorded can be asked."""
    space, pool = history.task.space, _finished(history)
    regret = scaled(pool.scores, *_range(pool))
    unit = space.encode_raw(pool.raw)

    def ask(raw: Floats) -> Tried:
        rows = nearest_unused(unit, space.encode_raw(raw))
        return Tried(regret=regret[rows], seconds=pool.seconds[rows])

    return HeldOut(
        name=history.task.name,
        family=history.task.family,
        ask=ask,
        random=Tried(regret=regret, seconds=pool.seconds),
    )


def _finished(history: TaskHistory) -> TaskHistory:
    """Trials of full length that succeeded or failed."""
    return history.take((history.states != State.PRUNED) & (history.fidelity >= 1.0))


def _range(history: TaskHistory) -> tuple[float, float]:
    """Best and median score."""
    return float(np.nanmax(history.scores)), float(np.nanmedian(history.scores))


def tells(history: TaskHistory) -> bool:
    """Whether lists can be told apart by what was recorded."""
    pool = _finished(history)
    if not np.isfinite(pool.values).any():
        return False
    best, middle = _range(pool)
    return best - middle > _LEAST_GAP


def in_common(histories: Iterable[TaskHistory]) -> Truth | None:
    """The configs that most of some tasks were evaluated on, and their regret on each.

    Where a task lacks one, the nearest config that it was evaluated on stands for it.

    Returns:
        Raw configs (m, p) and regret (m, T); None where they have fewer than ten in common.
    """
    pools = [_finished(h) for h in histories if tells(h)]
    if not pools:
        return None
    space = pools[0].task.space
    units = [space.encode_raw(p.raw) for p in pools]
    own = [np.unique(u, axis=0, return_index=True) for u in units]
    every = np.concatenate([p.raw[rows] for p, (_, rows) in zip(pools, own, strict=True)])
    _, first, count = np.unique(
        np.concatenate([u for u, _ in own]), axis=0, return_index=True, return_counts=True
    )
    raw = every[first[count >= _COMMON * len(pools)]]
    if len(raw) < CHECKPOINTS[-1]:
        return None
    asked = space.encode_raw(raw)
    regret = []
    for pool, unit in zip(pools, units, strict=True):
        nearest = ((asked[:, None] - unit[None]) ** 2).sum(axis=2).argmin(axis=1)
        regret.append(scaled(pool.scores, *_range(pool))[nearest])
    return raw, np.stack(regret, axis=1)
