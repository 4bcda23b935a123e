"""What users of MAML libraries ask again and again, answered by code that runs.

Which order is this? Why does nothing reach my rates? May the inner optimiser have a state? May
layers learn at their own pace? What becomes of a module that is not on one device?
"""

from __future__ import annotations

import copy
import pickle
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.utils.data import DataLoader, IterableDataset

import autometa
from autometa.errors import InputError
from autometa.inner import MAML, Episodes, FittedMAML, Outer, RateRule, Validation, adapt
from autometa.inner.stateless import bind, parameters
from tests.inner.test_frozen import lines

X, Y = torch.tensor([[1.0, 2.0, -1.0]]), torch.tensor([[1.5]])


def start() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {name: value.requires_grad_() for name, value in parameters(nn.Linear(3, 1)).items()}


def test_first_order_is_the_gradient_at_the_adapted_place() -> None:
    """And second order differs from it by the Hessian: (1 - rate H) times it."""
    params, loss, rate = start(), bind(nn.Linear(3, 1), "mse"), 0.05
    rates = dict.fromkeys(params, torch.tensor([rate]))
    end = adapt(params, rates, loss, (X, Y), 1)
    there = {name: value.detach().requires_grad_() for name, value in end.items()}
    plain = torch.autograd.grad(loss(there, (X, Y)), list(there.values()))
    found = {}
    for order in (1, 2):
        end = adapt(params, rates, loss, (X, Y), 1, order=order)
        found[order] = torch.autograd.grad(loss(end, (X, Y)), list(params.values()))
    for first, by_hand in zip(found[1], plain, strict=True):
        assert torch.allclose(first, by_hand)
    features = torch.cat([X[0], torch.ones(1)])
    shrink = 1 - rate * 2 * features @ features  # the Hessian's only direction is the gradient's
    for second, by_hand in zip(found[2], plain, strict=True):
        assert torch.allclose(second, shrink * by_hand, atol=1e-5)


class Attention(nn.Module):
    """One head over three places, by torch's function or by its formula."""

    def __init__(self, by_hand: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.last, self.by_hand = nn.Linear(1, 12), nn.Linear(4, 1), by_hand

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.inner(x[..., None])[..., None, :, :].chunk(3, dim=-1)
        if self.by_hand:
            seen = (q @ k.mT / 2).softmax(-1) @ v
        else:
            seen = nn.functional.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.last(seen[..., 0, :, :].mean(-2))
        return out


@pytest.mark.parametrize("order", [1, 2])
def test_attention_has_second_derivatives(order: Any) -> None:
    """Torch's fused kernels have none."""
    tasks = lines(np.random.default_rng(0), 2)
    support, query = (tasks.support_x[0], tasks.support_y[0]), (tasks.query_x[0], tasks.query_y[0])
    found = []
    for by_hand in (False, True):
        child = Attention(by_hand)
        params = {n: value.requires_grad_() for n, value in parameters(child).items()}
        rate, loss = torch.tensor([0.1]), bind(child, "mse")
        end = adapt(params, dict.fromkeys(params, rate), loss, support, 2, order=order)
        found.append(torch.autograd.grad(loss(end, query), list(params.values())))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
def test_a_transformer_is_a_child(order: Any, dropout: float) -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout, batch_first=True)
    child = nn.Sequential(nn.Unflatten(-1, (3, 1)), nn.Linear(1, 4), layer, nn.Flatten(-2))
    child.append(nn.Linear(12, 1))
    fitted = MAML(child, order=order, steps=2, outer=Outer(tasks=2)).fit(lines, iterations=2)
    assert fitted.info["skipped"] == 0
    assert fitted.curve(lines(np.random.default_rng(1), 3), 2).isfinite().all()


