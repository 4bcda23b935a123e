"""The suite inner-rate-law: what it reads, what it leaves out, and that the law beats one rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autometa.errors import InputError
from autometa.inner.rate_curve import Runs
from autometa_benchmarks.inner import rate_law, rate_surrogate
from autometa_benchmarks.inner.rate_learning import between, family, folds_of, sloped, winners
from autometa_benchmarks.inner.rate_runs import SOURCES, Source
from autometa_benchmarks.inner.rate_surrogate import truth


def made(n: int = 240) -> Runs:
    """Runs of twelve sizes whose best rate falls by half a decade for a decade of size."""
    rng = np.random.default_rng(0)
    group = rng.integers(12, size=n).astype(float)
    sizes = np.column_stack([4 + group / 3, rng.normal(6, 0.5, n), rng.normal(2, 0.3, n)])
    rate = rng.uniform(-5, -1, n)
    u = rate + 3 + 0.5 * (sizes[:, 0] - 6)
    above = np.maximum(u, 0)
    loss = 0.3 * np.maximum(-u, 0) + 1 - np.exp(-3 * above**2) + 0.02 * rng.normal(size=n)
    return Runs(log_rate=rate, sizes=sizes, others=rng.normal(size=(n, 1)), loss=loss, group=group)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    for name, value in {"POINTS": 40, "FITTED": 80, "PROCESSES": 1, "SETTINGS": 1}.items():
        monkeypatch.setattr(rate_surrogate, name, value)
    found = replace(SOURCES[0], read=lambda _data: made())
    monkeypatch.setattr(rate_law, "SOURCES", (found,))
    monkeypatch.setattr(rate_law, "FOLDS", 3)
    return found


@pytest.mark.parametrize("kind", ["sizes", "larger"])
def test_the_law_beats_the_single_rate_on_sizes_left_out(source: Source, kind: str) -> None:
    record = rate_law.run(f"{source.name}-{kind}", 0, data=None)
    assert record["ratio"]["error to single"]["mean"] < 0.7
    assert record["ratio"]["regret to single"]["mean"] < 0.7
    assert record["correlation"]["law"]["mean"] > record["correlation"]["single"]["mean"]
    assert 0 <= record["coverage"]["interval"]["mean"] <= 1
    assert {bar["variant"] for bar in rate_law.facts()["bars"]} == set(rate_law.VARIANTS)


def test_sizes_are_never_split(source: Source) -> None:
    runs = made()
    fold = folds_of(runs, 3, 0)
    assert all(len(set(fold[runs.group == g])) == 1 for g in np.unique(runs.group))
    assert set(fold) == {0, 1, 2}
    assert (fold != folds_of(runs, 3, 1)).any()


def test_the_truth_finds_the_best_rate(source: Source) -> None:
    runs = made()
    known = truth(runs)
    expected = -3 - 0.5 * (runs.sizes[known.rows, 0] - 6)
    assert np.median(np.abs(known.best - expected)) < 0.35
    assert known.r2 > 0.7
    here = np.arange(3)
    assert np.allclose(known.regret(known.best[here], here), 0.0)


def test_families_and_what_lies_between(source: Source) -> None:
    runs = made()
    one = family(source, runs, None)
    assert one.curve.slopes[0] == pytest.approx(-0.5, abs=0.15)
    assert one.runs == len(runs)
    tuned = winners(replace(source, pretrained=True), runs)
    assert tuned.curve.slopes == (0.0, 0.0, 0.0)
    sgd = replace(one, name="other", optimizer="sgd")
    adam, plain = between([one, replace(one, name="image-text"), sgd])
    assert adam.optimizer == "adam"
    assert plain.by_parameters == adam.by_parameters
    assert plain.spread >= adam.spread
    assert sloped(one, (adam, plain)) == one  # it has sizes of its own
    same = replace(tuned, lowest=(6.0, 0.0, 1.0), highest=(6.0, 0.0, 2.0))
    assert sloped(same, (adam, plain)).curve.slopes == (adam.by_parameters, 0.0, 0.0)


def test_runs_of_perceptrons_come_with_the_package() -> None:
    read: Any = {s.name: s for s in SOURCES}["perceptron"].read
    runs = read(None)
    assert len(np.unique(runs.group)) > 50
    assert runs.sizes.shape == (len(runs), 3)


@pytest.mark.parametrize("name", ["language", "image-text", "recurrent", "fine-tuned-image"])
def test_absent_data_are_an_error(name: str, tmp_path: Path) -> None:
    read: Any = {s.name: s for s in SOURCES}[name].read
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path)
    for folder in ("scanbench", "taskset", "zap"):
        (tmp_path / folder).mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path)
