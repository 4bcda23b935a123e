"""The library's defaults and nothing else: what a user has who tunes nothing."""

from __future__ import annotations

from optuna.samplers import RandomSampler

from autometa.bench.method import Method, Start, Starter
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task

_MOST = 100  # trials of a suite at most


def _prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
    def start(task: Task, seed: int) -> Start:
        return Start(sampler=RandomSampler(seed=seed), enqueue=(dict(task.space.defaults),) * _MOST)

    return start


DEFAULTS = Method(
    name="defaults",
    about="the space's default config in every trial: what an untuned library gives",
    prepare=_prepare,
    uses_prior=False,
)
