"""Finished Optuna studies -> histories, and into a portfolio folder; nothing is dropped silently.

A history is made of params, distributions, values, intermediate values, states and times only;
of the attributes of trials, where some samplers keep pickled objects, only constraints are looked
at.

    COMPLETE          COMPLETE; FAILED where its value is NaN or infinite, or a constraint is broken
    PRUNED            PRUNED, with its last intermediate value, FAILED where it has none; fidelity
                      is the share of steps that it reached, 1 where no COMPLETE trial says how many
                      steps there are
    FAIL              FAILED
    RUNNING, WAITING  skipped and counted, as are trials whose config does not fit the space
                      (a FAIL trial may have ended before it had asked for all its parameters)

Where a space is given, the trials of every study are adapted to it (see `adapting`): a parameter
that a COMPLETE trial does not have is filled in, but a FAIL or PRUNED trial is skipped where others
of its study have the parameter.

A study with several objectives becomes one task each, "study/0", "study/1", ... of one family and
with the metrics that `Study.set_metric_names` has named, else "value/0", "value/1", ...
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from autometa._version import __version__
from autometa.constraints import count_infeasible, infeasible
from autometa.errors import InputError, NothingFinishedError, SpaceError
from autometa.portfolio.adapting import AdaptReport
from autometa.portfolio.histories import Histories
from autometa.portfolio.importers.sharing import shared
from autometa.portfolio.importers.study_names import INFERRED, metric_names, named, told_apart
from autometa.portfolio.importers.study_trials import ImportedStudy, read_rows, sound, values_of
from autometa.portfolio.importers.target import ImportTarget, import_target
from autometa.space import SearchSpace
from autometa.space.rules import Rules
from autometa.storages.sources import ALLOWED, FoundStudy, StudySource, opened
from autometa.task import State, Task, TaskHistory


def import_studies(
    sources: StudySource | Iterable[StudySource],
    *,
    names: str | Iterable[str] | None,
    space: SearchSpace | Mapping[str, BaseDistribution] | None,
    metric: str,
    inner_lr: str | None = None,
    rules: Rules | None = None,
) -> Histories:
    """See `Portfolio.from_studies`."""
    target = import_target(space, inner_lr, rules or Rules())
    patterns = [names] if isinstance(names, str) else None if names is None else list(names)
    notes: list[str] = []
    # Closed here, and not whenever the garbage is collected: an open source may hold a copy.
    with closing(_found(sources, notes)) as found:
        return import_found(
            found,
            what="Optuna studies",
            target=target,
            metric=metric,
            patterns=patterns,
            notes=notes,
        )


def import_found(
    found: Iterable[FoundStudy],
    *,
    what: str,
    target: ImportTarget,
    metric: str,
    patterns: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Histories:
    """The histories of studies that were found somewhere, see `Portfolio.from_studies`.

    Args:
        found: The studies; each is read before the next one is asked for.
        what: What they are, for the provenance.
        target: In which space they are wanted.
        metric: As there.
        patterns: Names or glob patterns of those to take; all where None.
        notes: Remarks for the provenance, read at the end.
    """
    imported: list[ImportedStudy] = []
    refused: list[dict[str, str]] = []
    seen: list[str] = []
    known: set[tuple[str, str]] = set()
    for study in found:
        seen.append(study.name)
        if patterns is not None and not any(fnmatchcase(study.name, p) for p in patterns):
            continue
        new, why = _import(study, target, metric)
        if (new.study, new.started) in known:
            why = InputError(f"study {study.name!r} comes twice", allowed="once")
        elif why is None:
            imported.append(new)
            known.add((new.study, new.started))
        elif study.handed or (patterns is not None and study.name in patterns):
            raise why
        if why is not None:
            refused.append({"study": study.name, "source": study.source, "reason": why.given})
    _check_any(imported, refused, seen, patterns)
    target.check_names(list(dict.fromkeys(n for i in imported for n in sorted(i.names))))
    histories = named([h for i in imported for h in i.histories], ())
    histories = shared(histories) if target.space is None else histories
    arranged = iter(told_apart(histories))
    for item in imported:
        item.histories = [next(arranged) for _ in item.histories]
    return Histories(
        (h for i in imported for h in i.histories),
        provenance={
            "imported": what,
            "autometa": __version__,
            "studies": [i.to_json() for i in imported],
            "skipped_studies": refused,
            "notes": list(notes),
            **({"adapted": _report(imported).to_json()} if target.space and target.adapts else {}),
        },
    )


def _found(
    sources: StudySource | Iterable[StudySource], notes: list[str]
) -> Generator[FoundStudy, None, None]:
    """The studies of all sources, each source open while its studies are read."""
    for source in _listed(sources):
        with opened(source) as (found, remarks):
            notes += remarks
            yield from found


def _report(imported: Sequence[ImportedStudy]) -> AdaptReport:
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
    imported: list[ImportedStudy],
    refused: list[dict[str, str]],
    seen: list[str],
    patterns: Sequence[str] | None,
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
        raise NothingFinishedError(
            f"{len(seen)} studies and none to import"
            + (f": {refused[0]['reason']}" if refused else ""),
            allowed="at least one study with a COMPLETE trial",
            do="Name another storage or other studies",
        )


def _import(
    study: FoundStudy, target: ImportTarget, metric: str
) -> tuple[ImportedStudy, InputError | SpaceError | None]:
    """What one study holds, or why it cannot be imported."""
    directions, own, trials = study.read()
    starts = [t.datetime_start for t in trials if t.datetime_start is not None and sound(t)]
    new = ImportedStudy(study.name, study.source, min(starts).isoformat() if starts else "")
    try:
        rows = read_rows(new, trials, target)
    except (InputError, SpaceError) as error:
        return new, error
    new.infeasible = count_infeasible(rows.trials)
    base = study.name
    several = len(directions) > 1
    metrics = metric_names(metric, own, len(directions))
    for k, direction in enumerate(directions):
        if direction not in ("minimize", "maximize"):
            return new, InputError(f"study {study.name!r} has the direction {direction!r}")
        task = Task(
            name=f"{base}/{k}" if several else base,
            space=rows.space,
            direction=direction,  # type: ignore[arg-type]  # the line above knows
            metric=metrics[k],
            family=base,
            info={
                "study": study.name,
                "started": new.started,
                **({"objective": k} if several else {}),
                **({"space": INFERRED} if target.space is None else {}),
            },
        )
        values, states = values_of(rows.trials, rows.curves, k, len(directions))
        new.failed += sum(
            t.state == TrialState.COMPLETE and s == State.FAILED and not infeasible(t)
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
