"""The trials of one Optuna study -> the columns of a history.

What each state becomes is in `studies`. Here nothing is named and nothing is stored: trials in,
arrays out, and what does not fit is counted with its reason.

Shapes: n trials that fit, p parameters, l steps.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from autometa.constraints import infeasible
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.portfolio.adapting import SpaceReport, report_of
from autometa.portfolio.importers.inferring import MOST_ODD, fitting, infer_most, name_of
from autometa.portfolio.importers.study_configs import distributions_of, misfit, number_of, raw_of
from autometa.portfolio.importers.target import ImportTarget
from autometa.space import SearchSpace
from autometa.space.adapting import adapt_rows
from autometa.space.rates import inner_rate
from autometa.space.rules import Rules
from autometa.task import State, TaskHistory

_MOST_STEP = 2**53  # what a float still counts by ones
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass
class ImportedStudy:
    """One study: what became of it."""

    study: str
    source: str
    started: str = ""
    histories: list[TaskHistory] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    failed: int = 0  # COMPLETE trials whose value is not finite
    infeasible: int = 0  # trials that broke a constraint
    left_out: dict[str, str] = field(
        default_factory=dict
    )  # parameter -> why it is not in the space
    names: set[str] = field(default_factory=set)  # of all parameters
    adapted: SpaceReport | None = None

    def to_json(self) -> dict[str, Any]:
        """For a portfolio's provenance."""
        return {
            "study": self.study,
            "source": self.source,
            "started": self.started,
            "tasks": [h.task.name for h in self.histories],
            "trials": len(self.histories[0]) if self.histories else 0,
            "skipped": dict(self.skipped),
            "not_finite": self.failed,
            "infeasible": self.infeasible,
            "left_out": list(self.left_out),
            "left_out_why": dict(self.left_out),
        }


@dataclass
class StudyRows:
    """The trials of a study that fit their space, n of them, and what all objectives share."""

    space: SearchSpace
    trials: list[FrozenTrial]
    raw: Floats
    fidelity: Floats
    seconds: Floats
    curves: Floats


def read_rows(new: ImportedStudy, trials: Sequence[FrozenTrial], target: ImportTarget) -> StudyRows:
    """Read the finished trials; counts in `new` what does not fit.

    Raises:
        InputError: no trial is COMPLETE, none of these fits, or the study is too different.
        SpaceError: the distributions make no space.
    """
    states = Counter(t.state.name for t in trials)
    new.skipped.update({s: n for s, n in states.items() if s in ("RUNNING", "WAITING")})
    finished = [t for t in trials if t.state in _FINISHED and sound(t)]
    malformed = sum(t.state in _FINISHED for t in trials) - len(finished)
    new.skipped.update({"malformed": malformed} if malformed else {})
    complete = [t for t in finished if t.state == TrialState.COMPLETE]
    if not complete:
        listed = ", ".join(f"{n} {s}" for s, n in sorted(states.items())) or "no trial at all"
        raise InputError(
            f"study {new.study!r} has no COMPLETE trial ({listed})",
            allowed="at least one",
            do="Let it finish, or leave it out",
        )
    names = list(dict.fromkeys(n for t in complete for n in t.params))
    if not names:
        raise InputError(f"study {new.study!r} tunes no parameter", allowed="at least one")
    new.names.update(names)
    if becomes := _renamed_on_the_way(finished, target.rules.renamed):
        finished = [_by_new_names(t, becomes) for t in finished]
        names = list(dict.fromkeys(becomes.get(n, n) for n in names))
    distributions, new.left_out = distributions_of(new.study, names, finished)
    if target.space is None:
        space, raw, wrong = _inferred(new, distributions, finished, target.inner_lr)
    elif not target.adapts:
        space = target.space
        raw, wrong = _own(new, finished, space)
    else:
        space = target.space
        raw, wrong = _adapted(new, finished, distributions, target.space, target.rules)
    for i, trial in enumerate(finished):
        if trial.state == TrialState.COMPLETE and not trial.params:
            wrong[i] = "no parameters"
        if wrong[i]:
            new.skipped[f"{trial.state.name}: {wrong[i]}"] += 1
    keep = np.array([not what for what in wrong], dtype=bool)
    kept = [t for t, k in zip(finished, keep, strict=True) if k]
    if not any(t.state == TrialState.COMPLETE for t in kept):
        reason, count = new.skipped.most_common(1)[0]
        raise InputError(
            f"no COMPLETE trial of study {new.study!r} fits the space ({count} times {reason})",
            allowed="trials that have exactly the active parameters, in their ranges",
            do="Correct the space, or leave it out so that it is inferred",
        )
    fidelity, curves = _curves(kept)
    seconds = [np.nan if t.duration is None else t.duration.total_seconds() for t in kept]
    return StudyRows(space, kept, raw[keep], fidelity, np.array(seconds), curves)


