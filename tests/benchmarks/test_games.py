from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("gymnasium")

from gymnasium.envs.classic_control import CartPoleEnv

from autometa.space import Config
from autometa_benchmarks.suites.agent import SPACE, Agent, Rollout, advantages
from autometa_benchmarks.suites.games import Games, world

GOOD: Config = {
    "learning_rate": 0.02,
    "horizon": 30.0,
    "trace": 0.9,
    "rollout": 16,
    "epochs": 8,
    "clip": 0.2,
    "entropy": 0.001,
    "value_weight": 0.3,
    "width": 32,
    "activation": "tanh",
}
EARTH = {"gravity": 9.8, "half_length": 0.5, "pole_mass": 0.1, "force": 10.0}


def rollout(reward: list[float], ended: list[bool], cut: list[bool]) -> Rollout:
    empty = torch.zeros(len(reward), 1)
    return Rollout(
        observed=empty,
        action=empty,
        log_chance=empty,
        reward=np.array(reward)[:, None],
        value=np.array([0.5, 1.0, 2.0])[:, None],
        ended=np.array(ended)[:, None],
        cut=np.array(cut)[:, None],
        valid=np.ones((3, 1), dtype=bool),
    )


def test_advantages_by_hand() -> None:
    last = np.array([3.0])
    plain = rollout([1.0, 1.0, 1.0], [False] * 3, [False] * 3)
    # lambda = 1: discounted rewards and the value after them, less the value before
    expected = [
        1 + 0.5 + 0.25 + 0.125 * 3 - 0.5,
        1 + 0.5 + 0.25 * 3 - 1.0,
        1 + 0.5 * 3 - 2.0,
    ]
    assert advantages(plain, last, 0.5, 1.0)[:, 0] == pytest.approx(expected)
    # lambda = 0: one step ahead
    expected = [1 + 0.5 * 1.0 - 0.5, 1 + 0.5 * 2.0 - 1.0, 1 + 0.5 * 3.0 - 2.0]
    assert advantages(plain, last, 0.5, 0.0)[:, 0] == pytest.approx(expected)


def test_nothing_follows_an_end_and_a_value_follows_a_cut() -> None:
    last = np.array([3.0])
    ended = rollout([1.0, 1.0, 1.0], [False, True, False], [False, True, False])
    assert advantages(ended, last, 0.5, 1.0)[:2, 0] == pytest.approx([1 + 0.5 - 0.5, 0.0])
    cut = rollout([1.0, 1.0, 1.0], [False] * 3, [False, True, False])
    assert advantages(cut, last, 0.5, 1.0)[1, 0] == pytest.approx(1 + 0.5 * 2.0 - 1.0)


def test_worlds_move_as_gymnasium_does_with_these_physics() -> None:
    physics = {"gravity": 3.7, "half_length": 0.9, "pole_mass": 0.3, "force": 14.0}
    ours: Any = world(physics, 2)
    one: Any = CartPoleEnv()
    one.gravity, one.length, one.masspole, one.force_mag = 3.7, 0.9, 0.3, 14.0
    one.total_mass = one.masspole + one.masscart
    one.polemass_length = one.masspole * one.length
    observed, _ = ours.reset(seed=0)
    one.reset(seed=0)
    one.state = ours.state[:, 0].copy()
    for action in (0, 1, 1):
        observed, *_ = ours.step(np.array([action, 0]))
        alone, *_ = one.step(action)
    assert observed[0] == pytest.approx(alone, abs=1e-5)


def test_an_agent_learns_and_repeats_itself() -> None:
    def trained(steps: int) -> float:
        agent = Agent(GOOD, observed=4, actions=2, seed=0)
        assert agent.train(world(EARTH, 16), steps, 0)
        return float(agent.returns(world(EARTH, 16), 1).mean())

    untrained, once, again = trained(0), trained(8_000), trained(8_000)
    assert once == again
    assert untrained < 40
    assert once > 1.5 * untrained


def test_training_that_leaves_the_numbers_is_said() -> None:
    agent = Agent(GOOD, observed=4, actions=2, seed=0)
    assert agent.train(world(EARTH, 4), 64, 0)
    with torch.no_grad():
        next(agent._network.parameters())[0, 0] = float("nan")
    assert not agent.train(world(EARTH, 4), 64, 0)


def test_every_config_of_the_space_trains() -> None:
    for config in SPACE.from_raw(SPACE.sample_raw(4, np.random.default_rng(0))):
        agent = Agent(config, observed=4, actions=2, seed=0)
        agent.train(world(EARTH, 4), 64, 0)
        assert (agent.returns(world(EARTH, 4), 0) >= 1.0).all()


def test_each_world_is_its_own_family(tmp_path: Path) -> None:
    suite = Games(tmp_path)
    for task in suite.listed:
        same = {t.info["gravity"] for t in suite.listed if t.family == task.family}
        assert same == {task.info["gravity"]}
    assert len({str(t.info) for t in suite.listed}) == len(suite.listed)
