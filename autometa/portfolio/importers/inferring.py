"""What space trials came from, seen in their distributions and in which parameters they have.

The rules, in order:

1. A parameter's distribution is the narrowest that holds all of its trials' distributions.
2. A parameter that every COMPLETE trial has is active always. (Others may have ended early.)
3. One that some lack is conditional on the parameter that explains this exactly: for each value of
   the parent either all trials have it or none. Parents are categories, or integers of which it
   needs at least so many (`for i in range(n_layers)`), that come earlier or are active always.
   A parent that shows both cases is preferred, then a category, then the first one. Categories
   that no trial tried are taken as inactive. A category of many values, most of which come once
   (the name of a run, a path), would explain anything and is no parent.
4. Where nothing explains a parameter exactly, few trials must not outvote all others: those that
   stand against the best explanation (early returns, gaps in a table) are dropped, a fifth of all
   at most. So are trials before a parameter was added to the objective, if at least as many came
   after, and trials without any parameter, such as a tracker's parent runs.
5. A parameter that is still unexplained is left out of the space, and reported; its trials stay.

Shapes: n trials, p parameters; raw (n, p) as in `space`, NaN where a trial has no such parameter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.encoding import Floats
from autometa.errors import SpaceError
from autometa.space import SearchSpace, Value
from autometa.space.choices import joined_choices
from autometa.space.values import fits, plain_value, read_distribution

MAX_COUNT = 64  # integers with more values are no counts that switch parameters
MOST_ALONE = 8  # with more values a category is asked whether it explains more than chance would
BY_CHANCE = 0.05
MOST_ODD = 5  # one in so many trials may stand against what explains all others
LEAST_NEW = 3  # trials of a parameter that was added on the way
Conditions: TypeAlias = dict[str, tuple[str, list[Value]]]


def union(name: str, distributions: Iterable[BaseDistribution]) -> BaseDistribution:
    """The narrowest distribution that holds all of one parameter's distributions.

    Raises:
        SpaceError: they are of different kinds or scales.
    """
    known = list(dict.fromkeys(distributions))
    first = known[0]
    if isinstance(first, CategoricalDistribution):
        rest = [d for d in known if isinstance(d, CategoricalDistribution)]
        if len(rest) == len(known):
            if len(known) == 1:
                return first
            return CategoricalDistribution(joined_choices(d.choices for d in rest))
    for kind in (FloatDistribution, IntDistribution):
        numeric = [d for d in known if isinstance(d, kind)]
        if len(numeric) == len(known) and len({d.log for d in numeric}) == 1:
            return _wide(kind.__name__, numeric)
    raise SpaceError(
        f"parameter {name!r} is {known[0]!r} in one trial and {known[1]!r} in another"
        if len(known) > 1
        else f"parameter {name!r} has {first!r}",
        allowed="one kind and one scale for a parameter",
    )


def most_alike(distributions: Iterable[BaseDistribution]) -> list[BaseDistribution]:
    """Those of the kind and scale that most have, the later one of two; all where `union` can.

    Integers and floats of one scale are all taken for floats.
    """
    known = list(distributions)
    counts = Counter(map(kind_of, known))
    if len(counts) == 1:
        return known
    if len({log for kind, log in counts}) == 1 and None not in {log for kind, log in counts}:
        return [
            FloatDistribution(d.low, d.high, log=d.log) if isinstance(d, IntDistribution) else d
            for d in known
        ]
    last = {kind_of(d): i for i, d in enumerate(known)}
    most = max(counts, key=lambda kind: (counts[kind], last[kind]))
    return [d for d in known if kind_of(d) == most]


def kind_of(distribution: BaseDistribution) -> tuple[type, bool | None]:
    """What distributions must have in common to be joined: their class and scale."""
    return type(distribution), getattr(distribution, "log", None)


def name_of(names: Iterable[str]) -> str:
    """The name of an inferred space, from its parameters' names."""
    listed = list(names)
    return ", ".join(listed[:4] + (["..."] if len(listed) > 4 else []))


def _wide(kind: str, known: Sequence[FloatDistribution | IntDistribution]) -> BaseDistribution:
    """The range over all, on their common grid where they have one (old classes become new)."""
    low, high = min(d.low for d in known), max(d.high for d in known)
    step = known[0].step if len({grid_of(d) for d in known}) == 1 else None
    if step is None and kind == "IntDistribution":
        step = 1
    attributes = {"low": low, "high": high, "log": known[0].log, "step": step}
    return read_distribution({"name": kind, "attributes": attributes})


def grid_of(distribution: FloatDistribution | IntDistribution) -> tuple[float, float] | None:
    """(step, offset) of the values a distribution allows; None where it is continuous."""
    step = distribution.step
    return None if step is None else (step, round(distribution.low / step, 6) % 1)


def infer(
    distributions: Mapping[str, BaseDistribution], raw: Floats
) -> tuple[Conditions, list[str]]:
    """(conditions, parameters that nothing explains), from the COMPLETE trials (n, p)."""
    present = ~np.isnan(raw)
    names = list(distributions)
    conditions: Conditions = {}
    left_out: list[str] = []
    for j, name in enumerate(names):
        if present[:, j].all():
            continue
        found = []
        for k in _parents(distributions, present, j, left_out):
            switch = distributions[names[k]]
            explained = _explained(switch, raw[:, k], present[:, j])
            if explained is not None:
                values, contrast = explained
                is_number = not isinstance(switch, CategoricalDistribution)
                found.append(((not contrast, is_number, k), names[k], values))
        if found:
            _, parent, values = min(found, key=lambda f: f[0])
            conditions[name] = (parent, values)
        else:
            left_out.append(name)
    return conditions, left_out


