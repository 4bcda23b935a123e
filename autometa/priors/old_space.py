"""One prior space beside the new one: which parameters it shares, and its configs in the new one.

Shapes: n trials, p parameters; raw (n, p) as in `space`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution

from autometa.encoding import Floats
from autometa.portfolio import Portfolio
from autometa.priors.near import last_part
from autometa.space import SearchSpace
from autometa.space.adapting import AdaptedRows, adapt_rows
from autometa.space.converting import choices_as_numbers, convert
from autometa.space.matching import match_parameters
from autometa.space.ranges import is_inside
from autometa.space.rules import Rules
from autometa.space.values import Value, describe
from autometa.task import TaskHistory


@dataclass(frozen=True, kw_only=True)
class OldSpace:
    """One prior space: its histories, their raw configs one after the other, and its matches.

    Args:
        matches: New name -> old name.
        away: Old names that are not looked at.
    """

    space: SearchSpace
    histories: list[TaskHistory]
    raw: Floats
    rules: Rules
    matches: Mapping[str, str]
    away: frozenset[str] = frozenset()

    @staticmethod
    def of(old: SearchSpace, prior: Portfolio, new: SearchSpace, rules: Rules) -> OldSpace:
        """An old space of a prior, beside the new one."""
        histories = [h for h in prior.histories if h.task.space == old]
        return OldSpace(
            space=old,
            histories=histories,
            raw=np.concatenate([h.raw for h in histories]),
            rules=_rules_of(old, new, rules),
            matches=names_of(old, new, rules),
        )

    def without(self, names: Collection[str]) -> OldSpace:
        """The same, of which some parameters are not known."""
        away = self.away | {self.matches[n] for n in names}
        matches = {n: o for n, o in self.matches.items() if n not in names}
        return replace(self, matches=matches, away=away)

    def column(self, name: str) -> Floats:
        """The raw values (n,) of a new parameter."""
        return self.raw[:, self.space.names.index(self.matches[name])]

    def numbers(self, name: str) -> Floats:
        """The known values (n,) of a new parameter that are numbers, in any order."""
        column, distribution = self.column(name), self.space.distributions[self.matches[name]]
        if isinstance(distribution, CategoricalDistribution):
            column = choices_as_numbers(name, distribution, column, self.rules)
        return column[~np.isnan(column)]

    def rows(self, wide: SearchSpace, part: SearchSpace) -> AdaptedRows:
        """The configs of an old space in the widened one; those that say nothing of it are lost."""
        rules = replace(
            self.rules,
            renamed={
                o: n
                for o, n in self.rules.renamed.items()
                if n in wide.distributions and o not in self.away
            },
            choices={n: c for n, c in self.rules.choices.items() if n in wide.distributions},
            defaults={n: v for n, v in self.rules.defaults.items() if n in wide.distributions},
        )
        known = {n: d for n, d in self.space.distributions.items() if n not in self.away}
        places = [self.space.names.index(n) for n in known]
        rows = adapt_rows(known, wide, self.raw[:, places], rules)
        lost = list(rows.lost)
        for j, name in enumerate(part.names):
            if name not in self.matches:
                continue
            column = self.column(name)
            parent = self.space.conditions.get(self.matches[name], ("", ()))[0]
            if parent and parent not in self.matches.values():
                for i in np.flatnonzero(rows.keep & rows.filled[:, j] & np.isnan(column)):
                    lost[i] = lost[i] or f"parameter {name!r} is off: a branch that is not searched"
        return replace(rows, lost=tuple(lost), keep=np.array([not why for why in lost], dtype=bool))

    def unreached(self, wide: SearchSpace, part: SearchSpace) -> dict[str, str]:
        """The parameters of which it has no value that is searched now, and why."""
        found = {}
        for name, distribution in part.distributions.items():
            if name not in self.matches:
                continue
            column = self.column(name)
            column = column[~np.isnan(column)]
            if not len(column):
                continue
            before, now = self.space.distributions[self.matches[name]], wide.distributions[name]
            as_now = convert(name, before, now, column, self.rules)
            left = as_now.raw[~as_now.lost]
            if not len(left) or not is_inside(distribution, left, now).any():
                found[name] = f"is never {describe(distribution)}"
        return found


def names_of(old: SearchSpace, new: SearchSpace, rules: Rules | None = None) -> dict[str, str]:
    """New name -> old name of the parameters that both spaces have."""
    found = match_parameters(old.distributions, new, _rules_of(old, new, rules or Rules()))
    return {name: match.old for name, match in found.items()}


def _rules_of(old: SearchSpace, new: SearchSpace, rules: Rules) -> Rules:
    """The rules for one old space: what applies to it, and what its names and words tell."""
    said = {o: n for o, n in rules.renamed.items() if o in old.distributions}
    taken = {*said.values(), *(n for n in new.names if n in old.distributions)}
    olds = [n for n in old.names if n not in said and n not in new.distributions]
    news = [n for n in new.names if n not in taken]
    ends = Counter(map(last_part, old.names)), Counter(map(last_part, new.names))
    bylast_part = {last_part(n): n for n in news}
    for name in olds:
        end = last_part(name)
        if end in bylast_part and ends[0][end] == ends[1][end] == 1:
            said[name] = bylast_part[end]
    choices = {
        name: {**_nones(distribution), **rules.choices.get(name, {})}
        for name, distribution in new.distributions.items()
    }
    return replace(
        rules,
        renamed=said,
        choices={n: c for n, c in choices.items() if c},
    )


def _nones(new: BaseDistribution) -> dict[Value, Value]:
    """Choices of old spaces by other names: a portfolio of text calls None "none"."""
    if not isinstance(new, CategoricalDistribution):
        return {}
    if None in new.choices and "none" not in new.choices:
        return {"none": None}
    return {None: "none"} if "none" in new.choices and None not in new.choices else {}


def lost_to(rows: AdaptedRows, never: Mapping[str, str]) -> AdaptedRows:
    """None of the rows, where they never have a value that is searched now."""
    if not never:
        return rows
    ((name, why), *_) = never.items()
    lost = tuple(reason or f"parameter {name!r} {why}" for reason in rows.lost)
    return replace(rows, lost=lost, keep=np.array([not reason for reason in lost], dtype=bool))
