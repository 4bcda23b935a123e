from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autometa import children
from autometa.children.evaluation.evaluate import failed
from autometa.collect import (
    Collection,
    Progress,
    Protocol,
    journal,
    load_tables,
    plan,
    with_derived,
    workers,
)
from autometa.errors import InputError, StoreError
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.tables import Table
from autometa.task import CompletedTrial, State

ROOT = Path(__file__).parent.parent


class FakeEvaluator:
    """Scores a config by a hash of everything that may decide a score; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[plan.Key] = []
        self.stop_after: int | None = None

    def run(
        self,
        child: Any,
        config: Any,
        table: Table,
        *,
        folds: int,
        seed: int,
        timeout: float | None,
        processor: float | None,
    ) -> children.Outcome:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        place = plan.key(table.name, child.name, config)
        self.asked.append(place)
        value = float(np.random.default_rng([*json.dumps(place).encode(), seed, folds]).random())
        if value < 0.1:
            return failed(config, 0.1, "by chance")
        trial = CompletedTrial(
            config=config, value=value, fold_scores=(value,) * folds, seconds=0.1, curve=(0.0,)
        )
        metrics = {"balanced_accuracy": (value,) * folds, "average_precision": (math.nan,) * folds}
        after = {20: {"balanced_accuracy": value / 2}}
        return children.Outcome(
            trial=trial, metrics=metrics, fit_seconds=0.05, predict_seconds=0.02, after=after
        )


class Peaked(FakeEvaluator):
    """Nearest neighbours, of whom about 20 are best, a little more or fewer on each table."""

    def run(self, child: Any, config: Any, table: Table, **how: Any) -> children.Outcome:
        outcome = super().run(child, config, table, **how)
        shift = 0.05 * len(table.name)
        value = 1.0 - abs(math.log10(config["n_neighbors"]) - 1.3 - shift) / 2
        trial = CompletedTrial(config=config, value=value, fold_scores=(value,) * 2, seconds=0.1)
        return replace(outcome, trial=trial, error="")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEvaluator:
    evaluator = FakeEvaluator()
    monkeypatch.setattr(workers, "_evaluator", lambda: evaluator)
    return evaluator


def tiny(name: str, n: int = 40, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return Table(name=name, X=pd.DataFrame(rng.normal(size=(n, 3)) + y[:, None]), y=pd.Series(y))


def collection(folder: Path, **changed: Any) -> Collection:
    given: dict[str, Any] = {
        "tables": (tiny("a"), tiny("b", seed=1)),
        "folder": folder,
        "children": ("linear", "k_nearest_neighbors"),
        "configs": 20,
        "protocol": Protocol(folds=2, rows=30, seed=3),
    }
    return Collection(**{**given, **changed})


def content(portfolio: Portfolio) -> list[Any]:
    """Everything but run times."""
    return [
        (
            (h.task.name, h.task.space.name, h.task.meta_features, h.task.info),
            [repr(a.tolist()) for a in (h.raw, h.values, h.states, h.fold_scores, h.curves)],
        )
        for h in portfolio.histories
    ]


# Plan ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", children.names())
def test_design_has_defaults_first_and_is_a_prefix_of_a_longer_one(name: str) -> None:
    space = children.get(name).space
    short, long = plan.design(space, 16, 0), plan.design(space, 40, 0)
    assert short[0] == dict(space.defaults)
    assert long[:17] == short
    assert len({json.dumps(c, sort_keys=True) for c in long}) == 41
    assert all(space.check(c) == c for c in long)
    assert plan.design(space, 16, 1)[1:] != short[1:]


def test_design_fills_a_unit_interval_evenly() -> None:
    from optuna.distributions import FloatDistribution

    from autometa.space import SearchSpace

    space = SearchSpace({"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)})
    points = np.array([[c["x"], c["y"]] for c in plan.design(space, 64, 5)], dtype=float)
    for axis in points.T:  # a net: one point in each of 64 slices
        assert sorted(np.floor(axis * 64).astype(int).tolist()) == list(range(64))


def test_design_of_a_small_space_stops_at_what_there_is() -> None:
    from optuna.distributions import CategoricalDistribution

    from autometa.space import SearchSpace

    assert len(plan.design(SearchSpace({"k": CategoricalDistribution("abc")}), 10, 0)) == 3


def test_batches_serve_every_table_and_child_before_the_next_block() -> None:
    configs: list[Any] = [{"x": i} for i in range(20)]
    found = list(plan.batches({(t, c): configs for t in "ab" for c in "uv"}))
    assert [(b.table, b.child, len(b.configs)) for b in found] == [
        (t, c, n) for n in (9, 8, 3) for t in "ab" for c in "uv"
    ]
    done = [plan.key("a", "u", {"x": i}) for i in range(10)]
    left = list(plan.batches({("a", "u"): configs}, done))
    assert [c["x"] for b in left for c in b.configs] == list(range(10, 20))


def test_protocol_refuses_what_cannot_work() -> None:
    for wrong in ({"folds": 1}, {"rows": 3}, {"seed": -1}, {"folds": 2.5}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Protocol(**wrong)


# Journal ---------------------------------------------------------------------------------------


def test_collection_becomes_a_portfolio_that_can_be_saved_beside_its_journal(
    tmp_path: Path, fake: FakeEvaluator
) -> None:
    seen: list[Progress] = []
    mine = collection(tmp_path)
    mine.run(processes=1, report=seen.append, command="autometa collect")
    made = mine.portfolio(licence="MIT")
    made.save(tmp_path)
    loaded = Portfolio.load(tmp_path)
    assert content(loaded) == content(made)
    assert loaded.licence == "MIT"
    assert [(t.name, t.space.name) for t in loaded.tasks] == [
        (t, c) for c in ("linear", "k_nearest_neighbors") for t in "ab"
    ]
    task = loaded.tasks[0]
    assert (task.direction, task.metric, task.info["rows"]) == ("maximize", "balanced_accuracy", 40)
    assert task.info["fingerprint"]["rows"] == 40
    assert len(task.meta_features) > 40
    assert [len(h) for h in loaded.histories] == [22] * 4
    run = loaded.provenance["runs"][0]
    assert run["command"] == "autometa collect"
    assert run["versions"]["scikit-learn"]
    assert loaded.provenance["protocol"] == {"folds": 2, "rows": 30, "seed": 3}
    failed = sum(int((h.states == State.FAILED).sum()) for h in loaded.histories)
    assert failed > 0
    last = seen[-1]
    assert (last.total, last.done, last.failed, last.left) == (88, 88, failed, 0.0)
    assert [p.done for p in seen] == sorted(p.done for p in seen)


def test_rerun_asks_for_nothing_and_a_longer_one_for_the_rest_only(
    tmp_path: Path, fake: FakeEvaluator
) -> None:
    collection(tmp_path).run(processes=1)
    before = list(fake.asked)
    collection(tmp_path).run(processes=1)
    assert fake.asked == before
    longer = collection(tmp_path, configs=24, tables=(tiny("a"), tiny("b", seed=1), tiny("c")))
    longer.run(processes=1)
    assert len(fake.asked) == len(set(fake.asked)) == 3 * 2 * 26
    assert [len(h) for h in longer.portfolio().histories] == [26] * 6


def test_partial_portfolio_is_balanced_and_the_rest_follows(
    tmp_path: Path, fake: FakeEvaluator
) -> None:
    whole = collection(tmp_path / "whole")
    whole.run(processes=1)
    fake.asked.clear()
    fake.stop_after = 40
    cut = collection(tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(processes=1)
    assert [len(h) for h in cut.portfolio().histories] == [9, 9, 9, 9]
    fake.stop_after = None
    cut.run(processes=1)
    assert content(cut.portfolio()) == content(whole.portfolio())


def _held(folder: Path) -> dict[tuple[str, str, str], int]:
    held = Portfolio.load(folder).histories
    return {(h.task.name, h.task.space.name, h.task.metric): len(h) for h in held}


def _collected(folder: Path, **changed: Any) -> Portfolio:
    mine = collection(folder, **changed)
    mine.run(processes=1)
    return mine.save(mine.portfolio(licence="MIT"))


@pytest.mark.parametrize(
    "fewer", [{"tables": (tiny("b", seed=1),)}, {"children": ("linear",)}, {"configs": 1}]
)
def test_a_folder_keeps_what_a_later_call_does_not_name(
    tmp_path: Path, fake: FakeEvaluator, fewer: dict[str, Any]
) -> None:
    whole = _collected(tmp_path)
    part = _collected(tmp_path, **fewer)
    assert _held(tmp_path) == {
        (t, c, "balanced_accuracy"): 22 for t in "ab" for c in ("linear", "k_nearest_neighbors")
    }
    assert not part.diff(Portfolio.load(tmp_path))
    again = _collected(tmp_path)
    assert content(again) == content(whole)
    assert again.provenance["runs"] == whole.provenance["runs"]  # told once


def test_a_folder_keeps_what_others_have_put_there(tmp_path: Path, fake: FakeEvaluator) -> None:
    space = children.get("linear", "classification").space
    history = _collected(tmp_path / "other", children=("linear",), configs=0).histories[0]
    others = [
        replace(history, task=replace(history.task, name=name, metric=metric))
        for name, metric in (("s", "value"), ("a", "accuracy"), ("a-2", "loss"))
    ]
    told = {"studies": [{"study": "s"}]}
    Portfolio(others, provenance=told, licence="CC0-1.0").save(tmp_path)
    for _ in range(2):
        found = _collected(tmp_path, configs=0)
        assert _held(tmp_path) == {
            **{
                ("ab"[i], c, "balanced_accuracy"): 2
                for c in collection(tmp_path).children
                for i in (0, 1)
            },
            ("s", space.name, "value"): 2,
            ("a-3", space.name, "accuracy"): 2,
            ("a-2", space.name, "loss"): 2,
        }
        assert (len(found.provenance["merged"]), found.licence) == (2, "MIT AND CC0-1.0")
        assert told in found.provenance["merged"]


def test_a_config_that_is_evaluated_anew_is_there_once(tmp_path: Path, fake: FakeEvaluator) -> None:
    _collected(tmp_path, configs=0)
    (tmp_path / journal.NAME).unlink()
    found = _collected(tmp_path, configs=0, protocol=Protocol(folds=3, rows=30, seed=3))
    assert set(map(len, found.histories)) == {2}
    assert found.histories[0].fold_scores.shape == (2, 3)


def test_torn_last_line_is_skipped_cut_off_and_done_again(
    tmp_path: Path, fake: FakeEvaluator
) -> None:
    mine = collection(tmp_path)
    mine.run(processes=1)
    whole = content(mine.portfolio())
    path = tmp_path / journal.NAME
    path.write_bytes(path.read_bytes()[:-25])
    torn = mine.entries
    assert torn.torn
    assert len(torn.trials) == 87
    fake.asked.clear()
    mine.run(processes=1)
    assert len(fake.asked) == 1
    mended = mine.entries
    assert not mended.torn
    assert content(mine.portfolio()) == whole


@pytest.mark.parametrize("cut", range(0, 400, 37))
def test_any_cut_of_a_journal_can_be_read(tmp_path: Path, fake: FakeEvaluator, cut: int) -> None:
    mine = collection(tmp_path)
    mine.run(processes=1)
    path = tmp_path / journal.NAME
    left = path.read_bytes()[: -1 - cut]
    path.write_bytes(left)
    whole = left.split(b"\n")[:-1]  # what no end of a line follows may be torn
    trials = sum(json.loads(line)["kind"] == "trial" for line in whole)
    assert len(mine.entries.trials) == trials


def test_damage_elsewhere_is_named(tmp_path: Path, fake: FakeEvaluator) -> None:
    mine = collection(tmp_path)
    mine.run(processes=1)
    path = tmp_path / journal.NAME
    lines = path.read_bytes().split(b"\n")
    lines[6] = lines[6][:-9]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(StoreError, match="line 7 "):
        mine.run(processes=1)


@pytest.mark.parametrize("at", ["1" + 400 * "0", "1e999"])
def test_a_time_beyond_all_floats_is_damage(tmp_path: Path, fake: FakeEvaluator, at: str) -> None:
    mine = collection(tmp_path)
    mine.run(processes=1)
    path = tmp_path / journal.NAME
    path.write_text(re.sub(r'"at": [\d.]+', f'"at": {at}', path.read_text(), count=1))
    with pytest.raises(StoreError, match="damaged"):
        mine.run(processes=1)


def test_other_protocols_and_changed_tables_are_refused(
    tmp_path: Path, fake: FakeEvaluator
) -> None:
    collection(tmp_path).run(processes=1)
    for changed in ({"folds": 3}, {"seed": 4}, {"rows": 31}):
        other = Protocol(**{"folds": 2, "rows": 30, "seed": 3, **changed})
        with pytest.raises(InputError, match="protocol"):
            collection(tmp_path, protocol=other).run(processes=1)
    with pytest.raises(InputError, match="'b' has changed"):
        collection(tmp_path, tables=(tiny("a"), tiny("b", seed=2))).run(processes=1)


def test_two_writers_are_refused(tmp_path: Path, fake: FakeEvaluator) -> None:
    mine = collection(tmp_path)
    with journal.Writer(tmp_path / journal.NAME), pytest.raises(StoreError, match="another"):
        mine.run(processes=1)
    mine.run(processes=1)


@pytest.mark.parametrize("what", ["folder removed", "folder moved", "journal replaced"])
def test_a_folder_that_goes_away_ends_the_collection(
    tmp_path: Path, fake: FakeEvaluator, what: str
) -> None:
    mine = collection(tmp_path / "out")

    def go_away(progress: Progress) -> None:
        if what == "folder removed":
            shutil.rmtree(mine.folder)
        elif what == "folder moved":
            mine.folder.rename(tmp_path / "moved")
        else:
            (tmp_path / "new").touch()
            (tmp_path / "new").replace(mine.folder / journal.NAME)

    with pytest.raises(StoreError, match=rf"{journal.NAME} cannot be written: (No such|another)"):
        mine.run(processes=1, report=go_away)
    assert len(fake.asked) < 88


def test_nothing_to_write_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no results"):
        collection(tmp_path).portfolio()


def test_two_tables_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="every name once"):
        collection(tmp_path, tables=(tiny("a"), tiny("a")))


# Tables ----------------------------------------------------------------------------------------


def test_folder_with_an_index_gives_families_kinds_and_sources(tmp_path: Path) -> None:
    frame = tiny("x").X.assign(target=np.arange(40) % 7)
    frame.to_csv(tmp_path / "first.csv", index=False)
    frame.to_parquet(tmp_path / "second.parquet")
    (tmp_path / "index.csv").write_text(
        "name,family,kind,domain,source,licence\n"
        'first,kin,regression,education,"KEEL, 2011",CC0-1.0\n'
    )
    first, second = load_tables([tmp_path])
    assert (first.name, first.family, first.kind) == ("first", "kin", "regression")
    assert first.info["source"] == "KEEL, 2011"
    assert (first.info["domain"], first.info["licence"]) == ("education", "CC0-1.0")
    assert (second.name, second.family, second.kind) == ("second", "second", "classification")


@pytest.mark.parametrize("name", ["first.csv", "frist"])
def test_an_index_that_names_no_table_is_refused(name: str, tmp_path: Path) -> None:
    """A family that is lost without a word lets relatives teach a table of themselves."""
    tiny("x").X.assign(target=np.arange(40) % 7).to_csv(tmp_path / "first.csv", index=False)
    (tmp_path / "index.csv").write_text(f"name,family\n{name},kin\n")
    with pytest.raises(InputError, match=rf"index.csv names '{name}' \(1 in all\).*'first'"):
        load_tables([tmp_path])


def test_unusable_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tables in"):
        load_tables([tmp_path])
    with pytest.raises(InputError, match="no tables given"):
        load_tables([])
    with pytest.raises(InputError, match="two tables are called 'iris'"):
        load_tables(["sklearn:iris", "sklearn:iris"])


# Workers ---------------------------------------------------------------------------------------


def test_real_children_are_deterministic_and_a_timeout_is_a_failure(tmp_path: Path) -> None:
    runs = []
    for name in ("one", "two"):
        mine = collection(tmp_path / name, configs=3)
        mine.run(processes=1)
        runs.append(content(mine.portfolio()))
    assert runs[0] == runs[1]
    late = collection(tmp_path / "late", configs=3)
    late.run(processes=1, timeout=1e-6)
    assert all((h.states == State.FAILED).all() for h in late.portfolio().histories)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_collect import collection
collection(Path(sys.argv[1])).run(processes=1)
"""


