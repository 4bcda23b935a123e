"""Imported studies into the portfolio of a folder, each trial once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autometa.portfolio.importers.sharing import shared
from autometa.portfolio.importers.study_names import (
    INFERRED,
    identity_of,
    is_named,
    named,
    told_apart,
)
from autometa.portfolio.merging import provenance_of, provenance_parts, unseen
from autometa.portfolio.portfolio import Portfolio
from autometa.task import TaskHistory


def learn_studies(
    new: Portfolio, folder: str | Path, *, timeout: float | None = None
) -> tuple[Portfolio, dict[str, int]]:
    """Add imported studies to the portfolio of a folder, which is made where there is none.

    A trial that the task has already (config, value and state) is not added again, so learning
    twice from one study changes nothing. Where new studies widen a space or show a condition,
    the studies learned earlier move to the new common space.

    Args:
        new: What `import_studies` returned.
        folder: Of the portfolio; written atomically, other writers wait.
        timeout: As of `Portfolio.update`.

    Returns:
        The portfolio that the folder now holds, and the number of trials added to each task, by
        the task's name in `new`.

    Raises:
        StoreError: the folder cannot be read or written.
        PortfolioError: direction or metric of a study are not those of its earlier import, or of
            others in its space.
    """
    added: dict[str, int] = {}

    def change(old: Portfolio) -> Portfolio:
        arriving = named(new.histories, old.tasks)
        moving = [i for i, h in enumerate(old.histories) if _is_inferred(h)]
        joining = [i for i, h in enumerate(arriving) if _is_inferred(h)]
        kept = _named_since(old.histories, arriving)
        common = iter(shared([*(kept[i] for i in moving), *(arriving[i] for i in joining)]))
        for i in moving:
            kept[i] = next(common)
        for i in joining:
            arriving[i] = next(common)
        every = told_apart([*kept, *arriving])
        kept, arriving = every[: len(kept)], every[len(kept) :]
        # A study that now needs another space comes with all its trials: they replace the old ones.
        spaces = {(identity_of(h.task), h.task.name): h.task.space for h in arriving}
        kept = [
            h
            for h in kept
            if spaces.get((identity_of(h.task), h.task.name), h.task.space) == h.task.space
        ]
        base = replace(old, histories=tuple(kept))
        more = [unseen(h, base, fields=("values", "states")) for h in arriving]
        added.update({n.task.name: len(m) for n, m in zip(new.histories, more, strict=True)})
        if not any(added.values()):
            return base
        names = {i["study"] for i in new.provenance["studies"] if any(map(added.get, i["tasks"]))}
        studies = [i for i in new.provenance["studies"] if i["study"] in names]
        known = _without_earlier(base.provenance, studies)
        arrived = replace(
            new,
            histories=tuple(h for h in more if len(h)),
            provenance={**new.provenance, "studies": studies},
        )
        return replace(base, provenance=known).merge(arrived)

    return Portfolio.update(folder, change, timeout=timeout), added


def _named_since(old: Sequence[TaskHistory], arriving: Sequence[TaskHistory]) -> list[TaskHistory]:
    """The old histories; what nobody had named is measured by the name that its study has now."""
    metrics = {
        (identity_of(h.task), h.task.name): h.task.metric
        for h in arriving
        if is_named(h.task.metric)
    }
    return [
        replace(h, task=replace(h.task, metric=metrics[key]))
        if not is_named(h.task.metric) and (key := (identity_of(h.task), h.task.name)) in metrics
        else h
        for h in old
    ]


def _is_inferred(history: TaskHistory) -> bool:
    return history.task.info.get("space") == INFERRED


def _without_earlier(
    provenance: Mapping[str, Any], studies: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A provenance without what was told when some studies were learned with fewer trials.

    A study that is fed back after every trial is told of once, as it was at last.
    """
    told = {_identity(study) for study in studies} - {None}
    kept = []
    for part in provenance_parts(provenance):
        earlier = part.get("studies")
        if isinstance(earlier, list):
            left = [s for s in earlier if _identity(s) not in told]
            if earlier and not left:
                continue
            part = {**part, "studies": left}
        kept.append(part)
    return provenance_of(kept)


def _identity(study: Any) -> tuple[Any, ...] | None:
    """Which study a record is of; None where it does not say, as those of other makers."""
    if not isinstance(study, Mapping) or not study.get("started"):
        return None
    return study.get("study"), study.get("source"), study["started"]
