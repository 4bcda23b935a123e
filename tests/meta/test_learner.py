from __future__ import annotations

from copy import deepcopy
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autometa.errors import InputError, ModelError, PortfolioError, StoreError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.inference.posterior import Posterior
from autometa.meta.inference.refit_kernel import adapt_kernel
from autometa.meta.parts.kernel import Kernel
from autometa.meta.parts.prior import fit_prior
from autometa.meta.parts.zero_shot import greedy_portfolio
from autometa.portfolio import Portfolio
from autometa.task import Task, TaskHistory
from autometa.testing.families import Bowls, bowl_space


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=400).fit(Bowls().portfolio(12, 60))


def test_the_first_config_is_good_on_a_task_never_seen(model: MetaModel) -> None:
    family = Bowls()
    random = family.space.encode_raw(family.space.sample_raw(500, np.random.default_rng(1)))
    config = model.warm_start(1)[0].config
    better = [
        (family.score(number)(random) < family.objective(number)(config)).mean()
        for number in range(101, 111)
    ]
    assert np.mean(better) > 0.8


def test_same_seed_same_model_another_seed_another() -> None:
    portfolio = Bowls().portfolio(4, 20)
    first, again, other = (
        MetaLearner(seed=s, steps=50).fit(portfolio).warm_start(3) for s in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_the_recorded_direction_does_not_matter() -> None:
    up = MetaLearner(seed=0, steps=50).fit(Bowls().portfolio(4, 20, direction="maximize"))
    down = MetaLearner(seed=0, steps=50).fit(Bowls().portfolio(4, 20, direction="minimize"))
    assert up.warm_start(3) == down.warm_start(3)


def test_candidates_carry_an_inner_learning_rate_an_expectation_and_a_reason(
    model: MetaModel,
) -> None:
    candidates = model.warm_start(5)
    assert len(candidates) == 5
    assert len({str(c.config) for c in candidates}) == 5
    for candidate in candidates:
        assert candidate.inner_lr == candidate.config["learning_rate"]
        assert "12 prior tasks" in candidate.reason
    assert candidates[0].expected > 1.0
    assert model.warm_start(0) == []
    with pytest.raises(ModelError, match="n = -1"):
        model.warm_start(-1)


def test_nothing_to_learn_from_gives_the_defaults() -> None:
    space = bowl_space()
    constant = TaskHistory(
        task=Task(name="flat", space=space, direction="maximize"),
        raw=space.sample_raw(9, np.random.default_rng(0)),
        values=np.ones(9),
    )
    for portfolio in (Portfolio(), Portfolio([constant]), Bowls().portfolio(1, 2)):
        model = MetaLearner(seed=0).fit(portfolio, space=space)
        assert model.transfer is None
        assert [c.config for c in model.warm_start(3)] == [space.defaults]
    with pytest.raises(PortfolioError):
        MetaLearner(seed=0).fit(Portfolio())


@pytest.mark.parametrize(("tasks", "trials"), [(1, 5), (1, 40), (2, 3), (30, 4)])
def test_tiny_portfolios_still_fit(tasks: int, trials: int) -> None:
    model = MetaLearner(seed=0, steps=30).fit(Bowls().portfolio(tasks, trials))
    assert len(model.warm_start(3)) == 3


def test_save_and_load_round_trip(model: MetaModel, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "bowls.autometa"
    model.save(path)
    loaded = MetaModel.load(path)
    assert loaded.warm_start(6) == model.warm_start(6)
    assert loaded.tasks == model.tasks
    assert loaded.space == model.space
    assert [p.name for p in path.parent.iterdir()] == ["bowls.autometa"]


def test_a_model_without_transfer_round_trips(tmp_path: Path) -> None:
    model = MetaLearner(seed=0).fit(Portfolio(), space=bowl_space())
    model.save(tmp_path / "m")
    assert MetaModel.load(tmp_path / "m").transfer is None


def test_every_flipped_byte_is_noticed_or_harmless(model: MetaModel, tmp_path: Path) -> None:
    path = tmp_path / "m.autometa"
    model.save(path)
    blob = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(blob), size=60):
        path.write_bytes(blob[:place] + bytes([blob[place] ^ 0x10]) + blob[place + 1 :])
        try:
            loaded = MetaModel.load(path)
        except StoreError:
            continue
        # A flip in a name or in the archive's own bookkeeping: the tensors are the saved ones.
        assert loaded.transfer is not None
        assert model.transfer is not None
        assert np.array_equal(loaded.transfer.catalogue.unit, model.transfer.catalogue.unit)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"{}", b"\x00" * 999])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not an undamaged autometa model"):
        MetaModel.load(path)
    with pytest.raises(StoreError, match="there is no model"):
        MetaModel.load(tmp_path / "absent")


