"""The space of one study: what a suggestion ranges over, whatever space the prior tasks had.

    known to both       the study's own range or choices, narrower or wider than the prior's
    of the study alone  searched too; `projection` says what prior tasks have to say of it: nothing
    of the prior alone  left out once a whole trial lacks it
    not shown yet       as in the prior: on the first trial everything, later branches not yet taken

Ranges may change from trial to trial. Trials are encoded in the widest range that the study has
shown, so that each keeps its place; candidates lie in the latest one (`Part`), or in the widest one
where ranges depend on other parameters (`suggest_int("k", 1, n)`). What somebody else
decides (a parameter of an enqueued trial, one of Optuna's PartialFixedSampler) is held: a range of
one value.

Shapes: p parameters, d unit columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa import encoding
from autometa.encoding import Floats, Number
from autometa.errors import SpaceError
from autometa.meta.spaces.candidates import Candidates, Part
from autometa.space import Config, SearchSpace, Value, same
from autometa.space.values import check_distribution, fits, is_among, raw_value


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedSpace:
    """What the trials of a study have shown of its space.

    Args:
        latest: Parameter -> its distribution in the newest trial that has it, or as it is expected.
        widest: Parameter -> the smallest distribution that holds all that it had.
        lacked: Parameters that some whole trial, complete or pruned, did without, although the
            prior's conditions or other trials of the study have them.
        always: Parameters that every whole trial had.
        unconditional: Parameters of the prior that a whole trial had where the prior's conditions
            do not.
        worded: Parameters whose own choices are objects, which text stands for here.
        expected: Parameters that no trial has had, which may well be asked for otherwise.
        varying: Parameters whose range depends on others, as far as can be told: `latest` is the
            widest of these.
        switched: Parameter that was lacked -> (what explains that, values under which it may be
            asked for), see `switches`.
    """

    latest: Mapping[str, BaseDistribution] = field(default_factory=dict)
    widest: Mapping[str, BaseDistribution] = field(default_factory=dict)
    lacked: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    unconditional: frozenset[str] = frozenset()
    worded: frozenset[str] = frozenset()
    expected: frozenset[str] = frozenset()
    varying: frozenset[str] = frozenset()
    switched: Mapping[str, tuple[str, tuple[Value, ...]]] = field(default_factory=dict)


@dataclass(frozen=True)
class StudySpace:
    """See the module.

    Args:
        space: Of all configs that the study has had or may have.
        part: Where the next config lies.
        optional: Parameters that a config may lack where the space's conditions have them.
    """

    space: SearchSpace
    part: Part = field(default_factory=Part)
    optional: frozenset[str] = frozenset()

    @cached_property
    def candidates(self) -> Candidates:
        """Maker of configs that may be tried next."""
        return Candidates(self.space, self.part)

    def project(self, params: Mapping[str, Any]) -> Floats | None:
        """The nearest unit config (d,); None where a parameter is missing or has no nearest value.

        Optional ones that are missing stand in the middle, as inactive ones do, and are active.
        """
        raw = np.full(len(self.space.names), np.nan)
        for j, (name, distribution) in enumerate(self.space.distributions.items()):
            if name in params:
                value = nearest(distribution, params[name])
                if value is None:
                    return None
                raw[j] = value
        active = self.space.active_raw(raw[None])[0]
        missing = active & np.isnan(raw)
        if np.isnan(raw).all() or any(
            missing[j] and name not in self.optional for j, name in enumerate(self.space.names)
        ):
            return None
        raw[~active] = np.nan
        unit: Floats = self.space.encode_raw(raw[None])[0]
        for name, flag in self.space.flags.items():  # as every candidate has them
            unit[flag] = active[self.space.names.index(name)]
        return unit

    def without(self, names: Iterable[str]) -> Floats:
        """NaN in the columns of some parameters, 0 in all others, (d,)."""
        columns = np.zeros(self.space.dim)
        for name in names:
            if name in self.space.distributions:
                columns[self.space.slices[name]] = np.nan
        return columns

    def config(self, unit: Floats) -> Config:
        """The config of a unit vector (d,), each number one that may be tried next."""
        raw = self.space.decode_raw(unit[None])
        for name, allowed in self.part.numbers.items():
            column = raw[:, self.space.names.index(name)]
            column[:] = np.where(np.isnan(column), column, encoding.snap(allowed, column))
        return self.space.from_raw(raw)[0]

    def holding(self, values: Mapping[str, Any]) -> StudySpace:
        """The same study where these values are given, or ranges; those that do not fit are not."""
        numbers, choices = dict(self.part.numbers), dict(self.part.choices)
        for name, value in values.items():
            distribution = self.space.distributions.get(name)
            if isinstance(value, FloatDistribution | IntDistribution):
                if distribution is not None and wider(distribution, value) == distribution:
                    numbers[name] = value
                continue
            raw = None if distribution is None else nearest(distribution, value)
            if distribution is None or raw is None or not fits(distribution, np.array([raw]))[0]:
                continue
            if isinstance(distribution, CategoricalDistribution):
                choices[name] = int(raw)
            else:
                numbers[name] = _single(distribution, raw)
        return StudySpace(self.space, Part(numbers, choices), self.optional)


def study_space(prior: SearchSpace, shown: ObservedSpace) -> StudySpace:
    """The space of a study that has shown so much, the prior's where it has shown nothing.

    Args:
        prior: The space of the prior tasks.
        shown: What the study's trials had.
    """
    kept: dict[str, BaseDistribution] = {}
    for name, distribution in prior.distributions.items():
        if name in shown.latest and _usable(name, shown.widest[name]):
            kept[name] = shown.widest[name]
        elif name not in shown.latest and name not in shown.lacked:
            kept[name] = distribution
    new = [n for n in shown.latest if n not in prior.distributions]
    kept |= {n: shown.widest[n] for n in new if _usable(n, shown.widest[n])}
    if not kept:  # nothing in it can be used
        return StudySpace(prior)
    conditions = _conditions(prior, kept, shown)
    kept = {n: d for n, d in kept.items() if conditions.get(n, ("", (None,)))[1]}
    conditions = {n: c for n, c in conditions.items() if n in kept and c[0] in kept}
    if kept == prior.distributions and conditions == prior.conditions:
        space = prior
    else:
        rate = kept.get(prior.inner_lr or "")
        is_rate = isinstance(rate, FloatDistribution) and rate.log
        space = SearchSpace(
            kept,
            conditions=conditions,
            inner_lr=prior.inner_lr if is_rate else None,
            name=prior.name,
        )
    numbers = {
        n: d
        for n, d in shown.latest.items()
        if n in kept and isinstance(d, FloatDistribution | IntDistribution) and d != kept[n]
    }
    return StudySpace(space, Part(numbers), shown.lacked & kept.keys())


def _conditions(
    prior: SearchSpace, kept: Mapping[str, BaseDistribution], shown: ObservedSpace
) -> dict[str, tuple[str, tuple[Any, ...]]]:
    """The prior's conditions, as far as the study keeps to them, and those that it shows itself.

    Empty values: never active.
    """
    found: dict[str, tuple[str, tuple[Any, ...]]] = {}
    for name, (parent, on) in prior.conditions.items():
        if name not in kept or parent not in kept or name in shown.unconditional:
            continue
        values = tuple(v for v in on if _holds(kept[parent], v))
        if values or name not in shown.latest.keys() - shown.expected:
            found[name] = (parent, values)
    for name, (parent, values) in shown.switched.items():
        if name in kept and not _above(found, parent, name):
            allowed = tuple(v for v in values if parent in kept and _holds(kept[parent], v))
            if name in found:
                allowed = _narrower(found, (parent, allowed), found[name])
            if allowed:
                found[name] = (parent, allowed)
    return found


def _narrower(
    conditions: Mapping[str, tuple[str, tuple[Any, ...]]],
    switch: tuple[str, tuple[Any, ...]],
    known: tuple[str, tuple[Any, ...]],
) -> tuple[Any, ...]:
    """Values of a switch that keep to a known condition, too; none where that is not so simple.

    The switch is that of the condition, or stands in the same branch: of a prior in which every
    `svm` asks for `gamma`, and a study in which those do whose `kernel` is `rbf`.
    """
    (name, values), (parent, on) = switch, known
    if name == parent:
        return tuple(v for v in values if is_among(v, on))
    while name in conditions:
        name, above = conditions[name]
        if name == parent:
            return values if all(is_among(v, on) for v in above) else ()
    return ()


def _above(conditions: Mapping[str, tuple[str, Any]], name: str, other: str) -> bool:
    """Whether another parameter switches one, or one that switches it."""
    while name in conditions:
        name = conditions[name][0]
        if name == other:
            return True
    return False


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return any(same(c, value) for c in distribution.choices)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and bool(fits(distribution, np.array([float(value)]))[0])


def _usable(name: str, distribution: BaseDistribution) -> bool:
    """Whether the distribution can be part of a space; others are left to the base sampler."""
    try:
        check_distribution(name, distribution)
    except SpaceError:
        return False
    return True


def nearest(distribution: BaseDistribution, value: Any) -> float | None:
    """The raw form of the allowed value that is nearest, or None where there is none."""
    if isinstance(distribution, CategoricalDistribution):
        known = any(same(choice, value) for choice in distribution.choices)
        return raw_value(distribution, value) if known else None
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(encoding.snap(distribution, np.array([float(value)]))[0])


def wider(a: BaseDistribution, b: BaseDistribution) -> BaseDistribution:
    """The smallest distribution that holds two of one kind; b where they cannot be joined.

    Optuna has no parameter change its kind, its scale or its choices within a study.
    """
    if a == b or type(a) is not type(b) or isinstance(b, CategoricalDistribution):
        return b
    assert isinstance(a, FloatDistribution | IntDistribution)
    assert isinstance(b, FloatDistribution | IntDistribution)
    if a.log != b.log:
        return b
    low, high = min(a.low, b.low), max(a.high, b.high)
    if isinstance(b, IntDistribution):
        return IntDistribution(int(low), int(high), log=b.log)
    return FloatDistribution(low, high, log=b.log)


def _single(distribution: BaseDistribution, raw: float) -> Number:
    if isinstance(distribution, IntDistribution):
        return IntDistribution(round(raw), round(raw), log=distribution.log)
    return FloatDistribution(raw, raw)
