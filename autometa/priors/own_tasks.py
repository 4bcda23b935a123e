"""A study's own place in a prior: it is no prior of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import optuna

from autometa.meta import MetaModel
from autometa.portfolio import Portfolio


def without_study(
    known: Portfolio | MetaModel, study: optuna.Study | None
) -> Portfolio | MetaModel:
    """A prior without the study that it is given to: a task with its name and its first trial."""
    if study is None or isinstance(known, MetaModel):
        return known
    starts = [t.datetime_start for t in study.get_trials(deepcopy=False) if t.datetime_start]
    if not starts:
        return known
    own = (study.study_name, min(starts).isoformat())
    kept = [h for h in known.histories if _told(h.task.info) != own]
    if len(kept) == len(known):
        return known
    return replace(known, histories=tuple(kept))


def _told(info: Mapping[str, object]) -> tuple[object, object]:
    return info.get("study"), info.get("started")
