"""Finished Optuna studies -> histories, and into a portfolio folder; nothing is dropped silently.

A history is made of params, distributions, values, intermediate values, states and times only;
attributes of trials are never looked at, since some samplers keep pickled objects there.

    COMPLETE          COMPLETE; FAILED where its value is NaN or infinite
    PRUNED            PRUNED, with its last intermediate value; fidelity is the share of steps that
                      it reached, 1 where no COMPLETE trial says how many steps there are
    FAIL              FAILED
    RUNNING, WAITING  skipped and counted, as are trials whose config does not fit the space
                      (a FAIL trial may have ended before it had asked for all its parameters)

Where a space is given, the trials of every study are adapted to it (see `adapting`): a parameter
that a COMPLETE trial does not have is filled in, but a FAIL or PRUNED trial is skipped where others
of its study have the parameter.

A study with several objectives becomes one task each, "study/0", "study/1", ... of one family and
with the metrics "value/0", "value/1", ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from autometa._version import __version__
from autometa.encoding import Floats
from autometa.errors import InputError, SpaceError
from autometa.portfolio.adapting import AdaptReport, SpaceReport, report_of
from autometa.portfolio.inferring import fitting, infer, shared, union
from autometa.portfolio.merging import free_name, unseen
from autometa.portfolio.portfolio import Portfolio
from autometa.portfolio.sources import ALLOWED, FoundStudy, StudySource, opened
from autometa.space import SearchSpace, Value
from autometa.space.adapting import adapt_rows
from autometa.space.rules import Rules
from autometa.task import State, Task, TaskHistory

INFERRED = "inferred"  # what a task's info says of its space
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass
class _Imported:
    """One study: what became of it."""

    study: str
    source: str
    started: str = ""
    histories: list[TaskHistory] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    failed: int = 0  # COMPLETE trials whose value is not finite
    left_out: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # of all parameters
    adapted: SpaceReport | None = None

    def to_json(self) -> dict[str, Any]:
        """For a portfolio's provenance."""
        return {
            "study": self.study,
            "source": self.source,
            "tasks": [h.task.name for h in self.histories],
            "trials": len(self.histories[0]) if self.histories else 0,
            "skipped": dict(self.skipped),
            "not_finite": self.failed,
            "left_out": self.left_out,
        }


@dataclass(frozen=True)
class _Aim:
    """In which space studies are wanted: a given one, or None for each study's own."""

    space: SearchSpace | None
    inner_lr: str | None
    rules: Rules

    def check_names(self, imported: Sequence[_Imported]) -> None:
        """Refuse an inner learning rate and rules that no study knows of."""
        names = list(dict.fromkeys(n for i in imported for n in sorted(i.names)))
        if self.space is not None:
            self.rules.check(self.space, names)
        elif self.inner_lr is not None and self.inner_lr not in names:
            raise InputError(
                f"inner_lr={self.inner_lr!r}, which no study tunes", allowed=", ".join(names)
            )


def _aim(
    space: SearchSpace | Mapping[str, BaseDistribution] | None, inner_lr: str | None, rules: Rules
) -> _Aim:
    if space is not None and not isinstance(space, SearchSpace):
        space = SearchSpace(space, inner_lr=inner_lr)
    elif space is not None and inner_lr not in (None, space.inner_lr):
        raise InputError(
            f"inner_lr={inner_lr!r} for a space whose inner learning rate is {space.inner_lr!r}",
            do="Say it in the space: SearchSpace(..., inner_lr=NAME)",
        )
    if space is None and rules != Rules():
        raise InputError(
            "renamed, choices, defaults or outside without a space to adapt to",
            do="Give the space too",
        )
    return _Aim(space, inner_lr, rules)


def import_studies(
    sources: StudySource | Iterable[StudySource],
    *,
    names: str | Iterable[str] | None,
    space: SearchSpace | Mapping[str, BaseDistribution] | None,
    metric: str,
    inner_lr: str | None = None,
    rules: Rules | None = None,
) -> Portfolio:
    """See `Portfolio.from_studies`."""
    aim = _aim(space, inner_lr, rules or Rules())
    patterns = [names] if isinstance(names, str) else None if names is None else list(names)
    imported: list[_Imported] = []
    refused: list[dict[str, str]] = []
    notes: list[str] = []
    seen: list[str] = []
    for source in _listed(sources):
        with opened(source) as (found, remarks):
            notes += remarks
            seen += [f.name for f in found]
            for study in found:
                if patterns is not None and not any(fnmatchcase(study.name, p) for p in patterns):
                    continue
                new, why = _import(study, aim, metric)
                if any((i.study, i.started) == (new.study, new.started) for i in imported):
                    why = InputError(f"study {study.name!r} comes twice", allowed="once")
                elif why is None:
                    imported.append(new)
                elif study.handed or (patterns is not None and study.name in patterns):
                    raise why
                if why is not None:
                    refused.append(
                        {"study": study.name, "source": study.source, "reason": why.given}
                    )
    _check_any(imported, refused, seen, patterns)
    aim.check_names(imported)
    histories = _named([h for i in imported for h in i.histories], ())
    arranged = iter(shared(histories) if aim.space is None else histories)
    for item in imported:
        item.histories = [next(arranged) for _ in item.histories]
    return Portfolio(
        (h for i in imported for h in i.histories),
        provenance={
            "imported": "Optuna studies",
            "autometa": __version__,
            "studies": [i.to_json() for i in imported],
            "skipped_studies": refused,
            "notes": notes,
            **({} if aim.space is None else {"adapted": _report(imported).to_json()}),
        },
    )


