"""Runs that an experiment tracker has written down -> a portfolio, by the rules of `studies`.

A tracker knows no search space: parameters are text or JSON. Where no space is given it is inferred
from the values of all runs together, and what is inferred is narrower than what was searched:

    all cells are numbers    a range from the smallest to the largest; whole numbers stay whole;
                             logarithmic where all are positive and span two decades or more
    all cells true or false  a category of the two
    up to 64 other values    a category
    one value in all runs    no parameter: nothing to learn (reported)
    more than 64             left out (reported): a path, a name, a seed in words

Which parameters are conditional is then read from the runs, as for Optuna studies. The runs of one
task become one study, so everything said there of states, gaps and counting holds here too.

Shapes: n runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from autometa.errors import InputError
from autometa.portfolio.aim import Aim
from autometa.portfolio.cells import FLAGS, is_missing, number_of, text_of
from autometa.portfolio.importing import MISSING, words_of
from autometa.portfolio.portfolio import Portfolio
from autometa.portfolio.sources import FoundStudy
from autometa.portfolio.studies import import_found
from autometa.space import SearchSpace, Value
from autometa.task import Direction, check_direction

MOST_CHOICES = 64
_LOG_SPAN = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a tracker.

    Args:
        task: Name of the task that it belongs to.
        params: Name -> text, number, flag; None and blank text stand for "not set".
        value: The metric; None where the run has none.
        state: What became of it; a COMPLETE run without a finite value counts as failed.
        started, ended: Where known.
    """

    task: str
    params: Mapping[str, Any]
    value: float | None
    state: TrialState
    started: datetime | None = None
    ended: datetime | None = None


def portfolio_of_runs(
    runs: Sequence[Run],
    *,
    what: str,
    source: str,
    metric: str,
    direction: Direction,
    space: SearchSpace | Mapping[str, BaseDistribution] | None,
) -> Portfolio:
    """The portfolio of a tracker's runs.

    Args:
        runs: All of them, in the order of their trials.
        what: For the provenance, such as "MLflow runs".
        source: Name of the file.
        metric: What the values measure.
        direction: Of the metric.
        space: What was tuned; inferred where None.

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
    if space is not None and not isinstance(space, SearchSpace):
        space = SearchSpace(space)
    notes: list[str] = []
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
    aim = Aim(space, adapts=False)
    return import_found(found, what=what, aim=aim, metric=metric, notes=notes)


def _reader(direction: str, trials: list[FrozenTrial]) -> Any:
    return lambda: ([direction], trials)


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
        known: dict[str, Value] = dict.fromkeys(MISSING) | words_of(distribution.choices)
        return known.get(text, FLAGS.get(text.lower(), cell))
    number = number_of(cell)
    if number is None:
        return cell
    return int(number) if isinstance(distribution, IntDistribution) and number % 1 == 0 else number


def _distributions(runs: Sequence[Run], notes: list[str]) -> dict[str, BaseDistribution]:
    """See the module."""
    found: dict[str, BaseDistribution] = {}
    for name in dict.fromkeys(n for r in runs for n in r.params):
        cells = [c for r in runs if not is_missing(c := r.params.get(name))]
        kinds = {text_of(c) for c in cells}
        if len(kinds) < 2:
            if kinds and len(cells) == len(runs):
                notes.append(f"parameter {name!r} is {next(iter(kinds))} in all runs")
            elif kinds:
                found[name] = _of_cells(cells)
            continue
        distribution = _of_cells(cells)
        choices = getattr(distribution, "choices", ())
        if len(choices) > MOST_CHOICES:
            notes.append(f"parameter {name!r} left out: {len(choices)} different values")
        else:
            found[name] = distribution
    return found


def _of_cells(cells: Iterable[Any]) -> BaseDistribution:
    listed = list(cells)
    numbers = [number_of(c) for c in listed]
    known = [n for n in numbers if n is not None]
    if len(known) == len(listed):
        low, high = min(known), max(known)
        log = low > 0 and high / low >= _LOG_SPAN
        whole = all(n % 1 == 0 and abs(n) < 2**53 for n in known)
        if whole and all(isinstance(c, int) or "." not in str(c) for c in listed):
            return IntDistribution(int(low), int(high), log=log)
        return FloatDistribution(low, high, log=log)
    texts = list(dict.fromkeys(text_of(c) for c in listed))
    if all(t.lower() in FLAGS for t in texts):
        return CategoricalDistribution([False, True])
    return CategoricalDistribution(sorted(texts))
