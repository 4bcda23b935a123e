"""From whatever a user gives to what is known of the parameters that they search: one door.

`create_study`, `warm_start`, `MetaSampler`, `MetaSearchCV` and `autometa warm` come through
`known_of`. Families that ship are read by their metric and kind of problem, without the user's own
table and its relatives, and in the user's words (`family`); everything else as it is, to be matched
by name (`matched`). Several priors are joined, so that all of their tasks weigh in one model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from optuna.distributions import CategoricalDistribution

from autometa.errors import InputError
from autometa.meta import MetaModel
from autometa.portfolio import Portfolio
from autometa.portfolio.store.shipped import embedded_spaces, network_names, shipped_names
from autometa.priors.by_size import at_size
from autometa.priors.data import Data
from autometa.priors.family import FamilyPrior, in_words_of
from autometa.priors.meanings import is_of_library
from autometa.priors.measured import by_metric, by_named, check_metric, is_standard, kind_of
from autometa.priors.opening import EMBEDDED, PriorSource, open_prior, which_family
from autometa.priors.written import Facts
from autometa.space import SearchSpace, Value
from autometa.space.clipping import clip_to
from autometa.space.plain import unboxed
from autometa.space.rules import Rules
from autometa.space.values import listed
from autometa.task import Direction

if TYPE_CHECKING:
    from autometa.tables import Kind


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a search is, as far as its user says.

    Args:
        space: What is searched; None where only the trials will tell.
        direction: Of the search.
        metric: What the values measure.
        data: What the model is trained on.
        kind: The kind of problem, where there are no data that tell it.
        facts: What is known of the data; by default what they tell.
        fixed: What the user's model is given beside what is searched, by any of its names.
        features: Of the task; sizes of a network move learning rates, see `by_size`.
        rules: What the user says of old spaces.
        family: The one that "embedded" stands for, where the user's model tells.
        of_estimator: Whether an estimator says all this: what its constructor was given and no
            prior task knows is no news, and there is nobody to be asked what a name means.
        ask: Whether what a name means may be asked by an error.
    """

    space: SearchSpace | None = None
    direction: Direction | None = None
    metric: str | None = None
    data: Data | None = None
    kind: Kind | None = None
    facts: Facts | None = None
    fixed: Mapping[str, Value] = field(default_factory=dict)
    features: Mapping[str, float] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    family: str = ""
    of_estimator: bool = False
    ask: bool = True


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a search before its first trial.

    Args:
        prior: Tasks, those of families in the user's words; or a model.
        space: What is searched and what else families know; None where only the trials will tell.
        held: Parameters that are not searched -> their values.
        rules: What is left of the user's rules to be applied.
        families: The families that were named.
        lines: What became of names and data, a line each.
        why: Why families know nothing of the search; "" where they do.
        metric: What the search measures, where the user says so.
    """

    prior: Portfolio | MetaModel
    space: SearchSpace | None = None
    held: Mapping[str, Value] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    families: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    why: str = ""
    metric: str | None = None


def known_of(prior: PriorSource, wish: Wish) -> Known:
    """See the module.

    Raises:
        InputError: not a prior, or not enough is known to read it; a metric that a family has not,
            or that is better the other way; a name that may mean several of its parameters.
        StoreError, PortfolioError: as `open_prior`.
    """
    read = _Families(wish)
    found = open_prior(prior, shipped=read.shipped, space=wish.space, direction=wish.direction)
    if wish.fixed and not wish.of_estimator and not read.families:
        read.lines.append(f"fixed {listed(wish.fixed)}: no family is named that could know of it")
    if isinstance(found, Portfolio):
        found, told = by_named(found, wish.metric, wish.direction)
        if told and not read.families:
            read.lines.append(told)
    lines = [line for line in (wish.data.line if wish.data else "", *read.lines) if line]
    names = {n for s in found.spaces for n in s.names} if isinstance(found, Portfolio) else set()
    # What an estimator's own words mean is no rule where the prior has no such parameter.
    renamed = {
        old: new
        for old, new in wish.rules.renamed.items()
        if old in names or not (old in read.owns or wish.of_estimator)
    }
    return Known(
        prior=found,
        space=read.space,
        held=read.held,
        rules=replace(wish.rules, renamed=renamed),
        families=tuple(read.families),
        lines=tuple(lines),
        why="; ".join(read.strange) if not any(read.knowing) else "",
        metric=wish.metric,
    )


class _Families:
    """The families that a prior names, read one after the other."""

    def __init__(self, wish: Wish) -> None:
        self.wish, self.space = wish, wish.space
        self.held: dict[str, Value] = {}
        self.owns: set[str] = set()
        self.families: list[str] = []
        self.lines: list[str] = []
        self.knowing: list[bool] = []
        self.strange: list[str] = []

    def shipped(self, name: str) -> Portfolio:
        """The tasks of a family that teach the search, in the user's words."""
        wish = self.wish
        family = name or wish.family or family_of_names(wish.space)
        portfolio = Portfolio.embedded(family)
        network = family in network_names()  # whose values may be measured by anything
        if wish.metric is not None and (not network or is_standard(wish.metric)):
            check_metric(wish.metric, wish.direction)
        kind = wish.kind if wish.data is None else wish.data.table.kind
        portfolio, line = by_metric(portfolio, wish.metric, kind)
        self.families.append(family)
        portfolio, moved = at_size(portfolio, family, wish.features)
        self.lines += [text for text in (line, moved) if text]
        self.owns |= {n for s in portfolio.spaces for n in s.names}
        portfolio = self._without_relatives(portfolio)
        if wish.space is None:
            return portfolio
        facts = wish.facts or (Facts() if wish.data is None else wish.data.facts)
        found = in_words_of(
            wish.space,
            portfolio,
            family,
            fixed=wish.fixed,
            said=wish.rules.renamed,
            facts=facts,
            ask=wish.ask and not wish.of_estimator,
        )
        return self._with(found, family)

    def _with(self, found: FamilyPrior, family: str) -> Portfolio:
        assert self.wish.space is not None
        assert self.space is not None
        quiet = self.wish.fixed.keys() if self.wish.of_estimator else frozenset()
        self.lines += [f"{family}: {line}" for line in found.told(without=quiet)]
        hint = _another(family, self.wish.space)
        self.lines += [hint] * bool(hint)
        self.knowing.append(bool(found.names.searched))
        if not found.names.searched:
            knows = listed([n for n in found.space.names if n not in self.wish.space.names])
            asked = listed(self.wish.space.names)
            why = f"{family} knows {knows}, and none of {asked} is one of these"
            self.strange.append(f"{why} ({hint})" if hint else why)
            return Portfolio()
        self.space = _joined(self.space, found.space)
        # A value that another family's range or choices lack is moved there, or held no longer.
        held = {**found.held, **self.held}
        near = {n: clip_to(self.space.distributions[n], value) for n, value in held.items()}
        self.held = {n: allowed[0] for n, allowed in near.items() if allowed is not None}
        return found.portfolio

    def _without_relatives(self, portfolio: Portfolio) -> Portfolio:
        if self.wish.data is None:
            return portfolio
        from autometa.tables import relatives

        related = relatives(self.wish.data.table, portfolio.tasks)
        if related:
            names = list(dict.fromkeys(task.name for task in related))
            self.lines.append(f"left out as relatives of these data: {listed(names)}")
        return portfolio.without(related)


