"""What is frozen stays frozen, shared parameters stay shared, buffers stay as they are."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autometa.errors import InputError, ModelError
from autometa.inner import MAML, Episodes, FittedMAML, Outer, RateRule, head, reptile
from autometa.inner.compiled import Compiled
from autometa.inner.stateless import frozen_copy
from autometa.inner.training import train

QUICK = Outer(tasks=4, rate=1e-2)


def lines(rng: np.random.Generator, n: int) -> Episodes:
    x = torch.from_numpy(rng.normal(size=(n, 8, 3)).astype(np.float32))
    y = (x * torch.from_numpy(rng.normal(size=(n, 1, 3)).astype(np.float32))).sum(-1, True)
    return Episodes(support_x=x[:, :4], support_y=y[:, :4], query_x=x[:, 4:], query_y=y[:, 4:])


def backbone() -> nn.Sequential:
    """A frozen backbone with batch norm in evaluation mode, and a head."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Tanh())
    body(torch.randn(64, 3) * 3 + 1)  # running statistics of its own
    body.eval().requires_grad_(False)
    return nn.Sequential(body, nn.Linear(4, 1))


VARIANTS: dict[str, dict[str, Any]] = {
    "maml": {"rates": "fixed"},
    "first-order": {"rates": "scalar", "order": 1},
    "meta-sgd": {"rates": "parameter"},
    "maml++": {"rates": "layer_step", "steps": 2, "outer": Outer(tasks=4, multi_step=0.5)},
    "loop": {"rates": "parameter", "vectorised": False},
    "anil": {"adapted": ("1.weight", "1.bias")},
}


@pytest.mark.parametrize("variant", [*VARIANTS, "reptile", "compiled"])
def test_frozen_parameters_stay_frozen(variant: str) -> None:
    child = backbone()
    before = {name: value.clone() for name, value in child.state_dict().items()}
    recipe = MAML(child, **{"outer": QUICK, **VARIANTS.get(variant, {"rates": "fixed"})})
    if variant == "reptile":
        fitted = reptile.fit(recipe, lines, iterations=3)
    elif variant == "compiled":
        learner = recipe.learner()
        learner.objective = Compiled(learner.objective, recipe.steps, machine_code=False)
        train(learner, lines, iterations=3, checkpoint=None, every=9, progress=False)
        fitted = recipe.finish(learner)
    else:
        fitted = recipe.fit(lines, iterations=3)
    moved = [name for name, value in fitted.params.items() if not torch.equal(value, before[name])]
    assert moved == ["1.weight", "1.bias"]
    x = torch.ones(4, 3)
    predictor = fitted.adapt((x, x[:, :1] * 9), steps=3)
    adapted = [n for n, value in predictor.params.items() if not torch.equal(value, before[n])]
    assert adapted == ["1.weight", "1.bias"]
    module = predictor.to_module()
    assert [n for n, p in module.named_parameters() if p.requires_grad] == ["1.weight", "1.bias"]
    assert torch.equal(module(x), predictor(x))
    assert all(torch.equal(value, before[name]) for name, value in child.state_dict().items())


def test_a_frozen_backbone_keeps_its_mode_and_statistics_others_do_not() -> None:
    x = torch.randn(5, 3)
    child = backbone()
    assert torch.equal(frozen_copy(child)[0](x), child[0](x))  # type: ignore[index]
    child[0].train()  # frozen, but meant to normalise by the batch
    assert frozen_copy(child)[0][1].running_mean is None  # type: ignore[index]
    child[0].eval().requires_grad_(True)
    copied = frozen_copy(child)
    assert copied.training
    assert copied[0][1].running_mean is None  # type: ignore[index]
    assert child[0][1].running_mean is not None  # type: ignore[index]


