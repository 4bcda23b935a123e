"""Plan: what was decided for one running trial, and why.

It lives in the trial's own user attributes, nowhere else: so a trial that is asked for here and
evaluated in another process, by another copy of the sampler, is what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from autometa.space import Config
from autometa.storages import attributes

SLOT = "slot"  # which item of the start a trial has
_NOTES = (SLOT, "reason", "transfer", "weights", "moved")


@dataclass(frozen=True, slots=True)
class Plan:
    """See the module.

    Args:
        rule: What decided, see `sampler`.
        config: Values of the parameters that are decided; the base sampler gives all others.
        notes: Further attributes of the trial, JSON-able.
    """

    rule: str
    config: Config
    notes: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(study: optuna.Study, trial: FrozenTrial) -> Plan | None:
        """The plan that was announced for a trial; None where there is none."""
        config = attributes.read(study, trial, "config")
        if not isinstance(config, dict):
            return None
        return Plan(str(attributes.read(study, trial, "rule")), config)

    def announce(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Write the plan to the trial, for its own later questions and for other processes."""
        attributes.write(study, trial, "rule", self.rule)
        for name in _NOTES:
            # Of an earlier plan, which another process was quicker to carry out, nothing stays.
            if name in self.notes or attributes.read(study, trial, name) is not None:
                attributes.write(study, trial, name, self.notes.get(name))
        # The whole config, so that other workers see it before its parameters are asked for; last,
        # so that a trial which is tried again has all of this or is decided anew.
        attributes.write(study, trial, "config", self.config)


def fixed_by_hand(trial: FrozenTrial) -> Mapping[str, Any]:
    """What `enqueue_trial` fixed of a trial; empty for any other."""
    fixed = trial.system_attrs.get("fixed_params")
    return fixed if isinstance(fixed, Mapping) else {}
