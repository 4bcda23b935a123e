"""Suite inner-omniglot: tell five (or twenty) handwritten characters apart after seeing each once.

Protocol of Finn et al. (2017): characters are split at random (1,100 to train, 100 to validate, 423
to test), training characters also turned by 90, 180 and 270 degrees as characters of their own;
four convolutions with batch normalisation by the batch at hand, so a query is judged together with
the other queries of its episode. The network is the strided one with 32 filters, half the published
width, so that a variant takes minutes on one CPU; those called "wide" have the published 64.

Data: `omniglot/omniglot28.npz` below the data folder, with `images` uint8 (characters, 20, 28, 28),
255 = paper. The drawings are Lake et al.'s Omniglot (2015), MIT licence.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from autometa.bench.data import folder
from autometa.bench.record_file import mean_interval
from autometa.errors import InputError
from autometa.inner import MAML, Episodes, FittedMAML, Outer, RateRule, accuracy, head
from autometa.inner.episodes import EpisodeSource

SPLIT_SEED, TEST_SEED = 2017, 20_260_102
TRAIN, VALIDATION = 1100, 100
DRAWINGS, SIDE = 20, 28
TEST_TASKS, TEST_QUERIES, FOLLOWED = 600, 15, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way to meta-train.

    Args:
        ways: Characters to tell apart.
        shots: Support drawings a character.
        queries: Query drawings a character in training.
        test_queries: Query drawings a character in testing.
        rates: Kind, start and bounds of the inner rates.
        steps: Inner steps in training.
        filters: Width of the network.
        iterations: Outer updates.
        head: Whether only the head is adapted, its rows starting alike.
        outer: The mother's own training.
        bar: Accuracy to reach, or None.
    """

    ways: int = 5
    shots: int = 1
    queries: int = 3
    test_queries: int = TEST_QUERIES
    rates: RateRule
    steps: int = 1
    filters: int = 32
    iterations: int
    head: bool = False
    outer: Outer = field(default_factory=lambda: Outer(tasks=16, rate=2e-3, schedule="cosine"))
    bar: float | None = None


_FIXED = RateRule(kind="fixed", initial=0.4, highest=1.0)
_SCALAR = RateRule(kind="layer_step", initial=0.4, highest=2.0)
_LEARNED = RateRule(kind="parameter", initial=0.4, highest=2.0)
_HEAD = RateRule(kind="parameter", initial=0.4, highest=20.0)
_FIVE_SHOT_HEAD = Variant(shots=5, rates=_HEAD, iterations=7_000, head=True, bar=0.99)
_TWENTY = Variant(
    ways=20,
    queries=1,
    test_queries=5,
    rates=_LEARNED,
    iterations=2_500,
    outer=Outer(tasks=8, rate=2e-3, schedule="cosine"),
)
_TWENTY_HEAD = replace(_TWENTY, queries=2, rates=_HEAD, iterations=10_000, head=True)
VARIANTS: dict[str, Variant] = {
    "5-way-1-shot-learned": Variant(rates=_LEARNED, iterations=10_000, bar=0.97),
    "5-way-1-shot-layer-step": Variant(rates=_SCALAR, iterations=10_000),
    "5-way-1-shot-fixed": Variant(rates=_FIXED, iterations=10_000),
    "5-way-5-shot-learned": Variant(shots=5, rates=_LEARNED, iterations=4_000, bar=0.99),
    "5-way-1-shot-head": Variant(rates=_HEAD, iterations=10_000, head=True, bar=0.97),
    "5-way-5-shot-head": _FIVE_SHOT_HEAD,
    "5-way-5-shot-head-wide": replace(_FIVE_SHOT_HEAD, filters=64, iterations=10_000),
    "20-way-1-shot-head": _TWENTY_HEAD,
    "20-way-1-shot-head-wide": replace(_TWENTY_HEAD, filters=64, iterations=20_000),
    "20-way-1-shot-learned": _TWENTY,
    "20-way-1-shot-wide": replace(_TWENTY, filters=64, iterations=30_000),
}


PROTOCOL = {
    "train": f"{TRAIN} characters x 4 rotations, four strided convolutions, 32 filters (wide: 64)",
    "test": f"{TEST_TASKS} episodes of the characters left, {TEST_QUERIES} queries a character "
    "(20-way: 5)",
    "measure": "accuracy after the steps chosen on validation characters; ci95 over episodes",
    "batch_norm": "by the batch at hand: the queries of an episode are normalised together",
}


def facts() -> dict[str, Any]:
    """Protocol and bars, for the results file."""
    bars = [
        {
            "variant": name,
            "part": "accuracy",
            "measure": "chosen",
            "direction": "maximize",
            "bar": variant.bar,
        }
        for name, variant in VARIANTS.items()
        if variant.bar is not None
    ]
    return {"protocol": PROTOCOL, "bars": bars}


