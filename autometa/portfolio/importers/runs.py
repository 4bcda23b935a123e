"""Runs that an experiment tracker has written down -> histories, by the rules of `studies`.

A tracker knows no search space: parameters are text or JSON. Where no space is given it is inferred
from the values of all runs together, and what is inferred is narrower than what was searched:

    numbers, flags           as `ranges` says; Optuna's own words go before values
    up to 64 other values    a category, with None if some runs say "None" and no other parameter
                             explains in which
    one value in all runs    no parameter: nothing to learn (reported)
    another text in each     left out (reported), as are more than 64: a path, a name, numbers
                             that nobody can read

Which parameters are conditional is then read from the runs, as for Optuna studies. The runs of one
task become one study, so everything said there of states, gaps and counting holds here too.

Shapes: n runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from autometa.errors import InputError
from autometa.portfolio.histories import Histories
from autometa.portfolio.importers.importing import MISSING
from autometa.portfolio.importers.inferring import MOST_ALONE, infer, most_alike, union
from autometa.portfolio.importers.ranges import distribution_of
from autometa.portfolio.importers.studies import import_found
from autometa.portfolio.importers.study_configs import raw_of
from autometa.portfolio.importers.target import ImportTarget
from autometa.portfolio.importers.tracker_values import FLAGS, is_missing, quantity_of, text_of
from autometa.space import SearchSpace
from autometa.space.choices import place_of
from autometa.space.rates import as_space
from autometa.storages.sources import FoundStudy
from autometa.task import Direction, check_direction

MOST_CHOICES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a tracker.

    Args:
        task: Name of the task that it belongs to.
        params: Name -> text, number, flag; None and blank text stand for "not set".
        value: The metric; None where the run has none.
        state: What became of it; a COMPLETE run without a finite value counts as failed.
        started, ended: Where known.
        distributions: What the tracker says that parameters were drawn from.
    """

    task: str
    params: Mapping[str, Any]
    value: float | None
    state: TrialState
    started: datetime | None = None
    ended: datetime | None = None
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)


def histories_of_runs(
    runs: Sequence[Run],
    *,
    what: str,
    source: str,
    metric: str,
    direction: Direction,
    space: SearchSpace | Mapping[str, BaseDistribution] | None,
    notes: Sequence[str] = (),
) -> Histories:
    """The histories of a tracker's runs, which stand in the order of their trials.

    Raises:
        RecordError: the direction is none.
        InputError: no run has a value, or nothing was tuned.
        PortfolioError, SpaceError: as `Portfolio.from_studies`.
    """
    direction = check_direction(direction)
    if not runs:
        raise InputError(f"{source} holds no run", allowed="at least one")
    if not any(r.value is not None and math.isfinite(r.value) for r in runs):
        raise InputError(
            f"no run of {source} has a value of {metric!r}",
            allowed="a metric that the runs report",
            do="Correct the name of the metric",
        )
    space = None if space is None else as_space(space)
    notes = list(notes)
    distributions = _distributions(runs, notes) if space is None else space.distributions
    if not distributions:
        raise InputError(
            f"the runs of {source} differ in no parameter",
            allowed="runs with different parameters",
            do="Name the parameters or give the space",
        )
    found = []
    for task in dict.fromkeys(r.task for r in runs):
        trials = [_trial(i, r, distributions) for i, r in enumerate(runs) if r.task == task]
        found.append(FoundStudy(task, False, source, _reader(direction, trials)))
    target = ImportTarget(space, adapts=False)
    return import_found(found, what=what, target=target, metric=metric, notes=notes)


def _reader(direction: str, trials: list[FrozenTrial]) -> Any:
    return lambda: ([direction], [], trials)


def _trial(number: int, run: Run, distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
    params = {}
    for name, distribution in distributions.items():
        cell = run.params.get(name)
        if not is_missing(cell) or _takes_none(distribution, name in run.params):
            params[name] = _understood(cell, distribution)
    value = run.value if run.value is not None and math.isfinite(run.value) else None
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=run.state,
        value=math.nan if value is None and run.state == TrialState.COMPLETE else value,
        datetime_start=run.started,
        datetime_complete=run.ended,
        params=params,
        distributions={name: distributions[name] for name in params},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )


def _takes_none(distribution: BaseDistribution, given: bool) -> bool:
    return (
        given and isinstance(distribution, CategoricalDistribution) and None in distribution.choices
    )


def _understood(cell: Any, distribution: BaseDistribution) -> Any:
    """The value that a cell stands for; what fits nowhere stays, and the import counts it."""
    if isinstance(distribution, CategoricalDistribution):
        text = cell if isinstance(cell, str) else text_of(cell)
        if text in MISSING and None in distribution.choices:
            return None
        place = place_of(distribution.choices, text)
        return FLAGS.get(text.lower(), cell) if place is None else distribution.choices[place]
    number = quantity_of(cell)
    if number is None:
        return cell
    return int(number) if isinstance(distribution, IntDistribution) and number % 1 == 0 else number


def _distributions(runs: Sequence[Run], notes: list[str]) -> dict[str, BaseDistribution]:
    """See the module."""
    found: dict[str, BaseDistribution] = {}
    known = [r for r in runs if not all(map(is_missing, r.params.values()))]  # no parent runs
    for name in dict.fromkeys(n for r in known for n in r.params):
        told = [r.distributions[name] for r in known if name in r.distributions]
        if told:
            found[name] = union(name, most_alike(told))
            continue
        cells = [c for r in known if not is_missing(c := r.params.get(name))]
        kinds = {text_of(c) for c in cells}
        nothing = [c for r in known if _is_none(c := r.params.get(name))]
        if len(kinds) == 1 and not nothing:
            notes.append(f"parameter {name!r} is {next(iter(kinds))} in all runs")
        elif cells:
            distribution = distribution_of(name, cells)
            choices = getattr(distribution, "choices", ())
            if len(choices) > MOST_CHOICES:
                notes.append(f"parameter {name!r} left out: {len(choices)} different values")
            elif len(choices) == len(cells) > MOST_ALONE:
                example = f"another text in each run, such as {text_of(cells[0])!r}"
                notes.append(f"parameter {name!r} left out: {example}")
            else:
                found[name] = distribution
    return _with_none(found, known)


def _with_none(
    found: dict[str, BaseDistribution], runs: Sequence[Run]
) -> dict[str, BaseDistribution]:
    """What is None in some runs though nothing explains in which, as a category that has None."""
    names = [n for n in found if any(_is_none(r.params.get(n)) for r in runs)]
    names = [n for n in names if None not in getattr(found[n], "choices", ())]
    if not names:
        return found
    complete = [r for r in runs if r.state == TrialState.COMPLETE]
    result = dict(found)
    for name in names:
        told = [r for r in complete if _is_none(c := r.params.get(name)) or not is_missing(c)]
        raw, _ = raw_of([_trial(0, r, found) for r in told], SearchSpace(found))
        cells = [c for r in runs if not is_missing(c := r.params.get(name))]
        values = {_understood(c, found[name]) for c in cells}
        if name in infer(found, raw)[1] and len(values) < MOST_CHOICES:
            result[name] = CategoricalDistribution([None, *sorted(values)])
    return result


def _is_none(cell: Any) -> bool:
    """Whether a cell says that the value is None; an empty one may just not be set."""
    return isinstance(cell, str) and cell.strip() in ("None", "null")
