"""suggest_lr: sensible, honest about what it does not know, and it never touches the module."""

from __future__ import annotations

import copy
import json
import math
import random
from collections import UserDict
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.data import DataLoader, TensorDataset

import autometa
from autometa.cli import main
from autometa.errors import InputError, StoreError
from autometa.inner import rate_law
from autometa.inner.rate_law import shipped

TEXT: dict[str, Any] = {"n_params": 124e6, "n_tokens": 10e9, "batch_size": 64}


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))


def batch() -> tuple[Tensor, Tensor]:
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(1))
    return x, (x[:, 0] > 0).long()


def loss(module: nn.Module, given: tuple[Tensor, Tensor]) -> Tensor:
    return nn.functional.cross_entropy(module(given[0]), given[1])


def _backward(value: Tensor) -> Tensor:
    value.backward()  # type: ignore[no-untyped-call]
    return value


def test_a_language_model_of_common_size() -> None:
    found = autometa.suggest_lr(**TEXT)
    low, high = found.interval
    assert 3e-4 < low <= found.rate <= high < 6e-3
    assert found.log10 == pytest.approx(math.log10(found.rate))
    assert found.runs > 1000
    assert not found.far
    assert "transformers" in found.basis[0]
    assert [group.name for group in found.groups] == ["all"]
    card = str(found)
    assert "80 % interval" in card
    assert "runs:" in card


def test_rates_fall_with_size_and_margins_grow_with_doubt() -> None:
    rates = [autometa.suggest_lr(**{**TEXT, "n_params": n}).rate for n in (2e7, 1e8, 5e8)]
    assert rates[0] > rates[1] > rates[2]
    known, doubtful = autometa.suggest_lr(**TEXT), autometa.suggest_lr(n_params=124e6)
    width = [math.log10(s.interval[1] / s.interval[0]) for s in (known, doubtful)]
    assert width[0] < width[1]
    for found, decades in zip((known, doubtful), width, strict=True):
        assert 0 < math.log10(found.interval[1] / found.rate) <= decades


@pytest.mark.parametrize(
    ("sizes", "what"),
    [
        ({"n_params": 7e10, "n_tokens": 1e13}, "parameters, examples"),
        ({"n_params": 1e8, "n_tokens": 1e6}, "examples"),
        ({"n_params": 1e8, "n_tokens": 1e10, "batch_size": 1e5}, "batch"),
        ({"n_params": 1e12}, "parameters"),
    ],
)
def test_far_from_anything_seen_is_said(sizes: dict[str, float], what: str) -> None:
    found = autometa.suggest_lr(**sizes)  # type: ignore[arg-type]
    assert found.far
    assert f"Far from anything seen in {what}" in str(found)
    near = autometa.suggest_lr(**TEXT)
    assert found.interval[1] / found.interval[0] > near.interval[1] / near.interval[0]


def _path(name: str, **sizes: Any) -> tuple[list[float], list[float]]:
    """log10 of rates and widths of intervals along one size, a tenth of a decade a step."""
    found = [autometa.suggest_lr(**{**sizes, name: 10.0**e}) for e in np.arange(4.0, 13.01, 0.1)]
    widths = [math.log10(s.interval[1] / s.interval[0]) for s in found]
    for suggestion in found:
        low, high = suggestion.interval
        assert low <= suggestion.rate <= high
    return [s.log10 for s in found], widths


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("data", [{}, {"samples": 1e9}, {"n_tokens": 1e10, "batch_size": 64}])
def test_larger_networks_have_smaller_rates_and_the_interval_widens_beyond_all_runs(
    data: dict[str, float], optimizer: str
) -> None:
    rates, widths = _path("n_params", optimizer=optimizer, **data)
    assert np.diff(rates).max() <= 1e-9
    beyond = np.diff(widths[-25:])  # from ten to a thousand times the largest that was run
    assert (beyond > 0).all()


def test_no_cliff_where_small_modules_have_no_more_to_say() -> None:
    for sizes in ({"n_params": 1e5, "batch_size": 8}, {"n_params": 1e4}, {"module": network()}):
        rates, _ = _path("samples", **sizes)
        assert np.abs(np.diff(rates)).max() < 0.3


