"""Who watches a search, and the workers that evaluate for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from autometa.tuning.arms import TunedTrial
from autometa.tuning.workers.crew import Crew

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Workers that evaluate instead of this process.

    Args:
        crew: The workers.
        size: How many.
        models: Folder for the meta-models that they read.
    """

    crew: Crew
    size: int
    models: Path
