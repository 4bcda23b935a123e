from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.errors import StoreError
from autometa.portfolio import Portfolio
from autometa.portfolio.store import columns, manifest, trial_files
from autometa.portfolio.store import folder as store
from autometa.space import SearchSpace
from autometa.task import State, Task, TaskHistory
from tests import strategies

SPACE = SearchSpace(
    {
        "kernel": CategoricalDistribution([None, True, 1, "1", "rbf"]),
        "gamma": FloatDistribution(1e-3, 1e3, log=True),
        "depth": IntDistribution(1, 99, log=True),
    },
    conditions={"gamma": ("kernel", ["rbf"])},
    name="svm",
)


def example(tasks: int = 2, seed: int = 0) -> Portfolio:
    rng = np.random.default_rng(seed)
    histories = [
        TaskHistory(
            task=Task(
                name=f"t{i}",
                space=SPACE,
                direction="maximize",
                metric="accuracy",
                family="f",
                meta_features={"rows": 100.0 + i},
                info={"source": "tests"},
            ),
            raw=SPACE.sample_raw(5 + i, rng),
            values=rng.random(5 + i),
            states=np.array([0, State.FAILED, State.PRUNED] + [0] * (2 + i), dtype=np.int8),
            seconds=rng.random(5 + i),
            fold_scores=rng.random((5 + i, 3)),
            curves=np.where(np.arange(4) < rng.integers(0, 5, 5 + i)[:, None], 0.5, np.nan),
        )
        for i in range(tasks)
    ]
    return Portfolio(histories, provenance={"seed": seed}, licence="MIT")


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def edit(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a manifest and give it the checksum that fits."""
    path = folder / manifest.NAME
    data = json.loads(path.read_text())
    change(data)
    data.pop("sha256", None)
    data["sha256"] = manifest._checksum(data)
    path.write_text(json.dumps(data))


@settings(max_examples=40)
@given(portfolio=strategies.portfolios())
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, portfolio: Portfolio
) -> None:
    folder = tmp_path_factory.mktemp("portfolio")
    portfolio.save(folder)
    loaded = Portfolio.load(folder)
    assert not portfolio.diff(loaded)
    assert set(loaded.spaces) == set(portfolio.spaces)
    for history in loaded.histories:
        TaskHistory(**{f: getattr(history, f) for f in history.__dataclass_fields__})
        assert not history.values.flags.writeable


def test_folder_holds_a_manifest_and_parquet(tmp_path: Path) -> None:
    example().save(tmp_path)
    data = json.loads((tmp_path / "manifest.json").read_text())
    assert data["format"] == "autometa-portfolio"
    assert data["schema"] == 2
    assert data["licence"] == "MIT"
    assert data["provenance"] == {"seed": 0}
    file = data["spaces"][0]["file"]
    content = (tmp_path / file["name"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert (len(content), file["rows"]) == (file["bytes"], 11)
    table = pq.read_table(tmp_path / file["name"])
    assert table.column("state").to_pylist()[:3] == ["COMPLETE", "FAILED", "PRUNED"]
    assert set(table.column("config.kernel").to_pylist()) <= {"null", "true", "1", '"1"', '"rbf"'}
    assert table.schema.field("config.depth").type == pa.int64()
    metadata = pq.ParquetFile(tmp_path / file["name"]).metadata
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    assert names(tmp_path) == [".lock", "manifest.json", file["name"]]


def test_saving_again_replaces_and_cleans_up(tmp_path: Path) -> None:
    example(1).save(tmp_path)
    (tmp_path / ".tmp-left-by-a-crash").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("the user's own")
    example(3).save(tmp_path)
    assert len(Portfolio.load(tmp_path)) == 3
    assert len([n for n in names(tmp_path) if n.startswith("trials-")]) == 1
    assert ".tmp-left-by-a-crash" not in names(tmp_path)
    assert "notes.txt" in names(tmp_path)


def test_one_space_of_several(tmp_path: Path) -> None:
    other = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="line")
    more = TaskHistory(
        task=Task(name="t0", space=other, direction="minimize"),
        raw=np.array([[0.5]]),
        values=np.array([1.0]),
    )
    Portfolio([*example().histories, more]).save(tmp_path)
    assert len([n for n in names(tmp_path) if n.startswith("trials-")]) == 2
    assert Portfolio.load(tmp_path, space="line").space == other
    assert len(Portfolio.load(tmp_path, space="nothing")) == 0
    (
        tmp_path / json.loads((tmp_path / "manifest.json").read_text())["spaces"][0]["file"]["name"]
    ).unlink()
    assert len(Portfolio.load(tmp_path, space="line")) == 1


def test_update_reads_changes_and_writes(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "portfolio"
    first = Portfolio.update(folder, lambda old: old.merge(example(1)))
    assert len(first) == 1
    Portfolio.update(folder, lambda old: old.merge(example(2)))
    assert len(Portfolio.load(folder)) == 2


def test_an_update_that_fails_changes_nothing(tmp_path: Path) -> None:
    example(1).save(tmp_path)

    def fail(old: Portfolio) -> Portfolio:
        raise FileNotFoundError("the caller's own")

    with pytest.raises(FileNotFoundError, match="the caller's own"):
        Portfolio.update(tmp_path, fail)
    assert not Portfolio.load(tmp_path).diff(example(1))


def test_threads_lose_no_update(tmp_path: Path) -> None:
    def add(number: int) -> None:
        task = Task(name=f"n{number}", space=SPACE, direction="maximize")
        new = Portfolio([TaskHistory(task=task, raw=np.empty((0, 3)), values=np.empty(0))])
        Portfolio.update(tmp_path, lambda old: old.merge(new))

    threads = [threading.Thread(target=add, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {t.name for t in Portfolio.load(tmp_path).tasks} == {f"n{i}" for i in range(6)}


def test_a_held_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_TIMEOUT", 0.1)
    with store.locked(tmp_path), pytest.raises(StoreError, match="another writer"):
        example().save(tmp_path)


def test_a_reader_starts_over_when_a_writer_was_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example(1).save(tmp_path)
    real = store.read_manifest
    manifests: list[dict[str, Any]] = []

    def slow(folder: Path) -> dict[str, Any]:
        data = real(folder)
        if not manifests:
            example(2).save(tmp_path)
        manifests.append(data)
        return data

    monkeypatch.setattr(store, "read_manifest", slow)
    assert len(Portfolio.load(tmp_path)) == 2


# Refusals ----------------------------------------------------------------------------------------


def test_what_is_no_portfolio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no portfolio"):
        Portfolio.load(tmp_path)
    with pytest.raises(StoreError, match="is no portfolio"):
        Portfolio.load(tmp_path / "nothing")
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(StoreError, match="not a folder"):
        Portfolio.load(file)
    with pytest.raises(StoreError, match="cannot be written"):
        example().save(file)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"format": "other"}', "[" * 100_000])
def test_another_manifest_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(StoreError):
        Portfolio.load(tmp_path)
    with pytest.raises(StoreError):
        example().save(tmp_path)
    assert path.read_text() == text


def test_a_newer_schema_is_refused_and_kept(tmp_path: Path) -> None:
    example().save(tmp_path)
    edit(tmp_path, lambda data: data.update(schema=99))
    with pytest.raises(StoreError, match=r"schema 99.*newer autometa.*Upgrade"):
        Portfolio.load(tmp_path)
    with pytest.raises(StoreError, match="newer autometa"):
        example().save(tmp_path)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("name", ["manifest.json", "trials-*.parquet"])
def test_one_flipped_bit_is_found(tmp_path: Path, name: str, place: float) -> None:
    example().save(tmp_path)
    (path,) = tmp_path.glob(name)
    content = bytearray(path.read_bytes())
    at = round(place * (len(content) - 1))
    while chr(content[at]).isspace():  # white space of the manifest means nothing
        at += 1
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError):
        Portfolio.load(tmp_path)


def test_every_byte_of_a_manifest_is_guarded(tmp_path: Path) -> None:
    example(1).save(tmp_path)
    path = tmp_path / "manifest.json"
    content = path.read_bytes()
    for at in range(0, len(content), 7):
        broken = bytearray(content)
        broken[at] ^= 4
        path.write_bytes(broken)
        try:
            assert not Portfolio.load(tmp_path).diff(example(1))
        except StoreError:
            continue


@pytest.mark.parametrize("keep", [0, 10, -1])
@pytest.mark.parametrize("name", ["manifest.json", "trials-*.parquet"])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, keep: int) -> None:
    example().save(tmp_path)
    (path,) = tmp_path.glob(name)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreError):
        Portfolio.load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    example().save(tmp_path)
    (path,) = tmp_path.glob("trials-*.parquet")
    path.unlink()
    with pytest.raises(StoreError, match=rf"{path.name} is missing"):
        Portfolio.load(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["../trials-0123456789abcdef.parquet", "/etc/passwd", "trials-0123456789abcdef.parquet/..", ""],
)
def test_a_file_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "portfolio"
    example().save(folder)
    (path,) = folder.glob("trials-*.parquet")
    (tmp_path / "trials-0123456789abcdef.parquet").write_bytes(path.read_bytes())
    edit(folder, lambda data: data["spaces"][0]["file"].update(name=name))
    with pytest.raises(StoreError, match="names the file"):
        Portfolio.load(folder)


def test_sizes_are_checked_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example().save(tmp_path)
    monkeypatch.setattr(trial_files, "MAX_ROWS", 10)
    with pytest.raises(StoreError, match="11 rows"):
        Portfolio.load(tmp_path)
    monkeypatch.setattr(trial_files, "MAX_BYTES", 100)
    with pytest.raises(StoreError, match="up to 100"):
        Portfolio.load(tmp_path)
    monkeypatch.setattr(manifest, "MAX_BYTES", 99)
    with pytest.raises(StoreError, match="up to 99"):
        Portfolio.load(tmp_path)


def _replace_space(data: dict[str, Any]) -> None:
    data["spaces"][0]["space"]["distributions"]["depth"]["attributes"]["high"] = 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["spaces"][0]["file"].update(rows=12), "11 rows"),
        (lambda d: d["tasks"][0].update(trials=4), "11 trials"),
        (lambda d: d["tasks"].reverse(), "order and number"),
        (lambda d: d["tasks"][0].update(name="other"), "'task' holds 't0'"),
        (lambda d: d["tasks"][0].update(space=1), "has space 1"),
        (lambda d: d["tasks"][0].update(trials=-1), "has space 0"),
        (lambda d: d["tasks"][0].update(direction="up"), "direction 'up'"),
        (lambda d: d["tasks"][0].update(direction="minimize"), "mixed directions"),
        (lambda d: d["tasks"][0].update(surprise=1), "surprise"),
        (lambda d: d["tasks"][0].update(meta_features={"rows": "x"}), "meta-features"),
        (lambda d: d["tasks"][0].pop("info"), "info is None"),
        (lambda d: d.update(tasks={}), "tasks is {}"),
        (lambda d: d.update(spaces=[3]), "a mapping"),
        (lambda d: d.update(schema="1"), "schema '1'"),
        (lambda d: d.update(schema=-1), "schema -1"),
        (lambda d: d.update(schema=True), "schema True"),
        (lambda d: d["spaces"][0]["space"].pop("distributions"), "no search space"),
        (_replace_space, "do not fit their space"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    example().save(tmp_path)
    edit(tmp_path, change)
    with pytest.raises(StoreError, match=message):
        Portfolio.load(tmp_path)


def _reparquet(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the trials and let the manifest vouch for them, as an attacker could."""
    (path,) = folder.glob("trials-*.parquet")
    pq.write_table(change(pq.read_table(path)), path)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    edit(
        folder,
        lambda data: data["spaces"][0]["file"].update(sha256=digest, bytes=len(content)),
    )


def _set(table: pa.Table, name: str, values: Any) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(
        index, table.schema.field(name), [pa.array(values).cast(table.schema.field(name).type)]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns(["value"]), "columns"),
        (lambda t: t.append_column("more", pa.array([1] * len(t))), "columns"),
        (lambda t: t.set_column(4, "value", pa.array(["x"] * len(t))), "type string"),
        (lambda t: _set(t, "value", [None] * len(t)), "COMPLETE with value nan"),
        (lambda t: _set(t, "fidelity", [2.0] * len(t)), "full budget"),
        (lambda t: _set(t, "fidelity", [None] * len(t)), "full budget"),
        (lambda t: _set(t, "config.depth", [500] * len(t)), "out of range"),
        (lambda t: _set(t, "config.depth", [None] * len(t)), "missing where it is active"),
        (lambda t: _set(t, "state", ["RUNNING"] * len(t)), "'state' holds 'RUNNING'"),
        (lambda t: _set(t, "state", pa.nulls(len(t), pa.string())), "do not fit"),
        (lambda t: _set(t, "config.kernel", ["2"] * len(t)), "holds '2' in row 0"),
        (lambda t: _set(t, "curve", pa.nulls(len(t), pa.list_(pa.float64()))), "nulls"),
    ],
)
def test_trials_that_do_not_fit_are_refused(
    tmp_path: Path, change: Callable[[pa.Table], pa.Table], message: str
) -> None:
    example().save(tmp_path)
    _reparquet(tmp_path, change)
    with pytest.raises(StoreError, match=message):
        Portfolio.load(tmp_path)


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    example().save(tmp_path)
    (path,) = tmp_path.glob("trials-*.parquet")
    path.write_bytes(b"PAR1 no PAR1")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit(tmp_path, lambda d: d["spaces"][0]["file"].update(sha256=digest, bytes=12))
    with pytest.raises(StoreError, match="not readable as Parquet"):
        Portfolio.load(tmp_path)


