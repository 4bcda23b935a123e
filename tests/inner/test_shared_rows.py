"""A head whose rows start alike tells no class from another beforehand and serves any number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from autometa.errors import InputError, ModelError, StoreError
from autometa.inner import MAML, Episodes, FittedMAML, Outer, RateRule, accuracy, head, reptile
from autometa.inner.compiled import Compiled
from autometa.inner.early import Validation
from autometa.inner.episodes import EpisodeSource
from autometa.inner.rates import SHARED, expand
from autometa.inner.stateless import frozen_copy

KINDS = ("fixed", "scalar", "tensor", "parameter", "layer_step", "parameter_step")
HEAD = ("2.weight", "2.bias")


def child(classes: int, hidden: int = 6) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, classes))


def clouds(classes: int) -> EpisodeSource:
    """Episodes of so many clouds of points in four dimensions, two and three points each."""

    def draw(rng: np.random.Generator, n: int) -> Episodes:
        middle = rng.normal(size=(n, 1, classes, 4))
        x = torch.from_numpy((middle + 0.2 * rng.normal(size=(n, 5, classes, 4))).astype("f4"))
        y = torch.arange(classes).expand(n, 5, classes)
        return Episodes(
            support_x=x[:, :2].flatten(1, 2),
            support_y=y[:, :2].flatten(1),
            query_x=x[:, 2:].flatten(1, 2),
            query_y=y[:, 2:].flatten(1),
        )

    return draw


def recipe(classes: int = 3, **more: object) -> MAML:
    given = {
        "rates": RateRule(kind="parameter", initial=0.3, highest=10.0),
        "shared_rows": HEAD,
        "outer": Outer(tasks=4, rate=1e-2),
        "steps": 2,
        **more,
    }
    return MAML(child(classes), "cross_entropy", **given)  # type: ignore[arg-type]


def fit(classes: int = 3, iterations: int = 5, **more: object) -> FittedMAML:
    return recipe(classes, **more).fit(clouds(classes), iterations=iterations)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [1, 2])
def test_rows_start_alike_and_have_moved_together(kind: str, order: int) -> None:
    rates = RateRule(kind=kind, initial=0.3, highest=10.0)  # type: ignore[arg-type]
    fitted = fit(rates=rates, order=order)
    before = child(3).state_dict()
    for name in HEAD:
        rows = fitted.params[name]
        assert rows.shape == before[name].shape
        assert torch.equal(rows, rows[:1].expand_as(rows))
    assert not torch.allclose(fitted.params["0.weight"], before["0.weight"])
    if kind.startswith("parameter"):
        log = fitted.logs["2.weight"]
        assert torch.equal(log, log[:, :1].expand_as(log))
        assert float(log.std()) > 0
    elif kind in ("fixed", "scalar"):
        assert fitted.logs[SHARED].shape == (1,)


def test_a_start_is_the_mean_of_the_child_s_rows() -> None:
    params = recipe().learner().params
    assert torch.allclose(params["2.weight"], child(3).state_dict()["2.weight"].mean(0)[None])
    assert params["0.weight"].shape == (6, 4)


def test_classes_called_otherwise_are_told_apart_as_well() -> None:
    fitted, tasks = fit(), clouds(3)(np.random.default_rng(5), 1)
    order = torch.tensor([2, 0, 1])  # the class that was 0 is called 2
    plain = fitted.adapt((tasks.support_x[0], tasks.support_y[0]))(tasks.query_x[0])
    called = fitted.adapt((tasks.support_x[0], order[tasks.support_y[0]]))(tasks.query_x[0])
    assert torch.allclose(called[:, order], plain, atol=1e-5)
    without = fit(shared_rows=())
    plain = without.adapt((tasks.support_x[0], tasks.support_y[0]))(tasks.query_x[0])
    called = without.adapt((tasks.support_x[0], order[tasks.support_y[0]]))(tasks.query_x[0])
    assert not torch.allclose(called[:, order], plain, atol=1e-2)


@pytest.mark.parametrize("classes", [2, 7])
@pytest.mark.parametrize("kind", ["scalar", "parameter", "layer_step"])
def test_what_was_learned_serves_any_number_of_classes(
    tmp_path: Path, classes: int, kind: str
) -> None:
    rates = RateRule(kind=kind, initial=0.3, highest=10.0)  # type: ignore[arg-type]
    fitted = fit(iterations=60, rates=rates)
    tasks = clouds(classes)(np.random.default_rng(1), 30)
    other = fitted.on(child(classes))
    found = other.curve(tasks, 5, accuracy).mean(0)
    assert found[0] < 1.5 / classes
    assert found[2:].min() > 0.8
    folder = fitted.save(tmp_path / "start")
    loaded = FittedMAML.load(folder, child(classes))
    assert torch.equal(loaded.curve(tasks, 2), other.curve(tasks, 2))
    again = FittedMAML.load(loaded.save(tmp_path / "again"), child(3))
    assert torch.equal(again.params["2.weight"], fitted.params["2.weight"])
    module = other.adapt((tasks.support_x[0], tasks.support_y[0])).to_module()
    assert module(tasks.query_x[0]).shape == (3 * classes, classes)


def test_a_child_that_differs_in_more_is_refused(tmp_path: Path) -> None:
    fitted = fit()
    for other in (child(3, hidden=7), child(5, hidden=7), nn.Linear(4, 3)):
        with pytest.raises(ModelError, match="a child whose parameters differ"):
            fitted.on(other)
        with pytest.raises(ModelError, match="a child whose parameters differ"):
            FittedMAML.load(fitted.save(tmp_path / "start"), other)
    with pytest.raises(ModelError, match="a child whose parameters differ"):
        fit(shared_rows=()).on(child(5))


def test_a_file_whose_names_are_none_is_refused(tmp_path: Path) -> None:
    folder = fit().save(tmp_path / "start")
    (place,) = [path for path in folder.rglob("*.json") if "shared_rows" in path.read_text("utf-8")]
    content = json.loads(place.read_text("utf-8"))
    place.write_text(json.dumps({**content, "shared_rows": "2.weight"}), "utf-8")
    with pytest.raises(StoreError, match="shared_rows"):
        FittedMAML.load(folder, child(3))


def test_a_file_of_before_has_no_shared_rows(tmp_path: Path) -> None:
    fitted = fit(shared_rows=())
    folder = fitted.save(tmp_path / "start")
    (place,) = [path for path in folder.rglob("*.json") if "shared_rows" in path.read_text("utf-8")]
    content = json.loads(place.read_text("utf-8"))
    del content["shared_rows"]
    place.write_text(json.dumps(content), "utf-8")
    assert FittedMAML.load(folder, child(3)).shared_rows == ()


def test_one_after_the_other_learns_the_same() -> None:
    tasks = clouds(3)(np.random.default_rng(1), 5)
    plain, looped = fit(), fit(vectorised=False)
    assert torch.allclose(plain.curve(tasks, 3), looped.curve(tasks, 3), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_compiled_objective_has_the_same_gradients(kind: str) -> None:
    given = recipe(rates=RateRule(kind=kind, initial=0.3, highest=10.0))  # type: ignore[arg-type]
    plain = given.objective(frozen_copy(given.child))
    found = []
    for objective in (plain, Compiled(plain, given.steps, machine_code=False)):
        learner = given.learner()
        rates = expand(learner.logs, learner.adapted)
        loss = objective(learner.params, rates, clouds(3)(np.random.default_rng(1), 3), 0.0)
        found.append(torch.autograd.grad(loss, learner.leaves, allow_unused=True))
    pairs = list(zip(*found, strict=True))
    assert len(pairs) >= 4
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in pairs if a is not None)


def test_a_killed_training_goes_on_as_if_it_never_was(tmp_path: Path) -> None:
    whole = recipe().fit(clouds(3), iterations=6)
    recipe().fit(clouds(3), iterations=4, checkpoint=tmp_path / "c", every=2)
    resumed = recipe().fit(clouds(3), iterations=6, checkpoint=tmp_path / "c", every=2)
    for name, value in whole.params.items():
        assert torch.equal(value, resumed.params[name])
    with pytest.raises(ModelError):
        recipe(shared_rows=()).fit(clouds(3), iterations=6, checkpoint=tmp_path / "c")


def test_validation_tasks_judge_the_whole_head() -> None:
    kept = Validation(episodes=clouds(3)(np.random.default_rng(9), 5), every=5)
    fitted = recipe().fit(clouds(3), iterations=20, validation=kept)
    best = min(fitted.info["validation"]["losses"])
    assert float(fitted.curve(kept.episodes, 2)[:, -1].mean()) == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize(
    ("names", "adapted"),
    [
        (("head.weight",), None),
        (("0.weight",), HEAD),  # not adapted: alike for ever
        (("scale",), None),  # a single number
    ],
)
def test_names_without_rows_to_adapt_are_refused(
    names: tuple[str, ...], adapted: tuple[str, ...] | None
) -> None:
    module = child(3)
    module.register_parameter("scale", nn.Parameter(torch.tensor(1.0)))
    with pytest.raises(InputError, match=r"rows that start alike: \['.*head\(child\)"):
        MAML(module, "cross_entropy", adapted=adapted, shared_rows=names)
    assert MAML(module, "cross_entropy", shared_rows="2.bias").shared_rows == ("2.bias",)


def test_frozen_rows_are_refused_and_reptile_says_that_it_shares_none() -> None:
    module = child(3)
    module.get_submodule("2").requires_grad_(requires_grad=False)
    with pytest.raises(InputError, match="rows that start alike"):
        MAML(module, "cross_entropy", shared_rows=HEAD)
    with pytest.raises(InputError, match="shared_rows"):
        reptile.fit(recipe(rates="fixed"), clouds(3), iterations=1)


def test_head_names_them() -> None:
    assert head(child(3)) == HEAD
