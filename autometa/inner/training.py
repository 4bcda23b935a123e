"""The outer loop: draw episodes, update start and rates, checkpoint, resume after a kill.

Episodes of iteration i come from a generator seeded with (seed, i), so a run that was killed and
resumed draws what an unbroken one draws, and no generator state needs to be stored.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from autometa.errors import InputError, ModelError, told
from autometa.inner import store
from autometa.inner.bar import bar
from autometa.inner.compiled import Objective
from autometa.inner.early import Watch
from autometa.inner.episodes import Episodes, EpisodeSource
from autometa.inner.interrupts import between_updates
from autometa.inner.left_out import LeftOut
from autometa.inner.rates import LEAST, MOST, MOST_CLIP, RateRule, expand
from autometa.limits import flag, real, whole

SCHEMA = 1
KIND = "autometa-inner-checkpoint"
_NO_SECOND = re.compile("derivative for|[Dd]ouble backward|differentiate twice")  # torch's words


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    """The mother's own training (Adam).

    Args:
        tasks: Episodes an iteration.
        rate: Outer learning rate of the start.
        rates_rate: Outer learning rate of the log inner rates; `rate` by default.
        schedule: "constant", or "cosine" down to zero at the last iteration.
        clip: Largest norm of the outer gradient.
        multi_step: Share of training in which earlier steps count too (the multi-step loss of
            MAML++): their weight falls linearly from equal to none. 0: only the last step counts.

    Raises:
        InputError: a number out of range.
    """

    tasks: int = 25
    rate: float = 1e-3
    rates_rate: float | None = None
    schedule: Literal["constant", "cosine"] = "constant"
    clip: float = 10.0
    multi_step: float = 0.0

    def __post_init__(self) -> None:
        plain: dict[str, float | None] = {
            "tasks": whole(self.tasks, "outer tasks", low=1),
            "rate": real(self.rate, "outer rate", low=LEAST, high=MOST),
            "clip": real(self.clip, "outer clip", low=LEAST, high=MOST_CLIP),
            "multi_step": real(self.multi_step, "outer multi_step", low=0, high=1),
        }
        if self.rates_rate is not None:
            plain["rates_rate"] = real(self.rates_rate, "outer rates_rate", low=LEAST, high=MOST)
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        if self.schedule not in ("constant", "cosine"):
            raise InputError(f"outer schedule={self.schedule!r}", allowed="constant or cosine")


@dataclass(slots=True, kw_only=True, eq=False)
class Learner:
    """The mutable state of one meta-training.

    Args:
        objective: What the outer loop minimises.
        params: The start, frozen parameters included.
        trainable: Names of the parameters that the outer loop moves.
        buffers: The child's, which stay as they are.
        logs: Log inner rates.
        adapted: Names of the parameters that inner steps move.
        rule: Which rates there are, whether they are learned, and their bounds.
        outer: How the outer loop trains.
        seed: Of the episodes.
        device: Where the tensors are.
        recipe: The whole recipe as JSON; a checkpoint of another one is refused.
        watch: Looks at validation tasks, where there are any.
        losses: Outer loss of each iteration so far.
        skipped: Updates refused since no task had a finite loss and gradient.
        left_out: Tasks that were left out of an update since theirs was not.
        between: Whether no update is half done, so that what there is can be kept.
    """

    objective: Objective
    params: dict[str, Tensor]
    trainable: tuple[str, ...]
    buffers: dict[str, Tensor]
    logs: dict[str, Tensor]
    adapted: tuple[str, ...]
    rule: RateRule
    outer: Outer
    seed: int
    device: str
    recipe: dict[str, Any]
    watch: Watch | None = None
    losses: list[float] = field(default_factory=list)
    skipped: int = 0
    left_out: LeftOut = field(default_factory=LeftOut)
    between: bool = True
    optimiser: torch.optim.Adam = field(init=False)
    start: str = field(init=False)

    def __post_init__(self) -> None:
        moved = {name: self.params[name] for name in self.trainable}
        groups = [{"params": _leaves(moved), "base": self.outer.rate}]
        if self.rule.learned:
            rate = self.outer.rate if self.outer.rates_rate is None else self.outer.rates_rate
            groups.append({"params": _leaves(self.logs), "base": rate})
        self.optimiser = torch.optim.Adam(groups, lr=self.outer.rate, fused=True)
        self.start = store.digest({**self.params, **self.buffers})

    @property
    def leaves(self) -> list[Tensor]:
        """Everything the optimiser moves."""
        return [leaf for group in self.optimiser.param_groups for leaf in group["params"]]

    def step(self, tasks: EpisodeSource, iterations: int) -> float:
        """One outer update; returns its loss."""
        done = len(self.losses)
        progress = done / iterations
        episodes = tasks(np.random.default_rng([self.seed, done]), self.outer.tasks)
        episodes = episodes.to(self.device)
        loss, gradients = self._gradient(episodes, progress)
        self.between = False
        norm = self._take(gradients)
        if not bool(torch.isfinite(norm + loss)):
            loss, gradients = self._of_sound_tasks(episodes, progress)
            norm = self._take(gradients)
        if bool(torch.isfinite(norm + loss)):
            for group in self.optimiser.param_groups:
                group["lr"] = group["base"] * _schedule(self.outer.schedule, progress)
            self.optimiser.step()
            self.rule.project_(self.logs)
        else:
            self.skipped += 1
        value = float(loss)
        self.losses.append(value)
        return value

    def _take(self, gradients: list[Tensor | None]) -> Tensor:
        """Clip the gradients and hand them to the leaves; returns their norm before that."""
        for leaf, gradient in zip(self.leaves, gradients, strict=True):
            leaf.grad = gradient
        return torch.nn.utils.clip_grad_norm_(self.leaves, self.outer.clip)

    def _gradient(self, episodes: Episodes, progress: float) -> tuple[Tensor, list[Tensor | None]]:
        """The outer loss and what it is differentiated to, one for each leaf."""
        rates = expand(self.logs, self.adapted)
        loss = self.objective(self.params, rates, episodes, progress)
        if not loss.requires_grad:
            raise InputError(
                "a loss that does not depend on the child's parameters",
                do="Compute it from the outputs, without detach, item or no_grad",
            )
        try:
            gradients = torch.autograd.grad(loss, self.leaves, allow_unused=True)
        except RuntimeError as error:
            if not _NO_SECOND.search(str(error)):
                raise
            raise InputError(
                f"a child or a loss without second derivatives: {told(error)}",
                do="Say order=1, which needs none",
            ) from error
        return loss.detach(), list(gradients)

    def _of_sound_tasks(
        self, episodes: Episodes, progress: float
    ) -> tuple[Tensor, list[Tensor | None]]:
        """The same over the tasks that have a finite loss and gradient; the others are named."""
        sound = []
        for i in range(len(episodes)):
            one = episodes[i : i + 1]
            loss, gradients = self._gradient(one, progress)
            if _finite(loss, gradients):
                sound.append((loss, gradients))
            else:
                self.left_out.add(one, len(self.losses), i, float(loss))
        if not sound:
            return torch.tensor(math.nan), [torch.full_like(leaf, math.nan) for leaf in self.leaves]
        losses, each = zip(*sound, strict=True)
        means = [
            None if leaf[0] is None else torch.stack(leaf).mean(0)
            for leaf in zip(*each, strict=True)
        ]
        return torch.stack(losses).mean(), means

    @property
    def stopped(self) -> bool:
        """Whether the validation tasks have not got better for too long."""
        return self.watch is not None and self.watch.stopped

    def look(self) -> None:
        """Look at the validation tasks where it is time to; ends the update."""
        if self.watch is not None and len(self.losses) % self.watch.rule.every == 0:
            self.watch.look(self.params, self.logs)
        self.between = True

    def report(self) -> dict[str, Any]:
        """What meta-training looked like, as JSON."""
        return {
            "iterations": len(self.losses),
            "skipped": self.skipped,
            "left_out": self.left_out.counts,
            "losses": _thinned(self.losses),
            **({} if self.watch is None else {"validation": self.watch.report()}),
            "torch": torch.__version__,
        }

    def save(self, folder: str | Path, iterations: int) -> None:
        """Write a checkpoint, in one step."""
        tensors = {f"params/{k}": v for k, v in self.params.items()}
        tensors |= {f"logs/{k}": v for k, v in self.logs.items()}
        tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        if self.watch is not None:
            tensors |= self.watch.tensors()
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam/{index}/{key}": value for key, value in state.items()}
        info = {"kind": KIND, "schema": SCHEMA, "skipped": self.skipped}
        info["left_out"] = self.left_out.counts
        store.save(folder, tensors, info | {"identity": self.identity(iterations)})

    def restore(self, folder: str | Path, iterations: int) -> None:
        """Go on from a checkpoint.

        Raises:
            StoreError: damaged or newer.
            ModelError: of another recipe, child or start.
        """
        tensors, info = store.load(folder, KIND, SCHEMA)
        ours = self.identity(iterations)
        theirs = info["identity"]
        wrong = [k for k in {**ours, **theirs} if ours.get(k) != theirs.get(k)]
        if wrong:
            raise ModelError(
                f"the checkpoint in {folder} differs from this recipe in {', '.join(wrong)}",
                do="Give another folder, or the recipe it was started with",
            )
        with torch.no_grad():
            for part, own in (("params", self.params), ("logs", self.logs)):
                for name, value in own.items():
                    value.copy_(tensors[f"{part}/{name}"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("adam/"):
                _, index, key = name.split("/")
                state.setdefault(int(index), {})[key] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})
        self.losses, self.skipped = tensors["losses"].tolist(), info["skipped"]
        self.left_out.counts = dict(info.get("left_out", {}))
        if self.watch is not None:
            self.watch.restore(tensors, self.device)

    def identity(self, iterations: int) -> dict[str, Any]:
        """What two runs must share for one to go on where the other stopped."""
        bound = self.outer.schedule != "constant" or self.outer.multi_step > 0
        frozen = [name for name in self.params if name not in self.trainable]
        return {
            **self.recipe,
            **({"frozen": frozen} if frozen else {}),
            **({} if self.watch is None else {"validation": self.watch.rule.describe()}),
            "start": self.start,
            "iterations": iterations if bound else None,
        }


def train(
    learner: Learner,
    tasks: EpisodeSource,
    *,
    iterations: int,
    checkpoint: str | Path | None,
    every: int,
    progress: bool,
) -> None:
    """Run the outer loop until `iterations` updates are done or patience ends, see `MAML.fit`."""
    iterations, every = whole(iterations, "iterations", low=1), whole(every, "every", low=1)
    progress = flag(progress, "progress")
    if checkpoint is not None and (store.made(checkpoint, KIND) / store.INDEX).exists():
        learner.restore(checkpoint, iterations)
    devices = [learner.device] if learner.device.startswith("cuda") else []
    saved = len(learner.losses)
    with (
        torch.random.fork_rng(devices=devices),
        bar(progress, iterations) as advance,
        between_updates() as check,
    ):
        advance(saved, math.nan)
        try:
            while (done := len(learner.losses)) < iterations and not learner.stopped:
                torch.manual_seed(_torch_seed(learner.seed, done))
                loss = learner.step(tasks, iterations)
                advance(1, loss)
                learner.look()
                last = done + 1 == iterations or learner.stopped
                if checkpoint is not None and ((done + 1) % every == 0 or last):
                    learner.save(checkpoint, iterations)
                    saved = done + 1
                check()
        except BaseException:  # Ctrl-C, or tasks that cannot be read any more
            if checkpoint is not None and learner.between and len(learner.losses) > saved:
                with suppress(OSError):
                    learner.save(checkpoint, iterations)
            raise


def _schedule(kind: str, progress: float) -> float:
    return 1.0 if kind == "constant" else 0.5 * (1.0 + math.cos(math.pi * progress))


def _thinned(losses: list[float], points: int = 100) -> list[float | None]:
    """Means over equal stretches of training; None where one was not finite."""
    parts = np.array_split(np.asarray(losses), min(points, len(losses))) if losses else []
    means = [float(part.mean()) for part in parts]
    return [mean if math.isfinite(mean) else None for mean in means]


def _finite(loss: Tensor, gradients: list[Tensor | None]) -> bool:
    values = [loss.sum(), *(gradient.sum() for gradient in gradients if gradient is not None)]
    return bool(torch.stack(values).isfinite().all())


def _leaves(tensors: dict[str, Tensor]) -> list[Tensor]:
    return [value.requires_grad_() for value in tensors.values()]


def _torch_seed(seed: int, iteration: int) -> int:
    return int(np.random.SeedSequence([seed, iteration]).generate_state(1)[0])


def step_weights(steps: int, multi_step: float, progress: float) -> list[float]:
    """Weights of the query losses after steps 1 ... `steps` at `progress` in [0, 1] of training."""
    left = 0.0 if multi_step == 0 else max(0.0, 1.0 - progress / multi_step)
    weights = [left / steps] * steps
    weights[-1] += 1.0 - left
    return weights