def infer_most(
    distributions: Mapping[str, BaseDistribution], raw: Floats
) -> tuple[Conditions, list[str]]:
    """As `infer`, but few odd trials are outvoted (rule 4); they do not fit what comes out."""
    kept = np.flatnonzero(~np.isnan(raw).all(axis=1))  # one without parameters has no say
    most = max(1, len(kept) // MOST_ODD) if len(kept) >= LEAST_NEW else 0
    odd = 0
    while True:
        conditions, left_out = infer(distributions, raw[kept])
        found = [
            (len(against.rows), against)
            for name in left_out
            if (against := _against(distributions, raw[kept], name, left_out)) is not None
            and (against.added or odd + len(against.rows) <= most)
        ]
        if not found:
            return conditions, left_out
        _, fewest = min(found, key=lambda f: f[0])
        odd += 0 if fewest.added else len(fewest.rows)
        kept = np.delete(kept, fewest.rows)


class _Against(NamedTuple):
    """Trials, by row, that stand against the best explanation of a parameter."""

    rows: NDArray[np.int64]
    added: bool  # they are the ones before the parameter was added to the objective


def _against(
    distributions: Mapping[str, BaseDistribution],
    raw: Floats,
    name: str,
    left_out: Sequence[str],
) -> _Against | None:
    """The fewest trials whose loss would explain a parameter; None where it would cost too many."""
    names = list(distributions)
    j = names.index(name)
    present = ~np.isnan(raw)
    child = present[:, j]
    expected = [np.ones(len(raw), dtype=bool)]
    for k in _parents(distributions, present, j, [n for n in left_out if n != name]):
        expected += _switched(distributions[names[k]], raw[:, k], child)
    wrong = min((e != child for e in expected), key=np.count_nonzero)
    rows = np.flatnonzero(wrong)
    having = np.flatnonzero(child & ~wrong)
    if len(having) <= len(rows) and not len(having) == len(rows) >= LEAST_NEW:
        return None
    lacking = not child[rows].any()
    added = lacking and len(having) >= LEAST_NEW and int(rows.max()) < int(having.min())
    return _Against(rows, added)


def _parents(
    distributions: Mapping[str, BaseDistribution],
    present: NDArray[np.bool_],
    child: int,
    left_out: Sequence[str],
) -> Iterator[int]:
    """Parameters that may switch another: earlier or always active ones, so without a circle."""
    for k, name in enumerate(distributions):
        if k != child and (k < child or present[:, k].all()) and name not in left_out:
            yield k


def _switched(
    switch: BaseDistribution, column: Floats, child: NDArray[np.bool_]
) -> Iterator[NDArray[np.bool_]]:
    """In which trials (n,) a parameter would be active, by the condition that errs least."""
    has = ~np.isnan(column)
    if isinstance(switch, CategoricalDistribution):
        if _is_name(column[has], child[has]):
            return
        codes = np.where(has, column, 0).astype(np.int64)
        votes = np.bincount(codes[has], weights=2.0 * child[has] - 1.0, minlength=1)
        yield has & (votes >= 0)[codes]
    elif isinstance(switch, IntDistribution) and _is_count(switch):
        for least in np.unique(column[has]):
            yield has & (column >= least)


def _is_name(codes: Floats, child: NDArray[np.bool_]) -> bool:
    """Whether the codes (n,) of a category would explain any (n,): most are of one trial alone.

    The chance that they explain as many trials, taken at random: of all sets of so many trials,
    those that are made of whole codes.
    """
    sizes = np.unique(codes, return_counts=True)[1].tolist()
    if len(sizes) <= MOST_ALONE or len(codes) >= 4 * len(sizes):
        return False
    most = int(np.count_nonzero(child))
    sets = [1] + [0] * most  # of whole codes, by their number of trials
    for size in sizes:
        for total in range(most, size - 1, -1):
            sets[total] += sets[total - size]
    return sets[most] > BY_CHANCE * math.comb(len(codes), most)


def _is_count(switch: IntDistribution) -> bool:
    return (switch.high - switch.low) // switch.step < MAX_COUNT


def _explained(
    switch: BaseDistribution, column: Floats, child: NDArray[np.bool_]
) -> tuple[list[Value], bool] | None:
    """(values of the switch under which the child is active, whether some are not), if exact."""
    has = ~np.isnan(column)
    if not child.any() or (child & ~has).any():
        return None
    on, off = np.unique(column[child]), np.unique(column[has & ~child])
    if isinstance(switch, CategoricalDistribution):
        if np.isin(on, off).any() or _is_name(column[has], child[has]):
            return None
        codes = on if len(off) else np.arange(len(switch.choices))
    elif isinstance(switch, IntDistribution):
        if not _is_count(switch):
            return None
        if len(off) and off.max() >= on.min():
            return None
        grid = np.arange(switch.low, switch.high + 1, switch.step, dtype=np.float64)
        codes = grid[grid >= on.min()] if len(off) else grid
    else:
        return None
    return [plain_value(switch, float(c)) for c in codes], bool(len(off))


def fitting(space: SearchSpace, raw: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows (n,) that have exactly the active parameters, and rows with all values in range."""
    present = ~np.isnan(raw)
    whole = (present == space.active_raw(raw)).all(axis=1)
    inside = np.ones(len(raw), dtype=bool)
    for j, distribution in enumerate(space.distributions.values()):
        inside &= ~present[:, j] | fits(distribution, raw[:, j])
    return whole, inside
