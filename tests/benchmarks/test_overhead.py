from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest

from autometa.meta import MetaLearner
from autometa_benchmarks import overhead


def test_suggestions_are_timed_at_every_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that an ask moves: the first is left out, quantiles are of the others."""
    monkeypatch.setattr(overhead, "LENGTHS", (5, 101))
    now, asks = [0.0], 3
    monkeypatch.setattr("autometa_benchmarks.overhead.time.process_time", lambda: now[0])
    asked: dict[int, int] = {}
    ask = optuna.Study.ask

    def slow(self: optuna.Study, *args: Any) -> optuna.Trial:
        asked[id(self)] = asked.get(id(self), 0) + 1
        now[0] += 60.0 if asked[id(self)] == 1 else 0.001 * asked[id(self)]
        return ask(self, *args)

    monkeypatch.setattr(optuna.Study, "ask", slow)
    model = MetaLearner(seed=0, steps=50).fit(overhead.made(4, 20))
    found = overhead.suggestions(model, asks)
    each = {"median": 3.0, "p95": 3.9}  # of 2, 3 and 4 ms
    assert found["autometa"] == found["cold-tpe"] == {"5": each, "101": each}
    assert found["cold-gp"] == {"5": each}  # seconds each beyond a hundred trials


def test_a_fit_is_measured_in_a_process_of_its_own() -> None:
    (found,) = overhead.fits([(3, 30)])
    assert (found["tasks"], found["trials"]) == (3, 30)
    assert found["cpu_seconds"] > 0
    assert found["peak_megabytes"] >= found["megabytes_before"] > 0
    assert found["megabytes_of_the_fit"] >= 0


def test_fits_alone_keep_what_is_known_of_suggestions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "overhead.json"
    into.write_text(json.dumps({"suite": "overhead", "commit": "old", "fit": []}))
    monkeypatch.setattr(overhead, "fits", lambda sizes: [{"tasks": t} for t, _ in sizes])
    overhead.main(["--only-fits", "--into", str(into)])
    found = json.loads(into.read_text())
    assert (found["suite"], found["commit"]) == ("overhead", "old")
    assert {"tasks": 119} in found["fit"]
    assert found["fit_commit"]