@pytest.mark.parametrize("order", [1, 2])
def test_both_orders_reach_the_rates(order: Any) -> None:
    params, loss = start(), bind(nn.Linear(3, 1), "mse")
    rate = torch.tensor([0.01], requires_grad=True)
    end = adapt(params, dict.fromkeys(params, rate), loss, (X, Y), 3, order=order)
    (gradient,) = torch.autograd.grad(loss(end, (X, Y)), [rate])
    assert gradient.item() < 0


def test_an_inner_optimiser_with_a_state_is_a_few_lines_and_differentiable() -> None:
    """`adapt` takes plain gradient steps; a state is one more thing that the loop carries on."""
    params, loss = start(), bind(nn.Linear(3, 1), "mse")

    def after(log_rate: Tensor, momentum: Tensor) -> Tensor:
        now: dict[str, Tensor] = dict(params)
        velocity = {name: torch.zeros_like(value) for name, value in now.items()}
        for _ in range(4):
            gradient = torch.func.grad(loss)(now, (X, Y))
            velocity = {name: momentum * velocity[name] + gradient[name] for name in now}
            now = {name: now[name] - log_rate.exp() * velocity[name] for name in now}
        return loss(now, (X, Y))

    knobs = [torch.tensor(-4.0, requires_grad=True), torch.tensor(0.5, requires_grad=True)]
    gradients = torch.autograd.grad(after(*knobs), knobs)
    step = 1e-2
    for k, gradient in enumerate(gradients):
        ends = []
        for sign in (1, -1):
            moved = [knob.detach().clone() for knob in knobs]
            moved[k] += sign * step
            ends.append(after(*moved).item())
        assert gradient.item() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=0.02)
    plain = adapt(params, dict.fromkeys(params, knobs[0].exp()[None]), loss, (X, Y), 4)
    assert after(knobs[0], torch.tensor(0.0)).item() == pytest.approx(loss(plain, (X, Y)).item())


def test_groups_have_rates_of_their_own_and_none_is_none() -> None:
    params, loss = start(), bind(nn.Linear(3, 1), "mse")
    rates = {"weight": torch.tensor([0.1, 0.0]), "bias": torch.tensor([0.0])}
    end = adapt(params, rates, loss, (X, Y), 2)
    once = adapt(params, {"weight": torch.tensor([0.1])}, loss, (X, Y), 1)
    assert torch.equal(end["weight"], once["weight"])
    assert torch.equal(end["bias"], params["bias"])
    fitted = MAML(nn.Linear(3, 1), rates="tensor", outer=Outer(tasks=4, rate=0.1)).fit(
        lines, iterations=5
    )
    assert fitted.rates["weight"].item() != fitted.rates["bias"].item()


def test_batch_norm_does_not_leak_from_task_to_task() -> None:
    child = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    before = copy.deepcopy(child.state_dict())
    fitted = MAML(child, outer=Outer(tasks=4)).fit(lines, iterations=3)
    assert all(torch.equal(value, before[name]) for name, value in child.state_dict().items())
    x = torch.randn(8, 3)
    predictor = fitted.adapt((x, x[:, :1]))
    alone = predictor(x)
    predictor(torch.randn(8, 3) * 100)
    assert torch.equal(predictor(x), alone)


def on_meta(part: str) -> nn.Sequential:
    child = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    child[{"all": 0, "first": 0, "last": 2, "buffers": 1}[part]].to("meta")
    return child.to("meta") if part == "all" else child


@pytest.mark.parametrize("part", ["all", "first", "last", "buffers"])
def test_a_module_without_values_is_refused_by_name(part: str, tmp_path: Path) -> None:
    child = on_meta(part)
    with pytest.raises(InputError, match="on the meta device, which holds no values"):
        MAML(child)
    good = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    fitted = MAML(good, outer=Outer(tasks=2)).fit(lines, iterations=1)
    with pytest.raises(InputError, match="meta device"):
        FittedMAML.load(fitted.save(tmp_path), child)


