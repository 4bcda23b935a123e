"""Every reader of the package as (a valid input, how to put one in place, how to read it).

Where a format carries checksums, `place` makes them right again: what a flipped bit breaks is found
by the sum, and what is left to test is somebody who writes the file himself.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import optuna
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from torch import nn

from autometa import children
from autometa.bench import journal as cells
from autometa.bench import record_file, show
from autometa.cli.space_file import read_space
from autometa.collect import journal as collected
from autometa.inner import FittedMAML
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.spaces.study_space import StudySpace
from autometa.portfolio import Portfolio
from autometa.portfolio.importers.importing import read_trials
from autometa.portfolio.store import folder as store
from autometa.portfolio.store import manifest
from autometa.reading import parse_json
from autometa.samplers.asking import suggest
from autometa.samplers.explanation import explain_study
from autometa.samplers.read_trials import TrialsReader
from autometa.space import SearchSpace
from autometa.storages.attributes import EVALUATION
from autometa.tables import load_table
from autometa.task import State, Task, TaskHistory
from autometa.testing.families import Bowls
from autometa.tuning.trials import ModelChoice, Search, in_order
from tests.hostile import mutation

SPACE = SearchSpace(
    {
        "lr": FloatDistribution(1e-4, 1.0, log=True),
        "depth": IntDistribution(1, 9),
        "kernel": CategoricalDistribution(["linear", "rbf", None, 3]),
    },
    conditions={"depth": ("kernel", ["rbf"])},
    inner_lr="lr",
    name="hostile",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What is fuzzed.

    Args:
        name: Of the reader.
        valid: An input that is read without complaint.
        read: Puts an input into an empty folder and reads it, as a user's program would.
        kind: How it is changed: "json" (parts of it), "lines" (parts of a JSON line) or "bytes".
    """

    name: str
    valid: bytes
    read: Callable[[bytes, Path], object]
    kind: str = "bytes"

    def hostile(self, rng: np.random.Generator) -> bytes:
        """A changed input."""
        if self.kind == "json":
            return mutation.json_text(json.loads(self.valid), rng)
        if self.kind == "lines" and rng.random() < 0.8:
            lines = self.valid.splitlines()
            at = int(rng.integers(len(lines)))
            lines[at] = mutation.json_text(json.loads(lines[at]), rng)
            return b"\n".join(lines) + b"\n"
        return mutation.bytes_of(self.valid, rng)


def readers() -> Iterator[Reader]:
    """All of them."""
    yield from _portfolio()
    yield from _model()
    yield from _inner()
    yield from _frames()
    yield from _trackers()
    yield from _studies()
    yield from _results()