def test_em_recovers_the_heads_it_was_given() -> None:
    rng = np.random.default_rng(0)
    p, mean = 4, np.array([1.0, -2.0, 0.5, 0.0])
    heads = mean + 0.3 * rng.standard_normal((60, p))
    features = [rng.standard_normal((25, p)) for _ in heads]
    targets = [f @ w + 0.1 * rng.standard_normal(25) for f, w in zip(features, heads, strict=True)]
    prior = fit_prior(features, targets)
    assert np.allclose(prior.mean, mean, atol=0.15)
    assert np.allclose(np.sqrt(np.diag(prior.cov)), 0.3, atol=0.1)
    assert np.allclose(prior.heads, heads, atol=0.15)
    assert abs(prior.noise - 0.01) < 0.005


def test_the_blend_is_the_weighted_sum_of_heads_that_it_says() -> None:
    rng = np.random.default_rng(1)
    features = [rng.standard_normal((30, 3)) for _ in range(40)]
    targets = [f @ rng.standard_normal(3) for f in features]
    prior = fit_prior(features, targets)
    direction = rng.standard_normal(3)
    weights = prior.blend(direction)
    scatter = np.cov(prior.heads.T, bias=True)
    assert abs(weights.sum() - 1.0) < 1e-9
    assert np.allclose(weights @ prior.heads, prior.mean + scatter @ direction)


def test_greedy_takes_complementary_configs() -> None:
    # Config 0 is fair everywhere, 1 and 2 are perfect on one half of the tasks each.
    regret = np.array([[0.4, 0.4, 0.4, 0.4], [0.0, 0.0, 0.9, 0.9], [0.9, 0.9, 0.0, 0.0]])
    assert greedy_portfolio(regret, 3, np.full(4, 0.25)).tolist()[:1] == [0]
    assert set(greedy_portfolio(regret, 3, np.full(4, 0.25)).tolist()) == {0, 1, 2}
    assert greedy_portfolio(regret, 1, np.array([0.5, 0.5, 0.0, 0.0])).tolist() == [1]


def test_the_posterior_finds_the_task_that_the_trials_come_from(model: MetaModel) -> None:
    family = Bowls()
    assert model.transfer is not None
    unit = family.space.encode_raw(family.space.sample_raw(25, np.random.default_rng(5)))
    posterior = Posterior(model.transfer, unit, 100.0 + 7.0 * family.score(3)(unit))
    assert posterior.transfer_share > 0.5
    assert abs(posterior.task_weights.sum() - 1.0) < 0.5
    fresh = family.space.encode_raw(family.space.sample_raw(50, np.random.default_rng(6)))
    mean, deviation = posterior.predict(fresh)
    truth = 100.0 + 7.0 * family.score(3)(fresh)
    assert np.corrcoef(mean, truth)[0, 1] > 0.9
    assert (np.abs(mean - truth) < 3.0 * deviation + 0.5).mean() > 0.8


def test_trials_that_contradict_the_prior_tasks_silence_them(model: MetaModel) -> None:
    family = Bowls()
    assert model.transfer is not None
    unit = family.space.encode_raw(family.space.sample_raw(30, np.random.default_rng(5)))
    friendly = Posterior(model.transfer, unit, family.score(3)(unit))
    hostile = Posterior(model.transfer, unit, -family.score(3)(unit))
    assert hostile.transfer_share < friendly.transfer_share