def test_kill_9_and_resume_give_what_an_undisturbed_run_gives(tmp_path: Path) -> None:
    whole = collection(tmp_path / "whole")
    whole.run(processes=1)
    cut = collection(tmp_path / "cut")
    tests = str(Path(__file__).parent)
    path = tmp_path / "cut" / journal.NAME
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for wanted in (1, 30):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(path.parent), tests], env=environment
        )
        try:
            _wait_for_trials(path, wanted)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    cut.run(processes=1)
    assert content(cut.portfolio()) == content(whole.portfolio())


def _trials(path: Path) -> int:
    return path.read_text().count('"kind": "trial"') if path.exists() else 0


def _wait_for_trials(path: Path, wanted: int) -> None:
    end = time.monotonic() + 200
    while _trials(path) < wanted:
        assert time.monotonic() < end, "the process to be killed wrote nothing"
        time.sleep(0.02)


def test_two_worker_cluster_gives_what_one_process_gives_and_listens_on_loopback_only(
    tmp_path: Path,
) -> None:
    pytest.importorskip("distributed")
    psutil = pytest.importorskip("psutil")
    found: set[str] = set()

    def look(progress: Progress) -> None:
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    found.add(connection.laddr.ip)

    alone, together = (
        collection(tmp_path / n, configs=4, children=("linear",)) for n in ("alone", "together")
    )
    alone.run(processes=1)
    together.run(processes=2, report=look)
    assert content(alone.portfolio()) == content(together.portfolio())
    assert found == {"127.0.0.1"}