def test_its_sizes_are_enough_for_a_suggestion_but_not_for_a_probe() -> None:
    with torch.device("meta"):
        child = nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 1))
    real = nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 1))
    assert autometa.suggest_lr(child) == autometa.suggest_lr(real)
    with pytest.raises(InputError, match=r"'0[.]weight' is on the meta device"):
        autometa.suggest_lr(child, probe=(lambda m, b: m(b).mean(), X))


PAIRS = [((torch.ones(4, 3), torch.ones(4, 1)), (torch.ones(2, 3), torch.ones(2, 1)))] * 5
STACK = Episodes(
    support_x=torch.ones(5, 4, 3),
    support_y=torch.ones(5, 4, 1),
    query_x=torch.ones(5, 2, 3),
    query_y=torch.ones(5, 2, 1),
)


@pytest.mark.parametrize("tasks", [PAIRS, None, torch.ones(5, 3), [STACK, PAIRS[0]]])
def test_tasks_that_are_no_stacks_are_refused_with_how_to_stack_them(tasks: Any) -> None:
    with pytest.raises(InputError, match=r"tasks as .*Stack the tasks: Episodes\("):
        MAML(nn.Linear(3, 1), "mse").fit(tasks, iterations=1)
    with pytest.raises(InputError, match="tasks as "):
        MAML(nn.Linear(3, 1), "mse").fit(lambda rng, n: tasks, iterations=1)


def endless() -> Iterator[Episodes]:
    while True:
        yield STACK


class Stream(IterableDataset[Episodes]):
    def __iter__(self) -> Iterator[Episodes]:
        return endless()


