"""What vmap cannot batch is looped over and named; tasks that are no numbers are left out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autometa.errors import InputError
from autometa.inner import MAML, Episodes, FittedMAML, Outer, RateRule, reptile
from autometa.inner.compiled import Compiled
from autometa.inner.stateless import frozen_copy
from autometa.inner.training import train

QUICK = Outer(tasks=4, rate=1e-2)


def sums(rng: np.random.Generator, n: int) -> Episodes:
    x = torch.from_numpy(rng.normal(size=(n, 6, 5, 3)).astype(np.float32))
    y = x.sum((-2, -1))[..., None] * torch.from_numpy(rng.normal(size=(n, 1, 1))).float()
    return Episodes(support_x=x[:, :3], support_y=y[:, :3], query_x=x[:, 3:], query_y=y[:, 3:])


class Recurrent(nn.Module):
    def __init__(self, layer: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.memory = layer(3, 4, batch_first=True)
        self.drop, self.out = nn.Dropout(0.2), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(self.drop(self.memory(x)[0][:, -1]))
        return out


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(15, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x.flatten(1))
        return 2 * out if bool(out.detach().mean() > 0) else out


CHILDREN: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "gru": (lambda: Recurrent(nn.GRU), "GRU 'memory'"),
    "lstm": (lambda: Recurrent(nn.LSTM), "LSTM 'memory'.*aten::lstm"),
    "branch": (Branching, "Branching .*RuntimeError"),
    "norm": (
        lambda: nn.Sequential(
            nn.Flatten(), nn.utils.parametrizations.spectral_norm(nn.Linear(15, 1))
        ),
        "_SpectralNorm '1.parametrizations.weight.0'",
    ),
}


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    return CHILDREN[name][0]()


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch's own, of LSTM
@pytest.mark.parametrize("name", CHILDREN)
def test_what_vmap_cannot_batch_is_looped_over_and_named(name: str) -> None:
    with pytest.warns(UserWarning, match=CHILDREN[name][1]) as caught:
        fitted = MAML(made(name), outer=QUICK).fit(sums, iterations=3)
    assert len([w for w in caught if "vmap cannot batch" in str(w.message)]) == 1
    looped = MAML(made(name), outer=QUICK, vectorised=False).fit(sums, iterations=3)
    assert all(torch.equal(value, looped.params[key]) for key, value in fitted.params.items())


def test_curves_and_reptile_fall_back_too() -> None:
    recipe = MAML(made("branch"), rates="fixed", outer=QUICK)
    with pytest.warns(UserWarning, match="cannot batch"):
        fitted = reptile.fit(recipe, sums, iterations=2)
    with pytest.warns(UserWarning, match="cannot batch"):
        assert fitted.curve(sums(np.random.default_rng(0), 4), 2).shape == (4, 3)


@pytest.mark.filterwarnings("ignore:vmap cannot batch")
def test_a_resumed_run_that_falls_back_equals_an_unbroken_one(tmp_path: Path) -> None:
    recipe = MAML(made("gru"), outer=QUICK)
    unbroken = recipe.fit(sums, iterations=4)
    recipe.fit(sums, iterations=2, checkpoint=tmp_path)
    resumed = recipe.fit(sums, iterations=4, checkpoint=tmp_path)
    assert all(torch.equal(value, resumed.params[key]) for key, value in unbroken.params.items())


def test_a_mistake_of_the_users_is_shown_as_itself() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        MAML(nn.Linear(2, 1), outer=QUICK).fit(sums, iterations=1)


# A task that cannot be learned from.

FLAT = nn.Sequential(nn.Flatten(), nn.Linear(15, 1))


def with_nan(part: str, task: int = 1) -> Callable[[np.random.Generator, int], Episodes]:
    def draw(rng: np.random.Generator, n: int) -> Episodes:
        parts = {name: value.clone() for name, value in sums(rng, n).named().items()}
        parts[part][task] = math.nan
        return Episodes(**parts)

    return draw


def without(task: int) -> Callable[[np.random.Generator, int], Episodes]:
    def draw(rng: np.random.Generator, n: int) -> Episodes:
        return sums(rng, n)[torch.tensor([k for k in range(n) if k != task])]

    return draw


@pytest.mark.parametrize("part", ["support_x", "support_y", "query_x", "query_y"])
@pytest.mark.parametrize("vectorised", [True, False])
def test_a_task_of_nan_is_left_out_and_the_others_count(part: str, vectorised: bool) -> None:
    recipe = MAML(FLAT, outer=QUICK, vectorised=vectorised)
    with pytest.warns(UserWarning, match=rf"task drawn 1 at iteration 0 .*NaN in {part}"):
        fitted = recipe.fit(with_nan(part), iterations=3)
    clean = recipe.fit(without(1), iterations=3)
    assert fitted.info["skipped"] == 0
    assert sum(fitted.info["left_out"].values()) == 3
    assert all(math.isfinite(loss) for loss in fitted.info["losses"])
    for name, value in clean.params.items():
        assert torch.allclose(fitted.params[name], value, atol=1e-6)
        assert not torch.equal(fitted.params[name], FLAT.get_parameter(name))


@pytest.mark.parametrize("part", ["support_x", "query_y"])
def test_reptile_leaves_it_out_too(part: str) -> None:
    recipe = MAML(FLAT, rates=RateRule(kind="fixed"), outer=QUICK)
    with pytest.warns(UserWarning, match="task drawn 1 at iteration 0"):
        fitted = reptile.fit(recipe, with_nan(part), iterations=2)
    clean = reptile.fit(recipe, without(1), iterations=2)
    assert all(torch.allclose(fitted.params[name], value) for name, value in clean.params.items())
    assert sum(fitted.info["left_out"].values()) == 2


def test_a_given_task_is_called_by_its_number_and_warned_of_once() -> None:
    stack = with_nan("support_y", 5)(np.random.default_rng(0), 8)
    with pytest.warns(UserWarning, match="left out") as caught:
        fitted = MAML(FLAT, outer=QUICK).fit([stack[:4], stack[4:]], iterations=12)
    assert [str(w.message) for w in caught] == ["task 5 is left out: NaN in support_y"]
    assert set(fitted.info["left_out"]) == {"5"}
    assert fitted.info["left_out"]["5"] > 1


def test_a_loss_that_only_some_tasks_make_infinite() -> None:
    def draw(rng: np.random.Generator, n: int) -> Episodes:
        parts = {name: value.clone() for name, value in sums(rng, n).named().items()}
        parts["query_y"][2] = math.inf
        return Episodes(**parts)

    with pytest.warns(UserWarning, match="task drawn 2 at iteration 0 is left out: its loss is"):
        fitted = MAML(FLAT, outer=QUICK).fit(draw, iterations=2)
    assert fitted.info["skipped"] == 0


def test_a_finite_loss_with_a_gradient_that_is_not() -> None:
    def root(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).square().sum().sqrt()

    def draw(rng: np.random.Generator, n: int) -> Episodes:
        parts = {name: value.clone() for name, value in sums(rng, n).named().items()}
        for name in ("query_x", "query_y"):
            parts[name][0] = 0.0  # outputs equal targets: the root has no gradient there
        return Episodes(**parts)

    child = nn.Sequential(nn.Flatten(), nn.Linear(15, 1, bias=False))
    with pytest.warns(UserWarning, match="its gradient is not finite"):
        fitted = MAML(child, root, outer=QUICK).fit(draw, iterations=2)
    assert fitted.info["skipped"] == 0


def test_an_update_without_a_sound_task_is_skipped() -> None:
    def broken(rng: np.random.Generator, n: int) -> Episodes:
        parts = sums(rng, n).named()
        return Episodes(**{**parts, "query_y": parts["query_y"] * math.nan})

    with pytest.warns(UserWarning, match="left out"):
        fitted = MAML(FLAT, outer=QUICK).fit(broken, iterations=8)
    assert fitted.info["skipped"] == 8
    assert fitted.info["losses"] == [None] * 8
    counts = fitted.info["left_out"]
    assert len(counts) == 21
    assert sum(counts.values()) == 32
    start = dict(FLAT.named_parameters())
    assert all(torch.equal(value, start[name]) for name, value in fitted.params.items())


def test_counts_survive_a_checkpoint(tmp_path: Path) -> None:
    recipe = MAML(FLAT, outer=QUICK)
    with pytest.warns(UserWarning, match="left out"):
        recipe.fit(with_nan("query_x"), iterations=2, checkpoint=tmp_path)
    with pytest.warns(UserWarning, match="left out"):
        fitted = recipe.fit(with_nan("query_x"), iterations=3, checkpoint=tmp_path)
    assert sum(fitted.info["left_out"].values()) == 3


def test_adapting_to_nan_is_an_error_and_its_curve_is_nan() -> None:
    fitted = MAML(FLAT, outer=QUICK).fit(sums, iterations=1)
    episodes = with_nan("support_x")(np.random.default_rng(0), 3)
    with pytest.raises(InputError, match="NaN in the inputs"):
        fitted.adapt((episodes.support_x[1], episodes.support_y[1]))
    with pytest.warns(UserWarning, match="task 1: NaN in support_x"):
        curve = fitted.curve(episodes, 2)
    assert curve.isnan().all(1).tolist() == [False, True, False]


def test_a_compiled_objective_leaves_a_broken_task_out() -> None:
    recipe = MAML(FLAT, outer=QUICK)

    def fit(source: Any) -> FittedMAML:
        learner = recipe.learner()
        objective = recipe.objective(frozen_copy(FLAT))
        learner.objective = Compiled(objective, recipe.steps, machine_code=False)
        train(learner, source, iterations=2, checkpoint=None, every=9, progress=False)
        return recipe.finish(learner)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="task drawn")
        fitted = fit(with_nan("support_x"))
    clean = fit(without(1))
    for name, value in clean.params.items():
        assert torch.allclose(fitted.params[name], value, atol=1e-6)