def test_a_size_that_no_run_tells_is_not_far_but_said() -> None:
    """Runs of fine-tuning went on for a time; nobody wrote down how much they saw."""
    found = autometa.suggest_lr(n_params=1.1e7, samples=1e5, batch_size=32, pretrained=True)
    assert not found.far
    assert "do not say their examples, which count for nothing here" in str(found)
    plain = autometa.suggest_lr(n_params=1.1e7, batch_size=32, pretrained=True)
    assert (found.rate, found.interval) == (plain.rate, plain.interval)
    assert "do not say" not in str(plain)
    far = autometa.suggest_lr(n_params=1e6, samples=1e12)
    assert "Far from anything seen in examples" in str(far)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_head_is_tuned_faster_than_a_network_and_that_than_a_larger_one(optimizer: str) -> None:
    """The runs are of one network; the rate falls with the size as it does between families."""
    found = [
        autometa.suggest_lr(n_params=n, pretrained=True, optimizer=optimizer)
        for n in (5e3, 11.7e6, 1e9)
    ]
    assert found[0].rate > 1.5 * found[1].rate > 2 * found[2].rate
    assert [suggestion.far for suggestion in found] == [True, False, True]


def test_just_within_a_factor_of_thirty_is_not_far() -> None:
    language = next(f for f in shipped().families if f.name == "language")
    most = 10 ** language.highest[0]
    assert not autometa.suggest_lr(**{**TEXT, "n_params": 29 * most}).far
    assert autometa.suggest_lr(**{**TEXT, "n_params": 31 * most}).far


def test_what_is_not_given_is_said() -> None:
    found = autometa.suggest_lr(n_params=1e6)
    assert "Not given: samples or n_tokens, batch_size" in str(found)
    assert "Not given" not in str(autometa.suggest_lr(n_params=1e6, samples=1e6, batch_size=64))


def test_optimisers_pretraining_and_decay() -> None:
    plain = autometa.suggest_lr(network(), optimizer="sgd")
    heavy = autometa.suggest_lr(network(), optimizer="sgd_momentum")
    assert plain.rate == pytest.approx(10 * heavy.rate)
    assert autometa.suggest_lr(network(), optimizer="adam").rate < plain.rate
    tuned = autometa.suggest_lr(network(), pretrained=True)
    assert tuned.rate < autometa.suggest_lr(network()).rate
    assert "Fine-tuning" in str(tuned)
    assert [group.name for group in tuned.groups] == ["all"]
    assert "weight decay of 1 " in str(autometa.suggest_lr(**TEXT, weight_decay=1.0))


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 32)
        self.narrow, self.wide = nn.Linear(32, 256), nn.Linear(256, 32)
        self.norm = nn.LayerNorm(32)
        self.out = nn.Linear(32, 50)


def test_groups_cover_every_trainable_parameter_once() -> None:
    module = Reader()
    module.norm.requires_grad_(False)
    found = autometa.suggest_lr(module, samples=1e5, batch_size=32)
    names = [name for group in found.groups for name in group.parameters]
    trained = [name for name, p in module.named_parameters() if p.requires_grad]
    assert sorted(names) == sorted(trained)
    by_name = {name: group for group in found.groups for name in group.parameters}
    assert by_name["embed.weight"].name == "embedding"
    assert by_name["wide.weight"].rate < by_name["narrow.weight"].rate
    assert by_name["wide.bias"].rate == by_name["embed.weight"].rate == found.rate
    assert by_name["out.weight"].name == "head"
    optimiser = torch.optim.AdamW(found.param_groups(module))
    assert sum(len(group["params"]) for group in optimiser.param_groups) == len(trained)
    with pytest.raises(InputError, match="without"):
        found.param_groups(network())


def test_no_trained_parameter_is_without_a_rate() -> None:
    """Those that have no group are not trained, and nobody would know."""
    module = network()
    module[0].requires_grad_(False)
    found = autometa.suggest_lr(module)
    module[0].requires_grad_(True)
    with pytest.raises(InputError, match=r"also trains 0\.weight, 0\.bias, which have no rate"):
        found.param_groups(module)
    with pytest.raises(InputError, match=r"also trains 4\.weight"):
        autometa.suggest_lr(network()).param_groups(network().append(nn.Linear(2, 2)))
    with pytest.raises(InputError, match="type generator"):
        found.param_groups(module.parameters())  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"foreach": True}, {"fused": True}, {"foreach": False}])
