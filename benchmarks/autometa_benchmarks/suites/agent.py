"""A small agent for discrete actions: clipped policy gradients on vectorised environments.

Proximal policy optimisation (Schulman et al., "Proximal Policy Optimization Algorithms", 2017) with
generalised advantages (Schulman et al., "High-Dimensional Continuous Control Using Generalized
Advantage Estimation", 2016); one network of two hidden layers serves policy and value. What it
gains after a fixed number of steps hangs on its config, which is what the suite `games` tunes.

Notation: E environments, T steps of a rollout, A actions, O observed numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from torch import Tensor, nn

from autometa.encoding import Floats
from autometa.space import Config, SearchSpace
from autometa.threads import one_thread

SPACE: Final = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-5, 1.0, log=True),
        "horizon": FloatDistribution(3.0, 1000.0, log=True),  # 1 / (1 - discount), in steps
        "trace": FloatDistribution(0.0, 1.0),  # lambda of the advantages
        "rollout": IntDistribution(8, 128, log=True),
        "epochs": IntDistribution(1, 10),
        "clip": FloatDistribution(0.05, 0.5, log=True),
        "entropy": FloatDistribution(1e-5, 0.1, log=True),
        "value_weight": FloatDistribution(0.05, 2.0, log=True),
        "width": IntDistribution(8, 128, log=True),
        "activation": CategoricalDistribution(["tanh", "relu"]),
    },
    inner_lr="learning_rate",
    name="policy_gradient",
)


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """What E environments did in T steps; every array is (T, E, ...).

    `valid` is false for the steps that only reset an environment; `ended` says that an episode
    terminated in the step, `cut` that it terminated or ran out of time.
    """

    observed: Tensor
    action: Tensor
    log_chance: Tensor
    reward: Floats
    value: Floats
    ended: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    valid: NDArray[np.bool_]


class Agent:
    """An agent and its training.

    Args:
        config: Of `SPACE`.
        observed: O.
        actions: A.
        seed: Of its first weights and its actions.
    """

    def __init__(self, config: Config, observed: int, actions: int, seed: int) -> None:
        self._numbers = {n: float(v) for n, v in config.items() if isinstance(v, int | float)}
        self._rng = np.random.default_rng(seed)
        width = int(self._numbers["width"])
        kind = nn.Tanh if config["activation"] == "tanh" else nn.ReLU
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            hidden = [nn.Linear(observed, width), kind(), nn.Linear(width, width), kind()]
            last = nn.Linear(width, actions + 1)
            self._network = nn.Sequential(*hidden, last)
        with torch.no_grad():
            last.weight.mul_(0.1)  # begin near an even policy
        self._optimiser = torch.optim.Adam(
            self._network.parameters(), lr=self._numbers["learning_rate"], eps=1e-5
        )

    @one_thread()
    def train(self, env: Any, steps: int, seed: int) -> bool:
        """Learn for a number of environment steps, over all environments together.

        Returns:
            False where the weights are no numbers any more.
        """
        observed, _ = env.reset(seed=seed)
        fresh = np.zeros(env.num_envs, dtype=bool)
        left = steps // env.num_envs
        while left > 0:
            length = min(left, int(self._numbers["rollout"]))
            rollout, observed, fresh = self._play(env, observed, fresh, length)
            self._learn(rollout, self._values(observed))
            left -= length
            if not all(bool(p.isfinite().all()) for p in self._network.parameters()):
                return False
        return True

    @one_thread()
    def returns(self, env: Any, seed: int) -> Floats:
        """Undiscounted return of each environment's first episode, (E,); no learning."""
        observed, _ = env.reset(seed=seed)
        total = np.zeros(env.num_envs)
        running = np.ones(env.num_envs, dtype=bool)
        while running.any():
            action, _, _ = self._act(torch.as_tensor(observed))
            observed, reward, ended, cut, _ = env.step(action.numpy())
            total += reward * running
            running &= ~(ended | cut)
        return total

    def _act(self, observed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Sampled actions, their log chances and the values, each (E,)."""
        with torch.no_grad():
            out = self._network(observed)
        log_chances = out[:, :-1].log_softmax(1)
        gumbel = torch.as_tensor(self._rng.gumbel(size=log_chances.shape))
        action = (log_chances + gumbel).argmax(1)
        return action, log_chances.gather(1, action[:, None])[:, 0], out[:, -1]

    def _values(self, observed: NDArray[Any]) -> Floats:
        with torch.no_grad():
            return np.asarray(self._network(torch.as_tensor(observed))[:, -1].double())

    def _play(
        self, env: Any, observed: NDArray[Any], fresh: NDArray[np.bool_], length: int
    ) -> tuple[Rollout, NDArray[Any], NDArray[np.bool_]]:
        """Act; after the end of an episode the next step of an environment only resets it."""
        rows: list[tuple[Any, ...]] = []
        for _ in range(length):
            state = torch.as_tensor(observed)
            action, log_chance, value = self._act(state)
            observed, reward, ended, cut, _ = env.step(action.numpy())
            done = ended | cut
            rows.append((state, action, log_chance, reward, value, ended.copy(), done, ~fresh))
            fresh = done
        columns = list(zip(*rows, strict=True))
        states, actions, log_chances, rewards, values, ended_at, cut_at, valid = columns
        rollout = Rollout(
            observed=torch.stack(states),
            action=torch.stack(actions),
            log_chance=torch.stack(log_chances),
            reward=np.array(rewards, dtype=np.float64),
            value=torch.stack(values).double().numpy(),
            ended=np.array(ended_at),
            cut=np.array(cut_at),
            valid=np.array(valid),
        )
        return rollout, observed, fresh

    def _learn(self, rollout: Rollout, after: Floats) -> None:
        config = self._numbers
        gain = advantages(rollout, after, 1.0 - 1.0 / config["horizon"], config["trace"])
        keep = torch.as_tensor(rollout.valid)
        observed, action, before = (
            part[keep] for part in (rollout.observed, rollout.action, rollout.log_chance)
        )
        if len(observed) < 2:
            return
        target = torch.as_tensor((gain + rollout.value)[rollout.valid], dtype=torch.float32)
        advantage = torch.as_tensor(gain[rollout.valid], dtype=torch.float32)
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        clip = config["clip"]
        for _ in range(int(config["epochs"])):
            out = self._network(observed)
            log_chances = out[:, :-1].log_softmax(1)
            ratio = (log_chances.gather(1, action[:, None])[:, 0] - before).exp()
            surrogate = torch.minimum(
                ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage
            ).mean()
            entropy = -(log_chances.exp() * log_chances).sum(1).mean()
            wrong = (out[:, -1] - target).square().mean()
            loss = -surrogate + config["value_weight"] * wrong - config["entropy"] * entropy
            self._optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self._network.parameters(), 0.5)
            self._optimiser.step()


def advantages(rollout: Rollout, after: Floats, discount: float, trace: float) -> Floats:
    """Generalised advantage of every step, (T, E): eq. 16 of Schulman et al. (2016).

    Args:
        rollout: Rewards, values, and where episodes ended.
        after: Value of what is observed after the last step, (E,).
        discount: gamma of the paper.
        trace: lambda of the paper.
    """
    result = np.zeros_like(rollout.value)
    carried = np.zeros(len(after))
    follows = after
    for t in reversed(range(len(result))):
        # What follows the end of an episode is worth nothing; what follows running out of time
        # is worth its value, which the resetting step of the environment has not replaced yet.
        ahead = np.where(rollout.ended[t], 0.0, follows)
        surprise = rollout.reward[t] + discount * ahead - rollout.value[t]
        carried = surprise + discount * trace * np.where(rollout.cut[t], 0.0, carried)
        result[t] = carried
        follows = rollout.value[t]
    return result
