from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest

from autometa.meta import MetaLearner, MetaModel
from autometa.meta.data.early import Shown
from autometa.meta.parts.basis import fit_basis
from autometa.portfolio import Portfolio
from autometa.samplers.asking import suggest
from autometa.task import TaskHistory
from autometa.testing.families import Bowls

BOWLS = Bowls()
LEARNER = MetaLearner(seed=0, steps=100)
TEN, ELEVEN = BOWLS.portfolio(10), BOWLS.portfolio(11)


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return LEARNER.fit(TEN)


def test_one_more_task_keeps_the_basis(model: MetaModel, tmp_path: Path) -> None:
    more = LEARNER.refit(model, ELEVEN)
    assert model.transfer
    assert more.transfer
    assert more.tasks == tuple(t.name for t in ELEVEN.tasks)
    assert more.lineage.version == 2
    assert more.transfer.basis is model.transfer.basis
    assert more.transfer.prior.heads.shape == (11, 49)
    old, new = model.transfer.catalogue, more.transfer.catalogue
    assert new.judges.tolist() == list(range(11))
    np.testing.assert_array_equal(new.scores[: len(old.unit), :10], old.scores)
    assert len(new.unit) > len(old.unit)
    assert np.isfinite(new.scores).all()
    assert LEARNER.refit(more, ELEVEN) is more
    more.save(tmp_path / "m")
    assert MetaModel.load(tmp_path / "m").lineage == more.lineage
    assert LEARNER.refit(MetaModel.load(tmp_path / "m"), ELEVEN).lineage.version == 2


def test_where_no_task_is_left_nothing_is_known_any_more(model: MetaModel) -> None:
    bare = LEARNER.refit(model, Portfolio(), space=BOWLS.space)
    assert bare.transfer is None
    assert bare.tasks == ()
    assert bare.lineage.version == 2


def test_a_portfolio_that_has_outgrown_its_basis_is_fitted_anew(model: MetaModel) -> None:
    many = BOWLS.portfolio(13)
    more = LEARNER.refit(model, many)
    whole = LEARNER.fit(many)
    assert more.lineage == replace(whole.lineage, version=2)
    assert more.warm_start(3) == whole.warm_start(3)
    longer = LEARNER.refit(model, BOWLS.portfolio(10, trials=60))
    assert longer.lineage.fitted_trials == 600
    assert LEARNER.refit(LEARNER.fit(Portfolio(), space=BOWLS.space), TEN).transfer


def test_a_task_that_changed_is_judged_again_and_one_that_left_is_forgotten(
    model: MetaModel,
) -> None:
    first, *rest = TEN.histories
    worse = TaskHistory(task=first.task, raw=first.raw, values=-first.values)
    changed = LEARNER.refit(model, Portfolio([worse, *rest]))
    assert model.transfer
    assert changed.transfer
    assert changed.tasks[-1] == model.tasks[-1]
    assert changed.transfer.catalogue.judges.tolist() == [*range(1, 10), 0]
    fewer = LEARNER.refit(model, Portfolio(rest))
    assert fewer.transfer
    assert fewer.tasks == model.tasks[1:]
    assert fewer.transfer.catalogue.scores.shape[1] == 9
    assert len(fewer.transfer.similarity.values) == 9


@pytest.mark.parametrize(
    "change",
    [
        lambda h: replace(h, task=replace(h.task, meta_features={"rows": 5.0})),
        lambda h: replace(h, task=replace(h.task, family="other")),
        lambda h: replace(h, fidelity=np.full(len(h), 0.5)),
        lambda h: replace(h, fold_scores=np.tile(h.values[:, None], (1, 2))),
        lambda h: replace(h, curves=np.tile(h.values[:, None], (1, 2))),
    ],
    ids=["meta-features", "family", "fidelity", "folds", "curves"],
)
def test_all_that_a_task_teaches_is_looked_at(
    model: MetaModel, change: Callable[[TaskHistory], TaskHistory]
) -> None:
    first, *rest = TEN.histories
    more = LEARNER.refit(model, Portfolio([change(first), *rest]))
    assert more.lineage.version == 2


def test_a_flipped_direction_is_learned_anew(model: MetaModel) -> None:
    flipped = [replace(h, task=replace(h.task, direction="minimize")) for h in TEN.histories]
    other = LEARNER.refit(model, Portfolio(flipped))
    assert other.warm_start(1) != model.warm_start(1)
    assert other.lineage.version == 2


def test_other_terms_are_a_change_but_other_names_of_sources_are_none(model: MetaModel) -> None:
    assert LEARNER.refit(model, Portfolio(TEN.histories, provenance={"source": "x"})) is model
    assert LEARNER.refit(model, Portfolio(TEN.histories, licence="MIT")).licence == "MIT"


def regret(model: MetaModel) -> float:
    """Mean distance to the best of many random configs after six trials on new tasks."""
    space = BOWLS.space
    random = space.encode_raw(space.sample_raw(4000, np.random.default_rng(0)))
    left = []
    for number in range(50, 54):
        objective = BOWLS.objective(number)
        study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
        for _ in range(6):
            trial = study.ask()
            study.tell(trial, objective(suggest(trial, space)))
        left.append(float(BOWLS.score(number)(random).max()) - study.best_value)
    return float(np.mean(left))


def test_refitted_is_as_good_as_fitted_whole() -> None:
    grown = LEARNER.fit(BOWLS.portfolio(12))
    for count in (13, 14, 15):
        grown = LEARNER.refit(grown, BOWLS.portfolio(count))
    assert grown.lineage.version == 4
    assert grown.lineage.fitted_tasks == 12
    assert regret(grown) <= regret(LEARNER.fit(BOWLS.portfolio(15))) + 0.01


def test_the_basis_is_flat_where_no_trial_says_anything() -> None:
    rng = np.random.default_rng(0)
    unit = np.concatenate([rng.random((40, 2)), np.full((40, 1), 0.25)], axis=1)
    shown = Shown(unit=unit, fidelity=np.ones(40), target=unit[:, 0])
    basis = fit_basis([shown], rng=rng, steps=30)
    moved = unit.copy()
    moved[:, 2] = rng.random(40)
    np.testing.assert_array_equal(basis(moved), basis(unit))
    assert np.ptp(basis(unit)[:, 0]) > 0
