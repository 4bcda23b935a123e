"""The perceptron from a learned start: evaluated, searched, saved and refused."""

from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import log_loss
from torch import nn

from autometa import children
from autometa.children import registry
from autometa.children.evaluation.evaluate import Outcome
from autometa.children.evaluation.isolated import Evaluator
from autometa.children.starts.learning import learn_start_on, rows_of
from autometa.collect import Collection
from autometa.errors import InputError, ModelError, SpaceError, StoreError
from autometa.inner import MAML, Episodes, FewStepClassifier, FittedMAML, RateRule
from autometa.inner.tabular import Tables, network
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.tables import Table
from autometa.tuning import cross_validator
from autometa.tuning.model import load_model
from autometa.tuning.scoring import Scoring
from autometa.tuning.search_spec import SearchSpec
from autometa.tuning.tune import tune_table
from autometa.tuning.workers.worker import WorkItem, serve


def blobs(columns: int, classes: int, seed: int, rows: int = 210) -> Table:
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    X = 1.5 * rng.normal(size=(rows, columns)) + 3.0 * rng.normal(size=(classes, columns))[y]
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(columns)])
    return Table(name=f"blobs-{columns}-{seed}", X=frame, y=pd.Series(np.array(list("abcd"))[y]))


KNOWN = [blobs(3, 2, 0), blobs(6, 3, 1), blobs(9, 3, 2)]
NEW = blobs(7, 3, 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learn_start_on(KNOWN, iterations=80).save(tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def unlearned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learn_start_on(KNOWN, iterations=1).save(tmp_path_factory.mktemp("unlearned"))


@pytest.fixture(scope="module")
def child(folder: Path) -> children.Child:
    return children.get(f"mlp@{folder}")


class Direct:
    """Evaluates in this process, which is quicker; `isolated` has a test of its own here."""

    def run(self, *what: Any, predictions: Path | None = None, **options: Any) -> Outcome:
        return children.run(*what, **options)

    def prepare(self, table: Table, child: children.Child, **options: Any) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_validator, "new_evaluator", Direct)


def evaluated(child: children.Child, **config: float) -> Outcome:
    return children.run(child, {**child.space.defaults, **config}, NEW, folds=3, seed=0)


def test_as_many_updates_lead_further_than_without_the_start(
    child: children.Child, unlearned: Path
) -> None:
    """The child's own evaluation after an epoch of one update, and the loss on unseen rows."""
    plain = children.get("mlp")
    same_pace = children.get(f"mlp@{unlearned}")
    rates = (1e-3, 1e-2, 1e-1)
    others = [
        *(evaluated(plain, learning_rate=rate, batch_size=256) for rate in rates),
        evaluated(same_pace),
    ]
    ours = evaluated(child).trial.curve
    assert len(ours) == 10
    assert ours[0] > max(other.trial.curve[0] for other in others) + 0.05

    def loss(of: children.Child, **config: float) -> float:
        model = of.build({**of.space.defaults, "batch_size": 256, **config}, NEW.schema, 0)
        model.set_params(model__epochs=1).fit(NEW.X[::2], NEW.labels[::2])
        return float(log_loss(NEW.labels[1::2], model.predict_proba(NEW.X[1::2])))

    assert loss(child) < 0.5 * min(loss(same_pace), loss(plain))


@pytest.mark.parametrize("kind", ["layer_step", "parameter_step", "scalar"])
def test_the_defaults_train_as_the_start_was_learned(kind: str, tmp_path: Path) -> None:
    """Also with fewer classes than the start, whose spare outputs are cut off."""
    source = Tables(tuple(rows_of(table) for table in KNOWN), 3)
    rule = RateRule(kind=kind, initial=0.1, highest=2.0)  # type: ignore[arg-type]
    fitted = MAML(network(3, 0), "cross_entropy", rates=rule, steps=4).fit(source, iterations=2)
    child = children.get(f"mlp@{fitted.save(tmp_path)}")
    table = blobs(5, 2, 21)
    model = child.build(child.space.defaults, table.schema, 3).fit(table.X, table.y)
    prepared = model[:-1].transform(table.X)
    theirs = FewStepClassifier(fitted, seed=3).fit(prepared, table.y)
    found, before = (
        np.abs(m.predict_proba(prepared) - theirs.predict_proba(prepared)).max()
        for m in (model[-1], FewStepClassifier(fitted, steps=3, seed=3).fit(prepared, table.y))
    )
    assert found < 1e-4 < before


def test_names_tell_starts_apart_and_spaces_have_no_shape(
    child: children.Child, folder: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    assert children.get(f"mlp@{moved}").name == child.name == child.space.name
    fitted = FittedMAML.load(folder, network(3, 0))
    logs = {name: value + 0.1 for name, value in fitted.logs.items()}
    others = [replace(fitted, logs=logs), replace(fitted, steps=7), replace(fitted, clip=5.0)]
    for i, changed in enumerate(others):
        assert children.get(f"mlp@{changed.save(tmp_path / str(i))}").name != child.name
    assert children.get(child.name).source == f"mlp@{moved}"
    assert not {"depth", "width"} & set(child.space.names)
    assert child.space.inner_lr == "learning_rate"
    with pytest.raises(SpaceError):
        children.evaluate(child, {**child.space.defaults, "width": 32}, NEW, folds=2, seed=0)


def test_random_configs_are_records_in_a_process_of_their_own(
    child: children.Child, folder: Path, unlearned: Path, tmp_path: Path
) -> None:
    config, *others = child.space.from_raw(child.space.sample_raw(4, np.random.default_rng(0)))
    with Evaluator() as isolated:
        there = isolated.run(child, config, NEW, folds=2, seed=0)
        assert there.trial.curve == children.run(child, config, NEW, folds=2, seed=0).trial.curve
        assert len(there.trial.curve) == 10
        for each in others:
            assert "nan" in (isolated.run(child, each, NEW, folds=2, seed=0).error or "nan")
        place = shutil.copytree(unlearned, tmp_path / "start")
        borrowed = children.get(f"mlp@{place}")
        shutil.rmtree(place)
        shutil.copytree(folder, place)
        with pytest.raises(InputError, match="by now"):
            isolated.run(borrowed, config, NEW, folds=2, seed=0)


@pytest.mark.usefixtures("direct")
def test_a_search_starts_from_what_was_learned(
    child: children.Child, folder: Path, tmp_path: Path
) -> None:
    spec, storage = f"mlp@{folder}", f"journal:///{tmp_path / 'tuning.log'}"
    options = {"folds": 2, "storage": storage, "study_name": "mine", "learn": tmp_path / "learned"}
    result = tune_table(NEW, families=spec, n_trials=2, **options)  # type: ignore[arg-type]
    assert result.child == result.asked == child.name
    assert result.warm.trials[0].config == child.space.defaults
    assert all(trial.value is not None for trial in result.warm.trials)
    assert {t.inner_lr for t in result.warm.trials} - {None}
    learned = Portfolio.load(tmp_path / "learned")
    assert [space.name for space in learned.spaces] == [child.name]
    with pytest.raises(InputError, match="child"):
        tune_table(NEW, families="mlp", n_trials=1, **options)  # type: ignore[arg-type]
    model = load_model(result.save(tmp_path / "m.skops"))
    assert (model.predict(NEW.X) == NEW.y).mean() > 0.7


@pytest.mark.usefixtures("direct")
def test_a_worker_makes_the_child_of_its_folder(
    child: children.Child, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a spawned process does, which has never heard of the child's name."""
    spec = SearchSpec(
        table=NEW,
        children=(child.name,),
        sources=(child.source,),
        folds=2,
        seed=0,
        trial_timeout=None,
        storage=f"journal:///{tmp_path / 'tuning.log'}",
        study_name="shared",
        features={},
        scoring=Scoring.of(None, "classification"),
        predictions=tmp_path,
    )
    model = tmp_path / "empty.model"
    MetaLearner(seed=0).fit(Portfolio(), space=child.space).save(model)
    monkeypatch.setattr(registry, "_started", {})
    monkeypatch.setattr(signal, "signal", lambda number, action: None)
    order = WorkItem(child=child.name, model=model, target=1, until=None)
    pipe = Mock(recv=Mock(side_effect=[order, None]))
    serve(pipe, spec, "first", 0)
    (trial,), _ = (call.args for call in pipe.send.call_args_list)
    assert (trial.child, trial.value is None) == (child.name, False)
    assert trial.config == child.space.defaults


def test_collected_runs_of_a_start_stand_apart(child: children.Child, folder: Path) -> None:
    place = folder.parent / "collected"
    collection = Collection(
        tables=(NEW,), folder=place, children=("mlp", f"mlp@{folder}"), configs=0
    )
    collection.run(processes=1)
    found = {h.task.space.name: len(h) for h in collection.portfolio().histories}
    assert found == {"mlp": 2, child.name: 1}  # the perceptron has a tuned config too


def test_what_does_not_fit_is_refused(child: children.Child, folder: Path, tmp_path: Path) -> None:
    config = dict(child.space.defaults)
    numbers = Table(name="numbers", X=NEW.X, y=pd.Series(np.linspace(0.0, 1.0, len(NEW))))
    for table, why in ((numbers, "regression"), (blobs(3, 4, 5), "4 classes")):
        with pytest.raises(InputError, match=why):
            children.evaluate(child, config, table, folds=2, seed=0)
        with pytest.raises(InputError, match=why):
            tune_table(table, families=f"mlp@{folder}", n_trials=1)
    renamed = Table(name="mine", X=KNOWN[1].X.rename(columns={"x0": "first"}), y=KNOWN[1].y)
    with pytest.raises(InputError, match="learned on 'blobs-6-1'"):
        tune_table(renamed, families=f"mlp@{folder}", n_trials=1)
    with pytest.raises(StoreError, match="no index"):
        children.get(f"mlp@{tmp_path / 'nothing'}")
    with pytest.raises(InputError, match="4 classes"):
        child.build(config, blobs(3, 4, 5).schema, 0)
    fitted = FittedMAML.load(folder, network(3, 0))
    with pytest.raises(ModelError, match="1001 steps"):
        children.get(f"mlp@{replace(fitted, steps=1001).save(tmp_path / 'long')}")
    with pytest.raises(InputError, match="mlp@FOLDER"):
        children.get(f"svm@{folder}")
    x = torch.zeros(1, 4, 1)
    episodes = Episodes(support_x=x, support_y=x, query_x=x, query_y=x)
    MAML(nn.Linear(1, 1)).fit(episodes, iterations=1).save(tmp_path / "linear")
    with pytest.raises(ModelError, match="another network"):
        children.get(f"mlp@{tmp_path / 'linear'}")
    with pytest.raises(InputError, match="'numbers' to learn"):
        learn_start_on([*KNOWN, numbers])
