from __future__ import annotations

from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import torch

from autometa.children.mlp.estimator import MLPClassifier, MLPRegressor
from autometa.children.mlp.training import _optimizer, _Pace, initial, train
from autometa.threads import one_torch_thread

CONFIG: dict[str, Any] = {
    "learning_rate": 0.02,
    "batch_size": 32,
    "epochs": 20,
    "depth": 2,
    "width": 16,
    "dropout": 0.0,
    "weight_decay": 1e-3,
    "optimizer": "adam",
    "momentum": 0.9,
    "class_weight": "none",
}


def _rings(rows: int, seed: int) -> tuple[Any, Any]:
    X = np.random.default_rng(seed).normal(size=(rows, 2))
    return X, ((X**2).sum(axis=1) > 1.4).astype(np.int64)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_updates_equal_torchs_own(optimizer: str) -> None:
    flat, _ = initial(1, [3, 4, 2], torch.Generator().manual_seed(0))
    assert flat.grad is not None
    twin = flat.clone().requires_grad_()
    pace = _Pace(5, falls=False)
    update = _optimizer(flat, {**CONFIG, "optimizer": optimizer, "weight_decay": 0.1}, pace)
    theirs: torch.optim.Optimizer
    if optimizer == "adam":
        theirs = torch.optim.AdamW([twin], lr=0.02, weight_decay=0.1)
    else:
        theirs = torch.optim.SGD([twin], lr=0.02, momentum=0.9)
    for step in range(5):
        gradient = torch.randn(flat.shape, generator=torch.Generator().manual_seed(step))
        flat.grad.copy_(gradient)
        update()
        twin.grad = gradient.clone()
        if optimizer == "sgd":  # torch's SGD has no decoupled decay
            twin.data.mul_(1 - 0.02 * 0.1)
        theirs.step()
        torch.testing.assert_close(flat, twin.detach())


def test_folds_do_not_touch_each_other() -> None:
    """A fold's network is the same whatever data its neighbour has, even diverging data."""
    X, y = _rings(90, 0)
    other, labels = _rings(90, 1)
    results = []
    for neighbour in (other, other * 1e30):
        layers = train(
            [(X, y), (neighbour, labels)], [X, X], {**CONFIG, "epochs": 3}, classes=2, seed=0
        )
        results.append([w[0] for w, _ in layers])
    for first, second in zip(*results, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)


def test_training_stops_when_told_and_sees_each_epoch() -> None:
    X, y = _rings(60, 0)
    seen: list[float] = []

    def watch(predicted: list[Any]) -> bool:
        seen.append(float((predicted[0].argmax(axis=1) == y).mean()))
        return len(seen) == 4

    train([(X, y)], [X], {**CONFIG, "epochs": 50}, classes=2, seed=0, watch=watch)
    assert len(seen) == 4


def test_the_number_of_torch_threads_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    train([_rings(20, 0)], [np.zeros((1, 2))], {**CONFIG, "epochs": 1}, classes=2, seed=0)
    assert torch.get_num_threads() == before


def test_the_rate_falls_along_half_a_cosine_unless_it_was_learned() -> None:
    falling, level = _Pace(4, falls=True), _Pace(4, falls=False)
    half = 0.5**0.5
    expected = [1.0, (1 + half) / 2, 0.5, (1 - half) / 2]
    assert [falling.next() for _ in range(4)] == pytest.approx(expected)
    assert [level.next() for _ in range(4)] == [1.0] * 4


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_the_classifier_learns_what_no_line_can(dropout: float) -> None:
    X, y = _rings(400, 0)
    options = {**CONFIG, "dropout": dropout, "width": 32, "epochs": 60}
    model = MLPClassifier(**options).fit(X, np.array(["in", "out"])[y])
    X_new, y_new = _rings(400, 1)
    assert (model.predict(X_new) == np.array(["in", "out"])[y_new]).mean() > 0.9
    chances = model.predict_proba(X_new)
    assert chances.shape == (400, 2)
    assert chances.sum(axis=1) == pytest.approx(np.ones(400))


def test_balanced_weights_find_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.05).astype(np.int64)
    X = rng.normal(size=(600, 2)) + y[:, None]
    recall = {
        weight: (MLPClassifier(**{**CONFIG, "class_weight": weight}).fit(X, y).predict(X) == y)[
            y == 1
        ].mean()
        for weight in ("none", "balanced")
    }
    assert recall["balanced"] > recall["none"] + 0.2


def test_the_regressor_works_in_the_targets_own_units() -> None:
    X = np.random.default_rng(0).normal(size=(300, 3))
    y = 1e6 + 1e4 * X[:, 0] * np.sign(X[:, 1])
    model = MLPRegressor(**{**CONFIG, "epochs": 80}).fit(X, y)
    assert model.score(X, y) > 0.8


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="one class"):
        MLPClassifier(**CONFIG).fit(np.zeros((4, 2)), [1, 1, 1, 1])


@pytest.mark.parametrize("first_leaves_first", [True, False])
def test_threads_that_overlap_leave_torch_its_threads(first_leaves_first: bool) -> None:
    before, inside = torch.get_num_threads(), []
    entered, leave = [Event(), Event()], [Event(), Event()]

    def work(k: int) -> None:
        with one_torch_thread():
            inside.append(torch.get_num_threads())
            entered[k].set()
            leave[k].wait()
        inside.append(torch.get_num_threads())

    torch.set_num_threads(3)
    try:
        both = [Thread(target=work, args=(k,)) for k in range(2)]
        for k in range(2):
            both[k].start()
            entered[k].wait()
        for k in (0, 1) if first_leaves_first else (1, 0):
            leave[k].set()
            both[k].join()
        after = Thread(target=lambda: inside.append(torch.get_num_threads()))
        after.start()
        after.join()
        assert inside == [1, 1, 3, 3, 3]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
