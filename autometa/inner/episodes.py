"""Episodes: many small tasks stacked, each with a support set to adapt on and a query set to judge.

All episodes of one stack have the same shapes, so that they are adapted together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from autometa.errors import InputError

_PART = "a tensor (tasks, examples, ...)"
_TASKS = "Episodes, a list of them, or a function (NumPy generator, n) -> n of them"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Episodes:
    """B tasks with the same number of examples.

    Args:
        support_x: Inputs to adapt on, (B, shots, ...).
        support_y: Their targets, (B, shots, ...).
        query_x: Inputs to judge on, (B, queries, ...).
        query_y: Their targets, (B, queries, ...).
        ids: Which tasks these are, (B,): what a task that is left out is called. Optional.

    Raises:
        InputError: the parts do not fit each other, a part is empty, or no tensor.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor
    ids: Tensor | None = None

    def __post_init__(self) -> None:
        for name, part in self.named().items():
            if not isinstance(part, Tensor):
                raise InputError(
                    f"{name} of type {type(part).__name__}",
                    allowed=_PART,
                    do="Make it one: torch.as_tensor(array), torch.stack(list)",
                )
        tasks = {len(part) for part in self.parts if part.ndim}
        if len(tasks) != 1 or any(part.ndim < 2 or part.shape[1] == 0 for part in self.parts):
            raise InputError(
                f"episode parts of shapes {[tuple(p.shape) for p in self.parts]}",
                allowed="four tensors (tasks, examples, ...) with the same number of tasks",
            )
        for x, y in (self.parts[:2], self.parts[2:]):
            if x.shape[1] != y.shape[1]:
                raise InputError(f"{x.shape[1]} inputs but {y.shape[1]} targets in an episode")
        if self.ids is not None and tuple(self.ids.shape) != (len(self),):
            raise InputError(f"ids of shape {tuple(self.ids.shape)}", allowed=f"({len(self)},)")

    @property
    def parts(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Support inputs and targets, query inputs and targets."""
        return self.support_x, self.support_y, self.query_x, self.query_y

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {tuple(part.shape)}" for name, part in self.named().items())
        return f"Episodes({shapes})"

    def __len__(self) -> int:
        return len(self.support_x)

    def __getitem__(self, index: slice | Tensor) -> Episodes:
        if not isinstance(index, slice) and not np.ndim(index):
            raise InputError(
                f"episodes[{index}]",
                allowed="a slice, or a tensor of indices or switches",
                do="One task is a slice, too: episodes[:1]",
            )
        ids = None if self.ids is None else self.ids[index]
        return _of((part[index] for part in self.parts), ids)

    def to(self, device: str | torch.device) -> Episodes:
        """The same episodes on another device."""
        return _of((part.to(device) for part in self.parts), self.ids)

    def named(self) -> dict[str, Tensor]:
        """The four parts by their names."""
        names = ("support_x", "support_y", "query_x", "query_y")
        return dict(zip(names, self.parts, strict=True))

    def chunks(self, size: int) -> Iterator[Episodes]:
        """Stacks of at most `size` tasks, in order."""
        for start in range(0, len(self), size):
            yield self[start : start + size]


def _of(parts: Iterator[Tensor], ids: Tensor | None) -> Episodes:
    support_x, support_y, query_x, query_y = parts
    return Episodes(
        support_x=support_x, support_y=support_y, query_x=query_x, query_y=query_y, ids=ids
    )


EpisodeSource: TypeAlias = Callable[[np.random.Generator, int], Episodes]
"""(generator, number of tasks) -> that many episodes; where meta-training gets its tasks."""


def source(tasks: EpisodeSource | Episodes | Sequence[Episodes]) -> EpisodeSource:
    """What the user gave, as a source: a stack or a list of stacks is drawn from with replacement.

    Raises:
        InputError: an empty list, what is no stack, stacks of different shapes, or what may never
            end, as a generator.
    """
    if callable(tasks):
        return lambda rng, n: stack(tasks(rng, n))
    given: object = tasks
    if _endless(given):
        raise InputError(
            f"tasks as {type(given).__name__}, which has no length",
            allowed=_TASKS,
            do="Where it has an end: list(tasks)",
        )
    several = isinstance(given, Iterable) and not isinstance(given, Tensor)
    stacks = [*map(stack, cast("Iterable[object]", given) if several else [given])]
    if not stacks or len({tuple(p.shape[1:] for p in s.parts) for s in stacks}) != 1:
        raise InputError(
            f"{len(stacks)} stacks of episodes",
            allowed="at least one, and the same shapes in all of them",
            do="Give every task the same number of support and query examples",
        )
    joined = (torch.cat(parts) for parts in zip(*(s.parts for s in stacks), strict=True))
    pool = _of(joined, torch.arange(sum(len(stack) for stack in stacks)))

    def draw(rng: np.random.Generator, n: int) -> Episodes:
        return pool[torch.from_numpy(rng.integers(len(pool), size=n))]

    return draw


def stack(given: object) -> Episodes:
    """Refuse what are no episodes.

    Raises:
        InputError: it is something else, or empty.
    """
    if not isinstance(given, Episodes):
        raise InputError(
            f"tasks as {type(given).__name__}",
            allowed=_TASKS,
            do="Stack the tasks: Episodes(support_x=torch.stack([...]), support_y=..., "
            f"query_x=..., query_y=...), each {_PART}",
        )
    if not len(given):
        raise InputError("episodes of no task", allowed="one task or more")
    return given


def _endless(given: object) -> bool:
    """Whether going through it may never end, as of a generator or a loader of a stream."""
    try:
        len(cast("Sized", given))
    except TypeError:
        return isinstance(given, Iterable)
    return False


def check_support(given: object) -> None:
    """Refuse what is no support set of one task, two tensors of as many examples.

    Raises:
        InputError: it is none.
    """
    pair = given if isinstance(given, tuple | list) and len(given) == 2 else ()
    parts = [p for p in pair if isinstance(p, Tensor) and p.ndim]
    if len(parts) < 2 or len({len(p) for p in parts}) != 1 or not len(parts[0]):
        shown = [tuple(p.shape) if isinstance(p, Tensor) else type(p).__name__ for p in pair]
        raise InputError(
            f"a support set of {shown or type(given).__name__}",
            allowed="(inputs, targets), tensors with the same number of examples, at least one",
        )
