"""Suite inner-sinusoid: regress a sine of unknown amplitude and phase from ten points.

Protocol of Finn et al. (2017): amplitude U(.1, 5), phase U(0, pi), x in [-5, 5], a ReLU network
1-40-40-1, outer Adam with 25 tasks a batch: at 6e-3 falling to zero by a cosine, or at the usual
constant 1e-3 (the variants "-constant"). Judged on 2,000 test tasks at 100 evenly spaced
points after 0 ... 20 inner steps on ten shots, which is more steps than any variant is trained for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import nn

from autometa.bench.record_file import mean_interval
from autometa.inner import MAML, Episodes, FittedMAML, Outer
from autometa.inner.compiled import Compiled
from autometa.inner.stateless import frozen_copy
from autometa.inner.training import train

SHOTS, TEST_TASKS, DENSE, FOLLOWED = 10, 2000, 100, 20
TEST_SEED = 20_260_101
COLUMNS = (1, 5, 10, 20)


_Bar: TypeAlias = tuple[float | None, float | None, float | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way to meta-train.

    Args:
        arguments: Of `MAML`, beside child, outer and seed.
        iterations: Outer updates.
        outer: The mother's own training.
        bar: Mean squared error after 1, 5 and 10 steps that it has to reach; None: no bar.
    """

    arguments: Mapping[str, Any]
    iterations: int
    outer: Outer = field(default_factory=Outer)
    bar: _Bar = None


# 25,000 steps of the usual constant 1e-3 end far from convergence; this ends near it.
_FASTER = Outer(rate=6e-3, schedule="cosine")
# Large gradients of the first layer are what these children learn to have: clipping entries at 10,
# not 100, cost MAML a quarter and Meta-SGD with five steps half of the error they have here.
_FAR: dict[str, Any] = {"clip": 100.0}


def _variant(steps: int, bar: _Bar = None, *, outer: Outer = _FASTER, **arguments: Any) -> Variant:
    iterations = 25_000 if steps == 1 else 15_000
    return Variant(
        arguments={"steps": steps, **arguments}, iterations=iterations, outer=outer, bar=bar
    )


VARIANTS: dict[str, Variant] = {
    "maml-1": _variant(1, (0.36, 0.13, 0.11), rates="fixed", **_FAR),
    "first-order-maml-1": _variant(1, rates="fixed", order=1, **_FAR),
    "scalar-1": _variant(1, rates="scalar", **_FAR),
    "meta-sgd-1": _variant(1, (0.235, 0.035, 0.027), rates="parameter"),
    "maml-5": _variant(5, rates="fixed", **_FAR),
    "layer-step-5": _variant(5, rates="layer_step", **_FAR),
    "meta-sgd-5": _variant(5, (0.50, 0.022, 0.018), rates="parameter", **_FAR),
    "meta-sgd-5-clip-10": _variant(5, rates="parameter"),
    "parameter-step-5": _variant(5, (None, None, 0.018), rates="parameter_step"),
    "maml-1-constant": _variant(1, rates="fixed", outer=Outer(), **_FAR),
    "meta-sgd-1-constant": _variant(1, rates="parameter", outer=Outer()),
    "meta-sgd-5-constant": _variant(5, rates="parameter", outer=Outer()),
}


PROTOCOL = {
    "train": "amplitude U(.1, 5), phase U(0, pi), x U(-5, 5), 10 shots, 10 queries, 25 tasks",
    "test": f"{TEST_TASKS} tasks, 10 shots, {DENSE} query points evenly on [-5, 5]",
    "measure": "mean squared error of the queries after k inner steps; ci95 over test tasks",
    "diverged": "a test error is not finite, or the mean after 20 steps is above that after none",
}


def facts() -> dict[str, Any]:
    """Protocol and bars, for the results file."""
    bars = [
        {
            "variant": name,
            "part": "mse",
            "measure": str(step),
            "direction": "minimize",
            "bar": bar,
            "iterations": variant.iterations,
        }
        for name, variant in VARIANTS.items()
        if variant.bar
        for step, bar in zip((1, 5, 10), variant.bar, strict=True)
        if bar is not None
    ]
    return {"protocol": PROTOCOL, "bars": bars}


