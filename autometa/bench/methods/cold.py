"""Methods that know nothing of prior tasks: Optuna's samplers as they come."""

from __future__ import annotations

from optuna.samplers import CmaEsSampler, GPSampler, RandomSampler, TPESampler

from autometa.bench.method import Method, cold

RANDOM = Method(
    name="random",
    about="Optuna's RandomSampler",
    prepare=cold(lambda seed: RandomSampler(seed=seed)),
    uses_prior=False,
)
COLD_TPE = Method(
    name="cold-tpe",
    about="Optuna's TPESampler with its defaults",
    prepare=cold(lambda seed: TPESampler(seed=seed)),
    uses_prior=False,
)
COLD_GP = Method(
    name="cold-gp",
    about="Optuna's GPSampler with its defaults",
    prepare=cold(lambda seed: GPSampler(seed=seed)),
    uses_prior=False,
    needs=("torch",),
)
CMA_ES = Method(
    name="cma-es",
    about="Optuna's CmaEsSampler with its defaults; categories are drawn at random",
    prepare=cold(lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False)),
    uses_prior=False,
    needs=("cmaes",),
)
