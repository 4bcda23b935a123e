from __future__ import annotations

import json
from pathlib import Path

import pytest

from autometa.meta import MetaLearner
from autometa_benchmarks import overhead


def test_suggestions_are_timed_at_every_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead, "LENGTHS", (5, 12))
    model = MetaLearner(seed=0, steps=50).fit(overhead.made(4, 20))
    found = overhead.suggestions(model, 3)
    assert set(found) == {"autometa", "cold-tpe", "cold-gp"}
    for times in found.values():
        assert set(times) == {"5", "12"}
        assert all(0 < t["median"] <= t["p95"] for t in times.values())


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
