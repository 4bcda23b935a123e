"""The inner suites: what they draw, what they record, and what the command line shows of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from autometa.bench import record_curves, record_file
from autometa.cli import app
from autometa.errors import InputError, StoreError
from autometa_benchmarks.inner import omniglot, sinusoid, speed


def test_sinusoids_are_sinusoids() -> None:
    drawn = sinusoid.sinusoids(np.random.default_rng(0), 50)
    assert [tuple(p.shape) for p in drawn.parts] == [(50, 10, 1)] * 4
    assert drawn.support_x.abs().max() <= 5
    for task in range(50):
        x = torch.cat([drawn.support_x[task], drawn.query_x[task]]).double()
        y = torch.cat([drawn.support_y[task], drawn.query_y[task]]).double()
        waves = torch.cat([x.sin(), x.cos()], 1)
        weights = torch.linalg.lstsq(waves, y).solution
        assert (waves @ weights - y).abs().max() < 1e-4
        assert 0.09 < weights.norm() < 5.01


def test_the_test_tasks_never_change() -> None:
    first, second = sinusoid.held_out(), sinusoid.held_out()
    assert len(first) == 2000
    assert first.query_x.shape == (2000, 100, 1)
    assert all(torch.equal(a, b) for a, b in zip(first.parts, second.parts, strict=True))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge on few tasks."""
    monkeypatch.setattr(sinusoid, "TEST_TASKS", 8)
    monkeypatch.setattr(omniglot, "TEST_TASKS", 4)
    monkeypatch.setattr(omniglot, "FOLLOWED", 5)