def test_without_dask_it_runs_in_this_process(
    tmp_path: Path, fake: FakeEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    collection(tmp_path).run(processes=4)
    assert len(fake.asked) == 88
    with pytest.raises(ImportError, match=r"autometa\[distributed\]"):
        collection(tmp_path, configs=21).run(scheduler="tcp://127.0.0.1:1")


class KilledError(Exception):
    """Stands for distributed.KilledWorker."""


class FakeFuture:
    """What `_stream` uses of a future: no status, which another worker's death may change."""

    def __init__(self, trials: Any = None, error: Exception | None = None) -> None:
        self.trials, self.error = trials, error

    def result(self) -> Any:
        return self.trials

    def exception(self) -> Exception | None:
        return self.error


class FakeClient:
    """Evaluates at once; batches that hold the deadly config kill their worker."""

    def __init__(self, deadly: Any, error: type[Exception] = KilledError) -> None:
        self.deadly, self.error = deadly, error
        self.futures: list[Any] = []

    def nthreads(self) -> dict[str, int]:
        return {"w": 1}

    def submit(self, function: Any, batch: plan.Batch, *args: Any, **options: Any) -> Any:
        assert options == {"pure": False, "retries": 1}
        if self.deadly in batch.configs:
            return FakeFuture(error=self.error())
        return FakeFuture(trials=function(batch, *args))


def stream(monkeypatch: pytest.MonkeyPatch, client: FakeClient, work: list[plan.Batch]) -> Any:
    class Completed:
        def __init__(self) -> None:
            self.queue: list[Any] = []

        def add(self, future: Any) -> None:
            self.queue.append(future)

        def __iter__(self) -> Iterator[Any]:
            return self

        def __next__(self) -> Any:
            return self.queue.pop(0)

    module = SimpleNamespace(as_completed=Completed, KilledWorker=KilledError)
    monkeypatch.setattr(workers, "distributed", lambda: module)
    table = tiny("a")
    return list(workers._stream(client, work, {"a": table}, Protocol(), None))


def test_config_that_kills_its_workers_is_found_and_recorded(
    monkeypatch: pytest.MonkeyPatch, fake: FakeEvaluator
) -> None:
    configs = plan.design(children.get("linear").space, 8, 0)
    work = [plan.Batch("a", "linear", tuple(configs))]
    outcomes = stream(monkeypatch, FakeClient(configs[4]), work)
    states = {json.dumps(t.trial.config): t.trial.state for _, found in outcomes for t in found}
    assert len(states) == 9
    assert states[json.dumps(configs[4])] == State.FAILED
    assert len(fake.asked) == 8


def test_mistake_in_the_program_is_not_taken_for_a_failed_config(
    monkeypatch: pytest.MonkeyPatch, fake: FakeEvaluator
) -> None:
    configs = plan.design(children.get("linear").space, 2, 0)
    work = [plan.Batch("a", "linear", tuple(configs))]
    with pytest.raises(ZeroDivisionError):
        stream(monkeypatch, FakeClient(configs[1], ZeroDivisionError), work)


def test_long_batches_hand_over_what_they_have(
    tmp_path: Path, fake: FakeEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 0.0)
    seen: list[Progress] = []
    mine = collection(tmp_path)
    mine.run(processes=1, report=seen.append)
    assert len(seen) == 88
    assert [len(h) for h in mine.portfolio().histories] == [22] * 4


def test_an_evaluation_is_known_again_on_a_machine_that_rounds_differently() -> None:
    one: Config = {"learning_rate": 0.1, "depth": 3}
    other: Config = {"learning_rate": 0.1 * (1 + 2.0**-52), "depth": 3}
    assert one != other
    assert plan.key("iris", "mlp", one) == plan.key("iris", "mlp", other)
    assert plan.key("iris", "mlp", one) != plan.key("iris", "mlp", {**one, "depth": 4})


# Rounds -------------------------------------------------------------------------------------------


def _refined(folder: Path, **changed: Any) -> Collection:
    given = {"children": ("k_nearest_neighbors",), "configs": 14, "rounds": 2, "each": 4}
    tables = tuple(tiny(name, seed=i) for i, name in enumerate(("a", "bb", "ccc")))
    return collection(folder, **{"tables": tables, **given, **changed})


@pytest.fixture
def peaked(monkeypatch: pytest.MonkeyPatch) -> Peaked:
    evaluator = Peaked()
    monkeypatch.setattr(workers, "_evaluator", lambda: evaluator)
    return evaluator


def test_rounds_evaluate_on_every_table_what_the_tables_ask_for(
    tmp_path: Path, peaked: Peaked
) -> None:
    whole = _refined(tmp_path)
    whole.run(processes=1)
    assert len(peaked.asked) == len(set(peaked.asked)) == 3 * (2 + 14 + 2 * 4)
    portfolio = whole.portfolio()
    assert portfolio.provenance["rounds"] == {
        f"k_nearest_neighbors/classification/{r}": 4 for r in (1, 2)
    }
    for history in portfolio.histories:
        assert len(history) == 24
        design, refined = history.values[2:16], history.values[16:]
        assert np.median(refined) > np.quantile(design, 0.75)
        assert (history.raw[16:] == portfolio.histories[0].raw[16:])[
            ~np.isnan(history.raw[16:])
        ].all()


def test_a_round_is_chosen_once_and_whatever_the_order_of_arrival(
    tmp_path: Path, peaked: Peaked
) -> None:
    whole = _refined(tmp_path / "whole")
    whole.run(processes=1)
    expected = whole.entries.rounds
    lines = (tmp_path / "whole" / journal.NAME).read_text().splitlines()
    # Stopped in the middle of the first round, and the design's results came in another order.
    at = next(i for i, line in enumerate(lines) if '"kind": "round"' in line)
    trials = [line for line in lines[:at] if '"kind": "trial"' in line]
    others = [line for line in lines[:at] if '"kind": "trial"' not in line]
    (tmp_path / "cut").mkdir()
    text = "\n".join([*others, *reversed(trials)]) + "\n"
    (tmp_path / "cut" / journal.NAME).write_text(text)
    again = _refined(tmp_path / "cut")
    peaked.asked.clear()
    peaked.stop_after = 5
    with pytest.raises(KeyboardInterrupt):
        again.run(processes=1)
    assert again.entries.rounds[next(iter(expected))] == expected[next(iter(expected))]
    peaked.stop_after = None
    again.run(processes=1)
    assert again.entries.rounds == expected
    assert len(set(peaked.asked)) == 3 * 2 * 4  # and what was in hand when it stopped, once more
    assert again.entries.trials.keys() == whole.entries.trials.keys()


def test_another_seed_asks_for_others_and_more_rounds_go_on(tmp_path: Path, peaked: Peaked) -> None:
    first, other = _refined(tmp_path / "0", rounds=1), _refined(tmp_path / "1", rounds=1)
    object.__setattr__(other, "protocol", Protocol(folds=2, rows=30, seed=4))
    first.run(processes=1)
    other.run(processes=1)
    assert first.entries.rounds != other.entries.rounds
    asked = len(peaked.asked)
    _refined(tmp_path / "0", rounds=2).run(processes=1)
    assert len(peaked.asked) == asked + 3 * 4


def test_a_derived_table_takes_half_of_a_round_and_failures_are_kept(
    tmp_path: Path, fake: FakeEvaluator
) -> None:
    tables = (tiny("a"), replace(tiny("b", seed=1), info={"derived_from": "a"}))
    _refined(tmp_path, tables=tables, rounds=1).run(processes=1)
    counts = Counter(table for table, _, _ in fake.asked)
    assert counts == {"a": 16 + 4, "b": 8 + 2}


def test_a_round_may_ask_other_tables_where_own_ones_have_their_defaults_only(
    tmp_path: Path, peaked: Peaked
) -> None:
    _refined(tmp_path / "known").run(processes=1)
    known = _refined(tmp_path / "known").portfolio()
    peaked.asked.clear()
    own = {"tables": (tiny("new", seed=9),), "configs": 0, "rounds": 1}
    mine = _refined(tmp_path / "own", prior=known, **own)
    mine.run(processes=1)
    assert len(peaked.asked) == 2 + 4  # default, tuned, and what the others would start with
    (history,) = mine.portfolio().histories
    design = np.concatenate([h.values[2:16] for h in known.histories])
    assert np.mean(history.values[2:] > np.quantile(design, 0.75)) >= 0.5
    # Without the others nothing can be learned of two configs.
    alone = _refined(tmp_path / "alone", **own)
    alone.run(processes=1)
    assert [len(h) for h in alone.portfolio().histories] == [2]


def test_a_prior_that_has_no_say_is_refused(tmp_path: Path, peaked: Peaked) -> None:
    _refined(tmp_path / "known", rounds=1).run(processes=1)
    known = _refined(tmp_path / "known", rounds=1).portfolio()
    own = {"tables": (tiny("new", seed=9),)}
    with pytest.raises(InputError, match="without rounds"):
        _refined(tmp_path, prior=known, rounds=0, **own)
    with pytest.raises(InputError, match=r"k_nearest_neighbors.*other tables' .* linear"):
        _refined(tmp_path, prior=known, children=("linear",), **own)
    for empty in (Portfolio(), known.without(("a", "bb", "ccc"))):
        with pytest.raises(InputError, match="no tasks"):
            _refined(tmp_path, prior=empty, **own)
    with pytest.raises(InputError, match="no tasks"):  # no other tables
        _refined(tmp_path, prior=known)
    of_numbers = Portfolio(
        replace(h, task=replace(h.task, info={**h.task.info, "kind": "regression"}))
        for h in known.histories
    )
    with pytest.raises(InputError, match="a prior of k_nearest_neighbors"):
        _refined(tmp_path, prior=of_numbers, **own)


@pytest.mark.parametrize("wrong", [{"rounds": -1}, {"each": 0}, {"each": {"svm": 3}}])
def test_rounds_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"rounds|each|configs of svm"):
        _refined(tmp_path, **wrong)


