"""What a suggestion asks of the storage, and where Optuna's own way to do so is gone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from autometa.meta import MetaLearner, MetaModel
from autometa.samplers.asking import suggest
from autometa.samplers.explanation import explain_study
from autometa.storages import attributes
from autometa.testing.families import Bowls

SILENT, TRIALS = 15, 5


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=50).fit(Bowls().portfolio(6, 20))


class Counting(InMemoryStorage):
    """Counts what the study asks of it, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()
        self.inside = False

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith(("get_", "set_", "create_")) and not self.inside:
            return lambda *arguments, **options: self.count(name, found, *arguments, **options)
        return found

    def count(self, name: str, call: Any, *arguments: Any, **options: Any) -> Any:
        self.asked[name] += 1
        self.inside = True
        try:
            return call(*arguments, **options)
        finally:
            self.inside = False


def calls(sampler: BaseSampler) -> Counter[str]:
    """Calls of a study in which others run trials and have not yet said what they try."""
    storage, family = Counting(), Bowls()
    study = optuna.create_study(storage=storage, direction="maximize", sampler=sampler)
    objective = family.objective(101)

    def trial() -> None:
        asked = study.ask()
        study.tell(asked, objective(suggest(asked, family.space)))

    for _ in range(12):
        trial()
    for _ in range(SILENT):
        study.add_trial(optuna.create_trial(state=TrialState.RUNNING))
    storage.asked.clear()
    for _ in range(TRIALS):
        trial()
    del storage.asked["set_trial_param"]  # a trial has as many as its conditions let it
    return storage.asked


def test_a_suggestion_asks_once_more_than_tpe_and_writes_its_notes(model: MetaModel) -> None:
    """Every call is a round trip to a database: they decide how many workers it can feed."""
    ours, tpe = calls(model.sampler(seed=0)), calls(TPESampler(seed=0))
    notes = ours.pop("set_trial_user_attr")
    assert 2 * TRIALS <= notes <= 4 * TRIALS
    assert "get_study_user_attrs" not in ours
    assert ours.total() <= tpe.total() + TRIALS  # the look at what others announced meanwhile


def test_notes_are_kept_where_optuna_has_no_way_to_write_them(
    model: MetaModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the study's own attributes, where `explain` finds them."""
    without: Any = SimpleNamespace()
    assert attributes._setter(without, without) is None
    monkeypatch.setattr(attributes, "_setter", lambda study, trial: None)
    family = Bowls()
    storage = f"sqlite:///{tmp_path / 'study.db'}"  # one that hands out copies of its trials
    sampler = model.sampler(seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler, storage=storage)
    study.optimize(lambda t: family.objective(101)(suggest(t, family.space)), n_trials=2)
    assert not study.trials[0].user_attrs
    assert [e.rule for e in explain_study(study)] == ["portfolio", "portfolio"]
    assert study.user_attrs["autometa:1:slot"] == 1