@pytest.mark.parametrize(
    "tasks", [endless(), Stream(), DataLoader(Stream(), batch_size=None), iter([STACK])]
)
def test_tasks_that_may_never_end_are_refused(tasks: Any) -> None:
    """They were gathered until the memory was full."""
    with pytest.raises(InputError, match=r"has no length.*list\(tasks\)"):
        MAML(nn.Linear(3, 1)).fit(tasks, iterations=1)
    ends: Any = [STACK, STACK]
    assert MAML(nn.Linear(3, 1)).fit(DataLoader(ends, batch_size=None), iterations=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("tasks", [STACK[:0], [STACK, STACK[:0]], lambda rng, n: STACK[:0]])
@pytest.mark.parametrize("rates", ["parameter", "fixed"])
def test_no_task_is_none_to_learn_from(tasks: Any, rates: Any) -> None:
    recipe = MAML(nn.Linear(3, 1), rates=rates)
    with pytest.raises(InputError, match="episodes of no task"):
        recipe.fit(tasks, iterations=1)
    with pytest.raises(InputError, match="episodes of no task"):
        recipe.fit(STACK, iterations=1).curve(STACK[:0], 2)


@pytest.mark.parametrize(
    "rate", [0.1, torch.tensor(0.1), torch.empty(0), [0.1], np.array([0.1]), None]
)
def test_a_rate_is_a_tensor_with_steps_in_front(rate: Any) -> None:
    params, loss = start(), bind(nn.Linear(3, 1), "mse")
    with pytest.raises(InputError, match=r"rate of 'bias': .*torch\.tensor\(\[0\.1\]\)"):
        adapt(params, {"bias": rate}, loss, (X, Y), 1)
    with pytest.raises(InputError, match="rate of 'head'"):
        adapt(params, {"head": torch.tensor([0.1])}, loss, (X, Y), 1)


@pytest.mark.parametrize(("steps", "order"), [(-1, 2), (1.5, 2), (1, 0), (1, 3)])
def test_steps_and_order_of_a_single_child_are_checked(steps: Any, order: Any) -> None:
    params, loss = start(), bind(nn.Linear(3, 1), "mse")
    with pytest.raises(InputError, match=r"steps = |order = "):
        adapt(params, {"bias": torch.tensor([0.1])}, loss, (X, Y), steps, order=order)


def test_a_stack_of_arrays_is_refused() -> None:
    parts = {name: part.numpy() for name, part in STACK.named().items()}
    with pytest.raises(InputError, match=r"support_x of type ndarray.*torch\.as_tensor"):
        Episodes(**parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("iterations", [0, 2.5, "many", True])
def test_a_number_of_updates_is_a_whole_number(iterations: Any) -> None:
    with pytest.raises(InputError, match="iterations = "):
        MAML(nn.Linear(3, 1), "mse").fit(STACK, iterations=iterations)


@pytest.mark.parametrize(
    "support",
    [
        torch.ones(4, 3),
        (torch.ones(4, 3),),
        (torch.ones(4, 3), torch.ones(3, 1)),
        (torch.ones(0, 3), torch.ones(0, 1)),
        (torch.ones(4, 3).numpy(), torch.ones(4, 1).numpy()),
        None,
    ],
)
def test_what_is_no_support_set_is_refused(support: Any) -> None:
    fitted = MAML(nn.Linear(3, 1), "mse").fit(STACK, iterations=1)
    with pytest.raises(InputError, match=r"a support set of .*\(inputs, targets\)"):
        fitted.adapt(support)


def test_targets_are_not_spread_over_outputs() -> None:
    """Torch makes n x n differences of targets (n,) and outputs (n, 1), and warns only."""
    parts = {n: p[..., 0] if n.endswith("_y") else p for n, p in STACK.named().items()}
    flat, told = Episodes(**parts), r"outputs of shape .*targets\[\.\.\., None\]"
    for vectorised in (True, False):
        with pytest.raises(InputError, match=told):
            MAML(nn.Linear(3, 1), "mse", vectorised=vectorised).fit(flat, iterations=1)
    fitted = MAML(nn.Linear(3, 1), "mse").fit(STACK, iterations=1)
    with pytest.raises(InputError, match=told):
        fitted.adapt((flat.support_x[0], flat.support_y[0]))


def test_a_module_that_is_spread_over_devices_is_refused_with_what_it_holds() -> None:
    with pytest.raises(InputError, match=r"a DataParallel.*module\.module"):
        MAML(nn.DataParallel(nn.Linear(3, 1)), "mse")


class Looks(nn.Module):
    """Embeddings of three whole numbers, and a linear layer."""

    def __init__(self, *, sparse: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.out = nn.Embedding(9, 2, sparse=sparse), nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(self.embed(x.long().clamp(-4, 4) + 4).flatten(-2))
        return out


def test_sparse_embeddings_are_adapted_as_dense_ones() -> None:
    tasks = lines(np.random.default_rng(0), 4)
    found = [MAML(Looks(sparse=s), steps=2).fit(tasks, iterations=2) for s in (True, False)]
    for name, value in found[1].params.items():
        assert torch.equal(found[0].params[name], value)


def test_dropout_adapts_and_does_not_predict() -> None:
    tasks = lines(np.random.default_rng(0), 4)
    child = nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.5), nn.Linear(16, 1))
    fitted = MAML(child, steps=2).fit(tasks, iterations=2)
    now = torch.get_rng_state()
    start = fitted.adapt((tasks.support_x[0], tasks.support_y[0]), 0)
    assert torch.equal(start(X), start(X))
    assert torch.equal(start(X), start.to_module()(X))
    assert not start.to_module().training
    assert torch.equal(fitted.curve(tasks, 0), fitted.curve(tasks, 0))
    assert torch.equal(torch.get_rng_state(), now)
    fitted.adapt((tasks.support_x[0], tasks.support_y[0]))
    assert not torch.equal(torch.get_rng_state(), now)  # training draws
    assert fitted.module.training
    assert child.training


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_meta_training_needs_no_gradients_from_outside(mode: Any) -> None:
    tasks = lines(np.random.default_rng(0), 4)
    fitted = MAML(nn.Linear(3, 1)).fit(tasks, iterations=2)
    with mode():
        again = MAML(nn.Linear(3, 1)).fit(tasks, iterations=2)
    assert fitted.params.keys() == again.params.keys()
    assert not any(value.is_inference() for value in again.params.values())


class Keeps(nn.Module):
    """Keeps what it said last, by itself, in a pair and in a list of a dict."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        self.how = how
        self.said: Any = None

    def forward(self, x: Tensor) -> Any:
        out = self.layer(x)
        self.said = {"result": out, "pair": (out, out), "log": {"outputs": [out]}}[self.how]
        return out


def left_over(kind: str) -> Any:
    """A child on which an earlier call left a tensor that no copy can be made of by itself."""
    child: Any = Keeps(kind) if kind in ("result", "pair", "log") else nn.Linear(3, 1)
    if kind == "old norm":
        child = nn.utils.weight_norm(child)
    if kind == "old spectral norm":
        child = nn.utils.spectral_norm(child)
    if kind == "pruned":
        prune.l1_unstructured(child, "weight", 1)  # type: ignore[no-untyped-call]
    child(X)
    return child


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize(
    "kind", ["result", "pair", "log", "old norm", "old spectral norm", "pruned"]
)
def test_what_earlier_calls_left_on_a_module_does_not_matter(kind: str, tmp_path: Path) -> None:
    child = left_over(kind)
    kept = {name: value.clone() for name, value in child.state_dict().items()}
    tasks = lines(np.random.default_rng(0), 4)
    fitted = MAML(child, rates="scalar", vectorised=False).fit(tasks, iterations=2)
    assert all(torch.equal(value, kept[name]) for name, value in child.state_dict().items())
    support = tasks.support_x[0], tasks.support_y[0]
    again = FittedMAML.load(fitted.save(tmp_path), child)
    assert torch.equal(again.adapt(support)(X), fitted.adapt(support)(X))
    probe = (lambda m, b: (m(b) - 1).square().mean(), X)
    assert autometa.suggest_lr(child, probe=probe).rate > 0
    assert all(torch.equal(value, kept[name]) for name, value in child.state_dict().items())


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
@pytest.mark.filterwarnings("ignore:vmap cannot batch:UserWarning")
@pytest.mark.parametrize("vectorised", [True, False])
@pytest.mark.parametrize(
    "kind", ["result", "pair", "log", "old norm", "old spectral norm", "pruned"]
)
def test_what_a_call_leaves_on_a_child_is_forgotten(kind: str, vectorised: bool) -> None:
    """What vmap has left cannot be copied or used any more."""
    tasks = lines(np.random.default_rng(0), 4)
    recipe = MAML(left_over(kind), rates="scalar", vectorised=vectorised)
    kept = Validation(episodes=tasks, every=1)
    fitted = recipe.fit(tasks, iterations=2, validation=kept)
    support = tasks.support_x[0], tasks.support_y[0]
    first = fitted.curve(tasks, 2)
    predictor = fitted.adapt(support)
    said = predictor(X)
    twin = copy.deepcopy(fitted)
    assert torch.equal(twin.curve(tasks, 2), first)
    assert torch.equal(copy.deepcopy(predictor)(X), said)
    assert torch.equal(pickle.loads(pickle.dumps(twin)).adapt(support)(X), said)


class Walks(nn.Module):
    """Goes on from where its last call ended."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        self.place: Any = None

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        if self.place is not None:
            out = out + self.place
        self.place, self.calls = out.mean(), getattr(self, "calls", 0) + 1
        return out


@pytest.mark.parametrize("vectorised", [True, False])
def test_a_state_reaches_from_no_task_to_the_next(vectorised: bool) -> None:
    tasks = lines(np.random.default_rng(0), 4)
    walks, plain = Walks(), nn.Linear(3, 1)
    plain.load_state_dict(walks.layer.state_dict())
    left, right = (
        MAML(child, vectorised=vectorised, steps=2).fit(tasks, iterations=2)
        for child in (walks, plain)
    )
    assert torch.equal(left.params["layer.weight"], right.params["weight"])
    assert vars(left.module)["place"] is None
    assert not hasattr(left.module, "calls")


def test_threads_adapt_each_to_its_own_task() -> None:
    """The module that they share holds one task's parameters at a time."""
    tasks = lines(np.random.default_rng(0), 6)
    child = nn.Sequential(
        nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
    )
    fitted = MAML(child, rates=RateRule(initial=0.1)).fit(tasks, iterations=1)

    def said(k: int) -> Tensor:
        return fitted.adapt((tasks.support_x[k], tasks.support_y[k]), steps=20)(X)

    alone = [said(k) for k in range(6)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(said, [*range(6)] * 10))
    finally:
        sys.setswitchinterval(interval)
    assert all(torch.equal(alone[k % 6], value) for k, value in enumerate(together))


def test_a_module_that_cannot_be_copied_is_refused_as_such() -> None:
    child: Any = nn.Linear(3, 1)
    child.lock = threading.Lock()
    with pytest.raises(InputError, match="cannot be copied"):
        MAML(child).fit(lines, iterations=1)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_scripted_child_is_refused_and_a_scripted_part_is_trained() -> None:
    scripted = torch.jit.script(nn.Linear(3, 4))
    for made in (scripted, torch.jit.script(nn.Sequential(nn.Linear(3, 1)))):
        with pytest.raises(InputError, match="whose parameters cannot be replaced"):
            MAML(made)
    child = nn.Sequential(scripted, nn.Linear(4, 1))
    fitted = MAML(child, rates="scalar").fit(lines(np.random.default_rng(0), 4), iterations=2)
    assert set(fitted.adapted) == {name for name, _ in child.named_parameters()}
    assert not torch.equal(fitted.params["0.weight"], scripted.weight)


@pytest.mark.parametrize("child", [nn.Linear, None, lambda x: x, [nn.Linear(3, 1)]])
def test_what_is_no_module_is_refused(child: Any) -> None:
    with pytest.raises(InputError, match="a child of type"):
        MAML(child)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (nn.MSELoss, "MSELoss"),
        (None, "loss=None"),
        (nn.MSELoss(reduction="none"), r"returns a tensor of shape \(\d+, 1\).*mean"),
        (lambda o, y: {"loss": o.mean()}, "returns dict.*'loss'"),
        (lambda o, y: 1.0, "returns float"),
        (lambda o, y: o.mean() + 0j, "complex"),
        (lambda o, y: (o - y).detach().square().mean(), "does not depend on the child's"),
    ],
)
def test_what_is_no_loss_is_refused(loss: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MAML(nn.Linear(3, 1), loss, vectorised=False).fit(lines, iterations=1)


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ("accuracy", "measure='accuracy'.*or a function"),
        (lambda o, y: o - y, r"a measure that returns a tensor of shape \(\d+, 1\)"),
        (lambda o, y: 1.0, "a measure that returns float"),
    ],
)
def test_what_is_no_measure_is_refused(measure: Any, message: str) -> None:
    tasks = lines(np.random.default_rng(0), 4)
    fitted = MAML(nn.Linear(3, 1), rates="scalar", vectorised=False).fit(tasks, iterations=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # vmap is tried first
        with pytest.raises(InputError, match=message):
            fitted.curve(tasks, 1, measure)


def test_what_cannot_be_loaded_so_is_refused(tmp_path: Path) -> None:
    tasks = lines(np.random.default_rng(0), 4)
    folder = MAML(nn.Linear(3, 1), rates="scalar").fit(tasks, iterations=1).save(tmp_path)
    for device in ("gpu", "cuda:99", torch.device("cuda", 99)):
        with pytest.raises(InputError, match="device='"):
            FittedMAML.load(folder, nn.Linear(3, 1), device=device)
    with pytest.raises(InputError, match="loss='hinge'"):
        FittedMAML.load(folder, nn.Linear(3, 1), loss="hinge")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a child of type"):
        FittedMAML.load(folder, nn.Linear)  # type: ignore[arg-type]


def test_one_task_of_a_stack_is_a_slice() -> None:
    tasks = lines(np.random.default_rng(0), 4)
    with pytest.raises(InputError, match=r"episodes\[1\].*episodes\[:1\]"):
        tasks[1]  # type: ignore[index]
    with pytest.raises(InputError, match=r"episodes\[0\]"):
        list(tasks)  # type: ignore[call-overload]
    assert len(tasks[1:3]) == len(tasks[torch.tensor([0, 1])]) == 2


class Graph(nn.Module):
    """A layer over the neighbours of a graph, which is a buffer or an ordinary attribute."""

    def __init__(self, neighbours: Tensor, *, buffer: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        if buffer:
            self.register_buffer("graph", neighbours)
        else:
            self.graph = neighbours

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = torch.sparse.mm(self.graph, self.layer(x))
        return out


@pytest.mark.filterwarnings("ignore:.*nested tensors:UserWarning")
def test_sparse_buffers_are_probed_and_no_part_of_a_start(tmp_path: Path) -> None:
    tasks = lines(np.random.default_rng(0), 4)
    n = tasks.support_x.shape[1]
    child = Graph(torch.eye(n).to_sparse(), buffer=True)
    graph = child.graph
    probe = (lambda m, x: (m(x) - 1).square().mean(), tasks.support_x[0])
    assert autometa.suggest_lr(child, probe=probe).rate > 0
    assert child.graph is graph
    ragged = nn.Linear(3, 1)
    ragged.register_buffer("ragged", torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]))
    with pytest.raises(InputError, match="cannot be copied") as refusal:
        autometa.suggest_lr(ragged, probe=probe)
    assert len(str(refusal.value)) < 500  # torch adds a page
    for refused in (child, ragged):
        with pytest.raises(InputError, match=r"is sparse, nested or quantised.*attribute"):
            MAML(refused)
    kept = Graph(torch.eye(n).to_sparse(), buffer=False)
    fitted = MAML(kept, rates="scalar", vectorised=False).fit(tasks, iterations=1)
    assert FittedMAML.load(fitted.save(tmp_path), kept).steps == 1


