"""Plans: suggestions as they stand in their trials.

A plan lives in the trial's own user attributes, nowhere else: so a trial that is asked for here and
evaluated in another process, by another copy of the sampler, is what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping

import optuna
from optuna.trial import FrozenTrial

from autometa.storages import attributes
from autometa.suggest.suggestion import RULES, SLOT, Suggestion

WORDS = "words"  # the family in whose words a plan's config is, where these are not the study's
BEYOND = "beyond"  # a config that the trial's own ranges did not allow
_NOTES = (SLOT, WORDS, BEYOND, "reason", "transfer", "weights", "moved")


def plan_of(study: optuna.Study, trial: FrozenTrial) -> Suggestion | None:
    """The rule and the config that were announced for a trial; None where there are none."""
    config, rule = attributes.read(study, trial, "config"), attributes.read(study, trial, "rule")
    if not isinstance(config, dict):
        return None
    known = isinstance(rule, str) and rule in RULES  # anyone may write attributes
    return Suggestion(rule=rule if known else "base", config=config)


def announce(study: optuna.Study, trial: FrozenTrial, plan: Suggestion) -> None:
    """Write a plan to its trial, for its own later questions and for other processes."""
    notes = {**plan.notes, "reason": plan.reason} if plan.reason else plan.notes
    attributes.write(study, trial, "rule", plan.rule)
    for name in _NOTES:
        # Of an earlier plan, which another process was quicker to carry out, nothing stays.
        if name in notes or attributes.read(study, trial, name) is not None:
            attributes.write(study, trial, name, notes.get(name))
    # The whole config, so that other workers see it before its parameters are asked for; last,
    # so that a trial which is tried again has all of this or is decided anew.
    attributes.write(study, trial, "config", plan.config)


def enqueued_values(trial: FrozenTrial) -> Mapping[str, object]:
    """What `enqueue_trial` fixed of a trial; empty for any other."""
    fixed = trial.system_attrs.get("fixed_params")
    return fixed if isinstance(fixed, Mapping) else {}
