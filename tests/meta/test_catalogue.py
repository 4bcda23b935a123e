from __future__ import annotations

import numpy as np
import pytest

from autometa.meta import MetaLearner, MetaModel
from autometa.meta.targets import normal_scores
from autometa.testing.families import Bowls


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=200).fit(Bowls().portfolio(6, 60))


def test_no_task_expects_more_of_a_config_than_it_has_seen(model: MetaModel) -> None:
    assert model.transfer is not None
    catalogue = model.transfer.catalogue
    top = normal_scores(np.arange(60.0)).max()
    assert catalogue.scores.shape == (len(catalogue.unit), 6)
    assert catalogue.scores.max() <= top + 1e-9
    assert catalogue.scores.max(axis=0).min() > 1.0


def test_a_score_becomes_regret_in_the_tasks_own_metric(model: MetaModel) -> None:
    assert model.transfer is not None
    catalogue = model.transfer.catalogue
    best, middle, worst = (catalogue.regret_of(np.full((1, 6), z))[0] for z in (3.0, 0.0, -3.0))
    assert np.allclose(best, 0.0)
    assert np.allclose(middle, 1.0, atol=0.1)
    assert (worst > 1.0).all()
    assert (worst <= 2.0).all()
    assert (np.diff(catalogue.curves, axis=1) <= 1e-12).all()


def test_catalogued_configs_are_valid_encodings(model: MetaModel) -> None:
    assert model.transfer is not None
    unit = model.transfer.catalogue.unit
    assert np.allclose(model.space.encode_raw(model.space.decode_raw(unit)), unit)
