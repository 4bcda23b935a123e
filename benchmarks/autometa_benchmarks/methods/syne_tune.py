"""Syne Tune's transfer methods through its own package: CTS, ZeroShot and BoundingBox.

Salinas et al. (2020); Wistuba et al., "Sequential model-free hyperparameter tuning" (2015);
Perrone et al., "Learning search spaces for Bayesian optimization" (2019). None of the three looks
at the new task's trials as it is used here: BoundingBox searches its box at random, as in the
package's own examples. Parameters that are inactive are given to the package at the middle of
their range, since it has no conditions, and left out of what is evaluated.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from autometa.bench.method import Method, Prepare, Start, Starter
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.task import Task

_METRIC = "loss"
Suggest = Callable[[], "dict[str, Any] | None"]


class SuggestedSampler(BaseSampler):
    """A sampler that evaluates what another package suggests; random once it has nothing.

    Args:
        space: Of the task.
        suggest: Gives the next config, all parameters set, or None.
        seed: Of the random configs after the last suggestion.
    """

    def __init__(self, space: SearchSpace, suggest: Suggest, *, seed: int) -> None:
        self._space, self._suggest = space, suggest
        self._random = RandomSampler(seed=seed)

    def reseed_rng(self) -> None:
        """Only the fallback has a state of ours."""
        self._random.reseed_rng()

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The whole space."""
        return dict(self._space.distributions)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The next suggestion without its inactive parameters."""
        suggested = self._suggest()
        if suggested is None:
            return {}
        given: Config = {n: _value(d, suggested[n]) for n, d in self._space.distributions.items()}
        return {n: given[n] for n in self._space.active(given)}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Random."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)


def _value(distribution: BaseDistribution, value: Any) -> Any:
    """The package's value (numpy, rounded at the bounds) as the space has it."""
    if isinstance(distribution, CategoricalDistribution):
        return next(c for c in distribution.choices if str(c) == str(value))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    inside = min(max(float(value), distribution.low), distribution.high)
    return round(inside) if isinstance(distribution, IntDistribution) else inside


def _domain(distribution: BaseDistribution) -> Any:
    from syne_tune import config_space as cs

    if isinstance(distribution, CategoricalDistribution):
        return cs.choice([str(c) for c in distribution.choices])
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, IntDistribution):
        make = cs.lograndint if distribution.log else cs.randint
    else:
        make = cs.loguniform if distribution.log else cs.uniform
    return make(distribution.low, distribution.high)


def _evaluations(portfolio: Portfolio, space: SearchSpace, domains: dict[str, Any]) -> Any:
    """The prior as the package wants it: lower is better, each task a frame and a 4-d array."""
    import pandas as pd
    from syne_tune.optimizer.schedulers.transfer_learning import (
        transfer_learning_task_evaluation as module,
    )

    middle = space.from_raw(space.decode_raw(np.full((1, space.dim), 0.5)))[0]
    for name, distribution in space.distributions.items():  # also those inactive at the middle
        if name not in middle:
            alone = SearchSpace({name: distribution})
            middle[name] = alone.from_raw(alone.decode_raw(np.full((1, alone.dim), 0.5)))[0][name]
    found = {}
    for history in portfolio.histories:
        done = history.take(history.complete)
        if len(done):
            rows = [{**middle, **config} for config in space.from_raw(done.raw)]
            frame = pd.DataFrame(rows)[list(space.names)]
            for name, distribution in space.distributions.items():
                if isinstance(distribution, CategoricalDistribution):
                    frame[name] = frame[name].astype(str)
            found[history.task.name] = module.TransferLearningTaskEvaluations(
                configuration_space=domains,
                hyperparameters=frame,
                objectives_names=[_METRIC],
                objectives_evaluations=-done.scores[:, None, None, None],
            )
    return found


ForTask = Callable[[int], Suggest]  # seed of a task's study -> its suggestions


def _through(build: Callable[[dict[str, Any], Any, int], ForTask]) -> Prepare:
    """`prepare` of a method of the package: what is dear is built once for all tasks."""

    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
        domains = {n: _domain(d) for n, d in space.distributions.items()}
        evaluations = _evaluations(portfolio, space, domains)
        if not evaluations:
            return lambda task, seed: Start(
                sampler=RandomSampler(seed=seed), note="no prior task: random"
            )
        with contextlib.redirect_stdout(io.StringIO()):  # the package prints
            for_task = build(domains, evaluations, seed)

        def start(task: Task, seed: int) -> Start:
            return Start(sampler=SuggestedSampler(space, for_task(seed), seed=seed))

        return start

    return prepare


def _cts(domains: dict[str, Any], evaluations: Any, seed: int) -> ForTask:
    from syne_tune.optimizer.schedulers.transfer_learning.quantile_based import (
        quantile_based_searcher as module,
    )

    fitted = module.QuantileBasedSurrogateSearcher(
        config_space=domains, transfer_learning_evaluations=evaluations, random_seed=seed
    )

    def for_task(seed: int) -> Suggest:
        searcher = copy(fitted)
        searcher.random_state = np.random.RandomState(seed)
        return lambda: searcher.suggest()

    return for_task


def _zero_shot(domains: dict[str, Any], evaluations: Any, seed: int) -> ForTask:
    from syne_tune.optimizer.schedulers.transfer_learning.zero_shot import ZeroShotTransfer

    class Seeded(ZeroShotTransfer):  # type: ignore[misc]
        """Version 0.16 reads its random state before it sets it."""

        random_state = np.random.RandomState(seed)

    fitted = Seeded(
        config_space=domains,
        metric=_METRIC,
        transfer_learning_evaluations=evaluations,
        use_surrogates=True,
        random_seed=seed,
    )

    def for_task(seed: int) -> Suggest:
        scheduler = deepcopy(fitted)
        return lambda: scheduler.get_config()

    return for_task


def _bounding_box(domains: dict[str, Any], evaluations: Any, seed: int) -> ForTask:
    from syne_tune.optimizer.baselines import RandomSearch
    from syne_tune.optimizer.schedulers.transfer_learning.bounding_box import BoundingBox

    def for_task(seed: int) -> Suggest:
        with contextlib.redirect_stdout(io.StringIO()):
            scheduler = BoundingBox(
                lambda space, metric, do_minimize, random_seed: RandomSearch(
                    space, metrics=[metric], do_minimize=do_minimize, random_seed=random_seed
                ),
                config_space=domains,
                metric=_METRIC,
                transfer_learning_evaluations=evaluations,
                random_seed=seed,
            )

        def suggest() -> dict[str, Any] | None:
            suggestion = scheduler.suggest()
            return None if suggestion is None else dict(suggestion.config)

        return suggest

    return for_task


_NEEDS = ("syne_tune", "xgboost", "huggingface_hub")
SYNE_TUNE = (
    Method(
        name="syne-tune-cts",
        about="Syne Tune's CTS (quantile-based surrogate, Thompson sampling)",
        prepare=_through(_cts),
        needs=_NEEDS,
    ),
    Method(
        name="syne-tune-zero-shot",
        about="Syne Tune's ZeroShotTransfer with its surrogates",
        prepare=_through(_zero_shot),
        needs=_NEEDS,
    ),
    Method(
        name="syne-tune-bounding-box",
        about="Syne Tune's BoundingBox, random search inside",
        prepare=_through(_bounding_box),
        needs=_NEEDS,
    ),
)
