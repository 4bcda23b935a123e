"""Suggestion: what to try next, by which rule, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autometa.errors import InputError
from autometa.space import Config

SLOT = "slot"  # note: which item of the start a trial has
RULES = {
    "portfolio": "the next config of the zero-shot start",
    "default": "the space's default config; nothing has been learned from prior tasks",
    "transfer": "most promising after weighing prior tasks by how they fit the trials so far",
    "cold": "most promising judged by this task's own trials alone: insurance against the prior",
    "base": "proposed by the base sampler, without the prior",
    "enqueued": "enqueued by hand, or tried again as it was",
}
FROM_TRIALS = ("transfer", "cold")  # rules whose configs follow from the study's trials
MOVABLE = (*FROM_TRIALS, "portfolio")  # rules that can do with some parameters decided by others

# Reasons of single suggestions, where the rule alone does not say it.
GOING_COLD = "no prior task explains the trials so far: going cold"
SEVERAL = "several objectives: each prior task had one"
OTHER_OBJECTIVES = "other objectives than prior tasks had"
FRONT = "promises most new hypervolume, after weighing prior tasks of the same objectives"
NOTHING_LEARNED = "no prior task to learn from"
FAILING = "all trials so far have failed: insurance against the prior"
INFEASIBLE = "no trial so far has kept the constraints: where they are likely to be kept"
MISFIT = "no result so far fits the parameters of the prior tasks"
LIST_ENDED = "all of the start was tried, and there is no result yet"
UNRELATED = "none of the parameters that prior tasks know is in this study"
ENQUEUED = "enqueued by hand"
REPEATED = "tried again as it was"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """See the module.

    Args:
        rule: What decided, one of `RULES`.
        config: Values of the parameters that are decided; empty where all are left to the base
            sampler.
        reason: Why, in a sentence; "" where the rule's own in `RULES` says it.
        notes: What else is worth knowing, JSON-able: `slot`, the place in the start; `transfer`,
            the share of the evidence that speaks for the prior tasks, in [0, 1]; `weights`, those
            of the heaviest prior tasks by name.

    Raises:
        InputError: not a rule.
    """

    rule: str
    config: Config
    reason: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise InputError(f"rule {self.rule!r}", allowed=", ".join(RULES))

    def around(self, given: Mapping[str, Any]) -> Suggestion:
        """This for what an enqueued trial leaves open, its notes aside: no place of the start."""
        return Suggestion(
            rule="enqueued",
            config={**self.config, **given},
            reason=f"{', '.join(given)} {ENQUEUED}, the rest by the rule {self.rule}",
        )