def _report(imported: Sequence[_Imported]) -> AdaptReport:
    return AdaptReport(
        spaces=tuple(
            replace(i.adapted, tasks=tuple(h.task.name for h in i.histories))
            for i in imported
            if i.adapted is not None
        )
    )


def _listed(sources: StudySource | Iterable[StudySource]) -> list[StudySource]:
    if isinstance(sources, str | Path | BaseStorage | optuna.Study):
        return [sources]
    try:
        return list(sources)
    except TypeError:
        raise InputError(f"a source of type {type(sources).__name__}", allowed=ALLOWED) from None


def _check_any(
    imported: list[_Imported],
    refused: list[dict[str, str]],
    seen: list[str],
    patterns: list[str] | None,
) -> None:
    known = ", ".join(map(repr, seen[:12])) + (f", ... ({len(seen)})" if len(seen) > 12 else "")
    for pattern in patterns or ():
        if not any(fnmatchcase(name, pattern) for name in seen):
            raise InputError(
                f"no study is named {pattern!r}",
                allowed=known or "none, the storage holds no study",
                do="Correct the names",
            )
    if not imported:
        raise InputError(
            f"{len(seen)} studies and none to import"
            + (f": {refused[0]['reason']}" if refused else ""),
            allowed="at least one study with a COMPLETE trial",
            do="Name another storage or other studies",
        )


def _import(
    study: FoundStudy, aim: _Aim, metric: str
) -> tuple[_Imported, InputError | SpaceError | None]:
    """What one study holds, or why it cannot be imported."""
    directions, trials = study.read()
    starts = [t.datetime_start for t in trials if t.datetime_start is not None]
    new = _Imported(study.name, study.source, min(starts).isoformat() if starts else "")
    try:
        rows = _rows(new, trials, aim)
    except (InputError, SpaceError) as error:
        return new, error
    base = study.name
    several = len(directions) > 1
    for k, direction in enumerate(directions):
        if direction not in ("minimize", "maximize"):
            return new, InputError(f"study {study.name!r} has the direction {direction!r}")
        task = Task(
            name=f"{base}/{k}" if several else base,
            space=rows.space,
            direction=direction,  # type: ignore[arg-type]  # the line above knows
            metric=f"{metric}/{k}" if several else metric,
            family=base,
            info={
                "study": study.name,
                "started": new.started,
                **({"objective": k} if several else {}),
                **({"space": INFERRED} if aim.space is None else {}),
            },
        )
        values, states = _values(rows.trials, rows.curves, k, len(directions))
        new.failed += sum(
            t.state == TrialState.COMPLETE and s == State.FAILED
            for t, s in zip(rows.trials, states, strict=True)
        )
        new.histories.append(
            TaskHistory(
                task=task,
                raw=rows.raw,
                values=values,
                states=np.array(states, dtype=np.int8),
                fidelity=rows.fidelity,
                seconds=rows.seconds,
                curves=rows.curves,
            )
        )
    return new, None


# Trials of one study -----------------------------------------------------------------------------


@dataclass
class _Rows:
    """The trials of a study that fit their space, n of them, and what all objectives share."""

    space: SearchSpace
    trials: list[FrozenTrial]
    raw: Floats
    fidelity: Floats
    seconds: Floats
    curves: Floats


