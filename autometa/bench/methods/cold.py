"""Methods that know nothing of prior tasks: Optuna's samplers as they come."""

from __future__ import annotations

from optuna.samplers import GPSampler, RandomSampler, TPESampler

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
