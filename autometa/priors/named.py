"""Which of the user's parameters is which of a family's own, and how its values are written.

What cannot be known is asked for, with the candidates: which of two parameters a name means, or
which of two names is meant. What a family does not know is said, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from optuna.distributions import BaseDistribution, CategoricalDistribution

from autometa.errors import InputError
from autometa.priors.meanings import Meaning, families_knowing, is_prefixed_by, meaning
from autometa.priors.near import last_part
from autometa.priors.written import MISSING, Facts, Written, written
from autometa.space import SearchSpace, Value
from autometa.space.matching import is_number
from autometa.space.values import listed

Distributions = Mapping[str, BaseDistribution]
Parents = Mapping[str, tuple[str, Sequence[Value]]]


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
        fixed: The family's own parameters that have one value -> that value, in its own form.
        unknown: Names of the user's -> why no parameter of the prior is that.
    """

    searched: Mapping[str, Named]
    fixed: Mapping[str, Value]
    unknown: Mapping[str, str]


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
    """See the module.

    Args:
        family: Of the prior.
        olds: Its own parameters.
        parents: Its own conditions.
        space: What is searched.
        fixed: What the user's model is given beside that, by any of its names.
        said: The family's own name -> the user's, where the user says so.
        facts: What is known of the user's data.
        ask: Whether what cannot be known is an error; else it is unknown.

    Raises:
        InputError: a name that may mean several parameters, several names that mean one, or a
            parameter that is both searched and fixed.
    """
    facts, said = facts or Facts(), {o: n for o, n in (said or {}).items() if o in olds}
    unknown: dict[str, str] = {}

    def settle(ask_for: InputError, *names: str) -> None:
        if ask:
            raise ask_for
        unknown.update(dict.fromkeys(names, ask_for.given))

    found = {name: _candidates(family, olds, said, name) for name in space.names}
    fit = {
        name: tuple(o for o in m.own if _fit(olds[o], space.distributions[name], o)) or m.own
        for name, m in found.items()
    }
    values = _fixed(family, olds, fixed or {}, said, facts, unknown, settle)
    sure = {owns[0] for owns in fit.values() if len(owns) == 1} | values.keys()
    chosen = {}
    for name, owns in fit.items():
        left = _settled(owns, sure, values, parents)
        if len(left) > 1:
            settle(_ask(name, left, found[name].why), name)
        chosen[name] = left[0] if len(left) == 1 else ""
    searched: dict[str, Named] = {}
    for own, name in _one_each(family, chosen, values, settle).items():
        new, form = space.distributions[name], found[name].form
        how = written(family, own, form, olds[own], facts, new)
        if isinstance(how, Written) and not _fit(olds[own], new, own, how):
            how = "no value of it is one of the prior's"
        if isinstance(how, str):
            unknown[name] = how
        else:
            searched[own] = Named(name=name, own=own, written=how)
    for name in space.names:
        if not chosen[name] and name not in unknown:
            unknown[name] = found[name].why or _stranger(family, name)
    values = {own: value for own, value in values.items() if own not in searched}
    return Names(searched=searched, fixed=values, unknown=unknown)


def fixed_of(
    family: str,
    olds: Distributions,
    fixed: Mapping[str, Value],
    said: Mapping[str, str],
    facts: Facts,
) -> dict[str, Value]:
    """The family's own values of what is fixed, as far as it knows them; nothing is asked."""
    return _fixed(family, olds, fixed, said, facts, {}, lambda error, *names: None)


def _candidates(family: str, olds: Distributions, said: Mapping[str, str], name: str) -> Meaning:
    """What a name means, where the user has not said it; no parameter that another name has."""
    found = meaning(family, name, olds)
    mine = tuple(own for own, new in said.items() if new == name)
    own = mine or tuple(o for o in found.own if o not in said)
    return replace(found, own=own, form=found.form or name)


def _fit(
    old: BaseDistribution, new: BaseDistribution, own: str, how: Written | None = None
) -> bool:
    """Whether any value of the one can be one of the other."""
    how = how or Written()
    if not isinstance(old, CategoricalDistribution):
        if not isinstance(new, CategoricalDistribution):
            return True
        return any(how.own_number(c) is not None for c in new.choices)
    if isinstance(new, CategoricalDistribution):
        full = Written(choices=how.choices) if how.choices else _any_written(own)
        return any(full.own_choice(old, c) is not MISSING for c in new.choices)
    return any(is_number(w) for c in old.choices for w in (c, *how.choices.get(c, ())))


