"""What a method of a comparison is: prior tasks in, an Optuna sampler for a new task out.

Two steps, since fitting is dear and tasks that share a prior share the fit:

Method.prepare(portfolio, space, seed)   once for all tasks that share a prior   -> Starter
Starter(task, seed)                      for each task and seed                  -> Start
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeAlias

from optuna.samplers import BaseSampler

from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a study of one task begins with.

    Args:
        sampler: Of the study.
        enqueue: Configs for its first trials, in order.
        note: What a reader of the results must know, such as a fallback that was taken.
        within: Makes the sampler anew for a task where only these configs can be tried; None: the
            sampler proposes any config, see `pool`.
    """

    sampler: BaseSampler
    enqueue: tuple[Config, ...] = ()
    note: str = ""
    within: Callable[[Sequence[Config]], BaseSampler] | None = None


Starter: TypeAlias = Callable[[Task, int], Start]
Prepare: TypeAlias = Callable[[Portfolio, SearchSpace, int], Starter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method by name.

    Args:
        name: In tables and files.
        about: What it is, a sentence.
        prepare: See the module. It must not keep anything in global variables.
        uses_prior: False for a cold method: its results hold for any prior.
        needs: Modules that must be importable; the method is skipped with a message otherwise.
    """

    name: str
    about: str
    prepare: Prepare
    uses_prior: bool = True
    needs: tuple[str, ...] = ()

    def missing(self) -> tuple[str, ...]:
        """Those of `needs` that cannot be imported."""
        return tuple(n for n in self.needs if find_spec(n) is None)


def cold(make: Callable[[int], BaseSampler]) -> Prepare:
    """The `prepare` of a method that only needs a seed."""

    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
        return lambda task, seed: Start(sampler=make(seed))

    return prepare
