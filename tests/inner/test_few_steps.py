"""A learned start as a scikit-learn classifier."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from autometa.errors import InputError, ModelError
from autometa.inner import MAML, Episodes, FittedMAML, few_steps
from autometa.inner.few_steps import FewStepClassifier, learn_start
from autometa.inner.tabular import Rows, network


def blobs(columns: int, classes: int, seed: int, rows: int = 200) -> Rows:
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    centres = 3.0 * rng.normal(size=(classes, columns))
    return Rows(rng.normal(size=(rows, columns)) + centres[y], y, f"blobs-{columns}-{classes}")


@pytest.fixture(scope="module")
def start() -> FittedMAML:
    few_shots = pytest.MonkeyPatch()
    few_shots.setattr(few_steps, "SHOTS", 30)
    few_shots.setattr(few_steps, "QUERIES", 30)
    try:
        return learn_start([blobs(3, 2, 0), blobs(6, 3, 1)], iterations=12)
    finally:
        few_shots.undo()


def test_it_learns_a_new_table_in_few_steps_better_than_without_the_start(
    start: FittedMAML,
) -> None:
    new = blobs(5, 3, 7, rows=300)
    labels = np.array(["a", "b", "c"])[new.y]
    train, test = slice(0, 150), slice(150, None)
    scores = {
        steps: FewStepClassifier(start, steps=steps)
        .fit(new.X[train], labels[train])
        .score(new.X[test], labels[test])
        for steps in (0, 10, 40)
    }
    assert scores[10] > 0.8
    assert scores[40] > 0.8
    assert scores[0] < 0.7


def test_probabilities_labels_and_repetition(start: FittedMAML) -> None:
    table = blobs(40, 2, 3)
    first, second = (FewStepClassifier(start, seed=5).fit(table.X, table.y + 7) for _ in range(2))
    p = first.predict_proba(table.X)
    assert p.shape == (200, 2)
    assert np.allclose(p.sum(axis=1), 1.0)
    assert set(first.predict(table.X)) <= {7, 8}
    assert np.array_equal(p, second.predict_proba(table.X))


def test_a_start_survives_its_file(start: FittedMAML, tmp_path: Path) -> None:
    start.save(tmp_path)
    again = FittedMAML.load(tmp_path, network(3, 1))
    table = blobs(4, 2, 9)
    before, after = (
        FewStepClassifier(s).fit(table.X, table.y).predict_proba(table.X) for s in (start, again)
    )
    assert np.array_equal(before, after)


def test_what_does_not_fit_is_refused(start: FittedMAML) -> None:
    with pytest.raises(ModelError, match="4 classes"):
        FewStepClassifier(start).fit(*_of(blobs(3, 4, 0)))
    x = torch.zeros(1, 4, 1)
    other = MAML(nn.Linear(1, 1)).fit(
        Episodes(support_x=x, support_y=x, query_x=x, query_y=x), iterations=1
    )
    with pytest.raises(ModelError, match="Linear"):
        FewStepClassifier(other).fit(*_of(blobs(3, 2, 0)))
    for no_start in (None, "start/"):
        with pytest.raises(ModelError, match=r"a start of a (NoneType|str)"):
            FewStepClassifier(no_start).fit(*_of(blobs(3, 2, 0)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no tables"):
        learn_start([])
    with pytest.raises(InputError, match=r"one table.*a list"):
        learn_start(blobs(3, 2, 0))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="50 rows"):
        learn_start([blobs(3, 2, 0, rows=50)], iterations=1)


def _of(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return rows.X, rows.y


def test_closed_outputs_leave_a_network_of_the_tables_own_classes() -> None:
    from autometa.inner.tabular import with_outputs

    module = network(5, 0)
    Z = np.random.default_rng(0).normal(size=(4, 32)).astype(np.float32)
    with torch.no_grad():
        outputs = module(torch.from_numpy(with_outputs(Z, 2, 5)))
        inner = module.layers(torch.from_numpy(Z))
    assert torch.equal(outputs[:, :2], inner[:, :2])
    assert torch.allclose(outputs.softmax(1)[:, :2], inner[:, :2].softmax(1))
    assert outputs.softmax(1)[:, 2:].max() == 0.0