def test_only_trainable_parameters_can_be_adapted() -> None:
    with pytest.raises(InputError, match=r"0\.0\.weight.*frozen ones stay frozen"):
        MAML(backbone(), adapted=("0.0.weight",))
    with pytest.raises(InputError, match="Sequential without a trainable parameter"):
        MAML(backbone().requires_grad_(False))
    with pytest.raises(InputError, match="ReLU without"):
        MAML(nn.ReLU())
    with pytest.raises(InputError, match="has no shape yet"):
        MAML(nn.LazyLinear(2))


def test_quantised_frozen_parameters_pass_through(tmp_path: Path) -> None:
    class Quantised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            codes = torch.tensor([[1, -2, 3]], dtype=torch.int8)
            self.codes = nn.Parameter(codes, requires_grad=False)
            self.low_rank = nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = x @ self.codes.float().T + self.low_rank(x)
            return out

    fitted = MAML(Quantised(), outer=QUICK).fit(lines, iterations=2)
    assert fitted.params["codes"].dtype == torch.int8
    loaded = FittedMAML.load(fitted.save(tmp_path), Quantised())
    x = torch.ones(4, 3)
    assert torch.equal(loaded.adapt((x, x[:, :1]))(x), fitted.adapt((x, x[:, :1]))(x))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Linear(3, 3, bias=False)
        self.decode = nn.Linear(3, 3, bias=False)
        self.decode.weight = self.encode.weight

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.decode(torch.tanh(self.encode(x)))
        return out.sum(-1, True)


def test_shared_parameters_stay_shared() -> None:
    assert head(Tied()) == ("encode.weight",)
    fitted = MAML(Tied(), outer=QUICK, adapted=head(Tied())).fit(lines, iterations=3)
    assert list(fitted.params) == ["encode.weight"]
    x = torch.randn(4, 3)
    predictor = fitted.adapt((x, x[:, :1]), steps=2)
    module: Any = predictor.to_module()
    assert module.decode.weight is module.encode.weight
    assert torch.equal(module(x), predictor(x))
    by_hand = (torch.tanh(x @ module.encode.weight.T) @ module.encode.weight.T).sum(-1, True)
    assert torch.allclose(predictor(x), by_hand, atol=1e-6)


