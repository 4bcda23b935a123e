"""Explanation: what the sampler wrote on each trial, read back as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna

from autometa.search import attributes

UNKNOWN = "not by autometa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one trial was tried.

    Args:
        number: The trial's number.
        value: Its value; None where it has none (or several).
        rule: default, portfolio, transfer, cold (see `search.sampler`), or "not by autometa".
        transfer: Share of the evidence that spoke for the prior tasks, in [0, 1]; None where
            the rule did not ask.
        weights: Prior task -> weight in O(x) = sum_i w_i f_i(x), heaviest first.
        moved: Parameters whose suggested value the study did not allow, moved to the nearest.
        reason: In words, for the first trials.
    """

    number: int
    value: float | None
    rule: str
    transfer: float | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "number": self.number,
            "value": self.value,
            "rule": self.rule,
            "transfer": self.transfer,
            "weights": dict(self.weights),
            "moved": list(self.moved),
            "reason": self.reason,
        }


def explain_study(study: optuna.Study) -> list[Explanation]:
    """An explanation of every trial; attributes of an unexpected kind are treated as absent."""
    return [_explain(study, trial) for trial in study.get_trials(deepcopy=False)]


def _explain(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> Explanation:
    def read(name: str, kind: type | tuple[type, ...]) -> Any:
        value = attributes.read(study, trial, name)
        return value if isinstance(value, kind) else None

    return Explanation(
        number=trial.number,
        value=attributes.number(trial.values[0]) if len(trial.values or ()) == 1 else None,
        rule=read("rule", str) or UNKNOWN,
        transfer=attributes.number(read("transfer", (int, float))),
        weights=attributes.weights(read("weights", dict)),
        moved=tuple(map(str, read("moved", list) or ())),
        reason=read("reason", str) or "",
    )
