"""A storage that is away for a call or two, at every call of a search in turn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from sqlalchemy.exc import OperationalError

from autometa.meta import MetaModel
from autometa.storages import connect as storage
from autometa.storages import orphans
from autometa.tuning.trials import Search, evaluated
from tests.faults.counter import Faults
from tests.faults.programs import CHILD, Formula, search_spec, value_of

CALLS = {
    "create_new_trial",
    "get_all_trials",
    "get_study_user_attrs",
    "get_trial",
    "set_trial_param",
    "set_trial_state_values",
    "set_trial_system_attr",
    "set_trial_user_attr",
}
TARGET, WARM = 4, 3


class Away(InMemoryStorage):
    """Refuses the calls from number `first` on, `times` of them.

    Args:
        done: Whether what was refused was done all the same: only the answer is lost.
    """

    def __init__(self, first: int, times: int, *, done: bool) -> None:
        super().__init__()
        self.away, self.done, self.made, self.inside = range(first, first + times), done, 0, True

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return self.perhaps(found) if name in CALLS and not self.inside else found

    def perhaps(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def tried(*arguments: Any, **options: Any) -> Any:
            self.made += 1
            refused = self.made - 1 in self.away
            if refused and not self.done:
                raise StorageInternalError("away")
            self.inside = True
            try:
                result = call(*arguments, **options)
            finally:
                self.inside = False
            if refused:
                raise StorageInternalError("the answer was lost")
            return result

        return tried


@pytest.fixture(scope="module")
def learned(model: Path) -> MetaModel:
    return MetaModel.load(model)


def search(place: BaseStorage, model: MetaModel) -> Search:
    whole = search_spec(place, "s")
    found: Search = whole.warm(CHILD, model, whole.judge(Formula(0.0)))
    return found


def calls_of_a_search(model: MetaModel) -> int:
    place = Away(0, 0, done=False)
    calm = search(place, model)
    place.inside = False
    assert len(list(calm.fill(TARGET, lambda: False))) == TARGET
    return place.made


@pytest.mark.parametrize(("times", "done"), [(1, False), (1, True), (2, False)])
def test_an_outage_at_any_call_costs_nothing(
    times: int, done: bool, learned: MetaModel, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every trial is there once, and no config of the warm start is left out."""
    monkeypatch.setattr(storage, "_POLLS", (0.0, 0.0))
    monkeypatch.setattr(orphans, "UNNAMED", 0.0)
    calls = calls_of_a_search(learned)
    assert calls > 10 * TARGET
    with faults.tried("outage of the storage at one of a search's calls", calls):
        for first in range(calls):
            place = Away(first, times, done=done)
            shaken = search(place, learned)
            place.inside = False
            said = [(t.config, t.value) for t in shaken.fill(TARGET, lambda: False)]
            place.inside = True
            trials = shaken.study.get_trials()
            found = {json.dumps(t.params, sort_keys=True): t for t in trials if evaluated(t)}
            assert len(found) == sum(map(evaluated, trials)) == TARGET, first
            assert all(t.value == pytest.approx(value_of(t.params)) for t in found.values())
            assert all(found[json.dumps(c, sort_keys=True)].value == v for c, v in said), first
            assert all(t.state.is_finished() for t in trials), first
            slots = [t.user_attrs.get("autometa:slot") for t in found.values()]
            assert sorted(s for s in slots if s is not None) == list(range(WARM)), first


def test_heartbeats_go_on_after_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Optuna's thread ends with the first error, and a trial without heartbeats counts as dead."""
    database = storage.open_storage(f"sqlite:///{tmp_path / 'study'}")
    errors = [OperationalError("UPDATE", None, Exception("away")), ValueError("not an outage")]

    def refuse(self: object, trial_id: int) -> None:
        raise errors.pop(0)

    monkeypatch.setattr(RDBStorage, "record_heartbeat", refuse)
    database.record_heartbeat(1)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="not an outage"):
        database.record_heartbeat(1)  # type: ignore[attr-defined]
