from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autometa.bench import run, show
from autometa.bench.figure import save_regret
from autometa.bench.method import Method
from autometa.bench.suites.synthetic import Synthetic
from autometa.cli import app
from autometa.errors import InputError, StoreError


def test_results_survive_a_file_and_become_tables(
    suite: Synthetic, random: Method, tmp_path: Path
) -> None:
    results = run(suite, [random], tasks=["f01"], seeds=(0,), trials=5)
    show.save(results, tmp_path / "synthetic.json")
    loaded = show.load(tmp_path / "synthetic.json")
    assert loaded == json.loads(json.dumps(results))
    text = show.markdown(loaded)
    assert "| random | " in text
    assert f"{results['methods']['random']['mean_regret'][0]:.3f}" in text
    assert show.terminal_table(loaded, "mean_rank").row_count == 1
    save_regret(loaded, tmp_path / "figure.svg")
    assert "<svg" in (tmp_path / "figure.svg").read_text()


def test_a_page_is_changed_between_its_markers_only() -> None:
    page = "a\n<!-- bench:begin x -->\nold\n<!-- bench:end x -->\nb\n"
    changed = show.replace_between_markers(page, "x", "new\n")
    assert changed == page.replace("old", "new")
    assert show.replace_between_markers(changed, "x", "new\n") == changed
    with pytest.raises(InputError, match="no markers"):
        show.replace_between_markers(page, "y", "new")


def test_files_that_hold_no_results_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("{}")
    with pytest.raises(InputError, match="no benchmark results"):
        show.load(path)
    path.write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        show.load(path)


def test_the_command_runs_continues_and_prints(tmp_path: Path) -> None:
    command = "bench synthetic --methods random --tasks f01 --seeds 1 --trials 3 -f json --into"
    results = tmp_path / "synthetic.json"
    for _ in range(2):
        done = CliRunner().invoke(app, [*command.split(), str(results)])
        assert done.exit_code == 0, done.output
    assert len((tmp_path / "cells" / "synthetic.jsonl").read_text().splitlines()) == 1
    assert json.loads(results.read_text())["ran_on"] == "test"
    page = tmp_path / "page.md"
    page.write_text("<!-- bench:begin synthetic -->\n<!-- bench:end synthetic -->\n")
    done = CliRunner().invoke(app, ["bench", "table", str(results), "--into", str(page)])
    assert done.exit_code == 0
    assert "| random |" in page.read_text()