def _rows(new: _Imported, trials: Sequence[FrozenTrial], aim: _Aim) -> _Rows:
    """Read the finished trials; counts in `new` what does not fit.

    Raises:
        InputError: no trial is COMPLETE, none of these fits, or the study is too different.
        SpaceError: the distributions make no space.
    """
    states = Counter(t.state.name for t in trials)
    new.skipped.update({s: n for s, n in states.items() if s in ("RUNNING", "WAITING")})
    finished = [t for t in trials if t.state in _FINISHED]
    complete = [t for t in finished if t.state == TrialState.COMPLETE]
    if not complete:
        listed = ", ".join(f"{n} {s}" for s, n in sorted(states.items())) or "no trial at all"
        raise InputError(
            f"study {new.study!r} has no COMPLETE trial ({listed})",
            allowed="at least one",
            do="Let it finish, or leave it out",
        )
    distributions = _distributions(new, finished, complete)
    if aim.space is None:
        space = _inferred(new, distributions, complete, aim.inner_lr)
        raw, wrong = _own(new, finished, space)
    else:
        space = aim.space
        raw, wrong = _adapted(new, finished, distributions, aim.space, aim.rules)
    for trial, what in zip(finished, wrong, strict=True):
        if what:
            new.skipped[f"{trial.state.name}: {what}"] += 1
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
    return _Rows(space, kept, raw[keep], fidelity, np.array(seconds), curves)


def _own(
    new: _Imported, finished: Sequence[FrozenTrial], space: SearchSpace
) -> tuple[Floats, list[str]]:
    """Raw configs (n, p) in the study's own space, and for each what is wrong with it or ""."""
    raw, foreign = _raw(finished, space, ignore=new.left_out)
    whole, inside = fitting(space, raw)
    wrong = [
        strange or ("" if fits else _misfit(space, row))
        for strange, fits, row in zip(foreign, whole & inside, raw, strict=True)
    ]
    return raw, wrong


