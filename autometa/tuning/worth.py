"""What prior tasks were worth in a search: its first trials against the libraries' own defaults.

Defaults are what people use who do not search; they are tried in every search that has the trials
for it, so both scores are of the same folds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autometa.tuning.arms import Arm, TunedTrial

FIRST = 3  # trials of the start
LEARNED = ("portfolio", "transfer")  # rules that say what prior tasks taught


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """See the module.

    Args:
        start: The best of the first trials that prior tasks proposed.
        default: The best of the defaults that were tried.
        defaults: How many of them were.
        trials: Trials by what was learned until one was as good as the best default; None where
            none was.
    """

    start: TunedTrial
    default: TunedTrial
    defaults: int
    trials: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "start": self.start.value,
            "default": self.default.value,
            "default_child": self.default.child,
            "defaults": self.defaults,
            "trials_to_default": self.trials,
        }


def worth(arm: Arm) -> Worth | None:
    """Of the warm arm; None where no default was tried beside what was learned, or all failed."""
    learned = [t for t in arm.trials if t.rule in LEARNED]
    defaults = _defaults(arm)
    start, default = _best(learned[:FIRST], arm), best_default(arm)
    if start is None or default is None:
        return None
    by_prior = Arm(name="", trials=tuple(learned), direction=arm.direction)
    return Worth(
        start=start,
        default=default,
        defaults=len(defaults),
        trials=by_prior.trials_to(default.value),
    )


def best_default(arm: Arm) -> TunedTrial | None:
    """The best of the untuned defaults that were tried; None where none was, or all failed."""
    return _best(_defaults(arm), arm)


def _defaults(arm: Arm) -> list[TunedTrial]:
    return [t for t in arm.trials if t.rule == "default"]


def _best(trials: list[TunedTrial], arm: Arm) -> TunedTrial | None:
    return Arm(name="", trials=tuple(trials), direction=arm.direction).best