def test_groups_step_in_every_form_of_an_optimiser(options: dict[str, Any]) -> None:
    module = Reader()
    module.out.weight = module.embed.weight
    optimiser = torch.optim.AdamW(autometa.suggest_lr(module).param_groups(module), **options)
    for p in module.parameters():
        p.grad = torch.ones_like(p)
    before = [p.detach().clone() for p in module.parameters()]
    optimiser.step()
    moved = zip(before, module.parameters(), strict=True)
    assert not any(torch.equal(old, new) for old, new in moved)


def test_the_card_says_what_kind_of_rate_it_is() -> None:
    assert "peak of a warm-up and a fall to zero" in str(autometa.suggest_lr(n_params=1e6))
    text = str(autometa.suggest_lr(n_params=1e6, optimizer="sgd", weight_decay=0.1))
    assert "A weight decay counts for adamw only, and for nothing with sgd" in text
    assert "decay" not in str(autometa.suggest_lr(n_params=1e6, weight_decay=0.1))
    found = autometa.suggest_lr(network())
    assert repr(found) == str(found)  # the names of all parameters would fill a screen


def test_small_modules_speak_for_kinds_whose_own_runs_lie_further_off() -> None:
    """A recurrent network of a short budget rests on small modules, of a long one on its kind."""
    module = nn.GRU(4, 32)
    short = autometa.suggest_lr(module, samples=1.5e4, batch_size=64)
    long = autometa.suggest_lr(module, samples=1e6, batch_size=64)
    assert [kind.split(",")[0] for kind in short.basis] == ["small modules of four kinds"]
    assert "recurrent" in long.basis[0]
    assert short.rate > long.rate
    near = autometa.suggest_lr(network(), samples=1e4, batch_size=64)
    assert {"small modules", "perceptrons on"} <= {" ".join(b.split()[:2]) for b in near.basis}
    for other in ({"optimizer": "sgd"}, {"pretrained": True}, {"samples": 1e7}):
        found = autometa.suggest_lr(network(), **{"samples": 1e4, **other})  # type: ignore[arg-type]
        assert not any("small modules" in kind for kind in found.basis)


def test_a_convolution_is_as_wide_as_its_kernel_sees() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 64, 3), nn.Conv2d(64, 64, 3), nn.Flatten(), nn.Linear(64 * 9, 10)
    )
    by_name = {n: g for g in autometa.suggest_lr(module).groups for n in g.parameters}
    assert by_name["1.weight"].rate == pytest.approx(by_name["3.weight"].rate)
    flat = nn.Sequential(nn.Conv2d(3, 64, 3), nn.Conv2d(64, 64, 3), nn.Linear(64, 10))
    rates = {n: g.rate for g in autometa.suggest_lr(flat).groups for n in g.parameters}
    assert rates["2.weight"] > rates["1.weight"]


def test_matrices_of_a_users_own_module_keep_the_law_s_rate() -> None:
    class Placed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.places = nn.Parameter(torch.zeros(99, 32))
            self.read, self.out = nn.Linear(8, 32), nn.Linear(32, 5)

    found = autometa.suggest_lr(Placed())
    by_name = {n: g for g in found.groups for n in g.parameters}
    assert (by_name["places"].name, by_name["places"].rate) == ("own", found.rate)
    assert (by_name["read.weight"].name, by_name["out.weight"].name) == ("input", "head")
    assert by_name["read.weight"].rate == found.rate


@pytest.mark.parametrize("norm", [parametrizations.weight_norm, nn.utils.weight_norm])
@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_gains_of_a_weight_norm_are_vectors(norm: Any) -> None:
    module = nn.Sequential(*[norm(nn.Linear(n, k)) for n, k in ((1, 64), (64, 64), (64, 2))])
    of = {g.name: list(g.parameters) for g in autometa.suggest_lr(module).groups}
    assert {name: len(names) for name, names in of.items()} == {
        "vectors": 6,
        "input": 1,
        "hidden": 1,
        "head": 1,
    }
    assert of["input"][0].startswith("0.")  # which has one feature: as many weights as gains
    assert not any(name.endswith(("weight_g", "original0")) for name in of["input"] + of["hidden"])


def test_a_module_of_one_width_has_one_rate() -> None:
    module = nn.Sequential(*[nn.Linear(64, 64) for _ in range(4)])
    found = autometa.suggest_lr(module)
    assert {round(group.rate / found.rate, 6) for group in found.groups} == {1.0}


def test_tied_weights_are_counted_and_grouped_once() -> None:
    module = Reader()
    module.out.weight = module.embed.weight
    names = [n for g in autometa.suggest_lr(module).groups for n in g.parameters]
    assert names.count("embed.weight") == 1
    assert "out.weight" not in names


