"""Configs of an old space in a new one: every parameter converted, filled or dropped, and counted.

Whether a parameter is active follows from the new space's conditions alone. A parameter that is
active there, but that a trial has no value for, was added, or its branch has grown: it gets the
value that the user says old trials ran with (`Rules.defaults`), else the new space's default, else
the middle of its range or its first choice. The model is flat along parameters that no trial
varies, so such a value only says where trials stand, never that it is good.

Shapes: n trials, q old parameters, p new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution

from autometa import encoding
from autometa.encoding import Floats
from autometa.space.changes import Change, ParameterChanges
from autometa.space.converting import Converted, convert
from autometa.space.matching import Match, match_parameters
from autometa.space.rules import Rules
from autometa.space.space import SearchSpace
from autometa.space.values import Value, checked_value, plain_value, raw_value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdaptedRows:
    """What became of some trials' configs.

    Args:
        raw: In the new space, (n, p); rows that could not be kept are of no use.
        keep: Which rows are configs of the new space, (n,).
        filled: Cells that no old value stands behind, (n, p).
        asked: Active cells but those that the user gave a value for, (n, p).
        own: Those of them that have a value of the trial's own, neither filled nor clipped, (n, p).
        parameters: What happened to each parameter, the new space's first.
        lost: For each row that is not kept the reason, "" for the others.
    """

    raw: Floats
    keep: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    asked: NDArray[np.bool_]
    own: NDArray[np.bool_]
    parameters: tuple[ParameterChanges, ...]
    lost: tuple[str, ...]


def adapt_rows(
    old: Mapping[str, BaseDistribution], new: SearchSpace, raw: Floats, rules: Rules
) -> AdaptedRows:
    """Old configs in the new space.

    Args:
        old: The old distributions, in the order of the columns.
        new: The new space.
        raw: Old configs (n, q), NaN where a trial has no such parameter.
        rules: What the user said.

    Raises:
        SpaceError: two parameters become one.
    """
    matches = match_parameters(old, new, rules)
    places = {name: j for j, name in enumerate(old)}
    n, p = len(raw), len(new.names)
    result = np.full((n, p), np.nan)
    filled, clipped = np.zeros((n, p), dtype=bool), np.zeros((n, p), dtype=bool)
    lost: list[str] = [""] * n
    reports = []
    for j, (name, distribution) in enumerate(new.distributions.items()):
        match, changes = matches.get(name), []
        if match is not None:
            column = raw[:, places[match.old]]
            found = convert(name, old[match.old], distribution, column, rules)
            result[:, j], clipped[:, j] = found.raw, found.clipped
            for i in np.flatnonzero(found.lost):
                lost[i] = lost[i] or f"parameter {name!r} is {found.why}"
            changes = _changes(match, found, int((~np.isnan(column)).sum()))
        alive = np.array([not reason for reason in lost], dtype=bool)
        on, has = new.active_raw(result)[:, j], ~np.isnan(result[:, j])
        surplus = alive & ~on & has
        filled[:, j] = alive & on & ~has
        value, origin = _fill(name, new, rules)
        result[filled[:, j], j] = raw_value(distribution, value)
        result[~on, j] = np.nan
        if surplus.any():
            parent, values = new.conditions[name]
            detail = f"now only where {parent!r} is one of {list(values)}"
            total = int((~np.isnan(raw[:, places[matches[name].old]])).sum())
            changes.append(
                Change(kind="dropped", count=int(surplus.sum()), of=total, detail=detail)
            )
        if filled[:, j].any():
            count, of = int(filled[:, j].sum()), int(alive.sum())
            detail = f"with {value!r}, {origin}"
            changes.append(Change(kind="filled", count=count, of=of, detail=detail))
        reports.append(
            ParameterChanges(
                name=name,
                old=match.old if match else None,
                changes=tuple(changes or [Change(kind="exact", count=n, of=n)]),
            )
        )
    used = {m.old for m in matches.values()}
    reports += [_removed(name, raw[:, places[name]], new) for name in old if name not in used]
    keep = np.array([not reason for reason in lost], dtype=bool)
    told = np.array([name in rules.defaults for name in new.names])
    asked = new.active_raw(result) & ~(filled & told)
    return AdaptedRows(
        raw=result,
        keep=keep,
        filled=filled,
        asked=asked,
        own=asked & ~filled & ~clipped,
        parameters=tuple(reports),
        lost=tuple(lost),
    )


def _changes(match: Match, found: Converted, known: int) -> list[Change]:
    changes = []
    if match.detail or found.renamed:
        detail = "; ".join(part for part in (match.detail, found.renamed) if part)
        changes.append(Change(kind="renamed", count=known, of=known, detail=detail))
    if found.rescaled:
        changes.append(Change(kind="rescaled", count=known, of=known, detail=found.rescaled))
    for kind, rows in (("clipped", found.clipped), ("dropped", found.lost)):
        if rows.any():
            what = f"trials {found.why}" if kind == "dropped" else found.why
            changes.append(
                Change(kind=kind, count=int(rows.sum()), of=known, detail=what)  # type: ignore[arg-type]
            )
    return changes


def _removed(name: str, column: Floats, new: SearchSpace) -> ParameterChanges:
    known = int((~np.isnan(column)).sum())
    why = "no value of it can be one of the new space's" if name in new.names else "not in the new"
    return ParameterChanges(
        name=name,
        old=name,
        changes=(Change(kind="dropped", count=known, of=known, detail=why),),
    )


def _fill(name: str, new: SearchSpace, rules: Rules) -> tuple[Value, str]:
    """The value of a parameter where old trials have none, and where it comes from."""
    distribution = new.distributions[name]
    if name in rules.defaults:
        return checked_value(name, distribution, rules.defaults[name]), "as given"
    if name in new.defaults:
        return new.defaults[name], "the space's default"
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0], "its first choice, as no default is given"
    middle = encoding.from_unit(distribution, np.full((1, 1), 0.5))
    value = plain_value(distribution, float(middle[0]))
    return value, "the middle of its range, as no default is given"
