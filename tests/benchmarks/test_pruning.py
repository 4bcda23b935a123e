"""The suite of pruners: what a record counts, and what the table makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autometa.bench import record_file
from autometa.cli import main
from autometa.errors import InputError
from autometa_benchmarks import pruning, pruning_figure


def test_only_complete_trials_count_and_epochs_add_up() -> None:
    half = pruning.BUDGET // 2
    run = pruning.Run(epochs=(51, 1, half - 52), finals=(0.5, None, 0.9))
    regret, curve = run.regret(best=1.0, middle=0.0)
    assert regret == pytest.approx(0.1)
    assert np.isclose(curve[pruning.SPENT >= 0.5], 0.1).all()
    assert np.isclose(curve[(pruning.SPENT > 0.03) & (pruning.SPENT < 0.49)], 0.5).all()
    nothing = pruning.Run(epochs=(1,), finals=(None,)).regret(best=1.0, middle=0.0)
    assert nothing[0] == np.inf
    assert np.isnan(nothing[1]).all()


def record(variant: str, seed: int, regret: float) -> dict[str, Any]:
    tasks = {n: {"regret": regret + i, "epochs": 0.5, "trials": 9} for i, n in enumerate("ab")}
    return {"variant": variant, "seed": seed, "tasks": tasks, "spent": [None] + [regret] * 49}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    records = [
        record(f"{sampler}+{pruner}", seed, value)
        for sampler in pruning.SAMPLERS
        for pruner, value in (("none", 0.1), ("learned", 0.125))
        for seed in (0, 1)
    ]
    path = tmp_path / "pruning.json"
    record_file.add_records(path, pruning.NAME, records, **pruning.facts("test", []))
    return path


def test_the_table_pairs_each_pruner_with_no_pruning(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = results.with_name("f.svg")
    words = ["--seeds", "0", "--plot", str(figure), "-f", "json"]
    with pytest.raises(SystemExit) as ended:
        main(["bench", "pruning", "--into", str(results), *words])
    assert not ended.value.code
    rows = {r["variant"]: r for r in json.loads(capsys.readouterr().out)}
    assert rows["cold-tpe+learned"]["added"] == pytest.approx(0.025)
    assert rows["autometa+none"]["added"] == 0.0
    assert rows["cold-tpe+learned"]["regret"] == pytest.approx(0.625)
    assert rows["cold-tpe+learned"]["seeds"] == 2
    assert figure.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("words", [["--variants", "tpe"], ["--split", "x"]])
def test_unknown_names_end_with_2(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "pruning", "--into", str(tmp_path / "r.json"), *words])
    assert ended.value.code == 2
    assert not list(tmp_path.iterdir())


def test_the_figure_refuses_other_suffixes(results: Path) -> None:
    with pytest.raises(InputError):
        pruning_figure.save(record_file.read(results), results.with_suffix(".txt"))