@pytest.mark.parametrize("training", [True, False])
def test_the_module_stays_as_it_is_to_the_bit(training: bool) -> None:
    module = network().train(training)
    loss(module, batch()).backward()  # type: ignore[no-untyped-call]
    kept = copy.deepcopy(module.state_dict())
    gradients = [p.grad.clone() if p.grad is not None else None for p in module.parameters()]
    states: Any = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    found = autometa.suggest_lr(module, samples=1e4, batch_size=32, probe=(loss, batch()))
    assert module.training is training
    assert all(torch.equal(value, kept[name]) for name, value in module.state_dict().items())
    for before, p in zip(gradients, module.parameters(), strict=True):
        assert (before is None) == (p.grad is None)
        assert before is None or (p.grad is not None and torch.equal(before, p.grad))
    assert torch.equal(states[0], torch.get_rng_state())
    now: Any = np.random.get_state()  # noqa: NPY002
    assert (states[1][1] == now[1]).all()
    assert states[2] == random.getstate()
    again = autometa.suggest_lr(module, samples=1e4, batch_size=32, probe=(loss, batch()))
    assert again == found


def test_a_probe_sharpens() -> None:
    module = network()
    plain = autometa.suggest_lr(module)
    with torch.no_grad():  # as inside a user's evaluation
        probed = autometa.suggest_lr(module, probe=(loss, batch()))
    ratio = [s.interval[1] / s.interval[0] for s in (plain, probed)]
    assert ratio[1] < ratio[0]
    assert "The probe alone says" in str(probed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither a module nor n_params"),
        ({"n_params": 0}, "n_params = 0"),
        ({"n_params": -5.0}, "n_params = -5"),
        ({"n_params": math.nan}, "n_params = nan"),
        ({"n_params": math.inf}, "n_params = inf"),
        ({"n_params": "1e6"}, "n_params = '1e6'"),
        ({"n_params": 0.5}, "from 1 to 1e"),
        ({"n_params": 1e19}, "from 1 to 1e"),
        ({"n_params": 10**400}, "from 1 to 1e"),
        ({"n_params": 1e6, "samples": 10**5000}, "samples = an integer of"),
        ({"n_params": 1e6, "samples": 100, "batch_size": 101}, "batch_size = 101.*epochs"),
        ({"n_params": True}, "n_params = True"),
        ({"n_params": 1e6, "samples": 0}, "samples = 0"),
        ({"n_params": 1e6, "n_tokens": math.nan}, "n_tokens = nan"),
        ({"n_params": 1e6, "batch_size": -1}, "batch_size = -1"),
        ({"n_params": 1e6, "n_tokens": 1e9, "samples": 1e6}, "n_tokens and samples"),
        ({"n_params": 1e6, "optimizer": "lion"}, "lion.*allowed: adam, adamw"),
        ({"n_params": 1e6, "optimizer": torch.optim.RMSprop}, "=RMSprop.*allowed: adam, adamw"),
        ({"n_params": 1e6, "optimizer": torch.optim.SparseAdam}, "=SparseAdam"),
        ({"n_params": 1e6, "optimizer": partial(torch.optim.SGD, momentum=0.8)}, "0.8.*0 or 0.9"),
        ({"n_params": 1e6, "pretrained": "no"}, "pretrained = 'no'.*True or False"),
        ({"n_params": 1e6, "n_tokens": 1e4, "batch_size": 64}, "4.9 sequences of 2,048.*one whole"),
        ({"module": 1e6}, "type float.*n_params="),
        ({"n_params": 1e8, "n_tokens": 1e7, "pretrained": True}, "no run here fine-tunes"),
        ({"n_params": 1e6, "optimizer": ["adam"]}, "allowed: adam, adamw"),
        ({"n_params": 1e6, "optimizer": None}, "allowed: adam, adamw"),
        ({"n_params": 1e6, "weight_decay": -1.0}, "weight_decay"),
        ({"n_params": 1e6, "weight_decay": math.nan}, "weight_decay"),
        ({"n_params": 1e6, "probe": (loss, None)}, "probe without a module"),
        ({"module": network(), "n_params": 1e6}, "a module and n_params"),
        ({"module": nn.ReLU()}, "ReLU without a trainable"),
        ({"module": network().requires_grad_(False)}, "without a trainable"),
        ({"module": nn.LazyLinear(3)}, "no shape yet"),
        ({"module": "net"}, "type str"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        autometa.suggest_lr(**arguments)


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        (batch(), r"allowed: \(loss, batch\)"),
        (loss, "probe=function"),
        ((loss, DataLoader(TensorDataset(*batch()))), "DataLoader.*next"),
        ((lambda m, b: loss(m, b) * math.nan, batch()), "loss of nan"),
        ((lambda m, b: m(b[0]), batch()), r"returns a tensor of shape \(32, 2\)"),
        ((lambda m, b: 3.0, batch()), "loss returns float"),
        ((lambda m, b: {"loss": loss(m, b)}, batch()), "loss returns dict.*'loss'"),
        ((loss, iter([batch()])), "a list_iterator.*next"),
        ((nn.CrossEntropyLoss(), batch()), "loss fails: .*must be Tensor.*module, batch"),
        ((lambda m, b, weight: loss(m, b) * weight, batch()), "loss fails: .*'weight'"),
        ((lambda m, b: _backward(loss(m, b)), batch()), "cannot follow: .*second time"),
        ((lambda m, b: loss(m, b) * 0, batch()), "falls at no rate"),
        ((lambda m, b: loss(m, b).detach(), batch()), "does not depend on trainable"),
        ((lambda m, b: loss(m, b) + 0j, batch()), "complex number"),
    ],
)
def test_bad_probes(probe: Any, message: str) -> None:
    module = network()
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(InputError, match=message):
        autometa.suggest_lr(module, probe=probe)
    assert all(torch.equal(v, before[n]) for n, v in module.state_dict().items())


