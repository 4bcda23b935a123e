"""Which of the user's parameters is which of a family's own, and how its values are written.

What cannot be known is asked for, with the candidates: which of two parameters a name means, or
which of two names is meant. What a family does not know is said, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution

from autometa.priors.choosing import Parents, doubt, is_borne_out, left_of, one_each, question
from autometa.priors.fixed import Distributions, Notes, Reader
from autometa.priors.meanings import Meaning, constant
from autometa.priors.written import MISSING, Facts, Written
from autometa.space import SearchSpace, Value
from autometa.space.plain import is_number
from autometa.space.values import fits, same


@dataclass(frozen=True, kw_only=True)
class Named:
    """One of a family's own parameters under the user's name.

    Args:
        name: The user's.
        own: The family's.
        written: How its values are written.
    """

    name: str
    own: str
    written: Written

    def __str__(self) -> str:
        same = "" if self.name == self.own else f" is {self.own}"
        how = f", {self.written.how}" if self.written.how else ""
        return f"{self.name}{same or ' is known'}{how}"


@dataclass(frozen=True, kw_only=True)
class Names:
    """What a family makes of all of the user's names.

    Args:
        searched: Parameters that are searched and known, by the family's own name.
        fixed: The family's own parameters that have one value -> that value, in its own form; of
            no effect where it is searched.
        unknown: Names of the user's -> why no parameter of the prior is that.
        ran: Names of the user's of which all prior tasks had one value, one of those that are
            searched -> that value.
        unread: The family's own parameters that are searched or fixed in a form that cannot be
            read: nobody knows their values.
    """

    searched: Mapping[str, Named]
    fixed: Mapping[str, Value]
    unknown: Mapping[str, str]
    ran: Mapping[str, Value] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()


def names_for(
    family: str,
    olds: Distributions,
    parents: Parents,
    space: SearchSpace,
    *,
    fixed: Mapping[str, Value] | None = None,
    said: Mapping[str, str] | None = None,
    facts: Facts | None = None,
    ask: bool = True,
) -> Names:
    """See the module; the arguments are those of `family.in_words_of` and `fixed.Reader`.

    Raises:
        InputError: a name that may mean several parameters, several names that mean one, or a
            parameter that is both searched and fixed.
    """
    said = {o: n for o, n in (said or {}).items() if o in olds}
    notes = Notes(asks=ask)
    reader = Reader(
        family=family, olds=olds, parents=parents, said=said, facts=facts or Facts(), notes=notes
    )
    meant = {name: reader.meaning(name) for name in space.names}
    values = reader.fixed(fixed or {})
    chosen = _chosen(reader, space, meant, values)
    values |= reader.doubtful(fixed or {}, values, chosen.values())
    searched: dict[str, Named] = {}
    for own, name in one_each(family, chosen, values, notes.settle).items():
        how = reader.how(own, meant[name], space.distributions[name])
        if isinstance(how, str):
            notes.leave(name, how, [own])
        else:
            searched[own] = Named(name=name, own=own, written=how)
    ran = {n: v for n in space.names for v in _ran(family, n, space) if n not in chosen}
    for name in space.names:
        if name not in chosen and name not in notes.unknown and name not in ran:
            why = meant[name].why or reader.stranger(name)
            notes.leave(name, why, meant[name].about)
    return Names(
        searched=searched,
        fixed=values,
        unknown={n: why for n, why in notes.unknown.items() if n not in ran},
        ran=ran,
        unread=frozenset(notes.unread - searched.keys()),
    )


def fixed_of(
    family: str,
    olds: Distributions,
    parents: Parents,
    fixed: Mapping[str, Value],
    said: Mapping[str, str],
    facts: Facts,
) -> dict[str, Value]:
    """The family's own values of what is fixed, as far as it knows them; nothing is asked."""
    reader = Reader(
        family=family, olds=olds, parents=parents, said=said, facts=facts, notes=Notes(asks=False)
    )
    values = reader.fixed(fixed)
    return values | reader.doubtful(fixed, values)


def _chosen(
    reader: Reader, space: SearchSpace, meant: Mapping[str, Meaning], values: Mapping[str, Value]
) -> dict[str, str]:
    """The user's name -> the family's own, where it is known which, and a value can be both's.

    What a name means beyond doubt tells what others mean, and which branch is searched.
    """
    fit = {}
    for name, what in meant.items():
        new = space.distributions[name]
        fit[name] = tuple(own for own in what.own if _fit(reader, own, what, new))
        if what.own and not fit[name]:
            # Words in the place of numbers are another thing of this name.
            same_kind = [o for o in what.own if isinstance(reader.olds[o], CategoricalDistribution)]
            reader.notes.leave(name, "no value of it is one of the prior's", same_kind)
    single = {n: o[0] for n, o in fit.items() if len(o) == 1 and not meant[n].doubtful}
    sure = {*single.values(), *values}
    for name, owns in fit.items():
        if len(owns) < 2:
            continue
        left = left_of(owns, sure, values, reader.parents)
        if len(left) > 1:
            reader.notes.settle(question(name, left, meant[name].why), [name], left)
        else:
            single[name] = left[0]
    sure |= set(single.values())
    for name, owns in fit.items():
        if meant[name].doubtful and owns:
            if is_borne_out(owns[0], sure, values, reader.parents):
                single[name] = owns[0]
            else:
                reader.notes.leave(name, doubt(name, owns[0], meant[name].why), owns)
    return {name: single[name] for name in fit if name in single}


def _ran(family: str, name: str, space: SearchSpace) -> tuple[Value, ...]:
    """The value that all prior tasks had of a name, where it is one of those that are searched."""
    known = constant(family, name)
    if known is None or name in space.conditions:
        return ()
    new = space.distributions[name]
    if isinstance(new, CategoricalDistribution):
        return tuple(c for c in new.choices if same(c, known[0]))[:1]
    number = is_number(known[0])
    return known if number and fits(new, np.array([known[0]], dtype=np.float64))[0] else ()


def _fit(reader: Reader, own: str, what: Meaning, new: BaseDistribution) -> bool:
    """Whether any value of the one can be one of the other, or it is not known how to read them."""
    old, how = reader.olds[own], reader.how(own, what, new)
    if isinstance(how, str):
        return True
    if isinstance(old, CategoricalDistribution):
        if isinstance(new, CategoricalDistribution):
            return any(how.own_choice(old, c) is not MISSING for c in new.choices)
        return any(is_number(w) for c in old.choices for w in (c, *how.choices.get(c, ())))
    if isinstance(new, CategoricalDistribution):
        return any(how.own_number(c) is not None for c in new.choices)
    return True
