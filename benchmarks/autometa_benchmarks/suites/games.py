"""Suite `games`: train agents on cart poles of other worlds, whose physics no prior task has.

A task is gymnasium's CartPole with its own gravity, pole and force; a family is a gravity, so a
world is held out with all its variants. An evaluation trains one policy-gradient agent (`agent`)
for a fixed number of environment steps; its value is the mean return of the trained agent over the
first episodes of fresh environments, at most 500. Training is seeded by the task, so a config has
one value; `judge` trains agents of other seeds and says what a config is worth beyond that luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Final
from zlib import crc32

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv

from autometa.bench.suite import BenchTask, Judged
from autometa.space import Config
from autometa.task import Task
from autometa_benchmarks.suites.agent import SPACE, Agent
from autometa_benchmarks.suites.recorded import Recorded

GRAVITY: Final = {
    "moon": 1.6,
    "mars": 3.7,
    "venus": 8.9,
    "earth": 9.8,
    "neptune": 11.2,
    "jupiter": 24.8,
}
_VARIANTS: Final = 2
_ENVIRONMENTS, _STEPS, _EPISODES, _JUDGES = 32, 20_480, 32, 2


class Games(Recorded):
    """See the module."""

    name: ClassVar[str] = "games"
    about: ClassVar[str] = "return of policy-gradient agents on cart poles of varied physics"
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 15)
    judged_after: ClassVar[tuple[int, ...]] = (5, 15)

    @cached_property
    def listed(self) -> tuple[Task, ...]:
        """Variants of six worlds: half length and mass of the pole and force drawn for each."""
        return tuple(
            Task(
                name=f"{world}-{i}",
                space=SPACE,
                direction="maximize",
                metric="return",
                family=world,
                info=_physics(world, i),
            )
            for world in GRAVITY
            for i in range(_VARIANTS)
        )

    def evaluate(self, task: Task, config: Config) -> float | None:
        """Mean return of one agent; None where its training diverged."""
        return self._train(task, config, 0)

    def judge(self, task: BenchTask, config: Config) -> Judged:
        """Mean return of agents of other seeds; a diverged one counts as return 0."""
        returns = [self._train(task.task, config, 1 + i) or 0.0 for i in range(_JUDGES)]
        return {"return": float(np.mean(returns))}

    def _train(self, task: Task, config: Config, number: int) -> float | None:
        seed = crc32(f"{task.name}:{number}".encode())
        agent = Agent(config, observed=4, actions=2, seed=seed)
        if not agent.train(world(task.info, _ENVIRONMENTS), _STEPS, seed):
            return None
        return float(agent.returns(world(task.info, _EPISODES), seed + 1).mean())


def world(physics: Mapping[str, Any], environments: int) -> CartPoleVectorEnv:
    """CartPole with these physics; the rest is gymnasium's."""
    env = CartPoleVectorEnv(environments)
    env.gravity, env.force_mag = physics["gravity"], physics["force"]
    env.length, env.masspole = physics["half_length"], physics["pole_mass"]
    env.total_mass = env.masscart + env.masspole
    env.polemass_length = env.masspole * env.length
    return env


def _physics(world: str, number: int) -> dict[str, float]:
    rng = np.random.default_rng([crc32(world.encode()), number])
    low, high = np.log([[0.25, 0.05, 7.0], [1.2, 0.5, 20.0]])
    length, mass, force = np.exp(rng.uniform(low, high))
    return {
        "gravity": GRAVITY[world],
        "half_length": round(float(length), 3),
        "pole_mass": round(float(mass), 3),
        "force": round(float(force), 2),
    }
