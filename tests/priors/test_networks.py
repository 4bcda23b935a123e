"""Priors of networks: their names, rates at the size in question, and what ships."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

import autometa
from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.portfolio.store import shipped
from autometa.priors.aliases import ALIASES, OTHERS
from autometa.priors.beginning import NAMES, START
from autometa.priors.by_size import at_size
from autometa.priors.knowing import known_of, wish_of
from autometa.priors.meanings import meaning
from autometa.space import SearchSpace
from autometa.space.clipping import clip_to
from autometa.task import Task, TaskHistory

RATE = FloatDistribution(1e-5, 1e-1, log=True)
QUICK = MetaLearner(steps=5)
NETWORKS = ("finetune_image", "torch_tabular", "text_rnn", "pretrain_lm")
DOCUMENTED = {
    "finetune_image": """lr=learning_rate wd=weight_decay optim=optimizer img_size=image_size
        eta_min=min_learning_rate per_device_train_batch_size=batch_size
        lr_scheduler_type=scheduler""",
    "torch_tabular": """learning_rate_init=learning_rate n_layers=depth hidden_size=width
        dropout_rate=dropout batchsize=batch_size""",
    "text_rnn": "lr=learning_rate adam_beta1=beta1 eps=epsilon",
    "pretrain_lm": "max_lr=learning_rate beta_2=beta2 cooldown_fraction=cooldown",
}


def language(sizes: dict[str, float], best: float, name: str) -> TaskHistory:
    space = SearchSpace({"learning_rate": RATE}, inner_lr="learning_rate", name="pretrain_lm")
    raw = np.geomspace(1e-5, 1e-1, 33)[:, None]
    return TaskHistory(
        task=Task(name=name, space=space, direction="minimize", meta_features=sizes),
        raw=raw,
        values=np.log(raw[:, 0] / best) ** 2,
    )


def test_the_names_that_outsiders_rely_on_ship() -> None:
    assert set(shipped.network_names()) == set(NETWORKS)
    assert not set(shipped.network_names()) & set(shipped.embedded_names())


@pytest.mark.parametrize("name", NETWORKS)
def test_what_ships_says_where_it_comes_from(name: str) -> None:
    found = Portfolio.embedded(name)
    assert len(found) >= 12
    assert found.space.inner_lr == "learning_rate"
    assert {t.info["licence"] for t in found.tasks} <= {"Apache-2.0", "BSD-3-Clause", "MIT"}
    assert all(t.info["source"] for t in found.tasks)
    assert found.licence == "Apache-2.0 AND BSD-3-Clause AND MIT"
    assert set(ALIASES[name]) == set(found.space.names)
    text = (shipped.NETWORKS / "manifest.json").read_text(encoding="utf-8")
    assert not re.search(r'"/|[ =]/(home|tmp|root|usr|work)', text)
    assert sum(p.stat().st_size for p in shipped.NETWORKS.iterdir()) < 1_000_000


@pytest.mark.parametrize(
    ("family", "alias", "own"),
    [(f, *pair.split("=")) for f, pairs in DOCUMENTED.items() for pair in pairs.split()],
)
def test_aliases_are_known_behind_any_prefix(family: str, alias: str, own: str) -> None:
    for form in (alias, f"module__{alias}", f"training.{alias}", alias.upper()):
        assert meaning(family, form, tuple(ALIASES[family])).own == (own,), form


def test_no_name_means_two_things() -> None:
    for family in NETWORKS:
        said = [a for own in ALIASES[family] for a in (own, *ALIASES[family][own].split())]
        assert len(said) == len(set(said))
        assert not set(said) & OTHERS.get(family, {}).keys()


def test_a_study_of_fine_tuning_starts_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Portfolio.embedded("finetune_image")
    few = Portfolio(whole.histories[:6], licence=whole.licence)
    monkeypatch.setattr(Portfolio, "embedded", staticmethod(lambda name, **_: few))
    space: dict[str, BaseDistribution] = {
        "lr": RATE,
        "wd": FloatDistribution(1e-6, 1e-1, log=True),
        "optim": CategoricalDistribution(["adamw", "sgd"]),
        "bs": CategoricalDistribution([16, 32, 64]),
        "mixup": FloatDistribution(0.0, 1.0),
    }
    study = autometa.create_study(
        "maximize", prior="finetune_image", space=space, metric="top-5", learner=QUICK
    )
    assert "know 4 of 5 parameters (not mixup)" in study.user_attrs[START]
    told = study.user_attrs[NAMES]
    assert "finetune_image: optim is optimizer" in told
    assert not any("did you mean" in line for line in told)
    assert any("no prior task was scored by top-5" in line for line in told)
    trial = study.ask(space)
    assert trial.user_attrs["autometa:rule"] == "portfolio"
    sampler = autometa.MetaSampler(prior="finetune_image", seed=0)  # learns the names by itself
    by_run = optuna.create_study(direction="maximize", sampler=sampler)
    assert 1e-5 <= by_run.ask().suggest_float("lr", 1e-5, 1e-1, log=True) <= 1e-1


def test_a_standard_metric_is_checked_and_chosen() -> None:
    wish = wish_of(space=SearchSpace({"lr": RATE}), direction="minimize", metric="log_loss")
    found = known_of("torch_tabular", wish)
    assert {t.metric for t in found.prior.tasks} == {"log_loss"}  # type: ignore[union-attr]
    with pytest.raises(InputError, match="maximize"):
        autometa.create_study("maximize", prior="torch_tabular", metric="log_loss")


def test_a_near_name_is_said() -> None:
    with pytest.raises(autometa.errors.StoreError, match="Did you mean 'finetune_image'"):
        autometa.create_study("maximize", prior="finetune_images")


# By size -----------------------------------------------------------------------------------------

SMALL = {"n_params": 3e7, "n_tokens": 1e9, "batch_size": 64.0}
LARGE = {"n_params": 7e8, "n_tokens": 3e10, "batch_size": 128.0}


def best_of(portfolio: Portfolio) -> list[float]:
    return [float(h.raw[np.argmin(h.values), 0]) for h in portfolio.histories]


def test_rates_move_to_the_size_in_question() -> None:
    prior = Portfolio([language(SMALL, 2e-3, "small"), language(LARGE, 6e-4, "large")])
    small, line = at_size(prior, "pretrain_lm", SMALL)
    assert best_of(small)[0] == pytest.approx(best_of(prior)[0])
    assert best_of(small)[1] > 1.3 * best_of(prior)[1]
    assert "n_params = 3e+07" in line
    large, _ = at_size(prior, "pretrain_lm", {"n_params": 7e8, "n_tokens": 3e10})
    assert best_of(large)[0] < best_of(prior)[0] / 1.3
    assert len(small.spaces) == 1  # one range holds them all
    inside = small.space.distributions["learning_rate"]
    assert all(inside.low <= v <= inside.high for h in small.histories for v in h.raw[:, 0])  # type: ignore[attr-defined]


def test_nothing_moves_without_a_size_or_a_law() -> None:
    prior = Portfolio([language(SMALL, 2e-3, "small")])
    same, line = at_size(prior, "pretrain_lm", {"batch_size": 64.0})
    assert same is prior
    assert "no size is known" in line
    assert at_size(prior, "text_rnn", SMALL) == (prior, "")
    for unknown in (float("nan"), float("inf"), "many", None):
        assert at_size(prior, "pretrain_lm", {"n_params": unknown})[0] is prior  # type: ignore[dict-item]


def test_sizes_that_are_far_or_wrong_are_said() -> None:
    prior = Portfolio([language(SMALL, 2e-3, "small")])
    assert "far beyond" in at_size(prior, "pretrain_lm", {"n_params": 1e12})[1]
    typo = at_size(prior, "pretrain_lm", {"n_param": 3e8, "n_tokens": 1e10, "rows": 5.0})[1]
    assert typo.endswith("; 'n_param' is none of the sizes: did you mean 'n_params'?")
    study = autometa.create_study(
        "minimize", prior="pretrain_lm", meta_features={"n_param": 3e8, "n_tokens": 1e10}
    )
    assert "did you mean 'n_params'?" in study.user_attrs[NAMES][0]
    for wrong in (0.0, -3.0):
        with pytest.raises(InputError, match="n_params"):
            at_size(prior, "pretrain_lm", {"n_params": wrong})


def test_every_door_moves_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    prior = Portfolio([language(SMALL, 2e-3, "small"), language(LARGE, 6e-4, "large")])
    monkeypatch.setattr(Portfolio, "embedded", staticmethod(lambda name, **_: prior))
    space: dict[str, BaseDistribution] = {"lr": RATE}
    told: list[Any] = []
    for sizes in (SMALL, LARGE):
        options: dict[str, Any] = {"meta_features": sizes, "learner": QUICK, "space": space}
        study = autometa.create_study("minimize", prior="pretrain_lm", **options)
        other = autometa.warm_start(
            optuna.create_study(direction="minimize"), "pretrain_lm", **options
        )
        told.append([s.ask(space).params["lr"] for s in (study, other)])
    assert told[0][0] == told[0][1] > told[1][0] == told[1][1]


@pytest.mark.parametrize("other", ["torch_tabular", "finetune_image", "pretrain_lm"])
def test_defaults_of_one_family_lie_in_the_ranges_of_another(other: str) -> None:
    wish = wish_of(space=SearchSpace({"lr": RATE}), direction="maximize")
    for prior in ([other, "mlp"], ["mlp", other]):
        known = known_of(prior, wish)
        assert known.space is not None
        assert "epochs" in known.held
        for name, value in known.held.items():
            assert clip_to(known.space.distributions[name], value) == (value, False)
    held = known_of([other, "mlp"], wish).held["weight_decay"]
    assert held == known_of(other, wish).space.distributions["weight_decay"].low  # type: ignore[union-attr]
