"""Which tasks are held out: fixed once and for all by a hash of their family's name.

A hash rather than a seed: the split does not move when a library's random numbers do, or when a
family is added, and nobody chose it to look good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from autometa.bench.suite import BenchTask, Split
from autometa.task import Task


def places(
    families: Mapping[str, str], *, salt: str, test: int, folds: int
) -> dict[str, tuple[Split, str]]:
    """Name -> (split, fold), without the names that no one may know.

    Families are held out in the order of their hash. One member of each is tested on, the first,
    lest a large family weigh more than others; its relatives are dropped, as no prior may know
    them. The other families go round-robin into development folds, with all their members.

    Args:
        families: Name of a task, or of a data set -> its family.
        salt: Name of the suite: a family may be held out in one suite and not in another.
        test: Number of families to hold out.
        folds: Number of development folds.
    """
    members: dict[str, list[str]] = {}
    for name, family in families.items():
        members.setdefault(family, []).append(name)
    order = sorted(members, key=lambda family: _digest(salt, family))
    placed: dict[str, tuple[Split, str]] = {}
    for family in order[:test]:
        placed[members[family][0]] = ("test", "test")
    for i, family in enumerate(order[test:]):
        for name in members[family]:
            placed[name] = ("development", f"development-{i % folds}")
    return placed


def assign(tasks: Iterable[Task], *, salt: str, test: int, folds: int) -> tuple[BenchTask, ...]:
    """Tasks with their split and fold, in the given order; see `places`."""
    listed = list(tasks)
    placed = places({t.name: t.family for t in listed}, salt=salt, test=test, folds=folds)
    return tuple(
        BenchTask(task=t, split=placed[t.name][0], fold=placed[t.name][1])
        for t in listed
        if t.name in placed
    )


def _digest(salt: str, name: str) -> str:
    return hashlib.sha256(f"autometa:{salt}:{name}".encode()).hexdigest()


def prior_tasks(tasks: Iterable[BenchTask], fold: str) -> tuple[BenchTask, ...]:
    """Tasks that a fold's prior may use: development tasks of other folds, of the fold's space."""
    listed = list(tasks)
    spaces = {t.task.space for t in listed if t.fold == fold}
    return tuple(
        t for t in listed if t.split == "development" and t.fold != fold and t.task.space in spaces
    )
