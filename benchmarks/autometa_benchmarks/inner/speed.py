"""Suite inner-speed: one meta-iteration, ours against the loops that people write.

All take one Adam step on the same 25 tasks with the same start: the plain loop runs task after task
with `torch.autograd.grad(create_graph=True)`; learn2learn and TorchOpt are used as their own
examples do, where they are installed. Medians of interleaved repetitions, in CPU time of this
process, so that what else the machine does counts little.
"""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autometa.inner import MAML, Episodes, Outer
from autometa_benchmarks.inner import sinusoid

RATE = 0.01
Step = Callable[[], float]


def run(steps: int, *, repetitions: int = 30, compiled: bool = True) -> dict[str, Any]:
    """Time one meta-iteration of each contender on sinusoids.

    Args:
        steps: Inner steps.
        repetitions: Timed iterations of each.
        compiled: Time ours also with a compiled gradient (needs a C++ compiler and a minute).

    Returns:
        A record for `record_file.add_records`: milliseconds and ratios to `autometa`.
    """
    episodes = sinusoid.sinusoids(np.random.default_rng(0), 25)
    contenders: dict[str, Step] = {
        "autometa": _ours(steps, episodes, False),
        "plain-loop": _plain(steps, episodes),
    }
    if compiled:
        contenders["autometa-compiled"] = _ours(steps, episodes, True)
    for package, make in (("learn2learn", _learn2learn), ("torchopt", _torchopt)):
        if importlib.util.find_spec(package) is not None:
            contenders[package] = make(steps, episodes)
    losses = {name: step() for name, step in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, step in contenders.items():
            began = time.process_time()
            step()
            times[name].append(time.process_time() - began)
    peers = {name: version(name) for name in ("learn2learn", "torchopt") if name in contenders}
    return {**summary(steps, losses, times), "peers": peers}


def summary(
    steps: int, losses: Mapping[str, float], times: Mapping[str, list[float]]
) -> dict[str, Any]:
    """Medians, and how many times as long as ours each one takes."""
    medians = {name: 1e3 * statistics.median(values) for name, values in times.items()}
    ours = medians["autometa"]
    return {
        "variant": f"sinusoid-{steps}-steps",
        "seed": 0,
        "repetitions": len(times["autometa"]),
        "threads": torch.get_num_threads(),
        "first_loss": dict(losses),
        "cpu_milliseconds": medians,
        "ratio": {
            name: {"mean": value / ours, "ci95": None}
            for name, value in medians.items()
            if name != "autometa"
        },
    }


def facts() -> dict[str, Any]:
    """Protocol and bars, for the results file."""
    bar = {
        "part": "ratio",
        "measure": "plain-loop",
        "direction": "maximize",
        "bar": 3.0,
    }
    return {
        "protocol": {"measure": "CPU time of one second-order meta-iteration over that of ours"},
        "bars": [{"variant": f"sinusoid-{steps}-steps", **bar} for steps in (1, 5)],
    }


def _ours(steps: int, episodes: Episodes, compiled: bool) -> Step:
    recipe = MAML(sinusoid.child(0), rates="fixed", steps=steps, compiled=compiled, outer=Outer())
    learner = recipe.learner()

    def given(_rng: np.random.Generator, _n: int) -> Episodes:
        return episodes

    return lambda: learner.step(given, 1_000_000)


def _plain(steps: int, episodes: Episodes) -> Step:
    """The loop of most tutorials: functional weights, one task after another."""
    weights = [p.detach().clone().requires_grad_() for p in sinusoid.child(0).parameters()]
    optimiser = torch.optim.Adam(weights, 1e-3)

    def forward(x: Tensor, w: list[Tensor]) -> Tensor:
        for layer in range(2):
            x = nn.functional.relu(nn.functional.linear(x, w[2 * layer], w[2 * layer + 1]))
        return nn.functional.linear(x, w[4], w[5])

    def step() -> float:
        losses = []
        for sx, sy, qx, qy in zip(*episodes.parts, strict=True):
            fast = weights
            for _ in range(steps):
                loss = nn.functional.mse_loss(forward(sx, fast), sy)
                gradients = torch.autograd.grad(loss, fast, create_graph=True)
                fast = [w - RATE * g for w, g in zip(fast, gradients, strict=True)]
            losses.append(nn.functional.mse_loss(forward(qx, fast), qy))
        total = torch.stack(losses).mean()
        optimiser.zero_grad()
        torch.autograd.backward(total)
        optimiser.step()
        return float(total.detach())

    return step


def _learn2learn(steps: int, episodes: Episodes) -> Step:
    learn2learn: Any = importlib.import_module("learn2learn")
    mother = learn2learn.algorithms.MAML(sinusoid.child(0), lr=RATE)
    optimiser = torch.optim.Adam(mother.parameters(), 1e-3)

    def step() -> float:
        total = torch.zeros(())
        for sx, sy, qx, qy in zip(*episodes.parts, strict=True):
            learner = mother.clone()
            for _ in range(steps):
                learner.adapt(nn.functional.mse_loss(learner(sx), sy))
            total = total + nn.functional.mse_loss(learner(qx), qy) / len(episodes)
        optimiser.zero_grad()
        torch.autograd.backward(total)
        optimiser.step()
        return float(total.detach())

    return step


def _torchopt(steps: int, episodes: Episodes) -> Step:
    torchopt: Any = importlib.import_module("torchopt")
    net = sinusoid.child(0)
    inner = torchopt.MetaSGD(net, lr=RATE)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)

    def step() -> float:
        total = torch.zeros(())
        start = torchopt.extract_state_dict(net, by="reference")
        state = torchopt.extract_state_dict(inner, by="reference")
        for sx, sy, qx, qy in zip(*episodes.parts, strict=True):
            for _ in range(steps):
                inner.step(nn.functional.mse_loss(net(sx), sy))
            total = total + nn.functional.mse_loss(net(qx), qy) / len(episodes)
            torchopt.recover_state_dict(net, start)
            torchopt.recover_state_dict(inner, state)
        optimiser.zero_grad()
        torch.autograd.backward(total)
        optimiser.step()
        return float(total.detach())

    return step