class _Keeps(nn.Module):
    """Keeps a generator, which cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 2)
        self.kept = (n for n in range(3))


class _Refuses(nn.Linear):
    def __deepcopy__(self, memo: Any) -> nn.Module:
        raise ValueError("no copies of me")


class _Itself(nn.Linear):
    def __deepcopy__(self, memo: Any) -> nn.Module:
        return self


class _Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4, sparse=True)


class _Derived(nn.Linear):
    """Its copies' weights are results of other weights, which no optimiser may change."""

    def __deepcopy__(self, memo: Any) -> nn.Module:
        class Copy(nn.Module):
            def parameters(self, recurse: bool = True) -> Any:
                return iter([torch.ones(2, requires_grad=True) * 1.0])

            def forward(self, given: Tensor) -> Tensor:
                return given

        return Copy()


@pytest.mark.parametrize(
    ("module", "probed", "message"),
    [
        (_Derived(8, 2), lambda m, b: m(b).mean(), "cannot follow.*non-leaf"),
        (_Refuses(8, 2), lambda m, b: m(b).mean(), "cannot be copied: ValueError: no copies of me"),
        (_Itself(8, 2), lambda m, b: m(b).mean(), "_Itself whose copy has the same parameters"),
        (_Keeps(), lambda m, b: m.layer(b).square().mean(), "_Keeps that cannot be copied"),
        (_Words(), lambda m, b: m.embed(b.long()[0]).square().mean(), "cannot follow.*sparse"),
        (nn.Linear(8, 2, device="meta"), lambda m, b: m(b).mean(), "'weight' is on the meta"),
        (
            nn.Sequential(nn.Linear(8, 2), nn.LazyBatchNorm1d(affine=False)),
            lambda m, b: m(b).mean(),
            "'1.running_mean' has no shape yet",
        ),
        (
            nn.Linear(8, 2, dtype=torch.float16),
            lambda m, b: m(b.half())[:, 0].mean() + 0 * m(b.half()).sum(),  # a gradient of zero
            "finite at no rate.*float16.*autocast",
        ),
    ],
)
def test_modules_that_cannot_be_probed(module: nn.Module, probed: Any, message: str) -> None:
    assert autometa.suggest_lr(module, samples=100).rate > 0  # without a probe they can be asked
    with pytest.raises(InputError, match=message):
        autometa.suggest_lr(module, samples=100, probe=(probed, torch.ones(4, 8)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_weights_of_other_widths_are_probed_and_stay(dtype: torch.dtype) -> None:
    module = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)).to(dtype)
    kept = copy.deepcopy(module.state_dict())
    inputs = torch.linspace(-1, 1, 32).reshape(4, 8).to(dtype)

    def probed(m: nn.Module, b: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = (m(b).float() - 1.0).square().mean()
        return out

    with torch.inference_mode():  # as inside a user's evaluation
        found = autometa.suggest_lr(module, samples=1e3, batch_size=4, probe=(probed, inputs))
    assert found.rate > 0
    assert all(torch.equal(v, kept[n]) and v.dtype == dtype for n, v in module.state_dict().items())


@pytest.mark.parametrize("around", [True, False])
def test_a_probe_under_autocast_sees_its_steps(around: bool) -> None:
    """Autocast remembers the weights as they were before a step."""
    half = torch.autocast("cpu", dtype=torch.bfloat16)

    def inside(m: nn.Module, b: Any) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return loss(m, b)

    wanted = autometa.suggest_lr(network(), probe=(inside, batch()))
    with half if around else nullcontext():
        found = autometa.suggest_lr(network(), probe=(loss if around else inside, batch()))
    assert found == wanted


def test_a_loss_may_ask_for_gradients_of_its_own() -> None:
    """As those of equations and of penalties on gradients do."""
    module = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    def equation(m: nn.Module, x: Tensor) -> Tensor:
        x = x.requires_grad_()
        (slope,) = torch.autograd.grad(m(x).sum(), x, create_graph=True)
        return (slope - x.cos()).square().mean()

    points = torch.linspace(-3, 3, 32)[:, None]
    assert autometa.suggest_lr(module, probe=(equation, points)).rate > 0
    assert not points.requires_grad


def test_a_loss_that_raises_where_it_diverges_has_diverged() -> None:
    """As those that check their numbers do: probabilities, distributions, decompositions."""

    def checked(m: nn.Module, given: tuple[Tensor, Tensor]) -> Tensor:
        value = loss(m, given)
        if not value < 20:
            raise ValueError("not a probability")
        return value

    plain = autometa.suggest_lr(network(), optimizer="sgd", probe=(loss, batch()))
    assert autometa.suggest_lr(network(), optimizer="sgd", probe=(checked, batch())) == plain
    for sound in (0, 1):  # before any step has been made it is no divergence
        with pytest.raises(RuntimeError, match="mine"):
            autometa.suggest_lr(network(), probe=(_raising_after(sound), batch()))


def _raising_after(sound: int) -> Any:
    calls = iter(range(sound))

    def raising(m: nn.Module, given: tuple[Tensor, Tensor]) -> Tensor:
        if next(calls, None) is None:
            raise RuntimeError("mine")
        return loss(m, given)

    return raising


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_scripted_module_is_probed() -> None:
    plain, scripted = network(), torch.jit.script(network())
    kept = copy.deepcopy(plain.state_dict())
    found = autometa.suggest_lr(scripted, probe=(loss, batch()))
    assert "The probe alone says" in str(found)
    assert all(torch.equal(v, kept[n]) for n, v in scripted.state_dict().items())


@pytest.mark.parametrize("shape", [(3, 0), (0, 3)])
@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_layers_without_a_weight_have_a_group_all_the_same(shape: tuple[int, int]) -> None:
    module = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 3), nn.Linear(*shape))
    found = autometa.suggest_lr(module)
    names = [name for group in found.groups for name in group.parameters]
    assert sorted(names) == sorted(name for name, _ in module.named_parameters())
    assert autometa.suggest_lr(nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 0))).rate > 0


