"""Every number of the pages of results is in a file, and every cell's age is said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from autometa_benchmarks import front, pages

shallow = subprocess.run(
    ["git", "rev-parse", "--is-shallow-repository"],
    cwd=pages.ROOT,
    capture_output=True,
    text=True,
    check=False,
)
history = pytest.mark.skipif(
    shallow.stdout.strip() != "false", reason="needs a checkout with its whole history"
)


@history
@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_pages_show_what_the_files_hold(page: Path) -> None:
    """Mended by: python -m autometa_benchmarks.pages (with benchmarks on the path)."""
    assert pages.blocks(page)
    assert list(pages.old(page)) == []


@history
def test_a_number_that_is_no_cell_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- bench:begin lcbench -->\n<!-- bench:end lcbench -->\n")
    assert list(pages.old(page)) == ["lcbench"]
    assert pages.write(page)
    assert list(pages.old(page)) == []
    page.write_text(page.read_text().replace("| autometa | ", "| autometa | 0.00", 1))
    assert list(pages.old(page)) == ["lcbench"]


@history
def test_cells_of_an_earlier_engine_are_marked() -> None:
    commits = {"autometa": ["0" * 12], "random": ["0" * 12]}
    (said,) = pages.said("lcbench", commits)
    assert said == f"(all cells: commit {'0' * 12}; the code has changed since)"


@history
def test_cells_of_this_commit_are_not_marked_and_foreign_ones_never() -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=pages.ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    now, foreign = pages.said("lcbench", {"autometa": [head], "cold-tpe": ["0" * 12]})
    assert now == f"(autometa: commit {head})"
    assert foreign == f"(cold-tpe: commit {'0' * 12})"
    assert pages.changed_since(head + "+", ("README.md",))


def test_published_rows_have_no_commit() -> None:
    assert list(pages.said("geoalgo-deepar", {"published-cts": ["published"]})) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("inner-sinusoid", "autometa/inner"),
        ("tables", "autometa/children"),
        ("lcbench", "autometa/suggest"),
    ],
)
def test_what_a_table_rests_on_is_there(name: str, path: str) -> None:
    assert path in pages.rests(name)
    assert all((pages.ROOT / each).exists() for each in pages.rests(name))


def test_the_front_page_shows_regrets_and_who_wins(tmp_path: Path) -> None:
    methods = {name: {"mean_regret": [0.9, 0.5, 0.25]} for name in front.METHODS}
    methods["random"] = {"mean_regret": [0.75, 0.5, 0.5]}
    for suite in front.SUITES:
        file = {"checkpoints": [3, 10, 50], "methods": methods, "tasks": ["a", "b"]}
        (tmp_path / f"{suite}.json").write_text(json.dumps(file))
    rows = front.regret(tmp_path).splitlines()
    assert len(rows) == 2 + len(front.METHODS)
    assert "(`lcbench-100`, 2 tasks)" in rows[0]
    assert rows[2].startswith("| autometa | 0.900 / **0.500** / **0.250** |")
    assert rows[-1].startswith("| random search | **0.750** / **0.500** / 0.500 |")
    wins = {"won": 2, "tied": 1, "lost": 1, "share": 0.625, "low": 0.4, "high": 0.8}
    other = {"system": "other", "rank": 2.0, "wins": wins, "median_took": 29.0}
    ours = {"system": "autometa", "rank": 1.25, "median_took": None}
    lost = [
        {"table": "a", "ours": 0.5, "default": 0.525},
        {"table": "b", "ours": 0.5, "default": 0.501},
    ]
    at = {"seconds": 30.0, "tables": 4, "rows": [ours, other], "behind_defaults": lost}
    cells = [
        {"system": system, "commit": made}
        for system, made in (("autometa", "1"), ("autometa cold race", "1"), ("other", "2"))
    ]
    (tmp_path / "automl.json").write_text(json.dumps({"times": [at], "cells": cells}))
    shown = front.automl(tmp_path)
    assert shown.startswith("The best of four untuned defaults was better on 2 of 4 tables, ")
    assert "by more than .01 on 1: `a` by .025." in shown
    assert shown.endswith("(the others: commit 2; ours: commit 1)\n")
    assert "| 30 s, 4 tables |" in shown
    assert "| autometa | 1.25 |  | - |" in shown
    assert "| other | 2.00 | 2 / 1 / 1, 0.62 [0.40, 0.80] | 29 |" in shown
