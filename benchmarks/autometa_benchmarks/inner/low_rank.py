"""Suite inner-low-rank: when does a learned start pay for small updates of a frozen backbone?

A perceptron is trained on one made problem and frozen. A child adds low-rank updates to its two
layers and a head of its own (Hu et al., "LoRA", 2021), and has forty rows of a new task: four
classes, features that differ from the backbone's by a rank-one change ("near", what meta-training
sees, too) or by a full one ("far"). The learned start and rates (ten inner steps) stand beside Adam
and SGD from the usual start, at the rate that is best on training tasks after ten steps.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from autometa.bench.record_file import mean_interval
from autometa.inner import MAML, Episodes, Outer, RateRule
from autometa.inner.episodes import EpisodeSource
from autometa_benchmarks.inner.peers import PEERS

INPUTS, FEATURES, WIDTH, CLASSES, OLD, RANK = 8, 16, 32, 4, 8, 2
SHOTS, QUERIES, STEPS, LONG, TEST_TASKS = 40, 60, 10, 100, 100
COLUMNS = (0, 1, 3, 10, 30, 100)
ITERATIONS, PRETRAINING = 600, 1500
VARIANTS = {"near": 1, "far": INPUTS}  # rank of the change
PROTOCOL = {
    "backbone": f"{INPUTS}-{WIDTH}-{WIDTH}, trained on {OLD} classes of a made problem, frozen",
    "child": f"updates of rank {RANK} of both layers and a head for {CLASSES} classes",
    "task": f"{SHOTS} support and {QUERIES} query rows; near: rank-one change of the features, "
    "seen in meta-training; far: a full one, not seen",
    "peers": f"adam, sgd (momentum .9): rate chosen on near training tasks after {STEPS} steps",
    "measure": f"cross entropy of the queries after k full-batch steps, {TEST_TASKS} tasks",
}


def facts() -> dict[str, Any]:
    """Protocol, for the results file."""
    return {"protocol": PROTOCOL, "bars": []}


class LowRank(nn.Module):
    """A frozen two-layer backbone with low-rank updates and a head.

    Args:
        backbone: Linear, ReLU, Linear, ReLU and a head that is left out.
    """

    def __init__(self, backbone: nn.Sequential) -> None:
        super().__init__()
        for k, layer in enumerate((backbone[0], backbone[2])):
            assert isinstance(layer, nn.Linear)
            self.register_buffer(f"weight{k}", layer.weight.detach().clone())
            self.register_buffer(f"bias{k}", layer.bias.detach().clone())
            down = torch.randn(RANK, layer.in_features) / layer.in_features**0.5
            self.register_parameter(f"down{k}", nn.Parameter(down))
            self.register_parameter(f"up{k}", nn.Parameter(torch.zeros(layer.out_features, RANK)))
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """(n, INPUTS) -> (n, CLASSES)."""
        for k in range(2):
            part = {name: getattr(self, f"{name}{k}") for name in ("weight", "bias", "down", "up")}
            update = (x @ part["down"].T) @ part["up"].T
            x = torch.relu(x @ part["weight"].T + part["bias"] + update)
        out: Tensor = self.head(x)
        return out


class World:
    """One made problem and its relatives.

    Args:
        seed: Of its features and classes.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 11])
        self.features = rng.normal(size=(FEATURES, INPUTS)) / INPUTS**0.5 * 2
        self.classes = rng.normal(size=(OLD, FEATURES))

    def labels(self, x: NDArray[Any], change: NDArray[Any], classes: NDArray[Any]) -> NDArray[Any]:
        """The class of each row (n, INPUTS)."""
        hidden = np.tanh(x @ (self.features + change).T)
        return np.asarray((hidden @ classes.T).argmax(1))

    def backbone(self, seed: int) -> nn.Sequential:
        """A perceptron trained on the problem itself."""
        rng = np.random.default_rng([seed, 12])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [nn.Linear(INPUTS, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()]
            network = nn.Sequential(*layers, nn.Linear(WIDTH, OLD))
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        for _ in range(PRETRAINING):
            x = rng.normal(size=(128, INPUTS))
            y = torch.from_numpy(self.labels(x, np.zeros_like(self.features), self.classes))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(torch.from_numpy(x).float()), y)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return network

    def source(self, rank: int) -> EpisodeSource:
        """Tasks whose features differ by a change of that rank, with four of the classes."""

        def draw(rng: np.random.Generator, n: int) -> Episodes:
            x = rng.normal(size=(n, SHOTS + QUERIES, INPUTS))
            y = np.empty(x.shape[:2], dtype=np.int64)
            for i in range(n):
                left, right = rng.normal(size=(FEATURES, rank)), rng.normal(size=(rank, INPUTS))
                change = left @ right / rank**0.5 / INPUTS**0.5 * 2
                classes = self.classes[rng.permutation(OLD)[:CLASSES]]
                y[i] = self.labels(x[i], change, classes)
            inputs, targets = torch.from_numpy(x).float(), torch.from_numpy(y)
            return Episodes(
                support_x=inputs[:, :SHOTS],
                support_y=targets[:, :SHOTS],
                query_x=inputs[:, SHOTS:],
                query_y=targets[:, SHOTS:],
            )

        return draw


def recipe(child: nn.Module, seed: int) -> MAML:
    """As for tables: a rate for each layer and step."""
    return MAML(
        child,
        "cross_entropy",
        rates=RateRule(kind="layer_step", initial=0.1, highest=2.0),
        steps=STEPS,
        outer=Outer(tasks=8, rate=3e-3, schedule="cosine"),
        seed=seed,
    )


def run(seed: int, *, iterations: int = ITERATIONS) -> list[dict[str, Any]]:
    """Meta-train once, compare on near and far tasks; records for `record_file.add_records`."""
    world = World(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        child = LowRank(world.backbone(seed))
    train = world.source(VARIANTS["near"])
    began = time.process_time()
    fitted = recipe(child, seed).fit(train, iterations=iterations)
    seconds = time.process_time() - began
    tuning = train(np.random.default_rng([seed, 13]), TEST_TASKS // 2)
    rates = {}
    for name in ("adam", "sgd"):
        tried = [
            float(PEERS[name].path(child, tuning, rate, STEPS)[:, -1].mean().nan_to_num(1e9))
            for rate in PEERS[name].rates
        ]
        rates[name] = PEERS[name].rates[int(np.argmin(tried))]
    records = []
    for variant, rank in VARIANTS.items():
        test = world.source(rank)(np.random.default_rng([seed, 14]), TEST_TASKS)
        curves = {"learned": fitted.curve(test, LONG)}
        curves |= {name: PEERS[name].path(child, test, rates[name], LONG) for name in rates}
        first = {who: _first(curves[who].mean(0), curves["learned"].mean(0)) for who in rates}
        records.append(
            {
                "variant": variant,
                "seed": seed,
                "iterations": iterations,
                "cpu_seconds": round(seconds, 1),
                "learning_rates": rates,
                "cross_entropy": {
                    f"{who} @{k}": mean_interval(curve[:, k].numpy())
                    for who, curve in curves.items()
                    for k in COLUMNS
                },
                "steps_to_match": {
                    f"{who} @{k}": {"mean": float(found[k]), "ci95": None}
                    for who, found in first.items()
                    for k in (1, 3, STEPS)
                },
            }
        )
    return records


def _first(peer: Tensor, ours: Tensor) -> list[int]:
    """A peer's first step at or under each of our mean losses; LONG + 1 where none is."""
    found = []
    for target in ours:
        below = (peer <= target).nonzero()
        found.append(int(below[0]) if len(below) else LONG + 1)
    return found
