"""A family's histories with the user's names, units and choices.

Shapes: n trials; raw (n, p) as in `space`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.encoding import Floats
from autometa.priors.named import Named
from autometa.space import SearchSpace, Value
from autometa.space.plain import is_number
from autometa.space.values import is_among, raw_value
from autometa.task import TaskHistory

_BEYOND = ("less than these", "more than these")  # choices of prior trials alone
_ALONE = 0.1  # of the family's range: so near to the only choice counts as this choice


@dataclass(frozen=True, kw_only=True)
class Words:
    """See the module.

    Args:
        family: Of the prior.
        searched: The family's own parameters that are searched.
        space: What is searched.
        ran: Names of the user's of which all trials of the family had one value -> that value.
    """

    family: str
    searched: Mapping[str, Named]
    space: SearchSpace
    ran: Mapping[str, Value] = field(default_factory=dict)

    def name(self, own: str) -> str:
        """What a parameter of the family's is called here."""
        if own in self.searched:
            return self.searched[own].name
        return f"{own} of {self.family}" if own in self.space.distributions else own

    def choice(self, own: str, choice: Value) -> Value:
        """What the user writes for one of the family's own choices; itself where nothing."""
        named = self.searched.get(own)
        if named is None:
            return choice
        new = self.space.distributions[named.name]
        forms = (choice, *named.written.choices.get(choice, ()))
        for form in forms:
            if isinstance(new, CategoricalDistribution):
                if is_among(form, new.choices):
                    return form
            elif is_number(form):
                return form
        return choice

    def distribution(self, own: str, old: BaseDistribution) -> BaseDistribution:
        """Of the family's values in the user's form."""
        named = self.searched.get(own)
        if named is None:
            return old
        new = self.space.distributions[named.name]
        if isinstance(old, CategoricalDistribution):
            return CategoricalDistribution([self.choice(own, c) for c in old.choices])
        if isinstance(new, CategoricalDistribution):
            return CategoricalDistribution([*new.choices, *_BEYOND])
        assert isinstance(old, FloatDistribution | IntDistribution)
        if not named.written.how:
            return old
        ends = np.sort(named.written.forward(np.array([old.low, old.high], dtype=np.float64)))
        return FloatDistribution(float(ends[0]), float(ends[1]), log=bool(ends[0] > 0))

    def column(self, own: str, old: BaseDistribution, raw: Floats) -> Floats:
        """The family's raw values (n,) of a parameter in the user's form."""
        named = self.searched.get(own)
        if named is None or isinstance(old, CategoricalDistribution):
            return raw
        new = self.space.distributions[named.name]
        assert isinstance(old, FloatDistribution | IntDistribution)
        if isinstance(new, CategoricalDistribution):
            return _nearest_choices(named, old, new, raw)
        if not named.written.how:
            return raw
        wide = self.distribution(own, old)
        assert isinstance(wide, FloatDistribution)
        return np.clip(named.written.forward(raw), wide.low, wide.high)


def _nearest_choices(
    named: Named,
    old: FloatDistribution | IntDistribution,
    new: CategoricalDistribution,
    raw: Floats,
) -> Floats:
    """Numbers (n,) as the places of the choices that they are nearest to on the family's scale.

    Beyond the outermost choices half the gap to the next one still counts; what is farther has two
    choices of its own, that prior trials alone have, so that it informs the search as well.
    """
    worth = [named.written.own_number(c) for c in new.choices]
    places = np.array([i for i, w in enumerate(worth) if w is not None])
    known = _scaled(old, np.array([w for w in worth if w is not None]))
    values = _scaled(old, raw)
    span = float(np.ptp(_scaled(old, np.array([old.low, old.high], dtype=np.float64)))) or 1.0
    gaps = np.diff(np.sort(known))
    gaps = gaps[gaps > 0]
    reach = [0.5 * gaps[0], 0.5 * gaps[-1]] if len(gaps) else [_ALONE * span] * 2
    result = np.full(len(raw), np.nan)
    on = ~np.isnan(raw)
    distance = np.abs(values[on, None] - known)
    found = places[distance.argmin(axis=1)].astype(np.float64)
    found[values[on] < known.min() - reach[0]] = len(new.choices)
    found[values[on] > known.max() + reach[1]] = len(new.choices) + 1
    result[on] = found
    return result


def _scaled(old: FloatDistribution | IntDistribution, values: Floats) -> Floats:
    result: Floats = np.log(np.maximum(values, 1e-300)) if old.log else values
    return result


def _alone(new: BaseDistribution, value: Value) -> BaseDistribution:
    """Of one value of a distribution."""
    if isinstance(new, CategoricalDistribution):
        return CategoricalDistribution([value])
    kind = IntDistribution if isinstance(new, IntDistribution) else FloatDistribution
    return kind(value, value)  # type: ignore[arg-type]


def spoken(words: Words, history: TaskHistory) -> TaskHistory:
    """A history of the family in the user's words."""
    old = history.task.space
    distributions = {words.name(n): words.distribution(n, d) for n, d in old.distributions.items()}
    distributions |= {
        name: _alone(words.space.distributions[name], words.ran[name]) for name in words.ran
    }
    conditions = {
        words.name(n): (words.name(parent), [words.choice(parent, v) for v in on])
        for n, (parent, on) in old.conditions.items()
    }
    new = SearchSpace(distributions, conditions=conditions, name=old.name)
    columns = {
        words.name(n): words.column(n, d, history.raw[:, j])
        for j, (n, d) in enumerate(old.distributions.items())
    }
    for name, value in words.ran.items():
        columns[name] = np.full(len(history.raw), raw_value(distributions[name], value))
    raw = np.stack([columns[n] for n in new.names], axis=1)
    return replace(history, task=replace(history.task, space=new), raw=raw)