def _file(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    """The reader of one file."""

    def place(data: bytes, folder: Path) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return place


# Portfolios --------------------------------------------------------------------------------------


def _portfolio() -> Iterator[Reader]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        Portfolio(
            TaskHistory(
                task=Task(
                    name=f"t{i}",
                    space=SPACE,
                    direction="minimize",
                    metrics={"auc": "maximize"},
                    info={"a": [1]},
                ),
                raw=SPACE.sample_raw(6, rng),
                metrics={"auc": rng.random((6, 2))},
                values=np.arange(6.0),
                states=np.array([0, 0, 1, 2, 0, 0], dtype=np.int8),
                curves=rng.random((6, 3)),
            )
            for i in range(2)
        ).save(folder)
        described = parse_json((folder / manifest.NAME).read_bytes())
        file = described["spaces"][0]["file"]["name"]
        trials = (folder / file).read_bytes()

    def load(folder: Path) -> object:
        portfolio = Portfolio.load(folder)
        return [list(h) for h in portfolio.histories], portfolio.diff(portfolio).to_json()

    def with_manifest(data: bytes, folder: Path) -> object:
        (folder / file).write_bytes(trials)
        (folder / manifest.NAME).write_bytes(_signed(data))
        return load(folder)

    def with_trials(data: bytes, folder: Path) -> object:
        (folder / file).write_bytes(data)
        entry: dict[str, Any] = {
            "name": file,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "metrics": described["spaces"][0]["file"]["metrics"],
        }
        try:
            entry["rows"] = pq.ParquetFile(pa.BufferReader(data)).metadata.num_rows
        except (pa.ArrowException, OSError, ValueError):
            entry["rows"] = 12
        own = {**described, "spaces": [{**described["spaces"][0], "file": entry}]}
        (folder / manifest.NAME).write_bytes(_signed(json.dumps(own).encode()))
        return load(folder)

    yield Reader(
        name="portfolio manifest",
        valid=json.dumps(described).encode(),
        read=with_manifest,
        kind="json",
    )

    def read_late(data: bytes, folder: Path) -> object:
        with patch.object(store, "MOST_AT_ONCE", 0):
            return with_trials(data, folder)

    yield Reader(name="portfolio Parquet", valid=trials, read=with_trials)
    yield Reader(name="portfolio Parquet, late", valid=trials, read=read_late)


def _signed(text: bytes) -> bytes:
    try:
        data = json.loads(text)
        del data["sha256"]
        return json.dumps({**data, "sha256": manifest._checksum(data)}).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return text


# Models ------------------------------------------------------------------------------------------


def _model() -> Iterator[Reader]:
    with TemporaryDirectory() as name:
        path = Path(name) / "model"
        MetaLearner(seed=0, steps=20).fit(Bowls().portfolio(3, 12)).save(path)
        whole = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            header, tensors = archive.read("model.json"), archive.read("model.safetensors")

    def load(path: Path) -> object:
        model = MetaModel.load(path)
        study = optuna.create_study(sampler=model.sampler(seed=0))
        for value in range(5):  # the last one asks the posterior
            trial = study.ask()
            suggest(trial, model.space)
            study.tell(trial, value)
        return study.best_params

    def with_parts(header: bytes, tensors: bytes) -> bytes:
        with io.BytesIO() as buffer:
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("model.json", header)
                archive.writestr("model.safetensors", tensors)
            return buffer.getvalue()

    def with_tensors(data: bytes, folder: Path) -> object:
        described = {**json.loads(header), "sha256": hashlib.sha256(data).hexdigest()}
        return as_file(with_parts(json.dumps(described).encode(), data), folder)

    as_file = _file("model", load)
    yield Reader(name="model file", valid=whole, read=as_file)
    yield Reader(
        name="model header",
        valid=header,
        read=lambda data, folder: as_file(with_parts(data, tensors), folder),
        kind="json",
    )
    yield Reader(name="model tensors", valid=tensors, read=with_tensors)


def _inner() -> Iterator[Reader]:
    torch.manual_seed(0)
    child = nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1))
    params = {name: value.detach() for name, value in child.named_parameters()}
    with TemporaryDirectory() as name:
        folder = FittedMAML(
            module=child,
            params=params,
            logs={name: torch.full((1, *value.shape), -3.0) for name, value in params.items()},
            adapted=tuple(params),
            steps=2,
            clip=1.0,
            loss="mse",
        ).save(name)
        index = json.loads((folder / "index.json").read_bytes())
        tensors = (folder / index["tensors"]).read_bytes()
    batch = (torch.ones(4, 1), torch.ones(4, 1))

    def placed(index: bytes, file: str, tensors: bytes, folder: Path) -> object:
        (folder / "index.json").write_bytes(index)
        (folder / file).write_bytes(tensors)
        return FittedMAML.load(folder, child).adapt(batch, steps=1)(batch[0])

    def with_tensors(data: bytes, folder: Path) -> object:
        own = {**index, "sha256": hashlib.sha256(data).hexdigest()}
        return placed(json.dumps(own).encode(), index["tensors"], data, folder)

    yield Reader(
        name="inner model index",
        valid=json.dumps(index).encode(),
        read=lambda data, folder: placed(data, index["tensors"], tensors, folder),
        kind="json",
    )
    yield Reader(name="inner model tensors", valid=tensors, read=with_tensors)