# Derived tables -----------------------------------------------------------------------------------


def _clinic(name: str = "clinic", rows: int = 240) -> Table:
    rng = np.random.default_rng(len(name))
    age, dose = rng.normal(50, 10, rows), rng.normal(size=rows)
    X = pd.DataFrame({"age": age, "pressure": 2 * age + rng.normal(0, 8, rows), "dose": dose})
    X["level"] = rng.integers(3, size=rows)
    return Table(name=name, X=X, y=pd.Series(np.where(age > 50, "old", "young")))


def test_a_derived_table_is_a_regression_of_a_column_that_the_others_know(tmp_path: Path) -> None:
    given = [_clinic(), replace(_clinic("other"), family="clinic"), tiny("short")]
    *same, made = with_derived(given, 5, tmp_path, 0)
    assert [t.name for t in same] == ["clinic", "other", "short"]
    assert (made.kind, made.family, made.info["derived_from"]) == ("regression", "clinic", "clinic")
    assert made.name in ("clinic~age", "clinic~pressure")
    assert "class" in made.X.columns
    assert made.info["target"] not in made.X.columns
    again = with_derived(given, 5, tmp_path, 99)  # chosen once
    assert [t.name for t in again] == [t.name for t in (*given, made)]


def test_derived_tables_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 or more"):
        with_derived([_clinic()], -1, tmp_path, 0)
    with_derived([_clinic()], 1, tmp_path, 0)
    with pytest.raises(InputError, match="'clinic'"):
        with_derived([tiny("a")], 1, tmp_path, 0)
    (tmp_path / "derived.json").write_text('[{"table": "clinic"}]')
    with pytest.raises(StoreError, match="damaged"):
        with_derived([_clinic()], 1, tmp_path, 0)


def test_a_copy_of_a_table_is_the_table_that_a_worker_has_already(fake: FakeEvaluator) -> None:
    given: list[Table] = []

    def seeing(child: Any, config: Any, table: Table, **how: Any) -> children.Outcome:
        given.append(table)
        return FakeEvaluator.run(fake, child, config, table, **how)

    fake.run = seeing  # type: ignore[method-assign]
    batch = plan.Batch("a", "linear", (dict(children.get("linear").space.defaults),))
    first, other = tiny("a"), tiny("a", seed=9)
    for table in (first, tiny("a"), other, first):
        workers.evaluate(batch, table, Protocol(), None, "linear")
    assert [table is first for table in given] == [True, True, False, True]
    assert given[2] is other