class Repeated(nn.Module):
    """Holds a part at several places: in a list, by two names, or frozen with its statistics."""

    def __init__(self, how: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        part: nn.Module = nn.Linear(3, 3)
        if how == "norm":
            part = nn.Sequential(part, nn.BatchNorm1d(3)).eval().requires_grad_(False)
        self.parts = nn.ModuleList([part] * (3 if how == "list" else 1))
        self.again = part if how != "list" else nn.Identity()
        self.last = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = torch.tanh(part(x))
        out: Tensor = self.last(self.again(x))
        return out


@pytest.mark.parametrize("how", ["list", "name", "norm"])
@pytest.mark.parametrize("order", [1, 2])
def test_a_part_that_is_held_twice_can_be_copied_after_training(how: str, order: Any) -> None:
    fitted = MAML(Repeated(how), outer=QUICK, order=order, steps=2).fit(lines, iterations=2)
    kept = {name: value.clone() for name, value in fitted.module.state_dict().items()}
    x = torch.randn(4, 3)
    predictor = fitted.adapt((x, x[:, :1]))
    module: Any = predictor.to_module()
    assert torch.equal(module(x), predictor(x))
    assert how == "list" or module.again is module.parts[0]
    assert all(isinstance(value, nn.Parameter) for value in module.parameters())
    for twin in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert torch.equal(twin.adapt((x, x[:, :1]))(x), predictor(x))
    assert all(torch.equal(value, kept[n]) for n, value in fitted.module.state_dict().items())


def test_head_is_the_last_layer_that_trains() -> None:
    child = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    child[2].requires_grad_(False)
    child[1].bias.requires_grad_(False)
    assert head(child) == ("1.weight",)
    assert head(child.requires_grad_(False)) == ()


class Counting(nn.Module):
    """Writes into its buffers, as a moving average does."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        self.register_buffer("calls", torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        self.calls: Tensor
        self.calls += 1.0
        out: Tensor = self.layer(x) * self.calls
        return out


@pytest.mark.parametrize("vectorised", [True, False])
def test_what_a_forward_pass_writes_into_buffers_is_forgotten(vectorised: bool) -> None:
    child = Counting()
    fitted = MAML(child, outer=QUICK, vectorised=vectorised, steps=2).fit(lines, iterations=3)
    x = torch.ones(4, 3)
    predictor = fitted.adapt((x, x[:, :1]))
    assert torch.equal(predictor(x), predictor(x))
    assert child.calls == 0
    assert dict(fitted.module.named_buffers())["calls"] == 0


def test_buffers_are_stored_and_checked(tmp_path: Path) -> None:
    fitted = MAML(backbone(), outer=QUICK).fit(lines, iterations=2)
    folder = fitted.save(tmp_path / "backbone")
    x = torch.randn(4, 3)
    plain = nn.Sequential(
        nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Tanh()),
        nn.Linear(4, 1),
    )
    with pytest.raises(ModelError, match="Freeze the same parts"):
        FittedMAML.load(folder, plain)
    plain[0].eval().requires_grad_(False)
    loaded = FittedMAML.load(folder, plain)
    assert torch.equal(loaded.adapt((x, x[:, :1]))(x), fitted.adapt((x, x[:, :1]))(x))
    again = FittedMAML.load(
        MAML(Counting(5.0), outer=QUICK).fit(lines, iterations=1).save(tmp_path / "c"), Counting()
    )
    assert dict(again.module.named_buffers())["calls"] == 5


class Masked(nn.Module):
    """Has buffers that share their numbers with each other, or with themselves."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        numbers = factor * torch.arange(1.0, 7.0)
        self.register_buffer("first", numbers[:3])
        self.register_buffer("whole", numbers)
        self.register_buffer("view", numbers.view(6))
        self.register_buffer("spread", numbers[:3].expand(4, 3))
        self.layer.register_buffer("same", numbers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x * self.get_buffer("spread")[3] + self.get_buffer("view")[3:])
        return out


def test_buffers_that_share_their_numbers_are_stored(tmp_path: Path) -> None:
    fitted = MAML(Masked(), outer=QUICK).fit(lines, iterations=2, checkpoint=tmp_path / "state")
    loaded = FittedMAML.load(fitted.save(tmp_path / "start"), Masked(9.0))
    x = torch.randn(4, 3)
    assert torch.equal(loaded.adapt((x, x[:, :1]))(x), fitted.adapt((x, x[:, :1]))(x))
    assert loaded.module.get_buffer("layer.same") is loaded.module.get_buffer("whole")
    for name, value in Masked().named_buffers():
        assert torch.equal(loaded.module.get_buffer(name), value)


def test_a_checkpoint_of_other_frozen_parameters_or_buffers_is_refused(tmp_path: Path) -> None:
    child = backbone()
    MAML(child, outer=QUICK).fit(lines, iterations=1, checkpoint=tmp_path)
    assert MAML(child, outer=QUICK).fit(lines, iterations=2, checkpoint=tmp_path)
    child[1].bias.requires_grad_(False)
    with pytest.raises(ModelError, match="frozen"):
        MAML(child, outer=QUICK).fit(lines, iterations=3, checkpoint=tmp_path)
    child[1].bias.requires_grad_(True)
    child.get_buffer("0.1.running_mean").add_(1)
    with pytest.raises(ModelError, match="start"):
        MAML(child, outer=QUICK).fit(lines, iterations=3, checkpoint=tmp_path)
    child[0].requires_grad_(True)
    with pytest.raises(ModelError, match="frozen"):
        MAML(child, outer=QUICK).fit(lines, iterations=3, checkpoint=tmp_path)


def test_rates_of_frozen_parameters_do_not_exist() -> None:
    rule = RateRule(kind="layer_step")
    fitted = MAML(backbone(), rates=rule, steps=2, outer=QUICK).fit(lines, iterations=2)
    assert set(fitted.rates) == set(fitted.logs) == {"1.weight", "1.bias"}
