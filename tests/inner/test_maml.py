"""MAML learns, is reproducible, survives kills, and refuses what it cannot use."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autometa.errors import InputError, ModelError, StoreError
from autometa.inner import MAML, Episodes, FittedMAML, Outer, RateRule, accuracy, head
from autometa.inner.rates import SHARED
from autometa.inner.training import step_weights


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))


def waves(rng: np.random.Generator, n: int) -> Episodes:
    x = rng.uniform(-2, 2, size=(n, 10, 1))
    y = rng.uniform(0.5, 3, size=(n, 1, 1)) * np.sin(x + rng.uniform(0, math.pi, size=(n, 1, 1)))
    sx, sy, qx, qy = (torch.from_numpy(v.astype(np.float32)) for v in _halves(x, y))
    return Episodes(support_x=sx, support_y=sy, query_x=qx, query_y=qy)


def _halves(x: Any, y: Any) -> tuple[Any, Any, Any, Any]:
    return x[:, :5], y[:, :5], x[:, 5:], y[:, 5:]


def same(a: FittedMAML, b: FittedMAML) -> bool:
    ours, others = (
        {**dict(f.params), **{f"log {k}": v for k, v in f.logs.items()}} for f in (a, b)
    )
    return all(torch.equal(ours[name], others[name]) for name in ours)


QUICK = Outer(tasks=4, rate=1e-2)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("fixed", None),
        ("scalar", None),
        ("tensor", (1,)),
        ("parameter", (1, 8, 1)),
        ("layer_step", (2,)),
        ("parameter_step", (2, 8, 1)),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_every_kind_of_rate_learns_and_stays_finite_past_its_steps(
    kind: Any, shape: tuple[int, ...] | None, order: Any
) -> None:
    recipe = MAML(network(), rates=kind, steps=2, order=order, outer=QUICK)
    fitted = recipe.fit(waves, iterations=60)
    test = waves(np.random.default_rng(9), 40)
    before = MAML(network(), rates=kind, steps=2, outer=QUICK).fit(waves, iterations=1)
    curve, start = fitted.curve(test, 20), before.curve(test, 20)
    assert curve.shape == (40, 21)
    assert torch.isfinite(curve).all()
    assert curve[:, 2].mean() < start[:, 2].mean()
    moved = not torch.equal(next(iter(fitted.logs.values())), next(iter(before.logs.values())))
    assert moved == (kind != "fixed")
    assert tuple(fitted.logs["0.weight"].shape) == shape if shape else SHARED in fitted.logs


def test_rates_stay_between_their_bounds() -> None:
    rule = RateRule(kind="parameter", initial=0.05, lowest=0.04, highest=0.06)
    fitted = MAML(network(), rates=rule, outer=Outer(tasks=4, rates_rate=1.0)).fit(
        waves, iterations=20
    )
    values = torch.cat([rate.flatten() for rate in fitted.rates.values()])
    assert values.min() >= 0.04 - 1e-6
    assert values.max() <= 0.06 + 1e-6
    assert values.max() - values.min() > 0.01


def test_a_rate_leaves_its_bound_again() -> None:
    rule = RateRule(kind="scalar", initial=1e-4)
    fitted = MAML(network(), rates=rule, outer=Outer(tasks=4, rates_rate=0.1)).fit(
        waves, iterations=30
    )
    assert fitted.rates["0.weight"].item() > 2e-4


def test_vmap_and_loop_train_alike() -> None:
    together = MAML(network(), steps=2, outer=QUICK).fit(waves, iterations=5)
    alone = MAML(network(), steps=2, outer=QUICK, vectorised=False).fit(waves, iterations=5)
    for name, value in together.params.items():
        assert torch.allclose(value, alone.params[name], atol=1e-5)


def test_same_seed_same_result_and_the_child_does_not_change() -> None:
    child = network()
    before = [p.detach().clone() for p in child.parameters()]
    runs = [MAML(child, outer=QUICK, seed=s).fit(waves, iterations=5) for s in (3, 3, 4)]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])
    assert all(torch.equal(a, b) for a, b in zip(before, child.parameters(), strict=True))


@pytest.mark.parametrize(
    ("schedule", "ended"),
    [("constant", KeyboardInterrupt), ("cosine", OSError), ("constant", torch.OutOfMemoryError)],
)
def test_a_run_that_ended_goes_on_as_if_unbroken(tmp_path: Path, schedule: Any, ended: Any) -> None:
    """What ends it costs the update at hand and no more (of kill -9: `test_kill`)."""
    outer = Outer(tasks=4, rate=1e-2, schedule=schedule, multi_step=0.5)
    recipe = MAML(network(), steps=2, outer=outer)
    calls = 0

    def dying(rng: np.random.Generator, n: int) -> Episodes:
        nonlocal calls
        calls += 1
        if calls == 15:
            raise ended
        return waves(rng, n)

    unbroken = recipe.fit(waves, iterations=20)
    with pytest.raises(ended):
        recipe.fit(dying, iterations=20, checkpoint=tmp_path, every=6)
    (tmp_path / "tensors-0000.safetensors").write_bytes(b"torn by the kill")
    calls = -100
    resumed = recipe.fit(dying, iterations=20, checkpoint=tmp_path, every=6)
    assert calls == -100 + 6  # 14 of 20 were done
    assert same(unbroken, resumed)
    assert resumed.info["losses"] == unbroken.info["losses"]
    again = recipe.fit(dying, iterations=20, checkpoint=tmp_path)
    assert calls == -100 + 6
    assert same(unbroken, again)


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    MAML(network(), outer=QUICK).fit(waves, iterations=2, checkpoint=tmp_path)
    with pytest.raises(ModelError, match="differs from this recipe in seed"):
        MAML(network(), outer=QUICK, seed=1).fit(waves, iterations=4, checkpoint=tmp_path)
    with pytest.raises(ModelError, match="start"):
        MAML(network(1), outer=QUICK).fit(waves, iterations=4, checkpoint=tmp_path)
    longer = MAML(network(), outer=QUICK).fit(waves, iterations=4, checkpoint=tmp_path)
    assert same(longer, MAML(network(), outer=QUICK).fit(waves, iterations=4))


def test_save_and_load_give_the_same_predictions(tmp_path: Path) -> None:
    fitted = MAML(network(), steps=2, outer=QUICK).fit(waves, iterations=3)
    loaded = FittedMAML.load(fitted.save(tmp_path / "m"), network(7))
    x = torch.linspace(-1, 1, 5)[:, None]
    assert torch.equal(fitted.adapt((x, x))(x), loaded.adapt((x, x))(x))
    assert loaded.info["recipe"]["rates"]["kind"] == "parameter"


def test_damaged_foreign_and_newer_files_are_refused(tmp_path: Path) -> None:
    folder = MAML(network(), outer=QUICK).fit(waves, iterations=1).save(tmp_path)
    index = json.loads((folder / "index.json").read_text())
    tensors = folder / index["tensors"]
    good = tensors.read_bytes()
    tensors.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(StoreError, match="checksum"):
        FittedMAML.load(folder, network())
    tensors.write_bytes(good)
    with pytest.raises(ModelError, match=r"'weight' is \(1, 1\), was absent.*'0.bias' is absent"):
        FittedMAML.load(folder, nn.Linear(1, 1))
    for change, message in (({"schema": 99}, "newer"), ({"kind": "cake"}, "cake")):
        (folder / "index.json").write_text(json.dumps({**index, **change}))
        with pytest.raises(StoreError, match=message):
            FittedMAML.load(folder, network())
    (folder / "index.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        FittedMAML.load(folder, network())
    with pytest.raises(StoreError, match="no index"):
        FittedMAML.load(tmp_path / "absent", network())


def test_a_child_of_another_architecture_is_told_where(tmp_path: Path) -> None:
    """In a line, not by a list of all parameters."""
    folder = MAML(network(), outer=QUICK).fit(waves, iterations=1).save(tmp_path)
    wide = nn.Sequential(nn.Linear(1, 9), nn.Tanh(), nn.Linear(9, 1))
    told = (
        r"trained: '0\.weight' is \(9, 1\), was \(8, 1\), '0\.bias' .* '2\.weight' [^']*\. allowed"
    )
    with pytest.raises(ModelError, match=told):
        FittedMAML.load(folder, wide)
    deep = nn.Sequential(*(nn.Linear(1, 1) for _ in range(90)))
    with pytest.raises(ModelError, match=r"and 17\d more\. allowed") as refused:
        FittedMAML.load(folder, deep)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("held", ["a checkpoint", '{"my": "site"}', "not JSON"])
def test_a_folder_of_something_else_is_not_written_over(tmp_path: Path, held: str) -> None:
    recipe, index = MAML(network(), outer=QUICK), tmp_path / "index.json"
    fitted = recipe.fit(waves, iterations=2, checkpoint=tmp_path / "other")
    if held == "a checkpoint":
        recipe.fit(waves, iterations=1, checkpoint=tmp_path)
    else:
        index.write_text(held)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(StoreError, match=r"holds|damaged"):
        fitted.save(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    start = fitted.save(tmp_path / "start")
    assert fitted.save(start) == start  # its own kind is replaced
    with pytest.raises(StoreError, match=r"holds 'autometa-inner'.*another folder"):
        recipe.fit(waves, iterations=2, checkpoint=start)


@pytest.mark.skipif(os.name == "nt", reason="folders have no such mode")
def test_a_folder_that_cannot_be_written_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may write all
    with pytest.raises(StoreError, match="cannot be written to"):
        MAML(network()).fit(
            lambda rng, n: pytest.fail("trained"), iterations=1, checkpoint=tmp_path
        )


def test_a_child_with_convolutions_batch_norm_and_dropout() -> None:
    torch.manual_seed(0)
    child = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )

    def pictures(rng: np.random.Generator, n: int) -> Episodes:
        x = torch.from_numpy(rng.normal(size=(n, 12, 1, 6, 6)).astype(np.float32))
        y = torch.arange(3).repeat(n, 4)
        x = x + y[:, :, None, None, None] * 2
        return Episodes(support_x=x[:, :6], support_y=y[:, :6], query_x=x[:, 6:], query_y=y[:, 6:])

    recipe = MAML(child, "cross_entropy", steps=2, outer=Outer(tasks=3, rate=1e-2))
    first, second = recipe.fit(pictures, iterations=25), recipe.fit(pictures, iterations=25)
    assert same(first, second)
    test = pictures(np.random.default_rng(1), 20)
    score = first.curve(test, 4, accuracy)
    assert score[:, 4].mean() > 0.8
    assert child[1].running_mean is not None  # the user's module keeps its own
    assert set(head(child)) == {"6.weight", "6.bias"}


def test_anil_moves_only_the_head() -> None:
    child = network()
    fitted = MAML(child, adapted=head(child), outer=QUICK).fit(waves, iterations=3)
    x = torch.ones(4, 1)
    adapted = fitted.adapt((x, 5 * x), steps=3).params
    moved = [name for name in adapted if not torch.equal(adapted[name], fitted.params[name])]
    assert moved == ["2.weight", "2.bias"]


def test_the_adapted_child_as_an_ordinary_module() -> None:
    fitted = MAML(network(), outer=QUICK).fit(waves, iterations=3)
    x = torch.linspace(-1, 1, 6)[:, None]
    predictor = fitted.adapt((x, x), steps=2)
    module = predictor.to_module()
    assert torch.equal(module(x), predictor(x))
    assert all(p.requires_grad for p in module.parameters())


def test_stacks_of_episodes_are_drawn_from() -> None:
    stacks = [waves(np.random.default_rng(s), 3) for s in range(2)]
    fitted = MAML(network(), outer=QUICK).fit(stacks, iterations=3)
    assert fitted.info["iterations"] == 3


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    MAML(network(), outer=QUICK).fit(waves, iterations=2, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err


def test_weights_of_the_multi_step_loss() -> None:
    assert step_weights(4, 0.0, 0.0) == [0, 0, 0, 1]
    assert step_weights(4, 0.5, 0.0) == [0.25] * 4
    assert step_weights(4, 0.5, 0.25) == [0.125] * 3 + [0.625]
    assert step_weights(4, 0.5, 0.9) == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rates": "many"}, "rates='many'"),
        ({"rates": None}, "rates=None"),
        ({"order": 3}, "order = 3"),
        ({"order": True}, "order = True"),
        ({"steps": 0}, "steps = 0"),
        ({"steps": 1.5}, "steps = 1.5"),
        ({"steps": True}, "steps = True"),
        ({"clip": float("nan")}, "clip = nan"),
        ({"clip": float("inf")}, "clip = inf"),  # no file could say it
        ({"clip": "10"}, "clip = '10'"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": None}, "seed = None"),
        ({"vectorised": "no"}, "vectorised = 'no'"),
        ({"compiled": 1}, "compiled = 1"),
        ({"outer": {"tasks": 5}}, "outer="),
        ({"loss": "hinge"}, "hinge"),
        ({"adapted": ("nose",)}, "nose"),
        ({"adapted": ()}, "adapt"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MAML(network(), **arguments)


def test_other_bad_input() -> None:
    outer: list[dict[str, Any]] = [
        {"tasks": 0},
        {"rate": -1.0},
        {"multi_step": 2.0},
        {"schedule": "up"},
        {"tasks": 2.5},
    ]
    outer += [{"rate": "1"}, {"clip": None}, {"rates_rate": 0}, {"rate": math.inf}]
    for bad in outer:
        with pytest.raises(InputError, match="outer"):
            Outer(**bad)
    with pytest.raises(InputError, match="lowest"):
        RateRule(initial=1.0)
    with pytest.raises(InputError, match="initial inner rate"):
        RateRule(initial="0.1")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="device"):
        MAML(network(), device="warp").fit(waves, iterations=1)
    with pytest.raises(InputError, match="iterations = 0"):
        MAML(network()).fit(waves, iterations=0)
    with pytest.raises(InputError, match="stacks"):
        MAML(network()).fit([], iterations=1)
    good = waves(np.random.default_rng(0), 3)
    with pytest.raises(InputError, match="shapes"):
        Episodes(
            support_x=good.support_x[:2],
            support_y=good.support_y,
            query_x=good.query_x,
            query_y=good.query_y,
        )
    fitted = MAML(network(), outer=QUICK).fit(waves, iterations=1)
    with pytest.raises(InputError, match="chunk = 0"):
        fitted.curve(good, 1, chunk=0)
    with pytest.raises(InputError, match="tasks as tuple"):
        fitted.curve(good.parts, 1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="steps = -1"):
        fitted.adapt((good.support_x[0], good.support_y[0]), steps=-1)


def test_numpy_numbers_and_torch_devices_are_stored_as_plain_ones(tmp_path: Path) -> None:
    """What was learned for hours must not fail when it is saved."""
    recipe = MAML(
        network(),
        rates=RateRule(kind="scalar", initial=np.float32(0.02)),  # type: ignore[arg-type]
        steps=np.int64(2),  # type: ignore[arg-type]
        clip=np.float64(5),
        seed=np.int32(1),  # type: ignore[arg-type]
        outer=Outer(tasks=np.int64(4), rate=np.float32(1e-2), clip=np.int64(3)),  # type: ignore[arg-type]
        adapted=["0.weight", "2.weight"],
        device=torch.device("cpu"),
    )
    assert recipe.adapted == ("0.weight", "2.weight")
    assert MAML(network(), adapted="0.weight").adapted == ("0.weight",)
    fitted = recipe.fit(waves, iterations=np.int64(2), checkpoint=tmp_path / "state")  # type: ignore[arg-type]
    again = FittedMAML.load(fitted.save(tmp_path / "start"), network())
    assert same(again, fitted)
    assert again.steps == 2


def test_a_file_in_the_place_of_a_folder_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    drawn: list[int] = []

    def tasks(rng: np.random.Generator, n: int) -> Episodes:
        drawn.append(n)
        return waves(rng, n)

    with pytest.raises(StoreError, match="cannot be a folder"):
        MAML(network()).fit(tasks, iterations=1, checkpoint=tmp_path / "file")
    assert not drawn
    with pytest.raises(StoreError, match="cannot be a folder"):
        MAML(network()).fit(tasks, iterations=1).save(tmp_path / "file" / "start")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("outputs", "targets"),
    [
        (torch.randn(4, 1), torch.tensor([[0.0], [1.0], [1.0], [1.0]])),  # one logit a row
        (torch.randn(4, 1), torch.tensor([0.0, 1.0, 1.0, 1.0])),
        (torch.randn(4, 3), torch.ones(4, 1, dtype=torch.int64)),
        (torch.randn(4, 3), torch.ones(4, 3)),
        (torch.randn(4, 3, 3, 3), torch.ones(4, 3, 3, dtype=torch.float32)),
    ],
)
def test_accuracy_is_of_one_index_a_row(outputs: torch.Tensor, targets: torch.Tensor) -> None:
    """Others were spread over each other, or counted as the first class, without a word."""
    with pytest.raises(InputError, match="class indices, one for each row"):
        accuracy(outputs, targets)
    right = torch.eye(3)[torch.tensor([0, 2, 1, 1])]
    assert accuracy(right, torch.tensor([0, 2, 1, 0])) == 0.75
    assert accuracy(torch.randn(4, 1), torch.zeros(4, dtype=torch.uint8)) == 1


def test_what_a_session_shows_is_a_line() -> None:
    """All tensors of a network would fill a notebook."""
    recipe = MAML(network(), outer=QUICK, steps=2, adapted=("2.weight",))
    tasks = waves(np.random.default_rng(0), 3)
    fitted = recipe.fit(tasks, iterations=1)
    assert re.fullmatch(
        r"FittedMAML\(Sequential: 1 of 4 parameters adapted in 2 steps, rates \S+ to \S+\)",
        repr(fitted),
    )
    predictor = fitted.adapt((tasks.support_x[0], tasks.support_y[0]))
    assert repr(predictor) == "Predictor(Sequential, 4 parameters)"
    assert repr(tasks).startswith("Episodes(support_x (3, 5, 1), support_y (3, 5, 1), query_x")
