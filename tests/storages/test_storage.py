from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy.exc import IntegrityError, OperationalError

from autometa.storages import connect as storage


def test_tables_that_another_process_makes_at_this_moment_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "_RACES", (0.0, 0.0, 0.0))
    left = [
        Exception("duplicate key value"),
        Exception("table already exists"),
        Exception("UNIQUE constraint failed: alembic_version.version_num"),
    ]

    def make() -> RDBStorage:
        if left:
            raise IntegrityError("CREATE TABLE", None, left.pop())
        return RDBStorage("sqlite:///:memory:")

    assert isinstance(storage._made_once(make), RDBStorage)
    assert not left


def test_other_errors_of_a_database_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_RACES", (60.0,))

    def make() -> RDBStorage:
        raise OperationalError("SELECT 1", None, Exception("connection refused"))

    with pytest.raises(OperationalError):
        storage._made_once(make)


def test_without_heartbeats_a_database_is_as_optuna_opens_it(tmp_path: Path) -> None:
    """A trial that is asked for and told by hand would be given to somebody else."""
    url = f"sqlite:///{tmp_path / 'tuning.db'}"
    study = optuna.create_study(storage=storage.open_storage(url, heartbeat=None))
    study.ask()  # warns where there are heartbeats
    with pytest.warns(UserWarning, match="[Hh]eartbeat"):
        optuna.create_study(storage=storage.open_storage(url)).ask()