def _any_written(own: str) -> Written:
    found = written("", own, "", CategoricalDistribution([None]), Facts())
    assert isinstance(found, Written)
    return found


def _fixed(
    family: str,
    olds: Distributions,
    fixed: Mapping[str, Value],
    said: Mapping[str, str],
    facts: Facts,
    unknown: dict[str, str],
    settle: Callable[..., None],
) -> dict[str, Value]:
    """The family's own values of what is fixed; what it does not know goes into `unknown`."""
    found: dict[str, Value] = {}
    names: dict[str, str] = {}
    for name, value in fixed.items():
        what = _candidates(family, olds, said, name)
        told = {o: _own_value(family, olds, o, what.form, value, facts) for o in what.own}
        fit = {o: t[0] for o, t in told.items() if not isinstance(t, str)}
        if len(fit) > 1:
            settle(_ask(name, tuple(fit), what.why), name)
        elif not fit:
            reasons = [t for t in told.values() if isinstance(t, str)]
            unknown[name] = next(iter(reasons), what.why or _stranger(family, name))
        elif (own := next(iter(fit))) in found:
            settle(InputError(f"fixed {names[own]!r} and {name!r} both mean {own}"), name)
        else:
            found[own], names[own] = fit[own], name
    return found


def _own_value(
    family: str, olds: Distributions, own: str, form: str, value: Value, facts: Facts
) -> tuple[Value] | str:
    old = olds[own]
    how = written(family, own, form, old, facts, value)
    if isinstance(how, str):
        return how
    if isinstance(old, CategoricalDistribution):
        choice = how.own_choice(old, value)
        return f"{value!r} is none of the prior's" if choice is MISSING else (choice,)  # type: ignore[return-value]
    number = how.own_number(value)
    return f"{value!r} is none of the prior's" if number is None else (number,)


def _settled(
    candidates: tuple[str, ...],
    sure: set[str],
    values: Mapping[str, Value],
    parents: Parents,
) -> tuple[str, ...]:
    """What a name may still mean, given the branch that what is sure belongs to."""
    if len(candidates) < 2:
        return candidates
    left = tuple(c for c in candidates if c not in sure) or candidates
    if len(left) > 1:
        left = tuple(c for c in left if not _excluded(c, sure, values, parents)) or left
    return left


def _excluded(own: str, sure: set[str], values: Mapping[str, Value], parents: Parents) -> bool:
    """Whether a parameter belongs to a branch that the sure ones do not."""
    parent, on = parents.get(own, ("", ()))
    if parent in values:
        return values[parent] not in on
    for other in sure:
        theirs = parents.get(other, ("", ()))
        if parent and theirs[0] == parent and not set(theirs[1]) & set(on):
            return True
    return False


def _one_each(
    family: str,
    chosen: Mapping[str, str],
    values: Mapping[str, Value],
    settle: Callable[..., None],
) -> dict[str, str]:
    """The family's own name -> the user's; two names of one are asked for, or neither is it."""
    found: dict[str, str] = {}
    for own in dict.fromkeys(filter(None, chosen.values())):
        names = [n for n, o in chosen.items() if o == own]
        for prefix_of in (family, ""):
            mine = [n for n in names if is_prefixed_by(prefix_of, n)]
            names = mine if len(names) > 1 and len(mine) == 1 else names
        if len(names) > 1:
            both = InputError(
                f"{listed(names)} all mean {own} of {family}",
                allowed="one of them",
                do=f"Say which: renamed={{{own!r}: {names[0]!r}}}",
            )
            settle(both, *names)
            continue
        if own in values:
            twice = InputError(
                f"parameter {names[0]!r} ({own} of {family}) is searched and fixed",
                allowed="either of these",
                do="Take it out of fixed=",
            )
            settle(twice)
        found[own] = names[0]
    return found


def _ask(name: str, owns: tuple[str, ...], why: str) -> InputError:
    return InputError(
        f"parameter {name!r} may mean {' or '.join(owns)}" + (f" ({why})" if why else ""),
        allowed=listed(owns),
        do=f"Say which: renamed={{{owns[0]!r}: {name!r}}}",
    )


def _stranger(family: str, name: str) -> str:
    bare = re.sub(r"^(log_?10|log_?2|log|ln)_|_(log|exponent|exp)$", "", last_part(name))
    if bare != last_part(name) and family in families_knowing(bare):
        return f"a logarithm of {bare}? Search {bare} itself, with log=True"
    others = [f for f in families_knowing(name) if f != family]
    return f"a name of {listed(others[:3])}" if others else "no prior task knows such a name"