@pytest.mark.usefixtures("few")
def test_every_variant_runs_and_its_record_is_json(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    for name in sinusoid.VARIANTS:
        record = sinusoid.run(name, 0, iterations=2)
        content = record_file.add_records(path, "inner-sinusoid", [record])
    assert len(content["records"]) == len(sinusoid.VARIANTS)
    record = record_file.read(path)["records"][0]
    assert isinstance(record["diverged"], bool)  # untrained, it may overfit its ten shots
    assert len(record["curve"]) == 21
    assert math.isclose(record["curve"][5], record["mse"]["5"]["mean"], rel_tol=1e-5)
    assert record["commit"]
    assert "torch" in record["versions"]


def test_records_of_the_same_variant_and_seed_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "results" / "r.json"
    for value in (1.0, 2.0):
        record = {"variant": "a", "seed": 0, "mse": {"1": {"mean": value, "ci95": None}}}
        record_file.add_records(path, "s", [record, {**record, "seed": 1}])
    content = record_file.read(path)
    assert [r["mse"]["1"]["mean"] for r in content["records"]] == [2.0, 2.0]
    assert content["seeds"] == [0, 1]
    shorter = {"variant": "a", "seed": 0, "iterations": 9, "mse": {}}
    assert len(record_file.add_records(path, "s", [shorter])["records"]) == 3
    path.write_text("{}")
    with pytest.raises(StoreError, match="not a results file"):
        record_file.read(path)


@pytest.mark.parametrize(
    ("direction", "value", "reached"),
    [("minimize", 0.4, True), ("minimize", 0.6, False), ("maximize", 0.6, True)],
)
def test_a_bar_is_reached_or_not(direction: str, value: float, reached: bool) -> None:
    bar = {"variant": "a", "part": "mse", "measure": "1", "direction": direction, "bar": 0.5}
    records = [
        {"variant": "a", "seed": s, "mse": {"1": {"mean": value + d, "ci95": 0.1}}}
        for s, d in ((0, -0.01), (1, 0.01))
    ]
    (row,) = record_file.bars({"bars": [bar], "records": records})
    assert row["reached"] is reached
    assert row["seeds"] == 2
    assert math.isclose(row["value"], value)
    (missing,) = record_file.bars({"bars": [bar], "records": []})
    assert missing["reached"] is None


def test_results_become_markdown_between_markers(tmp_path: Path) -> None:
    def record(variant: str, seed: int, iterations: int, mean: float) -> dict[str, Any]:
        measured = {"1": {"mean": mean, "ci95": 0.25}, "ours @5": {"mean": None, "ci95": None}}
        return {
            "variant": variant,
            "seed": seed,
            "iterations": iterations,
            "mse": measured,
            "diverged": mean > 8,
        }

    path, page = tmp_path / "s.json", tmp_path / "page.md"
    records = [record("a", 0, 9, 2.0), record("b", 0, 9, 1.0), record("b", 1, 9, 2.0)]
    record_file.add_records(path, "s", [*records, record("a", 1, 3, 9.0)])
    page.write_text("x\n<!-- bench:begin s -->\n<!-- bench:end s -->\ny\n")
    assert command("show", path, "--into", page) == ""
    text = page.read_text()
    assert "| mse | 1 | @5 |" in text
    assert "| a | 2.000 ± 0.250 | - |" in text  # the full training only
    assert "| b | 1.500 | - |" in text  # mean over seeds
    assert "| ours | - | - |" in text
    assert "1 of 4 trained models diverged" in text
    assert text.startswith("x\n")
    assert text.endswith("y\n")


@pytest.mark.usefixtures("few")
def test_a_bar_holds_for_the_full_training_only() -> None:
    content = sinusoid.facts()
    record = sinusoid.run("maml-1", 0, iterations=2)
    assert all(b["reached"] is None for b in record_file.bars({**content, "records": [record]}))


def test_the_interval_is_that_of_a_mean() -> None:
    found = record_file.mean_interval([1.0, 2.0, 3.0])
    assert found["mean"] == 2.0
    assert found["ci95"] == pytest.approx(1.96 / math.sqrt(3), rel=1e-3)
    assert record_file.mean_interval([1.0, math.nan])["mean"] is None


@pytest.fixture
def characters(tmp_path: Path) -> Path:
    """A stand-in for Omniglot: character c is a bar at its own place."""
    rng = np.random.default_rng(0)
    images = np.full((1623, 20, 28, 28), 255, dtype=np.uint8)
    for c in range(1623):
        images[c, :, c % 28, :] = rng.integers(0, 50, size=(20, 28))
    (tmp_path / "omniglot").mkdir()
    np.savez(tmp_path / "omniglot" / "omniglot28.npz", images=images)
    return tmp_path


def test_episodes_of_characters(characters: Path) -> None:
    parts = omniglot.load(characters)
    assert {k: len(v.images) for k, v in parts.items()} == {
        "train": 1100,
        "validation": 100,
        "test": 423,
    }
    drawn = parts["train"].source(5, 2, 3)(np.random.default_rng(0), 4)
    assert tuple(drawn.support_x.shape) == (4, 10, 1, 28, 28)
    assert tuple(drawn.query_x.shape) == (4, 15, 1, 28, 28)
    assert 0 <= drawn.support_x.min() <= drawn.support_x.max() <= 1
    for labels in (drawn.support_y[0], drawn.query_y[0]):
        assert sorted(set(labels.tolist())) == [0, 1, 2, 3, 4]
    # drawings with one label show one character, turned alike: the same rows or columns have ink
    for task in range(4):
        x = torch.cat([drawn.support_x[task], drawn.query_x[task]])[:, 0] > 0
        y = torch.cat([drawn.support_y[task], drawn.query_y[task]])
        for way in range(5):
            of_way = x[y == way]
            assert torch.equal(of_way.any(0), of_way.all(0))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("name", ["5-way-1-shot-layer-step", "5-way-1-shot-head"])
def test_a_character_model_trains_and_is_judged(characters: Path, name: str) -> None:
    drawings = omniglot.load(characters)
    assert (len(omniglot.recipe(name, 0).shared_rows) == 2) == ("-head" in name)
    record = omniglot.run(name, 0, drawings, iterations=2)
    assert json.dumps(record)
    assert 0 <= record["accuracy"]["chosen"]["mean"] <= 1
    assert record["diverged"] is False


def test_missing_and_wrong_characters(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        omniglot.load(tmp_path)
    (tmp_path / "omniglot").mkdir()
    np.savez(tmp_path / "omniglot" / "omniglot28.npz", images=np.zeros((3, 2), np.uint8))
    with pytest.raises(InputError, match="uint8"):
        omniglot.load(tmp_path)


def test_all_contenders_of_the_speed_suite_do_the_same_step() -> None:
    record = speed.run(2, repetitions=1, compiled=False)
    losses = list(record["first_loss"].values())
    assert max(losses) - min(losses) < 1e-3 * max(losses)
    assert record["ratio"]["plain-loop"]["mean"] > 0


def command(*arguments: Any) -> str:
    result = CliRunner().invoke(app, ["bench", "inner", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.usefixtures("few")
def test_the_command_line(tmp_path: Path) -> None:
    into = tmp_path / "inner-sinusoid.json"
    shown = command(
        "sinusoid", "--variants", "maml-1", "--iterations", 2, "--into", into, "-f", "json"
    )
    content = json.loads(shown)
    assert content["suite"] == "inner-sinusoid"
    assert content == json.loads(into.read_text())
    assert "not run" in command("show", into)
    command("plot", into, "--into", tmp_path / "c.svg")
    assert (tmp_path / "c.svg").read_text().startswith("<?xml")


def test_the_command_line_refuses_unknown_variants(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bench", "inner", "sinusoid", "--variants", "best"])
    assert isinstance(result.exception, InputError)
    assert "maml-1" in str(result.exception)
    with pytest.raises(InputError, match=r"\.gif"):
        record_curves.save({"suite": "s", "records": []}, tmp_path / "c.gif")
