"""A probe beside what prior tasks say: used where it helps, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa.errors import ModelError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.inspect.rate_probe import RateProbe, fit_rate_probe
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.task import Task, TaskHistory

SPACE = SearchSpace({"rate": FloatDistribution(1e-5, 1.0, log=True)}, inner_lr="rate")
BEST = {str(k): -4.0 + 0.25 * k for k in range(12)}


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    histories = []
    for name, best in BEST.items():
        raw = SPACE.sample_raw(50, np.random.default_rng(int(name)))
        task = Task(name=name, space=SPACE, direction="minimize")
        histories.append(TaskHistory(task=task, raw=raw, values=(np.log10(raw[:, 0]) - best) ** 2))
    return Portfolio(histories)


@pytest.fixture(scope="module")
def model(portfolio: Portfolio) -> MetaModel:
    return MetaLearner(seed=0, steps=10).fit(portfolio)


def informative(name: str, config: Config) -> float:
    """The best rate, two decades off, as a curvature may well be."""
    noise = np.random.default_rng(int(name)).standard_normal()
    return BEST[name] - 2.0 + 0.1 * float(noise)


def test_a_probe_that_tells_tasks_apart_is_used(portfolio: Portfolio, model: MetaModel) -> None:
    found = fit_rate_probe(model, portfolio, informative)
    assert found.saved > 2.0 * found.error > 0.0
    assert found.tasks == 12
    for best in (-3.5, -1.5):
        plain = model.predict_inner_lr(config={})
        sharp = model.predict_inner_lr(config={}, probe=found.at(best - 2.0))
        assert abs(sharp.mean - best) < 0.3 < abs(plain.mean - best)
        assert sharp.low <= sharp.mean <= sharp.high
    far = model.predict_inner_lr(config={}, probe=found.at(50.0))
    assert far.mean == far.high == 0.0


def test_a_probe_that_says_nothing_changes_nothing(portfolio: Portfolio, model: MetaModel) -> None:
    rng = np.random.default_rng(0)
    found = fit_rate_probe(model, portfolio, lambda name, config: float(rng.standard_normal()))
    assert found.coefficients == (0.0, 0.0, 0.0)
    plain = model.predict_inner_lr(config={})
    assert model.predict_inner_lr(config={}, probe=found.at(7.0)) == plain


def test_few_probed_tasks_are_no_evidence(portfolio: Portfolio, model: MetaModel) -> None:
    found = fit_rate_probe(
        model, portfolio, lambda name, config: informative(name, config) if name < "3" else None
    )
    assert found.tasks == 5
    assert found.coefficients == (0.0, 0.0, 0.0)
    none = fit_rate_probe(model, portfolio, lambda name, config: None)
    assert (none.tasks, none.saved) == (0, 0.0)


def test_what_does_not_fit_is_refused(portfolio: Portfolio, model: MetaModel) -> None:
    rate = RateProbe(coefficients=(0.0, 0.0, 0.0), low=-5, high=0, saved=0, error=0, tasks=0)
    with pytest.raises(ModelError, match="without a config"):
        model.predict_inner_lr(probe=rate.at(-2.0))
    with pytest.raises(ModelError, match="of the model"):
        fit_rate_probe(model, Portfolio(portfolio.histories[:3]), informative)
