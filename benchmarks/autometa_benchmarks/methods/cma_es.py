"""CMA-ES, cold and warm: WS-CMA-ES begins with the distribution of a source task's best trials.

Nomura et al., "Warm starting CMA-ES for hyperparameter optimization" (2021), as Optuna has it
(`source_trials`). It knows one source: all prior tasks merged, each value as its normal score
within its task, so that the best tenth of every task counts alike. Categories and parameters that
can be inactive are outside of what it models: the sampler draws them at random.
"""

from __future__ import annotations

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import CmaEsSampler
from optuna.trial import FrozenTrial

from autometa.bench.method import Method, Start, Starter, cold
from autometa.meta.data.targets import normal_scores
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task

_MOST = 2_000  # source trials: enough for a mean and a covariance
_LEAST = 20  # the sampler takes the best tenth, and needs more than one


def _prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
    numeric = [
        name
        for name, distribution in space.distributions.items()
        if name not in space.conditions and not isinstance(distribution, CategoricalDistribution)
    ]
    note = (
        ""
        if len(numeric) == len(space.names)
        else (f"mixed space: {len(numeric)} of {len(space.names)} parameters are warm-started")
    )

    def start(task: Task, seed: int) -> Start:
        source = _source_trials(portfolio, space, numeric, task, seed)
        if len(numeric) < 2 or len(source) < _LEAST:
            plain = CmaEsSampler(seed=seed, warn_independent_sampling=False)
            return Start(sampler=plain, note="nothing to warm-start from: plain CMA-ES")
        sampler = CmaEsSampler(seed=seed, source_trials=source, warn_independent_sampling=False)
        return Start(sampler=sampler, note=note)

    return start


def _source_trials(
    portfolio: Portfolio, space: SearchSpace, names: list[str], task: Task, seed: int
) -> list[FrozenTrial]:
    """Prior trials as trials of the target's study, a random part of them where there are many."""
    configs, scores = [], []
    for history in portfolio.histories:
        complete = history.take(history.complete)
        configs += space.from_raw(complete.raw)
        scores += normal_scores(complete.scores).tolist()
    rng = np.random.default_rng(seed)
    kept = rng.permutation(len(configs))[:_MOST]
    sign = 1.0 if task.direction == "maximize" else -1.0
    return [
        optuna.trial.create_trial(
            params={n: configs[i][n] for n in names},
            distributions={n: space.distributions[n] for n in names},
            value=sign * scores[i],
        )
        for i in kept
    ]


CMA_ES = Method(
    name="cma-es",
    about="Optuna's CmaEsSampler with its defaults; categories are drawn at random",
    prepare=cold(lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False)),
    uses_prior=False,
    needs=("cmaes",),
)
WS_CMA_ES = Method(
    name="ws-cma-es",
    about="Optuna's CmaEsSampler, warm-started with all prior tasks merged as normal scores",
    prepare=_prepare,
    needs=("cmaes",),
)
