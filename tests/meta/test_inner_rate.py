from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from autometa.errors import ModelError, SpaceError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.parts.inner_rate import InnerRate, fit_rate_model, narrowed
from autometa.meta.parts.kernel import Kernel
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.task import Task, TaskHistory
from autometa.testing.families import Bowls, bowl_space

CONFIG: Config = {"depth": 3, "dropout": 0.2, "optimiser": "adam"}


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=50).fit(Bowls().portfolio(12, 60))


def best_rate(number: int) -> float:
    """The rate, log10, at which a bowl is deepest; it does not depend on the config."""
    space, score = bowl_space(), Bowls().score(number)
    grid = np.linspace(-5.0, 0.0, 501)
    unit = np.stack([space.encode({**CONFIG, "learning_rate": float(10.0**g)}) for g in grid])
    return float(grid[score(unit).argmax()])


def test_the_best_rate_of_new_tasks_is_near_and_inside_the_interval(model: MetaModel) -> None:
    truth = np.array([best_rate(number) for number in range(101, 141)])
    for found in (model.predict_inner_lr(config=CONFIG), model.predict_inner_lr()):
        assert -5.0 <= found.low < found.mean < found.high <= 0.0
        assert found.value == pytest.approx(10.0**found.mean)
        typical = np.median(np.abs(truth - np.median(truth)))
        assert np.median(np.abs(truth - found.mean)) < typical + 0.25
        assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.75
        assert found.high - found.low < 3.5


def test_the_rate_follows_the_config() -> None:
    """The best rate is the batch size to some power that differs a little between tasks."""
    space = SearchSpace(
        {
            "rate": FloatDistribution(1e-6, 1.0, log=True),
            "batch": FloatDistribution(1.0, 1000.0, log=True),
        },
        inner_lr="rate",
    )

    def history(number: int) -> TaskHistory:
        rng = np.random.default_rng(number)
        raw = space.sample_raw(80, rng)
        rate, batch = np.log10(raw).T
        off = rate - (-4.0 + batch + 0.2 * rng.standard_normal())
        task = Task(name=str(number), space=space, direction="maximize")
        return TaskHistory(task=task, raw=raw, values=-(off**2))

    model = MetaLearner(seed=0, steps=20).fit(Portfolio(history(k) for k in range(10)))
    small, large = (model.predict_inner_lr(config={"batch": b}) for b in (3.0, 300.0))
    assert small.mean == pytest.approx(-4.0 + math.log10(3.0), abs=0.5)
    assert large.mean == pytest.approx(-4.0 + math.log10(300.0), abs=0.5)
    assert model.predict_inner_lr(config={"batch": 3.0, "rate": 1.0}) == small


def test_a_rate_at_which_training_fails_is_a_bad_rate() -> None:
    """All complete trials are alike but for a little; those of high rates fail."""
    space = SearchSpace({"rate": FloatDistribution(1e-4, 1.0, log=True)}, inner_lr="rate")
    histories = []
    for number in range(4):
        raw = space.sample_raw(60, np.random.default_rng(number))
        rate = np.log10(raw[:, 0])
        values = np.where(rate > -1.5, np.nan, rate)
        task = Task(name=str(number), space=space, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=values))
    found = MetaLearner(seed=0, steps=20).fit(Portfolio(histories)).predict_inner_lr()
    assert found.mean == pytest.approx(-1.6, abs=0.4)


