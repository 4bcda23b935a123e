from __future__ import annotations

from dataclasses import replace

import numpy as np

from autometa.encoding import Floats
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.inspect.task_map import task_map
from autometa.testing.families import Bowls


def model(scores: Floats) -> MetaModel:
    """A fitted model whose judges expect these scores (e, J) of the catalogue."""
    fitted = MetaLearner(seed=0, steps=20).fit(Bowls().portfolio(scores.shape[1], 12))
    assert fitted.transfer is not None
    catalogue = replace(fitted.transfer.catalogue, scores=scores)
    return replace(fitted, transfer=replace(fitted.transfer, catalogue=catalogue))


def test_similarity_is_the_rank_correlation() -> None:
    x = np.linspace(0.0, 1.0, 9)
    found = task_map(model(np.stack([x, x**3, -x, np.zeros(9)], axis=1)))
    assert np.allclose(found.similarity[0], [1.0, 1.0, -1.0, 0.0])
    assert np.allclose(np.diag(found.similarity), 1.0)
    gaps = np.linalg.norm(found.places[:, None] - found.places[None], axis=-1)
    assert np.allclose(gaps, np.sqrt(2.0 * (1.0 - found.similarity)), atol=1e-6)
    assert found.shown > 0.999
    assert np.allclose(found.relevance, 0.25)


def test_one_task_lies_in_the_middle() -> None:
    found = task_map(model(np.arange(5.0)[:, None]))
    assert found.places.tolist() == [[0.0, 0.0]]
    assert found.shown == 1.0


def test_a_plane_keeps_less_of_many_tasks() -> None:
    scores = np.random.default_rng(0).normal(size=(30, 8))
    found = task_map(model(scores))
    assert 0.2 < found.shown < 0.9
    assert np.allclose(found.places.mean(axis=0), 0.0)
