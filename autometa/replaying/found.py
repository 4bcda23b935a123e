"""What a replay found: each study, the comparison with the other methods, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
WARM, COLD, ENQUEUE, RECORDED = "autometa", "cold-tpe", "enqueue3-tpe", "as-recorded"


def alone_name(prior: str) -> str:
    """The method that knows only the other prior."""
    return f"{prior}-alone"


def together_name(prior: str) -> str:
    """The method that knows both."""
    return f"{prior}-and-own"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReplay:
    """One study: method -> mean regret over its first n trials, mean over seeds; lower is better.

    `trials_to_match` is how many warm trials reach what the cold search has after n; None where
    they do not within n.
    """

    study: str
    recorded: int
    regret: Mapping[str, float]
    trials_to_match: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What `replay` found.

    Args:
        trials: n, the first trials that count.
        studies: Those that were replayed.
        against: Other method -> difference of the mean regrets, autometa's minus the other's, its
            95 % interval `low` to `high`, and studies won, tied and lost.
        left_out: Study -> why it was not replayed.
        infeasible: Study -> how many of its trials broke a constraint, and so count as failed.
        results: Of `autometa.bench.run`, at every trial from 1 to n.
        beside: The other prior that the studies were compared with; "" where there was none.
    """

    trials: int
    studies: tuple[StudyReplay, ...]
    against: Mapping[str, Mapping[str, float]]
    left_out: Mapping[str, str]
    results: Mapping[str, Any]
    infeasible: Mapping[str, int] = field(default_factory=dict)
    beside: str = ""

    @property
    def helped(self) -> bool | None:
        """Whether autometa would have helped: True, False (it would have hurt), None (neither)."""
        cold = self.against[COLD]
        if cold["high"] < 0:
            return True
        return False if cold["low"] > 0 else None

    @property
    def verdict(self) -> str:
        """The answer in a sentence or two."""
        cold, enqueue = self.against[COLD], self.against[ENQUEUE]
        answer = {
            True: "It would have helped",
            False: "It would have hurt",
            None: "It would not have helped: no difference that these studies can show",
        }[self.helped]
        text = (
            f"{answer}. Over the first {self.trials} trials autometa's regret is "
            f"{cold['difference']:+.3f} against a cold search [{cold['low']:+.3f}, "
            f"{cold['high']:+.3f}], better on {cold['win']} of {len(self.studies)} studies."
        )
        if self.helped and enqueue["high"] >= 0:
            text += " Trying the best configs of the others first would have helped about as much."
        return f"{text} {self._of_beside}" if self.beside else text

    @property
    def overtaken(self) -> bool | None:
        """Whether own studies know more than the other prior; None where that cannot be told."""
        found = self.against.get(alone_name(self.beside))
        if found is None or (found["low"] <= 0 <= found["high"]):
            return None
        return found["high"] < 0

    @property
    def _of_beside(self) -> str:
        alone = self.against[alone_name(self.beside)]
        both = self.against[together_name(self.beside)]
        answer = {
            True: f"Your own studies have overtaken {self.beside}",
            False: f"Your own studies have not overtaken {self.beside} yet",
            None: f"Your own studies and {self.beside} know about as much",
        }[self.overtaken]
        text = (
            f"{answer}: regret {alone['difference']:+.3f} against it alone "
            f"[{alone['low']:+.3f}, {alone['high']:+.3f}]"
        )
        if both["low"] > 0:
            return f"{text}; both together are better still ({-both['difference']:+.3f})."
        return f"{text}; both together change it by {-both['difference']:+.3f}."

    def to_json(self) -> dict[str, Any]:
        """Plain data, no NaN."""
        return {
            "format": FORMAT,
            "verdict": self.verdict,
            "helped": self.helped,
            "beside": self.beside,
            "overtaken": self.overtaken,
            "trials": self.trials,
            "studies": [
                {
                    "study": s.study,
                    "recorded": s.recorded,
                    "regret": dict(s.regret),
                    "trials_to_match": s.trials_to_match,
                }
                for s in self.studies
            ],
            "against": {name: dict(found) for name, found in self.against.items()},
            "left_out": dict(self.left_out),
            "infeasible": dict(self.infeasible),
            "results": dict(self.results),
        }