# Frames and tables -------------------------------------------------------------------------------


def _frames() -> Iterator[Reader]:
    frame = pd.DataFrame(
        {
            "task": ["a", "a", "b"],
            "value": [0.5, 1.5, 2.0],
            "lr": [0.1, 0.01, 1.0],
            "depth": [3.0, None, 2.0],
            "kernel": ["rbf", "linear", "rbf"],
        }
    )
    table = pd.DataFrame(
        {"x": np.arange(12.0), "c": list("abcabcabcabc"), "target": [0, 1] * 6}
    ).assign(when=pd.Timestamp("2024-01-01"))

    def trials(path: Path) -> object:
        return Portfolio.from_frame(
            read_trials(path, SPACE), task="task", value="value", direction="minimize", space=SPACE
        )

    def load(path: Path) -> object:
        found = load_table(path)
        return found.schema, found.labels

    yield Reader(name="trials CSV", valid=_csv(frame), read=_file("t.csv", trials))
    yield Reader(name="trials Parquet", valid=_parquet(frame), read=_file("t.parquet", trials))
    yield Reader(name="table CSV", valid=_csv(table), read=_file("t.csv", load))
    yield Reader(
        name="table CSV, packed",
        valid=gzip.compress(_csv(table), mtime=0),
        read=_file("t.csv.gz", load),
    )
    yield Reader(name="table Parquet", valid=_parquet(table), read=_file("t.parquet", load))
    yield Reader(
        name="search space",
        valid=json.dumps(SPACE.to_json()).encode(),
        read=_file("s.json", lambda path: read_space(path).defaults),
        kind="json",
    )


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


# Trackers ----------------------------------------------------------------------------------------


def _trackers() -> Iterator[Reader]:
    runs = [
        {
            "info": {"experiment_id": "1", "status": "FINISHED", "start_time": 1700000000000},
            "data": {
                "params": {"lr": str(10.0**-i), "depth": "None" if i == 1 else str(i)},
                "metrics": {"loss": 0.5 * i},
                "tags": {"state": "COMPLETE", "lr_distribution": str(SPACE.distributions["lr"])},
            },
        }
        for i in range(4)
    ]
    frame = pd.DataFrame(
        {
            "summary": [{"acc": 0.5, "_runtime": 3}, {"acc": 0.25}, {}],
            "config": [{"lr": 0.1, "opt": {"k": [1, 2]}}, {"lr": 0.2}, {"lr": 0.4, "k": None}],
        }
    )

    def flow(path: Path) -> object:
        return Portfolio.from_mlflow(path, metric="loss", direction="minimize").provenance

    def wand(path: Path) -> object:
        return Portfolio.from_wandb(path, metric="acc", direction="maximize").provenance

    valid = json.dumps(runs).encode()
    yield Reader(name="MLflow JSON", valid=valid, read=_file("r.json", flow), kind="json")
    yield Reader(name="W&B CSV", valid=_csv(frame), read=_file("r.csv", wand))
    valid = frame.to_json(orient="records").encode()
    yield Reader(name="W&B JSON", valid=valid, read=_file("r.json", wand), kind="json")


# Studies -----------------------------------------------------------------------------------------