def test_what_is_only_believed_decides_nothing(model: MetaModel) -> None:
    """Running trials take part at a guess; who guessed keeps its say, whatever the guess was."""
    family = Bowls()
    assert model.transfer is not None
    unit = family.space.encode_raw(family.space.sample_raw(30, np.random.default_rng(5)))
    scores = family.score(3)(unit)
    tried = Posterior(model.transfer, unit[:15], scores[:15])
    guess = np.r_[scores[:15], -scores[15:]]
    anew = Posterior(model.transfer, unit, guess)
    believed = Posterior(model.transfer, unit, guess, judged=tried)
    assert anew.transfer_share != tried.transfer_share == believed.transfer_share
    assert all(believed.adapted[arm] is kernel for arm, kernel in tried.adapted.items())
    assert tried.adapted
    (known, _), (told, _) = tried.predict(unit[15:]), believed.predict(unit[15:])
    assert np.abs(told + scores[15:]).mean() < np.abs(known + scores[15:]).mean()


def test_the_posterior_survives_constant_and_diverged_scores(model: MetaModel) -> None:
    family = Bowls()
    assert model.transfer is not None
    unit = family.space.encode_raw(family.space.sample_raw(10, np.random.default_rng(5)))
    for scores in (np.zeros(10), np.r_[-1e81, np.arange(9.0)], np.r_[1e81, np.arange(9.0)]):
        assert np.isfinite(Posterior(model.transfer, unit, scores).log_ei(unit)).all()


@pytest.mark.parametrize("trials", [5, 30])
def test_the_slope_of_the_improvement_is_its_derivative(model: MetaModel, trials: int) -> None:
    family = Bowls()
    assert model.transfer is not None
    rng = np.random.default_rng(3)
    unit = family.space.encode_raw(family.space.sample_raw(trials, rng))
    posterior = Posterior(model.transfer, unit, family.score(103)(unit))
    asked = family.space.encode_raw(family.space.sample_raw(5, rng))
    value, slope = posterior.log_ei_slope(asked)
    assert np.allclose(value, posterior.log_ei(asked))
    small = 1e-3  # the basis works in single precision
    for k, direction in enumerate(np.eye(unit.shape[1])):
        ahead, behind = (posterior.log_ei(asked + s * small * direction) for s in (1, -1))
        numeric = (ahead - behind) / (2 * small)
        assert np.allclose(slope[:, k], numeric, rtol=0.05, atol=0.05)


def test_an_adapted_kernel_learns_which_parameters_matter_and_few_trials_hardly_move_it() -> None:
    rng = np.random.default_rng(0)
    learned = Kernel(scales=np.full(3, 0.7), variance=1.0, noise=0.01)
    unit = rng.random((200, 3))
    score = np.sin(9.0 * unit[:, 0])
    found = adapt_kernel(learned, unit, score)
    adapted = found.kernel
    assert adapted.scales[0] < 0.7 < min(adapted.scales[1:])
    assert adapted.noise < learned.noise
    few = adapt_kernel(learned, unit[:3], score[:3])
    assert np.abs(np.log(few.kernel.scales / learned.scales)).max() < 0.7
    assert 0.0 <= few.log_prior_penalty < found.log_prior_penalty


def test_what_is_already_known_is_not_learned_twice() -> None:
    rng = np.random.default_rng(0)
    learned = Kernel(scales=np.full(2, 0.7), variance=0.3, noise=0.01)
    unit = rng.random((40, 2))
    slope = rng.standard_normal(2)
    score = unit @ slope
    alone = adapt_kernel(learned, unit, score)
    beside = adapt_kernel(learned, unit, score, unit @ np.outer(slope, slope) @ unit.T)
    assert beside.kernel.variance < alone.kernel.variance


def test_a_model_stays_as_it_is_made_and_can_be_copied(model: MetaModel, tmp_path: Path) -> None:
    for name in ("licence", "anything"):
        with pytest.raises(FrozenInstanceError):
            setattr(model, name, "")
    model.save(tmp_path / "model")
    read = MetaModel.load(tmp_path / "model")
    for copied in (replace(model, licence="MIT"), read, deepcopy(model)):
        assert type(copied) is MetaModel
        assert [c.config for c in copied.warm_start(3)] == [c.config for c in model.warm_start(3)]
    assert (read.tasks, read.lineage) == (model.tasks, model.lineage)


@pytest.mark.parametrize("portfolio", ["my-portfolio", "sqlite:///tuning.db", None])
def test_what_is_no_portfolio_is_refused_with_what_reads_it(portfolio: Any) -> None:
    with pytest.raises(InputError, match=r"Portfolio\.open"):
        MetaLearner().fit(portfolio)