def sinusoids(rng: np.random.Generator, n: int) -> Episodes:
    """`n` training tasks: ten support and ten query points each."""
    return _episodes(rng, n, rng.uniform(-5, 5, size=(n, SHOTS, 1)))


def held_out() -> Episodes:
    """The test tasks, the same for every variant and seed."""
    rng = np.random.default_rng(TEST_SEED)
    dense = np.broadcast_to(np.linspace(-5, 5, DENSE)[:, None], (TEST_TASKS, DENSE, 1))
    return _episodes(rng, TEST_TASKS, dense)


def _episodes(rng: np.random.Generator, n: int, query: np.ndarray[Any, Any]) -> Episodes:
    amplitude = rng.uniform(0.1, 5.0, size=(n, 1, 1))
    phase = rng.uniform(0.0, math.pi, size=(n, 1, 1))
    support = rng.uniform(-5, 5, size=(n, SHOTS, 1))
    parts = [support, amplitude * np.sin(support - phase), query, amplitude * np.sin(query - phase)]
    sx, sy, qx, qy = (torch.from_numpy(part.astype(np.float32)) for part in parts)
    return Episodes(support_x=sx, support_y=sy, query_x=qx, query_y=qy)


def child(seed: int) -> nn.Module:
    """The network, initialised from `seed` without touching torch's global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1)
        )


def recipe(name: str, seed: int) -> MAML:
    """The recipe of a variant."""
    variant = VARIANTS[name]
    return MAML(child(seed), outer=replace(variant.outer), seed=seed, **variant.arguments)


def compiled(name: str) -> Compiled:
    """A program for a variant that all seeds, and variants with other rates, can share."""
    method = recipe(name, 0)
    return Compiled(method.objective(frozen_copy(method.child)), method.steps)


def run(
    name: str,
    seed: int,
    *,
    iterations: int | None = None,
    state: str | Path | None = None,
    progress: bool = False,
    program: Compiled | None = None,
) -> dict[str, Any]:
    """Meta-train one variant and judge it on the test tasks.

    Args:
        name: In `VARIANTS`.
        seed: Of the network and of the training tasks.
        iterations: Instead of the variant's own.
        state: Folder for checkpoints; the run goes on from there.
        progress: Show a progress bar.
        program: A compiled objective of a variant with the same order, steps and clip (`compiled`).

    Returns:
        A record for `record_file.add_records`.
    """
    iterations = iterations or VARIANTS[name].iterations
    began = time.perf_counter()
    folder = None if state is None else Path(state) / f"{name}-{seed}-{iterations}"
    method = recipe(name, seed)
    learner = method.learner()
    if program is not None:
        learner.objective = program
    train(
        learner,
        sinusoids,
        iterations=iterations,
        checkpoint=folder,
        every=1000,
        progress=progress,
    )
    fitted = method.finish(learner)
    seconds = time.perf_counter() - began
    return {
        "variant": name,
        "seed": seed,
        "iterations": iterations,
        "recipe": method.describe(),
        "compiled": program is not None,
        "seconds": round(seconds, 1),
        **judge(fitted),
    }


def judge(fitted: FittedMAML) -> dict[str, Any]:
    """Test error after each step, and whether anything diverged."""
    curve = fitted.curve(held_out(), FOLLOWED)  # (tasks, steps + 1)
    mean = curve.mean(0)
    diverged = bool(not torch.isfinite(curve).all() or mean[-1] > mean[0])
    return {
        "curve": [float(value) for value in mean.nan_to_num(math.inf).clamp(max=1e30)],
        "mse": {str(k): mean_interval(curve[:, k].numpy()) for k in COLUMNS},
        "worst_task_after_20": float(curve[:, -1].nan_to_num(math.inf).max().clamp(max=1e30)),
        "diverged": diverged,
        "skipped_updates": fitted.info["skipped"],
    }
