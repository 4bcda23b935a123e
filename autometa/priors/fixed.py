"""What the user's model is given beside what is searched, in a family's own names and form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from optuna.distributions import BaseDistribution, CategoricalDistribution

from autometa.errors import InputError
from autometa.priors.choosing import Parents, doubt, is_borne_out, question
from autometa.priors.logarithms import of_logarithms, plain
from autometa.priors.meanings import Meaning, constant, families_knowing, meaning
from autometa.priors.written import MISSING, Facts, Written, written
from autometa.space import Value
from autometa.space.values import listed, same

Distributions = Mapping[str, BaseDistribution]


@dataclass
class Notes:
    """What could not be read, while names are read.

    Args:
        asks: Whether what cannot be known is an error; else it is unknown.
        unknown: The user's name -> why it is none of the family's.
        unread: The family's own parameters that the user searches or fixes all the same, in a form
            that cannot be read: nobody knows their values.
    """

    asks: bool = True
    unknown: dict[str, str] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)

    def leave(self, name: str, why: str, owns: Iterable[str] = ()) -> None:
        """Leave a name unknown."""
        self.unknown[name] = why
        self.unread.update(owns)

    def settle(self, error: InputError, names: Iterable[str], owns: Iterable[str]) -> None:
        """Ask, or leave names unknown of which one cannot know which of the parameters they mean.

        Raises:
            InputError: the question.
        """
        if self.asks:
            raise error
        for name in names:
            self.leave(name, f"{error.given}. {error.do}", owns)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What a family makes of single names and values.

    Args:
        family: Of the prior.
        olds: Its own parameters.
        parents: Its own conditions.
        said: The family's own name -> the user's, where the user says so.
        facts: What is known of the user's data.
        notes: Where it is written what could not be read.
    """

    family: str
    olds: Distributions
    parents: Parents
    said: Mapping[str, str]
    facts: Facts
    notes: Notes

    def meaning(self, name: str) -> Meaning:
        """What a name means; what the user says of it first, nothing that another name has."""
        found = meaning(self.family, name, self.olds)
        mine = tuple(own for own, new in self.said.items() if new == name)
        if mine:
            return replace(found, own=mine, form=found.form or name, why="", about=())
        own = tuple(o for o in found.own if o not in self.said)
        return replace(found, own=own, form=found.form or name)

    def fixed(self, fixed: Mapping[str, Value]) -> dict[str, Value]:
        """The family's own values of what is fixed, but for what may be meant or not."""
        return self._read({n: v for n, v in fixed.items() if not self.meaning(n).doubtful}, {})

    def doubtful(
        self, fixed: Mapping[str, Value], values: Mapping[str, Value], sure: Iterable[str] = ()
    ) -> dict[str, Value]:
        """Values of what may be one parameter or none, where the others bear it out."""
        meant = {n: self.meaning(n) for n in fixed}
        left = {n: m.own[0] for n, m in meant.items() if m.doubtful}
        known = {*sure, *values}
        borne = [n for n, o in left.items() if is_borne_out(o, known, values, self.parents)]
        for name, own in left.items():
            if name not in borne:
                self.notes.leave(name, doubt(name, own, meant[name].why), [own])
        return self._read({n: fixed[n] for n in borne}, values)

    def _read(self, fixed: Mapping[str, Value], known: Mapping[str, Value]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        names: dict[str, str] = {}
        for name, value in fixed.items():
            what = self.meaning(name)
            told = {o: self._value(o, what, value) for o in what.own}
            fit = {o: t[0] for o, t in told.items() if not isinstance(t, str)}
            if len(fit) > 1:
                self.notes.settle(question(name, tuple(fit), what.why), [name], fit)
            elif not fit:
                self._leave(name, value, what, [t for t in told.values() if isinstance(t, str)])
            elif (own := next(iter(fit))) in found or own in known:
                both = InputError(f"fixed {names.get(own, own)!r} and {name!r} both mean {own}")
                self.notes.settle(both, [name], [])
            else:
                found[own], names[own] = fit[own], name
        return found

    def _value(self, own: str, what: Meaning, value: Value) -> tuple[Value] | str:
        old = self.olds[own]
        how = self.how(own, what, value)
        if isinstance(how, str):
            return how
        if isinstance(old, CategoricalDistribution):
            choice = how.own_choice(old, value)
            return f"{value!r} is none of the prior's" if choice is MISSING else (choice,)  # type: ignore[return-value]
        number = how.own_number(value)
        return f"{value!r} is none of the prior's" if number is None else (number,)

    def how(self, own: str, what: Meaning, new: object) -> Written | str:
        """How a user writes one of the family's own parameters, see `written`."""
        old = self.olds[own]
        if what.base is not None and isinstance(old, CategoricalDistribution):
            return f"a logarithm of {own}, which prior tasks have as choices"
        how = written(self.family, own, what.form, old, self.facts, plain(new, what.base))
        return how if isinstance(how, str) else of_logarithms(how, what.base)

    def _leave(self, name: str, value: Value, what: Meaning, reasons: list[str]) -> None:
        ran = constant(self.family, name)
        if ran is None or not same(ran[0], value):
            why = next(iter(reasons), what.why or self.stranger(name))
            self.notes.leave(name, why, (*what.own, *what.about))

    def stranger(self, name: str) -> str:
        """Why a name is none of the family's, where its documentation does not say so."""
        ran = constant(self.family, name)
        if ran is not None:
            return f"all prior tasks had {ran[0]!r}"
        others = [f for f in families_knowing(name) if f != self.family]
        return f"a name of {listed(others[:3])}" if others else "no prior task knows such a name"
