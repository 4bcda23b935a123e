"""The one adapter to what Optuna has no public name for: a trial attribute set by a sampler.

A sampler is handed a `FrozenTrial`, which has no setter. Attributes go to the study's storage while
Optuna has a way, else to the study's own user attributes under a key with the trial's number.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import optuna

PREFIX = "autometa:"
EVALUATION = PREFIX + "evaluation"
WORKER = PREFIX + "worker"  # names who runs a trial
SECONDS = PREFIX + "seconds"  # how long a trial took where it really ran, in place of its times
DROPPED = PREFIX + "dropped"  # told as failed before there was a result


def write(study: optuna.Study, trial: optuna.trial.FrozenTrial, name: str, value: Any) -> None:
    """Set the user attribute `autometa:NAME` of a running trial to a short JSON value.

    The sampler's own copy of the trial has it too, and takes it along into a pickle.
    """
    trial.set_user_attr(PREFIX + name, value)
    setter = _setter(study, trial)
    if setter is None:
        with contextlib.suppress(Exception):  # no reason to stop a search
            study.set_user_attr(f"{PREFIX}{trial.number}:{name}", value)
        return
    with contextlib.suppress(TypeError):  # a value that is no JSON is none either
        setter(PREFIX + name, value)


def read(study: optuna.Study, trial: optuna.trial.FrozenTrial, name: str) -> Any:
    """The attribute that `write` set, or None.

    The study's own attributes, which cost a call of the storage, are asked only where `write` would
    use them: all who share a study are taken to share Optuna's ways.
    """
    if PREFIX + name in trial.user_attrs:
        return trial.user_attrs[PREFIX + name]
    if _setter(study, trial) is not None:
        return None
    known = getattr(study, "user_attrs", {})  # a bracket of HyperbandPruner has none
    return known.get(f"{PREFIX}{trial.number}:{name}")


def _setter(
    study: optuna.Study, trial: optuna.trial.FrozenTrial
) -> Callable[[str, Any], None] | None:
    try:
        return partial(study._storage.set_trial_user_attr, trial._trial_id)
    except AttributeError:
        return None


# Anyone who may write to a storage may write attributes: what is of another kind counts as absent.


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer beyond all floats
        return None


def weights(value: Any) -> dict[str, float]:
    """Prior task -> weight, as far as they are numbers."""
    pairs = value.items() if isinstance(value, Mapping) else ()
    known = {str(task): number(weight) for task, weight in pairs}
    return {task: weight for task, weight in known.items() if weight is not None}


def beat(trial: optuna.Trial) -> None:
    """A running trial's first sign of life, where the storage keeps any.

    Optuna sends it from a thread a moment later; a worker that is killed before that would leave a
    trial that never counts as dead.
    """
    storage = trial.study._storage
    interval = getattr(storage, "get_heartbeat_interval", None)
    if interval is not None and interval() is not None:
        storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]


def repeated(trials: Iterable[optuna.trial.FrozenTrial]) -> set[int]:
    """Numbers of the trials that others repeat: their failure says nothing of their config."""
    histories = (trial.system_attrs.get("retry_history") for trial in trials)
    return {n for history in histories if isinstance(history, list) for n in history}


def seconds(trial: optuna.trial.FrozenTrial) -> float:
    """How long a finished trial took: as it says itself, else by its times; NaN where unknown."""
    said = number(trial.user_attrs.get(SECONDS))
    if said is None and trial.duration is not None:
        said = trial.duration.total_seconds()
    return said if said is not None and said > 0.0 else math.nan
