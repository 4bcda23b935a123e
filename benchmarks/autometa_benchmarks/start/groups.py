"""Held-out tasks on which a start is judged, in groups that share a prior.

    embedded    the tables of each child in five folds over families; the last fold is the test
                split. Classifications and regressions are not known before one another
    suites      their own folds; the objective itself, or the recorded configs of a pool

What the oracle knows is the truth about prior tasks: the objectives of their model's candidates, or
of the configs that most prior tasks have in common. Of held-out tasks it knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from zlib import crc32

import numpy as np

from autometa.bench.suite import BenchTask, Pool, Split, Suite
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.meta import MetaModel
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory
from autometa_benchmarks.start.held_out import HeldOut, Truth, in_common, recorded, tells
from autometa_benchmarks.start.regret import Tried, scaled
from autometa_benchmarks.suites.embedded import some_of
from autometa_benchmarks.suites.yahpo import YahpoSuite

EMBEDDED, FOLDS = "embedded", 5
RANDOM_CONFIGS = 2_000  # of a task whose objective can be asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Held-out tasks of one fold.

    Args:
        suite: Their suite.
        part: Their row of the table: a child, a space.
        fold: Which.
        space: Theirs.
        tasks: Held out together.
        alike: Names of further ones that cannot tell lists apart: they are left out.
        prior: (evaluations a task or None for all, seed) -> what may be known; neither the tasks
            nor their relatives are in it.
        truth: (prior, model of it) -> what the oracle knows; None where it cannot be known.
    """

    suite: str
    part: str
    fold: str
    space: SearchSpace
    tasks: tuple[HeldOut, ...]
    alike: tuple[str, ...]
    prior: Callable[[int | None, int], Portfolio]
    truth: Callable[[Portfolio, MetaModel], Truth | None]


def of_portfolio(
    judges: Portfolio, prior: Portfolio, splits: Sequence[Split], only: Sequence[str] = ()
) -> list[Group]:
    """Groups of a portfolio of tables.

    Args:
        judges: On whose recorded configs lists are judged.
        prior: What lists are made of; usually the same. Where a child had another space in it, its
            trials are adapted, and those outside of the space dropped.
        splits: The last of the five folds is "test", the others are "development".
        only: Names of children; all where empty.

    Raises:
        InputError: a child that the portfolio does not have.
    """
    names = tuple(dict.fromkeys(space.name for space in judges.spaces))
    if unknown := [c for c in only if c not in names]:
        raise InputError(f"child {unknown[0]!r}", allowed=", ".join(names))
    groups: dict[tuple[SearchSpace, str, int], list[TaskHistory]] = {}
    for history in judges.histories:
        task, fold = history.task, fold_of(history.task.family)
        split: Split = "test" if fold == FOLDS - 1 else "development"
        if split in splits and (not only or task.space.name in only):
            groups.setdefault((task.space, _kind(task), fold), []).append(history)
    parts = _parts(judges.spaces)
    out: dict[int, set[str]] = {}  # by fold: names and families, of whatever child
    for task in judges.tasks:
        out.setdefault(fold_of(task.family), set()).update((task.name, task.family))
    for task in prior.tasks:  # which may know other relatives
        for left_out in out.values():
            if task.name in left_out:
                left_out.add(task.family)
    return [
        _tables(parts[space], kind, fold, histories, prior.without(out[fold]))
        for (space, kind, fold), histories in groups.items()
    ]


def fold_of(family: str) -> int:
    """By its name alone, so that no family moves when others come: folds differ a little in size.

    >>> fold_of("iris"), fold_of("wine")
    (4, 2)
    """
    return int(sha256(f"autometa:start:{family}".encode()).hexdigest(), 16) % FOLDS


