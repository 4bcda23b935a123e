"""HPO-B's protocols, on made files of its layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.samplers import RandomSampler
from typer.testing import CliRunner

from autometa.bench import run, suites
from autometa.bench.cell import run_cell
from autometa.bench.method import Method, Start, cold
from autometa.bench.suite import Pool
from autometa.cli import app, main
from autometa.errors import AutometaError, InputError, StoreError
from autometa_benchmarks import hpob_published
from autometa_benchmarks.suites.hpob import AFTER, GIVEN, HPOB, HPOBContinuous

SPACES = {"4796": 2, "5527": 3}
ROWS = 24
INITIAL = {f"test{s}": [s, s + 5, s + 10, s + 15, ROWS - 1] for s in range(5)}


def data_set(dim: int, seed: int) -> dict[str, Any]:
    """Random configs; the last two are one config with two values, as repeated runs have."""
    rng = np.random.default_rng(seed)
    X = rng.random((ROWS, dim))
    X[-1] = X[-2]
    y = 0.5 + 0.4 * np.exp(-((X - 0.3) ** 2).sum(1)) + 0.01 * rng.random(ROWS)
    return {"X": X.tolist(), "y": [[float(v)] for v in y]}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hpob-files")
    for number, (part, sets) in enumerate(
        {"train": "abcd", "validation": "v", "test": "xy"}.items()
    ):
        made = {
            space: {name: data_set(dim, 100 * number + ord(name)) for name in sets}
            for space, dim in SPACES.items()
        }
        (folder / f"meta-{part}-dataset.json").write_text(json.dumps(made))
    initial = {space: dict.fromkeys("xy", INITIAL) for space in SPACES}
    (folder / "bo-initializations.json").write_text(json.dumps(initial))
    return folder


@pytest.fixture(scope="module")
def surrogates(files: Path) -> Path:
    """The same with the models of the continuous protocol."""
    xgboost = pytest.importorskip("xgboost")
    home = files / "saved-surrogates"
    home.mkdir()
    stats = {}
    for space, sets in json.loads((files / "meta-test-dataset.json").read_text()).items():
        for name, found in sets.items():
            X, y = np.array(found["X"]), np.array(found["y"])[:, 0]
            model = xgboost.train({"nthread": 1}, xgboost.DMatrix(X, y), num_boost_round=8)
            model.save_model(home / f"surrogate-{space}-{name}.json")
            stats[f"surrogate-{space}-{name}"] = {"y_min": 0.55, "y_max": 0.85}
    (home / "summary-stats.json").write_text(json.dumps(stats))
    return files


RANDOM = Method(
    name="random", about="", prepare=cold(lambda s: RandomSampler(seed=s)), uses_prior=False
)


def changed(files: Path, folder: Path, name: str, content: Any) -> Path:
    """A copy of the files, one of them changed."""
    shutil.copytree(files, folder / "copy")
    (folder / "copy" / name).write_text(json.dumps(content))
    return folder / "copy"


@pytest.mark.parametrize("seed", range(5))
def test_a_study_begins_with_the_given_rows_of_its_seed(files: Path, seed: int) -> None:
    suite = HPOB(files)
    task = suite.by_name["4796/x"]
    pool = suite.objective(task)
    assert isinstance(pool, Pool)
    outcome = run_cell(
        lambda task, seed: Start(sampler=RandomSampler(seed=seed)),
        task,
        pool,
        seed=seed,
        trials=ROWS + 5,
        given=suite.given(task, seed),
    )
    # The last row is one config with the row before it: the value says which of them was taken.
    assert outcome.values[:GIVEN] == tuple(pool.values[INITIAL[f"test{seed}"]])
    assert sorted(map(float, filter(None, outcome.values))) == sorted(pool.values.tolist())


def test_what_a_method_enqueues_comes_after_what_is_given(files: Path) -> None:
    suite = HPOB(files)
    task = suite.by_name["5527/y"]
    pool = suite.objective(task)
    assert isinstance(pool, Pool)
    wish = task.task.space.from_raw(pool.raw[[3]])[0]
    outcome = run_cell(
        lambda task, seed: Start(sampler=RandomSampler(seed=0), enqueue=(wish,)),
        task,
        pool,
        seed=0,
        trials=6,
        given=suite.given(task, 0),
    )
    assert outcome.configs[GIVEN] == wish
    assert outcome.values[GIVEN] == pool.values[3]


def test_regret_is_one_minus_the_normalised_incumbent(files: Path) -> None:
    suite = HPOB(files)
    results = run(suite, [RANDOM], seeds=(0, 1), trials=GIVEN + 5, tasks=["4796/x"])
    values = suite.objective(suite.by_name["4796/x"])
    assert isinstance(values, Pool)
    y = (values.values - values.values.min()) / np.ptp(values.values)
    found = results["methods"]["random"]
    assert results["checkpoints"] == [GIVEN + 1, GIVEN + 5]
    first = [1 - max(y[INITIAL[f"test{s}"]]) for s in (0, 1)]
    assert found["curve"][GIVEN - 1] == pytest.approx(np.mean(first), abs=1e-5)
    assert 0 <= found["curve"][-1] <= found["curve"][GIVEN - 1]


def test_the_prior_is_the_training_part_of_the_space(files: Path) -> None:
    suite = HPOB(files)
    assert [t.name for t in suite.chosen("test")] == ["4796/x", "4796/y", "5527/x", "5527/y"]
    assert [t.name for t in suite.chosen("development")] == ["4796/v", "5527/v"]
    for task in suite.tasks:
        prior = suite.prior(task.fold, 10, 0)
        assert [t.name for t in prior.tasks] == list("abcd")
        assert prior.space == task.task.space
        assert all(len(h) == 10 for h in prior.histories)


def test_validation_data_sets_begin_with_drawn_rows(files: Path) -> None:
    suite = HPOB(files)
    task = suite.by_name["4796/v"]
    rows = [suite.given_rows(task, seed) for seed in range(3)]
    assert rows == [HPOB(files).given_rows(task, seed) for seed in range(3)]
    assert len(set(rows)) == 3
    assert all(len(set(r)) == GIVEN and max(r) < ROWS for r in rows)


def test_the_continuous_protocol_asks_the_surrogate(surrogates: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    suite = HPOBContinuous(surrogates)
    task = suite.by_name["5527/x"]
    evaluate = suite.objective(task)
    assert callable(evaluate)
    space, (_, history) = task.task.space, suite.histories["5527/x"]
    model = xgboost.Booster(model_file=surrogates / "saved-surrogates" / "surrogate-5527-x.json")
    raw = np.random.default_rng(5).random((6, 3))
    expected = np.clip((model.predict(xgboost.DMatrix(raw)) - 0.55) / 0.3, 0, 1)
    assert [evaluate(c) for c in space.from_raw(raw)] == pytest.approx(expected.tolist())
    for seed in range(5):
        rows = INITIAL[f"test{seed}"][:4]  # the fifth is a config with two values
        recorded = np.clip((history.values[rows] - 0.55) / 0.3, 0, 1)
        given = suite.given(task, seed)
        assert [evaluate(c) for c in given[:4]] == pytest.approx(recorded.tolist())  # type: ignore[arg-type]


def test_a_continuous_study_begins_with_the_given_configs(surrogates: Path) -> None:
    suite = HPOBContinuous(surrogates)
    results = run(suite, [RANDOM], seeds=(2,), trials=GIVEN + 2, tasks=["4796/y"])
    assert results["methods"]["random"]["complete"]
    assert all(0 <= r <= 1 for r in results["methods"]["random"]["curve"])


@pytest.mark.parametrize(
    "rows",
    [None, "01234", [0, 1, 2], [0, 1, 2, 3, ROWS], [0, 1, 2, 3, -1], [0, 0, 1, 2, 3], [0.0] * 5],
)
def test_first_configs_that_are_no_rows_are_refused(rows: Any, files: Path, tmp_path: Path) -> None:
    bad = {space: {name: {"test0": rows} for name in "xy"} for space in SPACES}
    suite = HPOB(changed(files, tmp_path, "bo-initializations.json", bad))
    with pytest.raises(InputError, match=r"4796/x, seed 0[\s\S]*bo-initializations"):
        suite.given(suite.by_name["4796/x"], 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bo-initializations.json", [1]),
        ("bo-initializations.json", {"4796": 1}),
        ("saved-surrogates/summary-stats.json", {}),
        ("saved-surrogates/summary-stats.json", {"surrogate-4796-x": {"y_min": 1, "y_max": 1}}),
        ("saved-surrogates/summary-stats.json", {"surrogate-4796-x": {"y_min": "a"}}),
        ("saved-surrogates/surrogate-4796-x.json", {"learner": 1}),
        ("meta-test-dataset.json", {"4796": {"x": {"X": [[2.0, 2.0]], "y": [[1.0]]}}}),
    ],
)
def test_damaged_files_are_refused(
    name: str, content: Any, surrogates: Path, tmp_path: Path
) -> None:
    suite = HPOBContinuous(changed(surrogates, tmp_path, name, content))
    with pytest.raises((InputError, StoreError)):
        suite.objective(suite.by_name["4796/x"])


def test_the_files_may_lie_below_the_folder(files: Path, tmp_path: Path) -> None:
    for name in ("hpob", "hpob-data"):
        shutil.copytree(files, tmp_path / name / name)
        assert suites.load("hpob", tmp_path / name).tasks
    with pytest.raises(InputError, match="meta-test-dataset"):
        suites.load("hpob", tmp_path)


def test_absent_files_are_said(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delenv("AUTOMETA_DATA", raising=False)
    with pytest.raises(SystemExit) as stop:
        main(["bench", "hpob"])
    assert stop.value.code == 2
    assert "--data DIR" in capsys.readouterr().err


def test_the_command_runs_and_goes_on(files: Path, tmp_path: Path) -> None:
    into = tmp_path / "r.json"
    words = ["bench", "hpob", "--data", str(files), "--methods", "random,cold-tpe", "--seeds", "2"]
    words += ["--suggestions", "5", "--spaces", "4796", "--into", str(into), "-f", "json"]
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    results = json.loads(into.read_text())
    assert results["hpob"]["suggestions"] == [1, 5]
    assert results["tasks"] == ["4796/x", "4796/y"]
    assert results["hpob"]["why"] == "not all test data sets were run"
    cells = tmp_path / "cells" / "hpob.jsonl"
    length = len(cells.read_text().splitlines())
    assert length == 2 * 2 * 2
    shown = CliRunner().invoke(app, [w for w in words if w not in ("-f", "json")])
    assert "after k suggestions" in shown.output
    assert len(cells.read_text().splitlines()) == length


@pytest.mark.parametrize(
    "words", [["--protocol", "x"], ["--split", "x"], ["--spaces", "1"], ["--seeds", "6"]]
)
def test_unusable_options_are_refused(words: list[str], files: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "hpob", "--data", str(files), *words])
    assert done.exit_code != 0
    assert done.exit_code == 2 or isinstance(done.exception, AutometaError)


def made(spaces: Any, suite: str = "hpob", **changes: Any) -> dict[str, Any]:
    """Results with one data set a space, the first space having a second one."""
    tasks = [f"{s}/x" for s in spaces] + [f"{min(spaces)}/y"]
    per_task = {task: [0.4, 0.2] for task in tasks[:-1]} | {tasks[-1]: [0.8, 0.6]}
    known = {
        "suite": suite,
        "ran_on": "test",
        "tasks": tasks,
        "split": {"test": tasks},
        "seeds": [0, 1, 2, 3, 4],
        "checkpoints": [GIVEN + 1, GIVEN + 7],
        "methods": {
            "ours": {"per_task": per_task, "complete": True},
            "half": {"per_task": {tasks[0]: [0.1, 0.1]}, "complete": False},
        },
    }
    return known | changes


def test_spaces_count_alike_however_many_data_sets_they_have() -> None:
    found = hpob_published.beside(made(["4796", "5527"]))
    assert found["ours"] == {"ours": [pytest.approx((0.6 + 0.4) / 2), pytest.approx(0.3)]}
    assert found["why"] == "14 of its 16 spaces are not there"


@pytest.mark.parametrize("suite", ["hpob", "hpob-continuous"])
def test_published_numbers_stand_beside_a_whole_run_only(suite: str) -> None:
    whole = hpob_published.beside(made(hpob_published.SPACES, suite))
    assert whole["why"] == ""
    assert whole["suggestions"] == [1, 7]
    names = hpob_published.PUBLISHED[suite]
    assert whole["published"] == {name: [row[0], None] for name, row in names.items()}
    more = {"test": [*made(hpob_published.SPACES)["tasks"], "7609/z"]}
    for changes in ({"seeds": [0]}, {"ran_on": "development"}, {"split": more}):
        found = hpob_published.beside(made(hpob_published.SPACES, suite, **changes))
        assert not found["published"]
        assert found["why"]


def test_the_published_tables_are_whole() -> None:
    assert len(hpob_published.SPACES) == 16
    for rows in hpob_published.PUBLISHED.values():
        for row in rows.values():
            assert len(row) == len(AFTER)
            assert list(row) == sorted(row, reverse=True)
