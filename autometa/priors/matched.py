"""A prior's trials as trials of the parameters that are searched now: one rule for every door.

Names. What the user says comes first, then equal names, then names that are equal after the last
"__", as in a pipeline (`svc__C` is `C`), then names that differ in case, underscores, hyphens, dots
and spaces only. Parameters that no prior task knows are left out: they are searched without a
prior. A prior space of which less than a third would be its own is left out (see
`portfolio.adapting`), where what is not searched and only other priors know is not counted. A
parameter whose prior values all lie outside of what is searched now is
searched without a prior too, where it is one of a few (`MOST_AWAY`); where it is not, what is known
is of another kind of model, and the prior space is left out.

Ranges. A number outside the range that is searched stays the number it is: the model's range is
widened to hold it, and its task goes on informing the search, but it is no candidate for the first
trials (see `MetaModel.warm_start`). Clipping would say of a forest of 200 trees what is known of
one of 20; dropping would leave a task with five half-cut ranges one trial in thirty. On synthetic
bowls whose ranges are cut to half (3 families, 2 tasks each, normalised regret after 5 and 10
trials), with the optimum inside: informing .045 and .017, clipping .054 and .028, dropping .140 and
.061, cold .261 and .204; with the optimum outside .009 and -.027, -.013 and -.024, .162 and .029,
.339 and .298: there clipping is quicker for five trials. Choices have
no order: a trial whose choice is gone is dropped, as is one of a branch that is not searched.

Directions. Where prior tasks minimise and maximise, their values become scores, higher is better.

Shapes: n trials, p parameters; raw (n, p) as in `space`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.portfolio import Portfolio
from autometa.portfolio.adapting import (
    AdaptReport,
    SpaceReport,
    moved,
    named_apart,
    report_of,
)
from autometa.priors.beginning import renaming
from autometa.priors.old_space import OldSpace, lost_to
from autometa.space import SearchSpace
from autometa.space.adapting import AdaptedRows
from autometa.space.ranges import holding, is_inside
from autometa.space.rules import Rules
from autometa.space.values import describe, listed
from autometa.task import TaskHistory

MOST_AWAY = 1 / 3  # of the parameters of a prior space: its other parameters still teach


@dataclass(frozen=True, kw_only=True)
class Matched:
    """What a prior knows of a search.

    Args:
        portfolio: Its trials in the space of what they know; empty where they know nothing.
        report: What became of them, one part an old space.
        lacking: For each parameter that some tasks do not know, how many: for them a value is made
            up, which says nothing.
        lost: Which trials of the tasks that help could not be kept, and why.
        renaming: What to say where parameters may have been renamed; "" where none may.
        outside: For each parameter that has any, how many trials lie outside of what is searched.
        why: Why nothing is known; "" where something is.
    """

    portfolio: Portfolio
    report: AdaptReport = field(default_factory=AdaptReport)
    lacking: Mapping[str, int] = field(default_factory=dict)
    lost: str = ""
    renaming: str = ""
    outside: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


def matched(
    prior: Portfolio,
    space: SearchSpace,
    rules: Rules | None = None,
    *,
    widen: bool = True,
    searched: Collection[str] | None = None,
) -> Matched:
    """The prior's trials as trials of (a part of) a new space; see the module.

    Args:
        prior: Of any spaces.
        space: What is searched.
        rules: What the user says.
        widen: Whether numbers outside of what is searched stay what they are; else they are clipped
            or dropped, as the rules say.
        searched: The parameters that are searched, where others have one value each: a prior space
            that shares none of these is left out.

    Raises:
        SpaceError: a rule does not apply, or two parameters of an old space become one.
    """
    spaces, rules = prior.spaces, rules or Rules()
    names = tuple(dict.fromkeys(n for s in spaces for n in s.names))
    rules.check(space, names)
    if not spaces:
        return Matched(portfolio=Portfolio(), why="the prior holds no tasks")
    olds = [
        OldSpace.of(s, prior, space, rules if not widen else replace(rules, outside="drop"))
        for s in spaces
    ]
    wanted = set(space.names if searched is None else searched)
    helping = [old for old in olds if wanted & old.matches.keys()]
    reports: dict[SearchSpace, SpaceReport] = {}
    away: dict[str, str] = {}
    while part := _part(space, {n for old in helping for n in (*old.matches, *rules.defaults)}):
        wide = _widened(part, helping) if widen else part
        never = [old.unreached(wide, part) if widen else {} for old in helping]
        few = {
            i: lacking
            for i, (old, lacking) in enumerate(zip(helping, never, strict=True))
            if lacking and _teaches_without(old, lacking, wanted)
        }
        if few:
            helping = [old.without(few.get(i, ())) for i, old in enumerate(helping)]
            for lacking in few.values():
                away |= lacking
            continue
        rows = [
            _of_searched(lost_to(old.rows(wide, part), n), wide, wanted)
            for old, n in zip(helping, never, strict=True)
        ]
        found = [
            report_of(old.space.name, [h.task.name for h in old.histories], r)
            for old, r in zip(helping, rows, strict=True)
        ]
        reports |= {old.space: r for old, r in zip(helping, found, strict=True)}
        useful = [old for old, r in zip(helping, found, strict=True) if not r.too_different]
        if len(useful) == len(helping):
            break
        helping = useful
    report = AdaptReport(spaces=tuple(reports[s] for s in spaces if s in reports))
    if part is None:
        why = _why(report, names, space)
        return Matched(portfolio=Portfolio(), report=report, why=why)
    found_by = {
        id(h): new
        for old, r in zip(helping, rows, strict=True)
        for h, new in _histories(old, wide, r)
    }
    kept = [found_by[id(h)] for h in prior.histories if id(h) in found_by]
    unknown = _lacking(helping, rows, wide)
    unread = [n for n in names if all(n not in old.matches.values() for old in olds)]
    return Matched(
        portfolio=replace(prior, histories=tuple(_alike(kept))),
        report=report,
        lacking=unknown,
        lost=_lost(report),
        renaming=renaming(unread, [n for n in space.names if n in unknown or n not in part.names]),
        outside=_outside(part, wide, kept)
        | {n: f"{why}: searched without a prior" for n, why in away.items() if n not in part.names},
    )


def _of_searched(rows: AdaptedRows, space: SearchSpace, wanted: Collection[str]) -> AdaptedRows:
    """The same, asked for nothing but what is searched and what it knows of the rest."""
    searched = np.array([name in wanted for name in space.names])
    return replace(rows, asked=rows.asked & (rows.own | searched))


def _teaches_without(old: OldSpace, names: Collection[str], wanted: Collection[str]) -> bool:
    """Whether an old space still teaches where some of its parameters are not known."""
    left = old.matches.keys() - set(names)
    return len(names) <= MOST_AWAY * len(old.matches) and not left.isdisjoint(wanted)


def _part(space: SearchSpace, names: set[str]) -> SearchSpace | None:
    """The space of some parameters, without those whose parent is not among them."""
    kept: dict[str, BaseDistribution] = {}
    for name in space.names:  # parents first
        if name in names and (name not in space.conditions or space.conditions[name][0] in kept):
            kept[name] = space.distributions[name]
    if not kept:
        return None
    return SearchSpace(
        kept,
        conditions={n: c for n, c in space.conditions.items() if n in kept},
        defaults={n: v for n, v in space.defaults.items() if n in kept},
        inner_lr=space.inner_lr if space.inner_lr in kept else None,
        name=space.name,
    )


def _widened(space: SearchSpace, olds: Sequence[OldSpace]) -> SearchSpace:
    """The space with ranges that hold the numbers of old ones, as far as `FAR` allows."""
    wide = dict(space.distributions)
    for name, distribution in space.distributions.items():
        if isinstance(distribution, FloatDistribution | IntDistribution):
            values = [old.numbers(name) for old in olds if name in old.matches]
            wide[name] = holding(distribution, np.concatenate([np.empty(0), *values]))
    return replace(space, distributions=wide)


# Histories ---------------------------------------------------------------------------------------


def _histories(
    old: OldSpace, wide: SearchSpace, rows: AdaptedRows
) -> Iterator[tuple[TaskHistory, TaskHistory]]:
    """Old histories and what is kept of them; not those of which nothing is."""
    end = 0
    for history in old.histories:
        part = slice(end, end := end + len(history))
        if rows.keep[part].any():
            yield history, moved(history, wide, rows.raw[part], rows.keep[part])


def _lacking(
    olds: Sequence[OldSpace], rows: Sequence[AdaptedRows], space: SearchSpace
) -> dict[str, int]:
    """How many histories have no value of a parameter where it is active, and nobody gave one."""
    found: Counter[str] = Counter()
    for old, r in zip(olds, rows, strict=True):
        for j, name in enumerate(space.names):
            if name in old.matches or name in old.rules.defaults:
                continue
            filled, end = r.filled[:, j] & r.keep, 0
            for history in old.histories:
                found[name] += bool(filled[end : (end := end + len(history))].any())
    return {name: count for name, count in found.items() if count}


def _alike(histories: Sequence[TaskHistory]) -> list[TaskHistory]:
    """Named apart, and as scores where some minimise and some maximise."""
    apart = named_apart(histories)
    if len({h.task.direction for h in histories}) < 2:
        return apart
    return [
        replace(
            h,
            task=replace(h.task, direction="maximize", metric="score"),
            values=h.scores,
            curves=h.curve_scores,
            fold_scores=h.folded(h.fold_scores),
        )
        for h in apart
    ]


def _outside(
    part: SearchSpace, wide: SearchSpace, histories: Sequence[TaskHistory]
) -> dict[str, str]:
    raw = np.concatenate([h.raw for h in histories])
    found = {}
    for j, (name, distribution) in enumerate(part.distributions.items()):
        if wide.distributions[name] != distribution:
            known = raw[~np.isnan(raw[:, j]), j]
            away = int((~is_inside(distribution, known, wide.distributions[name])).sum())
            if away:
                found[name] = (
                    f"{away} of {len(known)} lie outside of {describe(distribution)}: they inform "
                    "the search, the first trials do not try them"
                )
    return found


# What to say -------------------------------------------------------------------------------------


def _lost(report: AdaptReport) -> str:
    """How many trials could not be kept, and most of them why."""
    reasons: Counter[str] = Counter()
    for space in report.spaces:
        reasons.update(space.dropped)
    if not reasons:
        return ""
    reason, count = reasons.most_common(1)[0]
    return f"in {count} of {sum(s.trials for s in report.spaces)} trials {reason}"


def _why(report: AdaptReport, names: Sequence[str], space: SearchSpace) -> str:
    """Why a prior knows nothing of a space."""
    if report.spaces:
        reasons = [reason for s in report.spaces for reason in s.dropped]
        detail = f": {reasons[0]}" if reasons else f": {report.spaces[0].too_different}"
        return f"no trial of the prior has values that are searched now{detail}"
    why = f"the prior's tasks tuned {listed(names)}, none of which is searched now"
    return why + renaming(names, space.names)