def _joined(one: SearchSpace, other: SearchSpace) -> SearchSpace:
    """What either knows; the first where both do, but for choices that only one of them has."""
    distributions = {**other.distributions, **one.distributions}
    for name in one.distributions.keys() & other.distributions.keys():
        both = one.distributions[name], other.distributions[name]
        if all(isinstance(d, CategoricalDistribution) for d in both):
            distributions[name] = max(both, key=lambda d: len(d.choices))  # type: ignore[attr-defined]
    conditions = {}
    for name, (parent, on) in {**other.conditions, **one.conditions}.items():
        above = distributions.get(parent)
        values = [v for v in on if above is not None and clip_to(above, v) == (v, False)]
        if values:
            conditions[name] = parent, values
    return SearchSpace(
        distributions,
        conditions=conditions,
        inner_lr=one.inner_lr or other.inner_lr,
        name=one.name or other.name,
    )


def family_of_names(space: SearchSpace | None) -> str:
    """The family that knows most of the parameters that are searched, where one knows more.

    Raises:
        InputError: several know as many: the user is asked.
    """
    if space is None:
        raise which_family()
    known = {f: len(_known(f, space)) for f in embedded_spaces()}
    most = max(known.values(), default=0)
    best = [name for name, count in known.items() if count == most]
    if most == 0 or len(best) > 1:
        raise which_family(best if most else known)
    return best[0]


def _known(family: str, space: SearchSpace) -> list[str]:
    """The names that the family's library has, whether or not prior tasks varied them."""
    return [name for name in space.names if is_of_library(family, name)]


def _another(family: str, space: SearchSpace) -> str:
    """What to say where another family knows more of the names than the one that was given."""
    if family in network_names():  # which share their names with one another and with `mlp`
        return ""
    known = {f: _known(f, space) for f in embedded_spaces()}
    own = len(known.get(family, ()))
    best = max(known, key=lambda f: len(known[f]), default="")
    if not best or len(known[best]) <= own:
        return ""
    return (
        f"did you mean prior={best!r}, which knows {len(known[best])} of {len(space.names)} names "
        f"({family}: {own})?"
    )


def names_family(prior: PriorSource) -> bool:
    """Whether a prior names a family that ships, alone or in a list."""
    parts = [prior] if isinstance(prior, str) else prior if isinstance(prior, list | tuple) else []
    names = [p.removeprefix(EMBEDDED).removeprefix(":") for p in parts if isinstance(p, str)]
    return any(name in shipped_names() for name in names)


def wish_of(
    *,
    space: SearchSpace | None,
    direction: Direction | None = None,
    metric: str | None = None,
    data: object = None,
    fixed: Mapping[str, Value] | None = None,
    features: Mapping[str, float] | None = None,
    rules: Rules | None = None,
) -> Wish:
    """A wish of what the doors' arguments are.

    Raises:
        InputError: data that make no table, or `fixed` that is no mapping.
    """
    from autometa.priors.data import read_data

    if fixed is not None and not isinstance(fixed, Mapping):
        raise InputError(f"fixed={fixed!r}", allowed="a mapping of names to values")
    both = set(fixed or ()) & set(space.names if space is not None else ())
    if both:
        raise InputError(
            f"{listed(sorted(both))} searched and fixed", do="Take it out of space or fixed"
        )
    return Wish(
        space=space,
        direction=direction,
        metric=metric,
        data=None if data is None else read_data(data, kind_of(metric)),
        fixed={name: unboxed(value) for name, value in (fixed or {}).items()},
        features=features or {},
        rules=rules or Rules(),
    )