class Outputs(nn.Module):
    """Its outputs are a dict, as those of transformers are."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.layer(x)}


def test_outputs_that_are_no_tensor_need_a_loss_that_reads_them() -> None:
    def loss(outputs: Any, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(outputs["logits"], y)

    with pytest.raises(InputError, match="outputs of type dict for loss='mse'"):
        MAML(Outputs(), vectorised=False).fit(lines, iterations=1)
    tasks = lines(np.random.default_rng(0), 4)
    fitted = MAML(Outputs(), loss).fit(tasks, iterations=1)
    assert fitted.curve(tasks, 1).shape == (4, 2)


def test_complex_parameters_are_refused_unless_they_are_frozen() -> None:
    child = nn.Linear(3, 1, dtype=torch.complex64)
    with pytest.raises(InputError, match="'weight' of complex numbers"):
        MAML(child)
    assert MAML(nn.ModuleList([child.requires_grad_(False), nn.Linear(3, 1)])).adapted is None


@pytest.mark.parametrize("steps", [-1, 1.5, True])
def test_inner_steps_are_a_whole_number(steps: Any) -> None:
    tasks = lines(np.random.default_rng(0), 4)
    fitted = MAML(nn.Linear(3, 1)).fit(tasks, iterations=1)
    with pytest.raises(InputError, match="steps = "):
        fitted.adapt((tasks.support_x[0], tasks.support_y[0]), steps)
    with pytest.raises(InputError, match="steps = "):
        fitted.curve(tasks, steps)
