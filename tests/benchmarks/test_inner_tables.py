"""Suite inner-tables: its split, its peers, its record, its command."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from autometa.cli import app
from autometa.errors import InputError
from autometa.inner.tabular import Rows, Tables, network
from autometa_benchmarks.inner import tables
from autometa_benchmarks.inner.peers import PEERS, Peer


def blobs(columns: int, seed: int, rows: int = 80) -> Rows:
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=rows)
    return Rows(rng.normal(size=(rows, columns)) + 2 * y[:, None], y, f"blobs{seed}")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SHOTS", 30), ("QUERIES", 30), ("LONG", 25), ("EPISODES", 2)):
        monkeypatch.setattr(tables, name, value)
    short = {n: replace(p, rates=p.rates[:1] + p.rates[4:6]) for n, p in PEERS.items()}
    monkeypatch.setattr(tables, "PEERS", short)


@pytest.mark.parametrize("name", ["adam", "sgd", "prodigy", "schedule-free"])
def test_a_peer_trains_as_torch_would(name: str) -> None:
    peer = PEERS[name]
    if not peer.installed:
        pytest.skip(f"{peer.package} is not installed")
    episodes = Tables((blobs(4, 0),), 2, 30, 30).stack(np.random.default_rng(0), [blobs(4, 0)] * 2)
    child = network(2, 0)
    path = peer.path(child, episodes, 0.01 if name in ("adam", "sgd") else peer.rates[0], 30)
    assert path.shape == (2, 31)
    assert (path.amin(1) < 0.7 * path[:, 0]).all()
    if name in ("adam", "sgd"):
        own = network(2, 0)
        make = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[name]
        options = {"momentum": 0.9} if name == "sgd" else {}
        optimiser = make(own.parameters(), lr=0.01, **options)
        for _ in range(5):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(
                own(episodes.support_x[1]), episodes.support_y[1]
            )
            torch.autograd.backward(loss)
            optimiser.step()
        with torch.no_grad():
            out = own(episodes.query_x[1])
            expected = torch.nn.functional.cross_entropy(out, episodes.query_y[1])
        assert path[1, 5].item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_first_step_at_or_under_a_loss() -> None:
    curve = torch.tensor([3.0, 2.0, 1.0])
    assert [tables._first(curve, t) for t in (3.0, 1.5, 0.5)] == [0, 2, 3]


@pytest.mark.usefixtures("small")
def test_a_record_and_a_peer_that_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Peer(path=PEERS["adam"].path, rates=(1.0,), package="no_such_package")
    monkeypatch.setitem(vars(tables)["PEERS"], "prodigy", absent)
    parts = {"train": [blobs(3, 0), blobs(5, 1)], "test": [blobs(4, 2)]}
    record = tables.run(parts, 0, iterations=2)
    assert json.dumps(record)
    assert "no_such_package" in record["methods"]["prodigy"]["skipped"]
    assert record["methods"]["adam"]["learning_rate"] in PEERS["adam"].rates
    assert len(record["methods"]["learned"]["curve"]) == 21
    assert record["cross_entropy"]["adam @0"]["mean"] == record["methods"]["adam"]["curve"][0]
    assert 1 <= record["steps_to_match"]["adam @10"]["mean"] <= 26
    assert not any(key.startswith("prodigy") for key in record["cross_entropy"])


@pytest.mark.usefixtures("small")
def test_families_are_held_out_whole_and_the_command_says_what_it_skips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Peer(path=PEERS["sgd"].path, rates=(1.0,), package="absent_one")
    monkeypatch.setitem(vars(tables)["PEERS"], "sgd", absent)
    (tmp_path / "tables").mkdir()
    index = []
    for i in range(8):
        rows = blobs(3, i)
        frame = pd.DataFrame(rows.X, columns=list("abc"))
        frame["target"] = np.array(["no", "yes"])[rows.y]
        frame.to_parquet(tmp_path / "tables" / f"t{i}.parquet")
        count = 80 if i else 10
        index.append((f"t{i}", f"f{i // 2}", "classification", count))
    listed = pd.DataFrame(index, columns=["name", "family", "kind", "rows"])
    listed.to_csv(tmp_path / "tables" / "index.csv", index=False)
    parts = tables.load(tmp_path)
    families = {k: {int(r.name[1:]) // 2 for r in v} for k, v in parts.items()}
    assert families["test"]
    assert not families["train"] & families["test"]
    assert sum(len(v) for v in parts.values()) == 7  # the table of ten rows is left out
    into = tmp_path / "r.json"
    asked = ["bench", "inner", "tables", "--data", tmp_path, "--iterations", 2, "--into", into]
    result = CliRunner().invoke(app, [str(a) for a in asked])
    assert result.exit_code == 0, result.output
    assert "sgd: skipped" in result.stderr
    assert "steps_to_match adam @10" in result.stdout
    assert json.loads(into.read_text())["suite"] == "inner-tables"
    with pytest.raises(InputError, match="does not exist"):
        tables.load(tmp_path / "nowhere")


def test_peers_are_found_by_their_package() -> None:
    assert PEERS["adam"].installed
    assert PEERS["prodigy"].installed == (importlib.util.find_spec("prodigyopt") is not None)