class _Mine(torch.optim.AdamW):
    pass


class _Layerwise(torch.optim.SGD):
    def step(self, closure: Any = None) -> Any:
        raise NotImplementedError


WEIGHTS = [nn.Parameter(torch.ones(2))]


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        (torch.optim.Adam, "adam"),
        (torch.optim.AdamW, "adamw"),
        (torch.optim.NAdam, "nadam"),
        (torch.optim.SGD, "sgd"),
        (_Mine, "adamw"),
        (torch.optim.AdamW(WEIGHTS, betas=(0.9, 0.95)), "adamw"),
        (torch.optim.SGD(WEIGHTS, lr=0.1, momentum=0.9, nesterov=True), "sgd_momentum"),
        (torch.optim.SGD(WEIGHTS, lr=0.1), "sgd"),
        (partial(torch.optim.SGD, momentum=0.9), "sgd_momentum"),
        (partial(torch.optim.AdamW, fused=True), "adamw"),
    ],
)
def test_an_optimiser_is_known_by_its_class(optimizer: Any, name: str) -> None:
    wanted = autometa.suggest_lr(n_params=1e6, optimizer=name)
    assert autometa.suggest_lr(n_params=1e6, optimizer=optimizer) == wanted


def test_a_class_with_a_step_of_its_own_is_not_that_of_its_parent() -> None:
    with pytest.raises(InputError, match="optimizer=_Layerwise"):
        autometa.suggest_lr(n_params=1e6, optimizer=_Layerwise)


