from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy.exc import IntegrityError, OperationalError

from autometa.errors import StoreError
from autometa.storages import connect as storage
from autometa.storages import proxy
from autometa.storages.sources import opened


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


def _read(address: str) -> None:
    with opened(address):
        pass


@pytest.mark.parametrize("reach", [storage.open_storage, _read])
def test_a_proxy_that_does_not_answer_is_said(
    reach: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("grpc")
    monkeypatch.setattr(proxy, "ANSWER", 0.1)
    with pytest.raises(StoreError, match=r"no storage proxy answers at 127\.0\.0\.1:9"):
        reach("grpc://127.0.0.1:9")  # the port that discards: nobody serves there
