"""The suite inner-suggested-rate, and the sweeps of small modules that the law learned from."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from autometa.errors import InputError
from autometa.inner.rate_law import shipped
from autometa_benchmarks.inner import small_sweeps, suggested
from autometa_benchmarks.inner.rate_learning import family
from autometa_benchmarks.inner.rate_runs import SOURCES
from autometa_benchmarks.inner.small_modules import adding, loss, perceptron, reversing, text
from autometa_benchmarks.inner.small_problems import DEVELOPMENT, TEST, Problem


def points(_: Path | None) -> Any:
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > x[:, 1]).long()
    return x[:150], y[:150], x[150:], y[150:]


TINY = Problem(
    name="tiny", build=lambda k: perceptron(3, int(8 * k), 2), data=points, steps=30, batch=16
)


def test_a_record_of_one_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggested, "TEST", (TINY,))
    record = suggested.run("tiny", 0, data=None)
    assert len(record["sweep"]) == len(suggested.RATES) == 10
    assert record["best_rate"] == suggested.RATES[record["sweep"].index(min(record["sweep"]))]
    scheduled, held = {"suggested", "probed", "1e-3"}, {*suggested.SHARES, "1e-3 held"}
    assert record["regret"].keys() == scheduled | held
    assert record["regret"]["suggested"]["mean"] < record["regret"]["1e-3"]["mean"]
    low, high = record["intervals"]["suggested"]
    assert low <= record["rates"]["suggested"] <= high
    assert suggested.run("tiny", 0, data=None) == record
    with pytest.raises(InputError, match="module 'huge'"):
        suggested.run("huge", 0, data=None)


def test_training_that_diverges_is_infinitely_bad() -> None:
    assert suggested.trained(TINY, points(None), 0, 1e30) == math.inf
    untrained = suggested.trained(TINY, points(None), 0, None)
    rising, third = (suggested.trained(TINY, points(None), 0, 3e-2, held=k) for k in (None, 1 / 3))
    assert (
        rising != third == pytest.approx(suggested.trained(TINY, points(None), 0, 1e-2, held=1.0))
    )
    assert suggested.trained(TINY, points(None), 0, 1e-12) == pytest.approx(untrained, abs=1e-4)


def test_modules_are_counted_over_their_seeds() -> None:
    def record(name: str, seed: int, said: float, default: float) -> dict[str, Any]:
        regret = dict.fromkeys(("suggested", "probed", *suggested.SHARES), said)
        regret |= {"1e-3": default, "1e-3 held": default}
        return {
            "variant": name,
            "seed": seed,
            "regret": {who: {"mean": value} for who, value in regret.items()},
        }

    records = [record("a", 0, 0.0, 0.3), record("a", 1, 0.08, 0.3), record("b", 0, 0.4, 0.38)]
    found = suggested.together([*records, {"variant": suggested.ALL, "seed": 0}])
    count = {what: value["mean"] for what, value in found["count"].items()}
    assert found["modules"] == 2
    assert (count["suggested within 5 %"], count["1e-3 within 5 %"]) == (1, 0)
    assert count["suggested level with 1e-3 or better"] == 1
    assert found["regret"]["1e-3"]["mean"] == pytest.approx(0.34)
    bars = {bar["measure"] for bar in suggested.facts()["bars"]}
    assert bars <= found["count"].keys()


@pytest.mark.parametrize("problem", [*TEST, *DEVELOPMENT], ids=lambda p: p.name)
def test_modules_build_at_every_width(problem: Problem) -> None:
    sizes = [
        sum(
            p.numel()
            for p in small_sweeps.sized(problem, (width, 1.0, 1.0)).build(1.0).parameters()
        )
        for width in (0.5, 1.0, 2.0)
    ]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("made", [adding(6), text(5, 6, 0), reversing(4, 6)])
def test_made_data_are_the_same_every_time(made: Any) -> None:
    first, again = made(None), made(None)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert len(first[0]) == len(first[1]) > len(first[2]) == len(first[3]) > 0


def test_losses_of_sequences_and_of_numbers() -> None:
    outputs = torch.nn.Identity()
    targets = torch.tensor([[0, 1], [1, 1]])
    known = torch.nn.functional.one_hot(targets, 3) * 100.0
    assert loss(outputs, (known, targets)).item() == pytest.approx(0)
    assert loss(outputs, (torch.tensor([[2.0]]), torch.tensor([0.5]))).item() == 2.25


def test_the_recorded_sweeps_are_the_family_that_ships(tmp_path: Path) -> None:
    runs = small_sweeps.read()
    source = next(s for s in SOURCES if s.name == "small-modules")
    assert family(source, runs, None) == next(
        f for f in shipped().families if f.name == "small-modules"
    )
    assert len(set(runs.group)) == 24
    assert runs.loss.min() == 0
    found = [small_sweeps.sweep(replace(TINY, steps=3), None) for _ in range(3)]
    small_sweeps.save(found, tmp_path / "sweeps.json")
    again = small_sweeps.read(file=tmp_path / "sweeps.json")
    assert len(again) == 3 * len(small_sweeps.RATES)
    assert again.loss[:7].tolist() == again.loss[7:14].tolist()