def test_tied_weights_stay_tied_in_a_probe() -> None:
    module = Reader()
    module.out.weight = module.embed.weight
    kept = module.embed.weight.detach().clone()

    def probed(m: Any, tokens: torch.Tensor) -> torch.Tensor:
        assert m.out.weight is m.embed.weight
        assert m is not module
        out: torch.Tensor = m.out(m.embed(tokens)).square().mean()
        return out

    autometa.suggest_lr(module, samples=1e3, probe=(probed, torch.arange(4)))
    assert module.out.weight is module.embed.weight
    assert torch.equal(kept, module.embed.weight)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        *(("AdamW", "adamw"), ("adamw_torch_fused", "adamw"), ("torch.optim.Adam", "adam")),
        *(("paged_adamw_8bit", "adamw"), ("SGD-Momentum", "sgd_momentum"), ("NAdam", "nadam")),
        *(("sgd nesterov", "sgd_momentum"), ("torch.optim.SGD", "sgd")),
    ],
)
def test_an_optimiser_is_known_in_any_usual_spelling(spelling: str, name: str) -> None:
    wanted = autometa.suggest_lr(n_params=1e6, optimizer=name)
    assert autometa.suggest_lr(n_params=1e6, optimizer=spelling) == wanted


def test_a_module_that_is_mostly_frozen_is_asked_about() -> None:
    """As where adapters of low rank are laid over a network that is there."""
    module = nn.Sequential(nn.Linear(64, 64).requires_grad_(False), nn.Linear(64, 4, bias=False))
    assert "94 % of its parameters are frozen: if they were trained before, say" in str(
        autometa.suggest_lr(module)
    )
    assert "frozen" not in str(autometa.suggest_lr(module, pretrained=True))
    assert "frozen" not in str(autometa.suggest_lr(network()))


# What a careless loss does to the user's own things -------------------------------------------


def test_a_loss_that_asks_a_module_from_outside_is_refused_and_changes_nothing() -> None:
    module = network()
    kept, random_states = copy.deepcopy(module.state_dict()), random.getstate()

    def outside(copied: nn.Module, given: tuple[Tensor, Tensor]) -> Tensor:
        module.train()
        return loss(module, given)

    module.eval()
    with pytest.raises(InputError, match="does not depend on the module that it is given"):
        autometa.suggest_lr(module, probe=(outside, batch()))
    assert all(p.grad is None for p in module.parameters())
    assert all(torch.equal(v, kept[n]) for n, v in module.state_dict().items())
    assert not any(part.training for part in module.modules())
    assert random.getstate() == random_states


class _Counting(nn.Module):
    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        out: Tensor = self.layer(x)
        return out


def test_buffers_that_a_call_replaces_are_put_back() -> None:
    module = _Counting()
    calls = module.calls

    def outside(copied: nn.Module, given: tuple[Tensor, Tensor]) -> Tensor:
        module(given[0])
        return loss(copied, given)

    autometa.suggest_lr(module, probe=(outside, batch()))
    assert module.calls is calls
    assert int(calls) == 0


def test_a_loss_that_draws_numbers_is_repeatable_and_leaves_every_generator_alone() -> None:
    module = network()

    def noisy(m: nn.Module, given: tuple[Tensor, Tensor]) -> Tensor:
        scale = 1 + 0.1 * random.random() + 0.1 * float(np.random.rand())  # noqa: NPY002
        return loss(m, (given[0] + 0.1 * torch.randn_like(given[0]), given[1])) * scale

    found = autometa.suggest_lr(module, probe=(noisy, batch()))
    states: Any = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.random()
    np.random.rand()  # noqa: NPY002
    torch.rand(1)
    now = random.getstate()
    assert autometa.suggest_lr(module, probe=(noisy, batch())) == found
    assert random.getstate() == now != states[0]


@pytest.mark.parametrize("kind", [dict, UserDict])  # the second as tokenizers make them
def test_labels_may_be_taken_out_of_a_batch(kind: type) -> None:
    given = kind(zip(("x", "labels"), batch(), strict=True))

    def taking(m: nn.Module, b: dict[str, Tensor]) -> Tensor:
        labels = b.pop("labels")
        return loss(m, (b["x"], labels))

    found = autometa.suggest_lr(network(), probe=(taking, given))
    assert given.keys() == {"x", "labels"}
    assert found == autometa.suggest_lr(network(), probe=(loss, batch()))


