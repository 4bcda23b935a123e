"""Tasks that meta-training leaves out of an update, since their loss or gradient is no number."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field

from autometa.inner.episodes import Episodes

MOST_NAMES = 20


@dataclass(slots=True, eq=False)
class LeftOut:
    """How often each task was left out. Its first time is warned of; of tasks without ids, one is.

    Args:
        counts: What the task is called -> times it was left out; beyond 20 names under "others".
    """

    counts: dict[str, int] = field(default_factory=dict)
    _warned: set[str] = field(default_factory=set)

    def add(self, task: Episodes, iteration: int, position: int, loss: float) -> None:
        """Count one task, a stack of length 1.

        Args:
            task: What was left out.
            iteration: Outer update it was drawn for, from 0.
            position: Its place among the tasks drawn.
            loss: Its outer loss.
        """
        name = called(task, f"drawn {position} at iteration {iteration}")
        key = name if name in self.counts or len(self.counts) < MOST_NAMES else "others"
        self.counts[key] = self.counts.get(key, 0) + 1
        kind = "drawn" if task.ids is None else key
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(f"task {name} is left out: {why(task, loss)}", stacklevel=2)


def called(task: Episodes, otherwise: str) -> str:
    """The id of a stack of length 1, or what else it is called."""
    return otherwise if task.ids is None else str(int(task.ids[0]))


def why(task: Episodes, loss: float) -> str:
    """Why a stack of length 1 cannot be learned from."""
    holders = [name for name, part in task.named().items() if bool(part.isnan().any())]
    if holders:
        return f"NaN in {', '.join(holders)}"
    return "its gradient is not finite" if math.isfinite(loss) else f"its loss is {loss}"
