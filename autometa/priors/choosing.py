"""Which of several parameters a name means, given what is sure; else what is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from autometa.errors import InputError
from autometa.priors.meanings import is_prefixed_by
from autometa.space import Value
from autometa.space.values import is_among, listed

Parents = Mapping[str, tuple[str, Sequence[Value]]]
Settle = Callable[[InputError, Iterable[str], Iterable[str]], None]
"""(error, user's names, family's own names): asks, or says that the names are unknown."""


def left_of(
    candidates: tuple[str, ...],
    sure: Iterable[str],
    values: Mapping[str, Value],
    parents: Parents,
) -> tuple[str, ...]:
    """What a name may still mean, given the branch that what is sure belongs to."""
    if len(candidates) < 2:
        return candidates
    known = set(sure)
    left = tuple(c for c in candidates if c not in known) or candidates
    if len(left) > 1:
        left = tuple(c for c in left if not _is_of_other(c, known, values, parents)) or left
    return left


def is_borne_out(
    own: str, sure: Iterable[str], values: Mapping[str, Value], parents: Parents
) -> bool:
    """Whether what is sure is of the branch that a parameter belongs to."""
    parent, on = parents.get(own, ("", ()))
    if not parent:
        return False
    if parent in values:
        return _meet([values[parent]], on)
    theirs = (parents.get(other, ("", ())) for other in sure if other != own)
    return any(above == parent and _meet(values, on) for above, values in theirs)


def _is_of_other(
    own: str, sure: Iterable[str], values: Mapping[str, Value], parents: Parents
) -> bool:
    """Whether a parameter belongs to a branch that the sure ones do not."""
    parent, on = parents.get(own, ("", ()))
    if parent in values:
        return not _meet([values[parent]], on)
    theirs = (parents.get(other, ("", ())) for other in sure)
    return bool(parent) and any(above == parent and not _meet(v, on) for above, v in theirs)


def _meet(some: Sequence[Value], others: Sequence[Value]) -> bool:
    return any(is_among(one, others) for one in some)


def one_each(
    family: str,
    chosen: Mapping[str, str],
    values: Mapping[str, Value],
    settle: Settle,
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
            settle(both, names, [own])
            continue
        if own in values:
            twice = InputError(
                f"parameter {names[0]!r} ({own} of {family}) is searched and fixed",
                allowed="either of these",
                do="Take it out of fixed=",
            )
            settle(twice, [], [])
        found[own] = names[0]
    return found


def question(name: str, owns: tuple[str, ...], why: str) -> InputError:
    """Which of several parameters a name means."""
    return InputError(
        f"parameter {name!r} may mean {' or '.join(owns)}" + (f" ({why})" if why else ""),
        allowed=listed(owns),
        do=f"Say which: renamed={{{owns[0]!r}: {name!r}}}",
    )


def doubt(name: str, own: str, why: str) -> str:
    """Why a name that may mean one parameter is not taken to."""
    return f"{why}; if it is {own}, say renamed={{{own!r}: {name!r}}}"
