"""Early stopping of meta-training: the start and rates that do best on tasks kept aside.

Every so many updates the validation tasks are adapted to, and the mean loss of their queries is
kept. What `fit` returns is the start and the rates of the best look, not of the last update.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autometa.errors import InputError, StoreError
from autometa.inner.adapt import Params
from autometa.inner.episodes import Episodes
from autometa.inner.store import digest
from autometa.limits import whole

_PREFIX = "best/"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Validation:
    """Tasks kept aside, and how long to wait for them to get better.

    Args:
        episodes: The tasks; none of those that are trained on.
        every: Updates between two looks at them.
        patience: Looks without a better loss after which training stops; None never stops it.

    Raises:
        InputError: not episodes, or with NaN; a number below 1.

    Example:
        >>> x, y = torch.ones(3, 4, 1), torch.ones(3, 4, 1)
        >>> kept = Episodes(support_x=x, support_y=y, query_x=x, query_y=y)
        >>> Validation(episodes=kept, every=10, patience=3).patience
        3
    """

    episodes: Episodes
    every: int = 100
    patience: int | None = 10

    def __post_init__(self) -> None:
        if not isinstance(self.episodes, Episodes):
            raise InputError(
                f"validation episodes of type {type(self.episodes).__name__}",
                allowed="Episodes: the same tasks at every look",
            )
        broken = [name for name, part in self.episodes.named().items() if part.isnan().any()]
        if broken:
            raise InputError(f"NaN in {broken[0]} of a validation task", do="Leave that task out")
        object.__setattr__(self, "every", whole(self.every, "every", low=1))
        if self.patience is not None:
            object.__setattr__(self, "patience", whole(self.patience, "patience", low=1))

    def describe(self) -> dict[str, Any]:
        """As JSON, for "is this the same training?"."""
        return {
            "tasks": digest(self.episodes.named()),
            "every": self.every,
            "patience": self.patience,
        }


Judge = Callable[[Params, Params], float]  # (start, log rates) -> mean loss of the validation tasks


@dataclass(slots=True, kw_only=True, eq=False)
class Watch:
    """What the looks at the validation tasks found so far.

    Args:
        rule: When to look, and when to stop.
        judge: Mean loss of a start and log rates.
        losses: Of each look.
        best: The start ("params/...") and log rates ("logs/...") of the least of them.
    """

    rule: Validation
    judge: Judge
    losses: list[float] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def look(self, params: Params, logs: Params) -> None:
        """Judge and keep what is better; a loss that is not finite never is."""
        loss = self.judge(params, logs)
        known = [value for value in self.losses if math.isfinite(value)]
        self.losses.append(loss if math.isfinite(loss) else math.inf)
        if math.isfinite(loss) and loss < min(known, default=math.inf):
            self.best = {
                f"{part}/{name}": value.detach().clone()
                for part, own in (("params", params), ("logs", logs))
                for name, value in own.items()
            }

    @property
    def place(self) -> int | None:
        """Which look was the best, from 0; None before the first with a finite loss."""
        return int(np.argmin(self.losses)) if self.best else None

    @property
    def stopped(self) -> bool:
        """Whether patience is at its end."""
        waited = len(self.losses) - (0 if self.place is None else self.place + 1)
        return self.rule.patience is not None and waited >= self.rule.patience

    def part(self, name: str, otherwise: Params) -> dict[str, Tensor]:
        """The best "params" or "logs"; `otherwise`, where no look was sound."""
        if not self.best:
            return dict(otherwise)
        return {key: self.best[f"{name}/{key}"] for key in otherwise}

    def report(self) -> dict[str, Any]:
        """What was found, as JSON."""
        every = self.rule.every
        return {
            "every": every,
            "losses": [value if math.isfinite(value) else None for value in self.losses],
            "best_iteration": None if self.place is None else (self.place + 1) * every,
            "stopped": self.stopped,
        }

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint has to hold."""
        losses = torch.tensor(self.losses, dtype=torch.float64)
        return {f"{_PREFIX}{key}": value for key, value in self.best.items()} | {
            "validation": losses
        }

    def restore(self, tensors: Mapping[str, Tensor], device: str) -> None:
        """Go on from a checkpoint.

        Raises:
            StoreError: it holds no looks.
        """
        if "validation" not in tensors:
            raise StoreError("a checkpoint without looks at validation tasks")
        self.losses = tensors["validation"].tolist()
        self.best = {
            name.removeprefix(_PREFIX): value.to(device)
            for name, value in tensors.items()
            if name.startswith(_PREFIX)
        }