def _renamed_on_the_way(
    trials: Sequence[FrozenTrial], renamed: Mapping[str, str]
) -> dict[str, str]:
    """Old name -> new one, of parameters that no trial has by both though the study does."""
    found: dict[str, str] = {}
    for becomes in dict.fromkeys(renamed.values()):
        names = {old for old, new in renamed.items() if new == becomes}
        names |= {becomes} - renamed.keys()
        by = [names & t.params.keys() for t in trials]
        if len(set().union(*by)) > 1 and max(map(len, by)) == 1:
            found |= dict.fromkeys(names - {becomes}, becomes)
    return found


def _by_new_names(trial: FrozenTrial, becomes: Mapping[str, str]) -> FrozenTrial:
    """A trial with the new names; the user's own stays as it is."""
    if not becomes.keys() & trial.params.keys():
        return trial
    trial = copy.copy(trial)
    trial.params = {becomes.get(n, n): v for n, v in trial.params.items()}
    trial.distributions = {becomes.get(n, n): d for n, d in trial.distributions.items()}
    return trial


def sound(trial: FrozenTrial) -> bool:
    """Whether all of it is of the kinds that Optuna writes: a file may lie."""
    numbers = (*(trial.values or ()), *trial.intermediate_values.values())
    times = (trial.datetime_start, trial.datetime_complete)
    return (
        all(isinstance(name, str) for name in trial.params)
        and all(n is None or isinstance(n, float) or number_of(n) < math.inf for n in numbers)
        and all(isinstance(s, int) and abs(s) < _MOST_STEP for s in trial.intermediate_values)
        and all(t is None or (isinstance(t, datetime) and t.tzinfo is None) for t in times)
    )


def _own(
    new: ImportedStudy, finished: Sequence[FrozenTrial], space: SearchSpace
) -> tuple[Floats, list[str]]:
    """Raw configs (n, p) in the study's own space, and for each what is wrong with it or ""."""
    raw, foreign = raw_of(finished, space, ignore=new.left_out)
    return raw, _wrong(space, raw, foreign)


def _wrong(space: SearchSpace, raw: Floats, foreign: Sequence[str]) -> list[str]:
    whole, inside = fitting(space, raw)
    return [
        strange or ("" if fits else misfit(space, row))
        for strange, fits, row in zip(foreign, whole & inside, raw, strict=True)
    ]


def _adapted(
    new: ImportedStudy,
    finished: Sequence[FrozenTrial],
    distributions: Mapping[str, BaseDistribution],
    space: SearchSpace,
    rules: Rules,
) -> tuple[Floats, list[str]]:
    """Raw configs (n, p) in the given space, and for each what is wrong with it or "".

    Raises:
        InputError: the study is too different to help.
        SpaceError: two of its parameters become one.
    """
    flat = SearchSpace(distributions)
    raw, foreign = raw_of(finished, flat, ignore=new.left_out)
    rows = adapt_rows(distributions, space, np.where(np.isfinite(raw), raw, np.nan), rules)
    new.adapted = report_of(new.study, [new.study], rows)
    if new.adapted.too_different:
        raise InputError(
            f"study {new.study!r} is too different from the space: {new.adapted.too_different}",
            allowed="studies that share more with it",
            do="Say what was renamed, or leave the study out",
        )
    known = np.array([p.old is not None for p in rows.parameters[: len(space.names)]])
    gaps = rows.filled & known
    active = (rows.keep[:, None] & ~np.isnan(rows.raw)).sum(axis=0)
    # A parameter that most trials have is not new: a trial without it ended early.
    odd = (gaps.sum(axis=0) * MOST_ODD <= active) & [n not in rules.defaults for n in space.names]
    wrong = []
    for i, trial in enumerate(finished):
        what = foreign[i] or rows.lost[i]
        gone = np.flatnonzero(gaps[i] & (odd | (trial.state != TrialState.COMPLETE)))
        if not what and len(gone):
            what = f"parameter {space.names[gone[0]]!r} is missing"
        wrong.append(what)
    return rows.raw, wrong


