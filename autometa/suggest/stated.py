"""The config that a user knows to be good, or always ran: the first thing that a search tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autometa.errors import InputError
from autometa.meta.first_configs import Candidate
from autometa.space import Config, SearchSpace, Value
from autometa.space.values import checked_value, is_part, listed

STATED = "the config that you stated, tried first"


def stated_config(
    space: SearchSpace,
    incumbent: Mapping[str, Value] | bool | None = None,
    defaults: Mapping[str, Value] | None = None,
) -> Config:
    """What the user stated, whole or in part; empty where nothing was stated or it is not wanted.

    Args:
        space: What is searched.
        incumbent: A config, or part of one; None takes what the defaults state, False nothing.
        defaults: Beside those of the space.

    Raises:
        InputError: not a config.
        SpaceError: a value that the space does not allow.
    """
    stated = stated_in_part(incumbent)
    if incumbent is False:
        return {}
    given = {**space.defaults, **(defaults or {}), **stated}
    unknown = [name for name in given if name not in space.distributions]
    if unknown:
        raise InputError(
            f"the incumbent has {listed(unknown)}, which is not searched",
            allowed=listed(space.names),
        )
    active = space.active(given)
    return {n: checked_value(n, space.distributions[n], given[n]) for n in active if n in given}


def stated_in_part(incumbent: Mapping[str, Value] | bool | None) -> Config:
    """The config, or part of one, that the user gave; empty where there is none.

    Raises:
        InputError: not a config.
    """
    if not (incumbent is None or incumbent is False or isinstance(incumbent, Mapping)):
        raise InputError(
            f"incumbent={incumbent!r}", allowed="a config, None for the defaults, False for none"
        )
    return dict(incumbent or {})


def stated_first(warm: Sequence[Candidate], stated: Config, space: SearchSpace) -> list[Candidate]:
    """A start in which the stated config comes first; one in part moves the first to its values."""
    if not stated:
        return list(warm)
    if set(space.active(stated)) <= stated.keys() or not warm:
        rate = stated.get(space.inner_lr) if space.inner_lr else None
        first = Candidate(
            config=dict(stated),
            inner_lr=None if rate is None else float(rate),
            expected=float("nan"),
            reason=STATED,
        )
        return [first, *(c for c in warm if not is_part(c.config, stated))]
    config = {**warm[0].config, **stated}
    kept = {*space.active(config), *(config.keys() - space.distributions.keys())}
    first = replace(
        warm[0],
        config={n: v for n, v in config.items() if n in kept},
        reason=f"{warm[0].reason}; {listed(stated)} as you stated",
    )
    return [first, *warm[1:]]