def _fill(storage: Any) -> optuna.Study:
    study = optuna.create_study(
        storage=storage, study_name="s", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    for i in range(4):
        trial = study.ask(
            {"lr": SPACE.distributions["lr"], "kernel": SPACE.distributions["kernel"]}
        )
        trial.report(0.5, 1)
        study.tell(trial, float(i))
    return study


def _studies() -> Iterator[Reader]:
    with TemporaryDirectory() as name:
        log, database = Path(name) / "s.log", Path(name) / "s.db"
        _fill(JournalStorage(JournalFileBackend(str(log))))
        study = _fill(f"sqlite:///{database}")
        study._storage.remove_session()
        journal, tables = log.read_bytes(), database.read_bytes()

    def learn(path: Path) -> object:
        return Portfolio.from_studies(path).provenance

    yield Reader(name="study journal", valid=journal, read=_file("s.log", learn), kind="lines")
    yield Reader(name="study sqlite", valid=tables, read=_file("s.db", learn))
    yield Reader(
        name="study attributes",
        valid=json.dumps(_ATTRIBUTES).encode(),
        read=lambda data, folder: _with_attributes(data),
        kind="json",
    )


_CHILD = children.get("k_nearest_neighbors")
_ATTRIBUTES = {
    "autometa:rule": "transfer",
    "autometa:config": dict(_CHILD.space.defaults),
    "autometa:transfer": 0.5,
    "autometa:weights": {"a": 0.25, "b": 0.75},
    "autometa:moved": ["lr"],
    "autometa:reason": "why",
    EVALUATION: {"expected": 0.5, "folds": [0.5, None], "seconds": 1.0, "error": ""},
}


def _with_attributes(data: bytes) -> object:
    """What explains a study, what continues one, and what a sampler reads of other workers."""
    try:
        attributes = json.loads(data)
    except (ValueError, RecursionError):
        attributes = None
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.RUNNING):
        trial = study.ask()
        suggest(trial, _CHILD.space)
        if isinstance(attributes, dict):
            for name, value in attributes.items():
                trial.set_user_attr(name, value)
                study.set_user_attr(f"autometa:0:{name}", value)
        if state.is_finished():
            study.tell(trial, 1.0)
    search = Search(study, ModelChoice((_CHILD,)), None)  # type: ignore[arg-type]
    last = study.trials[0]
    return (
        [e.to_json() for e in explain_study(study)],
        in_order([search]),
        TrialsReader(StudySpace(_CHILD.space)).read(study, last),
    )


# Results -----------------------------------------------------------------------------------------


def _results() -> Iterator[Reader]:
    cell = {
        "method": "random",
        "task": "t",
        "seed": 0,
        "evaluations": None,
        "direction": "maximize",
        "values": [1.0, None],
        "milliseconds": [1.0, 2.0],
        "best": 1.0,
        "middle": 0.0,
    }
    numbers = [0.5, 0.25]
    bench = {
        "format": 1,
        "suite": "s",
        "methods": {
            "random": {
                "mean_regret": numbers,
                "median_regret": numbers,
                "mean_rank": numbers,
                "ms_per_suggestion": {"median": 1.0},
            }
        },
        "by_space": {"a": {"random": numbers}},
        "checkpoints": [1, 3],
        "evaluations": "all",
        "seeds": [0],
        "tasks": ["t"],
        "ran_on": "test",
        "paired": None,
        "commit": "0",
    }
    trial = {
        "kind": "trial",
        "table": "t",
        "child": "c",
        "config": {"a": 1.0},
        "value": 0.5,
        "state": State.COMPLETE.name,
        "folds": [0.5],
        "seconds": 1.0,
        "fidelity": 1.0,
        "curve": [],
        "at": 1.0,
    }
    run = {"kind": "run", "protocol": {"folds": 5}, "command": "autometa collect"}
    inner = {
        "suite": "s",
        "records": [{"variant": "v", "test": {"loss": {"mean": 0.5, "ci95": 0.1}}}],
        "bars": [
            {
                "variant": "v",
                "part": "test",
                "measure": "loss",
                "direction": "minimize",
                "bar": 1.0,
            }
        ],
    }
    yield Reader(
        name="bench journal", valid=_lines(cell, cell), read=_file("j", cells.read), kind="lines"
    )
    yield Reader(
        name="bench results",
        valid=json.dumps(bench).encode(),
        read=_file("r.json", lambda path: show.markdown(show.load(path), show.MEASURES)),
        kind="json",
    )
    yield Reader(
        name="inner results",
        valid=json.dumps(inner).encode(),
        read=_file("r.json", lambda path: record_file.bars(record_file.read(path))),
        kind="json",
    )
    yield Reader(
        name="collection journal",
        valid=_lines(run, trial, trial),
        read=_file("c", lambda path: collected.read(path).seconds),
        kind="lines",
    )


def _lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
