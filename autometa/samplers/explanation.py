"""Explanation: what the sampler wrote on each trial, read back as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import TrialState

from autometa.constraints import infeasible
from autometa.storages import attributes
from autometa.suggest.suggestion import RULES, UNRELATED

UNKNOWN = "not by autometa"
_OF_CONFIGS = ("default", "portfolio", "transfer", "cold")  # rules that decide a config


def unrelated(rule: str, config: object, trial: optuna.trial.FrozenTrial) -> bool:
    """Whether nothing of what a rule decided was asked for: the base sampler gave all that was."""
    return (
        rule in _OF_CONFIGS
        and isinstance(config, Mapping)
        and bool(config)
        and bool(trial.params)
        and not config.keys() & trial.params.keys()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one trial was tried.

    Args:
        number: The trial's number.
        value: Its value; None where it has none (or several).
        values: One of each objective, or the last that a pruned trial reported; None for what is
            not finite, empty where there is none.
        state: "complete", "pruned", "failed", "running" or "waiting".
        rule: default, portfolio, transfer, cold, enqueued, base (see `samplers.sampler`), or
            "not by autometa".
        transfer: Share of the evidence that spoke for the prior tasks, in [0, 1]; None where
            the rule did not ask.
        weights: Prior task -> weight in O(x) = sum_i w_i f_i(x), heaviest first.
        moved: Parameters whose suggested value the study did not allow, moved to the nearest.
        reason: The same in words.
        infeasible: Whether it broke a constraint, and so counts as failed.
    """

    number: int
    value: float | None
    rule: str
    values: tuple[float | None, ...] = ()
    state: str = "complete"
    transfer: float | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    reason: str = ""
    infeasible: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "number": self.number,
            "value": self.value,
            "values": list(self.values),
            "state": self.state,
            "rule": self.rule,
            "transfer": self.transfer,
            "weights": dict(self.weights),
            "moved": list(self.moved),
            "reason": self.reason,
            "infeasible": self.infeasible,
        }


def explain_study(study: optuna.Study) -> list[Explanation]:
    """An explanation of every trial; attributes of an unexpected kind are treated as absent."""
    return [explain_trial(study, trial) for trial in study.get_trials(deepcopy=False)]


def explain_trial(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> Explanation:
    """The explanation of one trial."""

    def read(name: str, kind: type | tuple[type, ...]) -> Any:
        value = attributes.read(study, trial, name)
        return value if isinstance(value, kind) else None

    values = tuple(map(attributes.number, trial.values or ()))
    known: dict[str, Any] = {
        "number": trial.number,
        "value": values[0] if len(values) == 1 else None,
        "values": values,
        "state": "failed" if trial.state == TrialState.FAIL else trial.state.name.lower(),
        "infeasible": infeasible(trial),
    }
    rule = read("rule", str) or UNKNOWN
    if unrelated(rule, read("config", dict), trial):
        return Explanation(**known, rule="base", reason=UNRELATED)
    return Explanation(
        **known,
        rule=rule,
        transfer=attributes.number(read("transfer", (int, float))),
        weights=attributes.weights(read("weights", dict)),
        moved=tuple(map(str, read("moved", list) or ())),
        reason=read("reason", str) or RULES.get(rule, ""),
    )