def _inferred(
    new: ImportedStudy,
    distributions: dict[str, BaseDistribution],
    finished: Sequence[FrozenTrial],
    inner_lr: str | None,
) -> tuple[SearchSpace, Floats, list[str]]:
    """The space of a study's trials, see `inferring`, and as `_own` in it."""
    flat = SearchSpace(distributions)
    raw, foreign = raw_of(finished, flat, ignore=new.left_out)
    complete = np.array([t.state == TrialState.COMPLETE for t in finished])
    conditions, unexplained = infer_most(distributions, raw[complete])
    new.left_out |= dict.fromkeys(unexplained, "not in all trials, and no other explains in which")
    distributions = {n: d for n, d in distributions.items() if n not in unexplained}
    if not distributions:
        raise InputError(f"study {new.study!r} has no parameter that its trials share")
    space = SearchSpace(
        distributions,
        conditions=conditions,
        inner_lr=inner_rate(distributions)
        if inner_lr is None
        else inner_lr
        if inner_lr in distributions
        else None,
        name=name_of(distributions),
    )
    raw = raw[:, [flat.names.index(name) for name in space.names]]
    return space, raw, _wrong(space, raw, foreign)


def values_of(
    trials: Sequence[FrozenTrial], curves: Floats, objective: int, objectives: int
) -> tuple[Floats, list[State]]:
    """Values (n,) of one objective and the states that they allow."""
    values, states = np.full(len(trials), np.nan), []
    for i, trial in enumerate(trials):
        if trial.state == TrialState.FAIL or infeasible(trial):
            states.append(State.FAILED)
            continue
        given = trial.values
        if given is not None and len(given) == objectives and given[objective] is not None:
            values[i] = given[objective]
        elif trial.state == TrialState.PRUNED:
            known = curves[i][np.isfinite(curves[i])]
            values[i] = known[-1] if len(known) else np.nan
        ended = State.PRUNED if trial.state == TrialState.PRUNED else State.COMPLETE
        states.append(ended if np.isfinite(values[i]) else State.FAILED)
    return np.where(np.isfinite(values), values, np.nan), states


def _curves(trials: Sequence[FrozenTrial]) -> tuple[Floats, Floats]:
    """(fidelity (n,), curves (n, l)): one value a report, in the order of the steps."""
    reports = [sorted(t.intermediate_values.items()) for t in trials]
    curves = np.full((len(trials), max(map(len, reports), default=0)), np.nan)
    for i, row in enumerate(reports):
        curves[i, : len(row)] = [np.nan if v is None else v for _, v in row]
    curves[~np.isfinite(curves)] = np.nan
    whole = [
        [step for step, _ in r]
        for r, t in zip(reports, trials, strict=True)
        if r and t.state == TrialState.COMPLETE
    ]
    fidelity = np.ones(len(trials))
    if whole:
        # Steps may count from 0 or 1, or be every tenth: measure them in their smallest distance.
        first = min(r[0][0] for r in reports if r)
        gap = min((b - a for r in whole for a, b in pairwise(r)), default=1)
        full = (max(r[-1] for r in whole) - first) / gap + 1
        for i, (row, trial) in enumerate(zip(reports, trials, strict=True)):
            if row and trial.state == TrialState.PRUNED:
                fidelity[i] = min(1.0, ((row[-1][0] - first) / gap + 1) / full)
    return fidelity, curves