def _adapted(
    new: _Imported,
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
    raw, foreign = _raw(finished, flat)
    rows = adapt_rows(distributions, space, np.where(np.isfinite(raw), raw, np.nan), rules)
    new.adapted = report_of(new.study, [new.study], rows)
    if new.adapted.too_different:
        raise InputError(
            f"study {new.study!r} is too different from the space: {new.adapted.too_different}",
            allowed="studies that share more with it",
            do="Say what was renamed, or leave the study out",
        )
    known = np.array([p.old is not None for p in rows.parameters[: len(space.names)]])
    wrong = []
    for i, trial in enumerate(finished):
        what = foreign[i] or rows.lost[i]
        gaps = np.flatnonzero(rows.filled[i] & known)
        if not what and trial.state != TrialState.COMPLETE and len(gaps):
            what = f"parameter {space.names[gaps[0]]!r} is missing"
        wrong.append(what)
    return rows.raw, wrong


def _distributions(
    new: _Imported, finished: Sequence[FrozenTrial], complete: Sequence[FrozenTrial]
) -> dict[str, BaseDistribution]:
    """The distributions of a study: for each parameter the narrowest that holds its trials'."""
    names = list(dict.fromkeys(n for t in complete for n in t.params))
    if not names:
        raise InputError(f"study {new.study!r} tunes no parameter", allowed="at least one")
    new.names.update(names)
    return {
        n: union(n, (t.distributions[n] for t in finished if n in t.distributions)) for n in names
    }


def _inferred(
    new: _Imported,
    distributions: dict[str, BaseDistribution],
    complete: Sequence[FrozenTrial],
    inner_lr: str | None,
) -> SearchSpace:
    """The space of a study's trials, see `inferring`."""
    flat = SearchSpace(distributions)  # refuses categories that are no plain data
    raw, _ = _raw(complete, flat)
    conditions, new.left_out = infer(distributions, raw)
    distributions = {n: d for n, d in distributions.items() if n not in new.left_out}
    if not distributions:
        raise InputError(f"study {new.study!r} has no parameter that its trials share")
    shown = [*distributions][:4] + (["..."] if len(distributions) > 4 else [])
    return SearchSpace(
        distributions,
        conditions=conditions,
        inner_lr=inner_lr if inner_lr in distributions else None,
        name=", ".join(shown),
    )


def _raw(
    trials: Sequence[FrozenTrial], space: SearchSpace, ignore: Sequence[str] = ()
) -> tuple[Floats, list[str]]:
    """Raw configs (n, p), a value that is none of the parameter's outside its range, and n reasons.

    A reason is empty, or names a parameter that the space does not have.
    """
    columns = {n: j for j, n in enumerate(space.names)}
    places: dict[str, dict[tuple[bool, Value], int]] = {
        n: {(isinstance(c, bool), c): i for i, c in enumerate(d.choices)}
        for n, d in space.distributions.items()
        if isinstance(d, CategoricalDistribution)
    }
    raw = np.full((len(trials), len(columns)), np.nan)
    foreign = [""] * len(trials)
    for i, trial in enumerate(trials):
        for name, value in trial.params.items():
            j = columns.get(name)
            if j is None:
                if name not in ignore:
                    foreign[i] = f"parameter {name!r} is not in the space"
            elif name in places:
                try:
                    raw[i, j] = places[name].get((isinstance(value, bool), value), -1)
                except TypeError:  # a list: never a choice
                    raw[i, j] = -1
            elif isinstance(value, int | float) and not isinstance(value, bool):
                raw[i, j] = value
            else:
                raw[i, j] = np.inf
    return raw, foreign


def _misfit(space: SearchSpace, row: Floats) -> str:
    """What is wrong with a raw config (p,), as a reason to count."""
    active = space.active_raw(row[None])[0]
    for j, name in enumerate(space.names):
        if active[j] and np.isnan(row[j]):
            return f"parameter {name!r} is missing"
        if not active[j] and not np.isnan(row[j]):
            return f"parameter {name!r} is given where it is inactive"
        one = np.full((1, len(row)), np.nan)
        one[0, j] = row[j]
        if not fitting(space, one)[1][0]:
            return f"parameter {name!r} is out of range"
    raise AssertionError  # only called for rows that do not fit


def _values(
    trials: Sequence[FrozenTrial], curves: Floats, objective: int, objectives: int
) -> tuple[Floats, list[State]]:
    """Values (n,) of one objective and the states that they allow."""
    values, states = np.full(len(trials), np.nan), []
    for i, trial in enumerate(trials):
        if trial.state == TrialState.FAIL:
            states.append(State.FAILED)
            continue
        given = trial.values
        if given is not None and len(given) == objectives and given[objective] is not None:
            values[i] = given[objective]
        elif trial.state == TrialState.PRUNED:
            known = curves[i][np.isfinite(curves[i])]
            values[i] = known[-1] if len(known) else np.nan
        finite = bool(np.isfinite(values[i]))
        states.append(
            State.PRUNED
            if trial.state == TrialState.PRUNED
            else State.COMPLETE
            if finite
            else State.FAILED
        )
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


# Into a folder -----------------------------------------------------------------------------------


def learn_studies(new: Portfolio, folder: str | Path) -> tuple[Portfolio, dict[str, int]]:
    """Add imported studies to the portfolio of a folder, which is made where there is none.

    A trial that the task has already (config, value and state) is not added again, so learning
    twice from one study changes nothing. Where new studies widen a space or show a condition,
    the studies learned earlier move to the new common space.

    Args:
        new: What `import_studies` returned.
        folder: Of the portfolio; written atomically, other writers wait.

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
        arriving = _named(new.histories, old.tasks)
        moving = [i for i, h in enumerate(old.histories) if _is_inferred(h)]
        joining = [i for i, h in enumerate(arriving) if _is_inferred(h)]
        kept = list(old.histories)
        common = iter(shared([*(kept[i] for i in moving), *(arriving[i] for i in joining)]))
        for i in moving:
            kept[i] = next(common)
        for i in joining:
            arriving[i] = next(common)
        # A study that now needs another space comes with all its trials: they replace the old ones.
        spaces = {(_identity(h.task), h.task.name): h.task.space for h in arriving}
        kept = [
            h
            for h in kept
            if spaces.get((_identity(h.task), h.task.name), h.task.space) == h.task.space
        ]
        base = Portfolio(kept, provenance=old.provenance, licence=old.licence)
        more = [unseen(h, base, fields=("values", "states")) for h in arriving]
        added.update({n.task.name: len(m) for n, m in zip(new.histories, more, strict=True)})
        if not any(added.values()):
            return base
        names = {i["study"] for i in new.provenance["studies"] if any(map(added.get, i["tasks"]))}
        studies = [i for i in new.provenance["studies"] if i["study"] in names]
        return base.merge(
            Portfolio(
                (h for h in more if len(h)),
                provenance={**new.provenance, "studies": studies},
                licence=new.licence,
            )
        )

    return Portfolio.update(folder, change), added


def _is_inferred(history: TaskHistory) -> bool:
    return history.task.info.get("space") == INFERRED


def _identity(task: Task) -> tuple[object, object]:
    """What a study keeps when it goes on, moves to another storage or is renamed here."""
    return task.info.get("study"), task.info.get("started")


def _base(task: Task) -> str:
    """The name of a task without the number of its objective."""
    return task.name.rpartition("/")[0] if "objective" in task.info else task.name


def _named(histories: Iterable[TaskHistory], old: Iterable[Task]) -> list[TaskHistory]:
    """The histories under their study's name: that of its earlier import, else a free one."""
    taken: set[str] = set()
    names: dict[tuple[object, object], str] = {}
    for task in old:
        taken.update((task.name, _base(task)))
        if "study" in task.info:
            names[_identity(task)] = _base(task)
    result = []
    for history in histories:
        task, own = history.task, _identity(history.task)
        if own not in names:
            names[own] = free_name(
                str(task.info["study"]), lambda n: n not in taken and f"{n}/0" not in taken
            )
        base = names[own]
        name = base + task.name.removeprefix(_base(task))
        taken.update((name, base))
        result.append(replace(history, task=replace(task, name=name, family=base)))
    return result