def _tables(
    part: str, kind: str, fold: int, histories: Sequence[TaskHistory], prior: Portfolio
) -> Group:
    """A child's tables of one kind in one fold; what is known before them of all children."""
    space = histories[0].task.space
    own = prior.select(space.name).histories
    known = Portfolio(h for h in own if _kind(h.task) == kind)
    older = Portfolio(h for h in known.histories if h.task.space != space)
    if len(older):
        known = known.select(space).merge(older.adapt(space, outside="drop").portfolio)

    def some(evaluations: int | None, seed: int) -> Portfolio:
        return Portfolio(some_of(h, evaluations, seed) for h in known.histories)

    return Group(
        suite=EMBEDDED,
        part=part,
        fold=f"{kind} {fold}".strip(),
        space=space,
        tasks=tuple(recorded(h) for h in histories if tells(h)),
        alike=tuple(h.task.name for h in histories if not tells(h)),
        prior=some,
        truth=lambda portfolio, model: in_common(known.histories),
    )


def _parts(spaces: Sequence[SearchSpace]) -> dict[SearchSpace, str]:
    """A row for each space: its name, with a number where a child had another space before."""
    listed = [s.name for s in spaces]
    again = [listed[:i].count(name) for i, name in enumerate(listed)]
    return {s: s.name + (f" {n + 1}" if n else "") for s, n in zip(spaces, again, strict=True)}


def _kind(task: Task) -> str:
    return str(task.info.get("kind", ""))


def of_suite(suite: Suite, splits: Sequence[Split]) -> list[Group]:
    """Groups of a suite: its folds."""
    tasks = [t for t in suite.tasks if t.split in splits]
    return [
        Group(
            suite=suite.name,
            part=space.name or suite.name,
            fold=fold,
            space=space,
            tasks=tuple(_asked(suite, t) for t in tasks if (t.task.space, t.fold) == (space, fold)),
            alike=(),
            prior=lambda evaluations, seed, fold=fold: suite.prior(fold, evaluations, seed),  # type: ignore[misc]
            truth=lambda portfolio, model, fold=fold: _truth(suite, fold, portfolio, model),  # type: ignore[misc]
        )
        for space, fold in dict.fromkeys((t.task.space, t.fold) for t in tasks)
    ]


def _truth(suite: Suite, fold: str, portfolio: Portfolio, model: MetaModel) -> Truth | None:
    known = [suite.by_name[t.name] for t in portfolio.tasks]
    if any(isinstance(suite.objective(t), Pool) for t in known):
        return in_common(suite.prior(fold, None, 0).histories)
    if model.transfer is None:
        return None
    raw = model.space.decode_raw(model.transfer.catalogue.unit)
    return raw, np.stack([_regret(suite, t, raw) for t in known], axis=1)


def _asked(suite: Suite, task: BenchTask) -> HeldOut:
    """A task of a suite, by the objective or by the configs of its pool."""
    objective = suite.objective(task)
    if isinstance(objective, Pool):
        return recorded(TaskHistory(task=task.task, raw=objective.raw, values=objective.values))
    rng = np.random.default_rng([crc32(task.name.encode()), 3])

    def ask(raw: Floats) -> Tried:
        return Tried(regret=_regret(suite, task, raw), seconds=np.full(len(raw), np.nan))

    random = ask(task.task.space.sample_raw(RANDOM_CONFIGS, rng))
    return HeldOut(name=task.name, family=task.task.family, ask=ask, random=random)


def _regret(suite: Suite, task: BenchTask, raw: Floats) -> Floats:
    """Of any configs (n, p) of a task whose objective can be asked, (n,)."""
    if not len(raw):
        return np.empty(0)
    if isinstance(suite, YahpoSuite):  # all at once
        values = suite.values(task.task, raw)
    else:
        objective = suite.objective(task)
        assert not isinstance(objective, Pool)
        answers = [objective(config) for config in task.task.space.from_raw(raw)]
        values = np.array([np.nan if v is None else v for v in answers])
    history = TaskHistory(task=task.task, raw=raw, values=values)
    known = suite.reference(task)
    best, middle = history.folded(np.array([known.best, known.middle]))
    return scaled(history.scores, best, middle)