@dataclass(frozen=True, slots=True, eq=False)
class Drawings:
    """Characters to draw episodes from.

    Args:
        images: (characters, 20, 28, 28), ink = 1, paper = 0, float32.
        turned: Whether each character also counts turned by 90, 180 and 270 degrees.
    """

    images: NDArray[np.float32]
    turned: bool

    def source(self, ways: int, shots: int, queries: int) -> EpisodeSource:
        """Episodes of `ways` different characters."""

        def draw(rng: np.random.Generator, n: int) -> Episodes:
            turns = 4 if self.turned else 1
            tasks = [self._task(rng, ways, shots + queries, turns) for _ in range(n)]
            images = torch.from_numpy(np.stack(tasks))  # (n, drawings, ways, 28, 28)
            labels = torch.arange(ways).repeat(shots + queries, 1).expand(n, -1, -1)
            return Episodes(
                support_x=images[:, :shots].flatten(1, 2)[:, :, None],
                support_y=labels[:, :shots].flatten(1),
                query_x=images[:, shots:].flatten(1, 2)[:, :, None],
                query_y=labels[:, shots:].flatten(1),
            )

        return draw

    def _task(
        self, rng: np.random.Generator, ways: int, drawings: int, turns: int
    ) -> NDArray[np.float32]:
        """(drawings, ways, 28, 28)."""
        chosen = rng.choice(len(self.images) * turns, size=ways, replace=False)
        columns = []
        for pick in chosen:
            which = rng.permutation(DRAWINGS)[:drawings]
            columns.append(np.rot90(self.images[pick // turns, which], pick % turns, axes=(1, 2)))
        return np.stack(columns, axis=1)


def load(data: Path | None) -> dict[str, Drawings]:
    """Read the drawings: "train", "validation" and "test", with no character in two of them.

    Args:
        data: Root of the data; None = the environment variable AUTOMETA_DATA.

    Raises:
        InputError: the file is absent or not as described on top of this module.
    """
    path = folder(data, "omniglot/omniglot28.npz")
    with np.load(path, allow_pickle=False) as file:
        raw = file["images"]
    if raw.dtype != np.uint8 or raw.shape[1:] != (DRAWINGS, SIDE, SIDE):
        raise InputError(
            f"images of {path.name}: {raw.dtype} {raw.shape}", allowed="uint8 (n, 20, 28, 28)"
        )
    ink = (1.0 - raw / np.float32(255)).astype(np.float32)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(ink))
    train, validation, test = np.split(order, [TRAIN, TRAIN + VALIDATION])
    return {
        "train": Drawings(ink[train], turned=True),
        "validation": Drawings(ink[validation], turned=False),
        "test": Drawings(ink[test], turned=False),
    }


def child(ways: int, seed: int, filters: int = 32) -> nn.Module:
    """Four strided 3 x 3 convolutions (28, 14, 7, 4, 2 pixels a side) and a linear layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for inputs in (1, filters, filters, filters):
            layers += [
                nn.Conv2d(inputs, filters, 3, stride=2, padding=1),
                nn.BatchNorm2d(filters, track_running_stats=False),
                nn.ReLU(),
            ]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * filters, ways))


def recipe(name: str, seed: int) -> MAML:
    """The recipe of a variant."""
    variant = VARIANTS[name]
    module = child(variant.ways, seed, variant.filters)
    return MAML(
        module,
        "cross_entropy",
        adapted=head(module) if variant.head else None,
        shared_rows=head(module) if variant.head else (),
        rates=variant.rates,
        steps=variant.steps,
        outer=variant.outer,
        seed=seed,
    )


def run(
    name: str,
    seed: int,
    drawings: Mapping[str, Drawings],
    *,
    iterations: int | None = None,
    state: str | Path | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Meta-train one variant and judge it; arguments as in `sinusoid.run`."""
    variant = VARIANTS[name]
    iterations = iterations or variant.iterations
    began = time.perf_counter(), time.process_time()
    place = None if state is None else Path(state) / f"omniglot-{name}-{seed}-{iterations}"
    fitted = recipe(name, seed).fit(
        drawings["train"].source(variant.ways, variant.shots, variant.queries),
        iterations=iterations,
        checkpoint=place,
        every=250,
        progress=progress,
    )
    return {
        "variant": name,
        "seed": seed,
        "iterations": iterations,
        "seconds": round(time.perf_counter() - began[0], 1),
        "cpu_seconds": round(time.process_time() - began[1], 1),
        **judge(fitted, drawings, variant),
    }


def judge(fitted: FittedMAML, drawings: Mapping[str, Drawings], variant: Variant) -> dict[str, Any]:
    """Test accuracy after the number of steps that is best on the validation characters."""

    def curve(part: str, tasks: int) -> torch.Tensor:
        source = drawings[part].source(variant.ways, variant.shots, variant.test_queries)
        episodes = source(np.random.default_rng(TEST_SEED), tasks)
        return fitted.curve(episodes, FOLLOWED, accuracy, chunk=25)

    steps = int(curve("validation", TEST_TASKS // 3).mean(0).argmax())
    test = curve("test", TEST_TASKS)  # (tasks, steps + 1)
    columns = sorted({k for k in (1, 3, 5, 10, 20) if k <= FOLLOWED} | {steps})
    return {
        "steps_chosen_on_validation": steps,
        "curve": [float(value) for value in test.mean(0)],
        "accuracy": {
            "chosen": mean_interval(test[:, steps].numpy()),
            **{str(k): mean_interval(test[:, k].numpy()) for k in columns},
        },
        "diverged": not bool(torch.isfinite(test).all()),
        "skipped_updates": fitted.info["skipped"],
    }
