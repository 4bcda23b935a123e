"""Who watches a search, and what they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from autometa.tuning.arms import TunedTrial

OnTrial: TypeAlias = Callable[[str, TunedTrial], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a search stands as a trial begins.

    Args:
        family: What is tried.
        trials: How many are done.
        best: Best score until now.
        left: Seconds until the end of the call; None without a limit.
    """

    family: str
    trials: int
    best: float | None
    left: float | None


Watch: TypeAlias = Callable[[Standing], None]
