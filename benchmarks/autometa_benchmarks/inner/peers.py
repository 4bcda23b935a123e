"""Ordinary optimisers beside a learned start: the same network from a random start, full batches.

Adam and SGD run over all episodes at once; Prodigy and schedule-free Adam, which need no tuned
rate, come from their own packages (extra `peers`) and run episode after episode.

References:
    Mishchenko & Defazio: Prodigy: An Expeditiously Adaptive Parameter-Free Learner, 2024.
    Defazio et al.: The Road Less Scheduled, 2024.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from autometa.inner import Episodes
from autometa.inner.stateless import bind, frozen_copy, parameters, predictions

_TUNED = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
_OFTEN = 20  # steps after each of which a peer of its own package is judged
_SELDOM = 5  # and after every how many it is judged from there on

Path = Callable[[nn.Module, Episodes, float, int], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """An optimiser to compare with.

    Args:
        path: (child, episodes, rate, steps) -> query loss after 0 ... steps steps, (B, steps + 1).
        rates: To choose from on training tables; a single one is the package's default.
        package: What has to be installed.
    """

    path: Path
    rates: tuple[float, ...]
    package: str = "torch"

    @property
    def installed(self) -> bool:
        """Whether its package is there."""
        return importlib.util.find_spec(self.package) is not None


Update = Callable[[Tensor, Tensor, Tensor, int, float], tuple[Tensor, Tensor, Tensor]]


def _together(update: Update) -> Path:
    def path(child: nn.Module, episodes: Episodes, rate: float, steps: int) -> Tensor:
        module = frozen_copy(child)
        loss = bind(module, "cross_entropy")
        sx, sy, qx, qy = episodes.parts
        now = {k: v.expand(len(episodes), *v.shape) for k, v in parameters(module).items()}
        first, second = ({k: torch.zeros_like(v) for k, v in now.items()} for _ in range(2))
        gradient = torch.func.vmap(torch.func.grad(loss))
        judge = torch.func.vmap(loss)
        with torch.no_grad():
            losses = [judge(now, (qx, qy))]
            for k in range(steps):
                slope = gradient(now, (sx, sy))
                moved = {}
                for name, value in now.items():
                    delta, first[name], second[name] = update(
                        slope[name], first[name], second[name], k + 1, rate
                    )
                    moved[name] = value - delta
                now = moved
                losses.append(judge(now, (qx, qy)))
        return torch.stack(losses, 1)

    return path


def _adam(
    slope: Tensor, first: Tensor, second: Tensor, k: int, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Kingma & Ba (2015), with the usual constants."""
    first = 0.9 * first + 0.1 * slope
    second = 0.999 * second + 0.001 * slope.square()
    ahead = first / (1 - 0.9**k)
    return rate * ahead / ((second / (1 - 0.999**k)).sqrt() + 1e-8), first, second


def _sgd(
    slope: Tensor, first: Tensor, second: Tensor, k: int, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Momentum 0.9."""
    del k
    first = 0.9 * first + slope
    return rate * first, first, second


def _one_by_one(make: Callable[[list[Tensor], float], Any]) -> Path:
    def path(child: nn.Module, episodes: Episodes, rate: float, steps: int) -> Tensor:
        module = frozen_copy(child)
        rows = []
        for sx, sy, qx, qy in zip(*episodes.parts, strict=True):
            now = {name: value.requires_grad_() for name, value in parameters(module).items()}
            optimiser = make(list(now.values()), rate)
            row: list[float] = []
            for k in range(steps + 1):
                if k <= _OFTEN or k % _SELDOM == 0:
                    row.append(_judged(module, now, optimiser, (qx, qy)))
                else:
                    row.append(row[-1])
                if k < steps:
                    optimiser.zero_grad()
                    loss = nn.functional.cross_entropy(predictions(module, now, sx), sy)
                    torch.autograd.backward(loss)
                    optimiser.step()
            rows.append(row)
        return torch.tensor(rows)

    return path


def _judged(
    module: nn.Module, now: dict[str, Tensor], optimiser: Any, query: tuple[Tensor, Tensor]
) -> float:
    """Query loss; schedule-free optimisers evaluate elsewhere than where they train."""
    switches = hasattr(optimiser, "eval")
    if switches:
        optimiser.eval()
    with torch.no_grad():
        value = float(nn.functional.cross_entropy(predictions(module, now, query[0]), query[1]))
    if switches:
        optimiser.train()
    return value


def _prodigy(leaves: list[Tensor], rate: float) -> Any:
    return importlib.import_module("prodigyopt").Prodigy(leaves, lr=rate)


def _schedule_free(leaves: list[Tensor], rate: float) -> Any:
    optimiser = importlib.import_module("schedulefree").AdamWScheduleFree(leaves, lr=rate)
    optimiser.train()
    return optimiser


PEERS: dict[str, Peer] = {
    "adam": Peer(path=_together(_adam), rates=_TUNED),
    "sgd": Peer(path=_together(_sgd), rates=_TUNED),
    "prodigy": Peer(path=_one_by_one(_prodigy), rates=(1.0,), package="prodigyopt"),
    "schedule-free": Peer(
        path=_one_by_one(_schedule_free), rates=(2.5e-3,), package="schedulefree"
    ),
}
