"""RGPE: a ranking-weighted mixture of one Gaussian process a prior task and one of the target.

Feurer, Letham, Hutter and Bakshy, "Practical transfer learning for Bayesian optimization" (2018):

    mean(x) = sum_i w_i mean_i(x)    var(x) = sum_i w_i^2 var_i(x)                          eq. (1)
    w_i = share of posterior samples in which model i ranks the target's trials best        eq. (2)

with the target's own model judged by leave-one-out, and a prior model dropped with the chance that
its ranking loss exceeds the target's, growing with the trials left (weight dilution). Ours is
compact: scikit-learn's GPs on at most 60 trials of at most 30 prior tasks, expected improvement
over random candidates. The first three trials are the greedy portfolio's, as in `enqueue3-*`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from scipy.special import ndtr

from autometa.bench.method import Method, Start, Starter
from autometa.bench.methods.greedy import greedy_configs
from autometa.encoding import Floats
from autometa.meta.data.targets import normal_scores
from autometa.portfolio import Portfolio
from autometa.samplers.asking import config_of
from autometa.space import SearchSpace
from autometa.task import Task

_TRIALS, _TASKS, _SAMPLES, _CANDIDATES, _FIRST = 60, 30, 100, 1_000, 3


class _Gp:
    """A GP with a Matern kernel, one length scale a coordinate, on standardised values."""

    def __init__(self, unit: Floats, values: Floats, *, fit: bool = True) -> None:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        kernel = ConstantKernel(1.0, (0.05, 20.0)) * Matern(
            np.full(unit.shape[1], 0.5), (0.05, 20.0), nu=2.5
        ) + WhiteKernel(1e-3, (1e-6, 0.5))
        self._gp: Any = GaussianProcessRegressor(kernel, optimizer="fmin_l_bfgs_b" if fit else None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # length scales at their bounds are fine here
            self._gp.fit(unit, values)

    def predict(self, unit: Floats) -> tuple[Floats, Floats]:
        mean, deviation = self._gp.predict(unit, return_std=True)
        return mean, deviation

    def sample(self, unit: Floats, rng: np.random.Generator) -> Floats:
        """Joint posterior samples, (samples, n)."""
        drawn: Floats = self._gp.sample_y(unit, _SAMPLES, random_state=int(rng.integers(2**31))).T
        return drawn

    def leave_one_out(self, rng: np.random.Generator) -> Floats:
        """Samples of every training value predicted from the others, (samples, n)."""
        # Rasmussen & Williams (2006), eq. (5.12): from the inverse of the kernel matrix.
        gram = self._gp.kernel_(self._gp.X_train_) + 1e-8 * np.eye(len(self._gp.X_train_))
        inverse = np.linalg.inv(gram)
        diagonal = np.diag(inverse)
        mean = self._gp.y_train_ - inverse @ self._gp.y_train_ / diagonal
        noise = rng.standard_normal((_SAMPLES, len(mean)))
        samples: Floats = mean + noise / np.sqrt(np.maximum(diagonal, 1e-12))
        return samples


def ranking_loss(samples: Floats, values: Floats, *, crossed: bool) -> Floats:
    """Number of misordered pairs in each sample, (samples,).

    Args:
        samples: Predictions (samples, n).
        values: What was observed, (n,).
        crossed: For leave-one-out predictions: prediction i is compared with the value of j, since
            predictions of two left-out trials belong to two models.
    """
    observed = values[:, None] < values[None, :]
    right = values[None, None, :] if crossed else samples[:, None, :]
    wrong: Floats = ((samples[:, :, None] < right) != observed[None]).sum(axis=(1, 2))
    return wrong


class RgpeSampler(BaseSampler):
    """See the module.

    Args:
        space: Of the task.
        sources: Models of prior tasks.
        seed: Of everything random.
        trials: For how many the study is planned: the more are left, the fewer models are dropped.
    """

    def __init__(
        self, space: SearchSpace, sources: Sequence[_Gp], *, seed: int, trials: int = 100
    ) -> None:
        self._space, self._sources, self._trials = space, sources, trials
        self._seed, self._random = seed, RandomSampler(seed=seed)
        self.weights: Floats = np.full(len(sources), 1.0 / max(len(sources), 1))

    def reseed_rng(self) -> None:
        """Only the fallback has a state."""
        self._random.reseed_rng()

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The whole space, conditional parameters included."""
        return dict(self._space.distributions)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The candidate of the best expected improvement under the mixture."""
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not done:
            return {}
        rng = np.random.default_rng([self._seed, trial.number])
        unit = self._space.encode_raw(
            self._space.to_raw(config_of(t.params, self._space) for t in done)
        )
        sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
        values = normal_scores(np.array([sign * float(t.value or 0.0) for t in done]))
        models, weights = self._weighted(unit, values, rng)
        candidates = self._space.encode_raw(self._space.sample_raw(_CANDIDATES, rng))
        predictions = [m.predict(candidates) for m in models]
        mean = sum((w * p[0] for w, p in zip(weights, predictions, strict=True)), np.zeros(1))
        variance = sum(
            (w**2 * p[1] ** 2 for w, p in zip(weights, predictions, strict=True)), np.zeros(1)
        )
        best = int(_improvement(mean, np.sqrt(variance), float(values.max())).argmax())
        return dict(self._space.decode(candidates[best]))

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Random, before the first trial has ended."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def _weighted(
        self, unit: Floats, values: Floats, rng: np.random.Generator
    ) -> tuple[list[_Gp], Floats]:
        """The models that count and their weights; the target's own is the last."""
        if len(values) < _FIRST or np.ptp(values) == 0.0:
            return list(self._sources) or [_Gp(unit, values, fit=False)], self.weights
        target = _Gp(unit, values)
        losses = [ranking_loss(s.sample(unit, rng), values, crossed=False) for s in self._sources]
        own = ranking_loss(target.leave_one_out(rng), values, crossed=True)
        table = np.stack([*losses, own], axis=1)
        keep = self._kept(table, len(values), rng)
        table = np.where(keep, table, np.inf)
        winners = table == table.min(axis=1, keepdims=True)
        winners[:, :-1] &= ~winners[:, -1:]  # ties go to the target's model
        weights = (winners / winners.sum(axis=1, keepdims=True)).mean(axis=0)  # eq. (2)
        used = np.flatnonzero(weights)
        models = [*self._sources, target]
        return [models[i] for i in used], weights[used]

    def _kept(self, table: Floats, n: int, rng: np.random.Generator) -> np.ndarray:
        """Models that are not dropped, against the dilution of weights by many poor models."""
        better = (table[:, :-1] < table[:, -1:]).mean(axis=0)
        chance = (
            1.0 - (1.0 - n / self._trials) * better if n < self._trials else np.ones_like(better)
        )
        return np.append(rng.random(len(chance)) >= np.clip(chance, 0.0, 1.0), True)


def _improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    deviation = np.maximum(deviation, 1e-9)
    z = (mean - best) / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    gain: Floats = (mean - best) * ndtr(z) + deviation * density
    return gain


def _prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
    rng = np.random.default_rng(seed)
    histories = [h.take(h.complete) for h in portfolio.histories]
    histories = [h for h in histories if len(h) > _FIRST and np.ptp(h.scores) > 0]
    if len(histories) > _TASKS:
        histories = [histories[i] for i in sorted(rng.permutation(len(histories))[:_TASKS])]
    sources = []
    for history in histories:
        part = history.take(rng.permutation(len(history))[:_TRIALS])
        sources.append(_Gp(space.encode_raw(part.raw), normal_scores(part.scores)))
    first = greedy_configs(portfolio, space, seed)[:_FIRST]

    def start(task: Task, seed: int) -> Start:
        return Start(sampler=RgpeSampler(space, sources, seed=seed), enqueue=first)

    return start


RGPE = Method(
    name="rgpe",
    about="our own compact RGPE: GPs of up to 30 prior tasks weighted by ranking loss",
    prepare=_prepare,
    needs=("sklearn",),
)