class _Pair(NamedTuple):
    x: Tensor
    y: Tensor


@dataclass(frozen=True, slots=True)
class _Record:
    x: Tensor
    y: Tensor


def _parts(given: Any) -> tuple[Tensor, Tensor]:
    return (given[0], given[1]) if isinstance(given, tuple | list) else (given.x, given.y)


@pytest.mark.parametrize(
    "form",
    [
        tuple,
        list,
        lambda pair: _Pair(*pair),
        lambda pair: _Record(*pair),
        lambda pair: SimpleNamespace(x=pair[0], y=pair[1]),
    ],
)
def test_a_loss_may_change_its_batch_in_place(form: Any) -> None:
    given = form(batch())

    def scaling(m: nn.Module, b: Any) -> Tensor:
        assert type(b) is type(given)
        inputs, targets = _parts(b)
        inputs.mul_(2)
        targets[:4] = 1 - targets[:4]
        return loss(m, (inputs, targets))

    x, y = batch()
    found = autometa.suggest_lr(network(), probe=(scaling, given))
    assert torch.equal(_parts(given)[0], x)
    assert torch.equal(_parts(given)[1], y)
    other = torch.cat([1 - y[:4], y[4:]])
    assert found == autometa.suggest_lr(network(), probe=(loss, (2 * x, other)))


def test_parts_of_parts_of_a_batch_stay() -> None:
    given: dict[str, Any] = {"in": [batch(), "words"], "numbers": np.zeros(3)}

    def changing(m: nn.Module, b: Any) -> Tensor:
        (x, y), _ = b["in"]
        b["numbers"][:] = x.add_(1)[0, 0]
        return loss(m, (x, y))

    autometa.suggest_lr(network(), probe=(changing, given))
    assert torch.equal(given["in"][0][0], batch()[0])
    assert not given["numbers"].any()


class _Wrapped(nn.Module):
    """Adapters over a frozen layer, in dicts and lists, as libraries for fine-tuning make them."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Linear(4, 4).requires_grad_(False)
        self.lora_A = nn.ModuleDict({"default": nn.Linear(4, 2, bias=False)})
        self.lora_B = nn.ModuleList([nn.Linear(2, 4, bias=False)])
        self.phase = nn.Parameter(torch.ones(4, dtype=torch.complex64))
        self.norm = nn.BatchNorm1d(4, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base(x) + self.lora_B[0](self.lora_A["default"](self.norm(x)))
        return out * (self.phase * self.phase.conj()).real


@pytest.mark.parametrize("wrap", [lambda m: m, nn.DataParallel])
def test_wrapped_modules_are_probed_and_stay(wrap: Any) -> None:
    torch.manual_seed(0)
    module = wrap(_Wrapped())
    kept = copy.deepcopy(module.state_dict())
    found = autometa.suggest_lr(module, pretrained=True, probe=(loss, batch()))
    assert all(torch.equal(v, kept[n]) for n, v in module.state_dict().items())
    trained = {n for n, p in module.named_parameters() if p.requires_grad}
    assert {n for g in found.groups for n in g.parameters} == trained
    torch.optim.AdamW(found.param_groups(module))


def test_the_law_is_stored_and_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "law.json"
    shipped().save(path)
    assert rate_law.load(path) == shipped()
    assert all(f.licence and f.source and f.runs for f in shipped().families)
    for text in ("{", "[]", '{"families": [{}], "between": []}'):
        path.write_text(text)
        with pytest.raises(StoreError, match="no law of rates"):
            rate_law.load(path)


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> int:
        with pytest.raises(SystemExit) as stopped:
            main(["lr", *words])
        return int(stopped.value.code or 0)

    assert run("--params", "124e6", "--tokens", "10e9", "--batch-size", "64", "-f", "json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["rate"] == autometa.suggest_lr(**TEXT).rate
    assert run("--params", "1e6", "--pretrained") == 0
    assert "80 % interval" in capsys.readouterr().out
    assert run("--params", "-1") == 2
    assert "n_params = -1" in capsys.readouterr().err
    assert run("--params", "1e6", "--optimizer", "lion") == 2
    assert "allowed: adam" in capsys.readouterr().err