def test_several_row_groups_are_read(tmp_path: Path) -> None:
    example(4).save(tmp_path)
    (path,) = tmp_path.glob("trials-*.parquet")
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=3)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    edit(tmp_path, lambda d: d["spaces"][0]["file"].update(sha256=digest, bytes=len(content)))
    assert not Portfolio.load(tmp_path).diff(example(4))


@pytest.mark.parametrize(
    "provenance", [{"x": float("nan")}, {"x": {1, 2}}, {"x": Path("a")}, {"x": b"bytes"}]
)
def test_provenance_that_is_no_json_is_refused(tmp_path: Path, provenance: dict[str, Any]) -> None:
    example(1).save(tmp_path)
    with pytest.raises(StoreError, match="not JSON"):
        Portfolio(example(2).histories, provenance=provenance).save(tmp_path)
    assert len(Portfolio.load(tmp_path)) == 1


def test_an_older_schema_is_read() -> None:
    """`data/version-0` was written once by hand and never changes."""
    old = Portfolio.load(Path(__file__).parent / "data" / "version-0")
    assert [(t.name, t.family, t.metric) for t in old.tasks] == [
        ("a", "a", "value"),
        ("b", "b", "accuracy"),
    ]
    assert old.space.name == "svm"
    assert [t.config for t in old.histories[1]] == [{"kernel": None, "depth": 7}]
    assert old.histories[0].values.tolist() == [0.5, 0.75]


def test_an_older_schema_is_upgraded_by_the_next_write(tmp_path: Path) -> None:
    source = Path(__file__).parent / "data" / "version-0"
    for path in source.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = Portfolio.load(tmp_path)
    Portfolio.update(tmp_path, lambda old: old)
    assert json.loads((tmp_path / "manifest.json").read_text())["schema"] == 2
    assert not Portfolio.load(tmp_path).diff(before)


def test_a_broken_old_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": "autometa-portfolio", "schema": 0}')
    with pytest.raises(StoreError, match="no manifest of schema 0"):
        Portfolio.load(tmp_path)


def test_the_layout_is_what_the_module_says() -> None:
    assert columns.schema(SPACE).names == [
        "task",
        "config.kernel",
        "config.gamma",
        "config.depth",
        "value",
        "state",
        "fidelity",
        "seconds",
        "fold_scores",
        "curve",
    ]