def test_it_is_the_same_again_and_after_a_round_trip(model: MetaModel, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    again = MetaLearner(seed=0, steps=50).fit(Bowls().portfolio(12, 60))
    for other in (MetaModel.load(tmp_path / "m"), again):
        assert other.predict_inner_lr(config=CONFIG) == model.predict_inner_lr(config=CONFIG)


def test_relevant_tasks_weigh_more() -> None:
    space = SearchSpace({"rate": FloatDistribution(1e-4, 1.0, log=True)}, inner_lr="rate")
    histories = []
    for number in range(8):
        raw = space.sample_raw(40, np.random.default_rng(number))
        centre = -3.0 if number < 4 else -1.0
        task = Task(name=str(number), space=space, direction="minimize")
        values = (np.log10(raw[:, 0]) - centre) ** 2
        histories.append(TaskHistory(task=task, raw=raw, values=values))
    kernel = Kernel(scales=np.full(space.dim, 0.5), variance=1.0, noise=0.02)
    fitted = fit_rate_model(space, histories, kernel, np.random.default_rng(0))
    unit = space.encode({"rate": 0.1})[None]
    low, high = (fitted.predict(space, unit, np.repeat(w, 4)) for w in ([0.25, 0], [0, 0.25]))
    assert isinstance(low, InnerRate)
    assert low.mean == pytest.approx(-3.0, abs=0.4)
    assert high.mean == pytest.approx(-1.0, abs=0.4)


def test_what_cannot_be_predicted_is_refused(model: MetaModel) -> None:
    space = bowl_space()
    with pytest.raises(ModelError, match="nothing was learned of 'learning_rate'"):
        MetaLearner(seed=0).fit(Portfolio(), space=space).predict_inner_lr()
    plain = SearchSpace({"x": FloatDistribution(0.0, 1.0)})
    with pytest.raises(ModelError, match="no inner learning rate"):
        MetaLearner(seed=0).fit(Portfolio(), space=plain).predict_inner_lr()
    with pytest.raises(SpaceError, match="depth"):
        model.predict_inner_lr(config={**CONFIG, "depth": 99})


@pytest.mark.parametrize(("tasks", "trials"), [(1, 5), (2, 3), (30, 4)])
def test_tiny_portfolios_give_wide_intervals(tasks: int, trials: int) -> None:
    fitted = MetaLearner(seed=0, steps=20).fit(Bowls().portfolio(tasks, trials))
    found = fitted.predict_inner_lr(config=CONFIG)
    assert -5.0 <= found.low <= found.mean <= found.high <= 0.0
    assert found.high - found.low > 1.0


def test_narrowed_rates_lie_in_the_interval_and_inactive_ones_stay() -> None:
    space = SearchSpace(
        {
            "optimiser": CategoricalDistribution(["sgd", "none"]),
            "rate": FloatDistribution(1e-5, 1.0, log=True),
            "other": FloatDistribution(0.0, 1.0),
        },
        conditions={"rate": ("optimiser", ["sgd"])},
        inner_lr="rate",
    )
    rng = np.random.default_rng(0)
    unit = space.encode_raw(space.sample_raw(60, rng))
    before = unit.copy()
    interval = InnerRate(mean=-2.5, low=-3.0, high=-2.0)
    raw = space.decode_raw(narrowed(space, unit, interval, rng))
    old = space.decode_raw(before)
    rate, is_off = raw[:, 1], np.isnan(old[:, 1])
    assert is_off.any()
    assert np.isnan(rate[is_off]).all()
    assert (rate[~is_off] >= 1e-3 * 0.999).all()
    assert (rate[~is_off] <= 1e-2 * 1.001).all()
    assert np.ptp(np.log10(rate[~is_off])) > 0.5
    assert np.array_equal(raw[:, [0, 2]], old[:, [0, 2]])
    assert np.array_equal(unit, before)


def test_tasks_that_never_used_the_rate() -> None:
    space = SearchSpace(
        {
            "solver": CategoricalDistribution(["exact", "sgd"]),
            "c": FloatDistribution(0.0, 1.0),
            "rate": FloatDistribution(1e-4, 1.0, log=True),
        },
        conditions={"rate": ("solver", ["sgd"])},
        inner_lr="rate",
    )
    rng = np.random.default_rng(0)

    def history(name: str, solver: float) -> TaskHistory:
        raw = space.sample_raw(12, rng)
        raw[:, 0] = solver
        raw[:, 2] = rng.uniform(0.1, 0.9, 12) if solver else np.nan
        task = Task(name=name, space=space, direction="maximize")
        return TaskHistory(task=task, raw=raw, values=raw[:, 1])

    learner = MetaLearner(seed=0, steps=10)
    model = learner.fit(Portfolio([history("exact", 0.0)]))
    with pytest.raises(ModelError, match="nothing was learned"):
        model.predict_inner_lr()
    mixed = learner.fit(Portfolio([history("exact", 0.0), history("sgd", 1.0)]))
    assert -4.0 <= mixed.predict_inner_lr(config={"solver": "sgd", "c": 0.5}).mean <= 0.0
