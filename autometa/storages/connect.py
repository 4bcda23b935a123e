"""Optuna's storages for a search that several processes share, opened by their address.

Databases get heartbeats: `Study.optimize` says every HEARTBEAT seconds that a trial is alive, and
whoever starts the next trial fails those that were silent for GRACE seconds and queues them again
(Optuna's own RetryHeartbeatStaleTrialCallback). Times are compared by the database's clock alone.
Journal files and the gRPC proxy know no heartbeats; there the pool of workers gives the trial of a
dead one back.
"""

from __future__ import annotations

import copy
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, overload

import optuna
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial

from autometa.errors import (
    AutometaError,
    InputError,
    MissingExtraError,
    StoreError,
    without_passwords,
)
from autometa.storages import attributes
from autometa.storages.addresses import database_url, grpc_address, journal_path
from autometa.storages.proxy import open_proxy

if TYPE_CHECKING:
    from optuna.study import Study

HEARTBEAT = 20  # seconds
GRACE = 80  # seconds without a heartbeat after which a trial's worker counts as dead
RETRIES = 2  # times that a config is tried again after its worker died
BUSY = 60.0  # seconds to wait for another process's lock on a sqlite file
PATIENCE = 180.0  # seconds that an outage of the storage may last
_RACES = (0.2, 0.5, 1.0)  # seconds to wait while another process makes the tables
_POLLS = (0.1, 5.0)  # seconds between two attempts meanwhile: first, at most

T = TypeVar("T")


@overload
def open_storage(
    storage: str | BaseStorage, *, heartbeat: int | None = ..., grace: int = ...
) -> BaseStorage: ...
@overload
def open_storage(storage: None, *, heartbeat: int | None = ..., grace: int = ...) -> None: ...
@overload
def open_storage(
    storage: str | BaseStorage | None, *, heartbeat: int | None = ..., grace: int = ...
) -> BaseStorage | None: ...
def open_storage(
    storage: str | BaseStorage | None, *, heartbeat: int | None = HEARTBEAT, grace: int = GRACE
) -> BaseStorage | None:
    """A storage by its address; storages and None (memory) are passed through.

    Args:
        storage: As Optuna reads it, or one of `autometa.storages.addresses`.
        heartbeat: Seconds between two signs of life of a running trial, in a database. None for
            none, and a database as Optuna opens it: whoever asks and tells by hand gives no signs.
        grace: Seconds of silence after which it is given to another worker.

    Raises:
        InputError: not a storage, or a journal's or proxy's address that is none.
        MissingExtraError: the driver is not installed.
    """
    if storage is None or isinstance(storage, BaseStorage):
        return storage
    if not isinstance(storage, str):
        raise InputError(
            f"storage={storage!r}",
            allowed="a storage of Optuna's, or its URL",
            do="Of a file that is sqlite:///FILE, or journal:///FILE",
        )
    if (path := journal_path(storage)) is not None:
        from autometa.storages.journal import open_journal

        return open_journal(path)
    with warnings.catch_warnings():
        # Heartbeats and retries are public and marked as experimental.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            if (address := grpc_address(storage)) is not None:
                return open_proxy(*address)
            url = database_url(storage)
            if heartbeat is None:
                return _made_once(lambda: optuna.storages.get_storage(url))
            return _database(url, heartbeat, grace)
        except ImportError as error:
            raise MissingExtraError(
                f"this storage needs a driver ({error.name or error})",
                do="pip install 'autometa[distributed]'",
            ) from error


class _Database(RDBStorage):
    """Heartbeats outlive an outage: Optuna's thread of them ends with the first error.

    The trial that goes on would count as dead, and what it finds, perhaps after hours, be refused.
    """

    def record_heartbeat(self, trial_id: int) -> None:
        try:
            super().record_heartbeat(trial_id)
        except Exception as error:
            if not is_outage(error):
                raise


def _database(url: str, heartbeat: int, grace: int) -> RDBStorage:
    # A connection that a restarted server has closed is replaced without a word.
    engine: dict[str, Any] = {"pool_pre_ping": True}
    if url.startswith("sqlite"):
        engine["connect_args"] = {"timeout": BUSY}
    new_name = hasattr(optuna.storages, "RetryHeartbeatStaleTrialCallback")  # Optuna 4.9
    callback = "heartbeat_stale_trial_callback" if new_name else "failed_trial_callback"
    options: dict[str, Any] = {
        "engine_kwargs": engine,
        "heartbeat_interval": heartbeat,
        "grace_period": grace,
        callback: retry,
    }
    return _made_once(lambda: _Database(url, **options))


def _made_once(make: Callable[[], T]) -> T:
    """A database's storage, tried again where another process makes its tables at this moment."""
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    for wait in _RACES:
        try:
            return make()
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            if not any(word in str(error).lower() for word in ("exists", "duplicate", "unique")):
                raise
            time.sleep(wait)
    return make()


# Trials whose worker died ------------------------------------------------------------------------


def retry(study: Study, trial: FrozenTrial) -> None:
    """Queue a failed trial's config again, RETRIES times at most: Optuna's own callback.

    Outages of the storage are waited for; one may hide that the config was queued.
    """
    name = "RetryHeartbeatStaleTrialCallback"  # its name from Optuna 4.9 on
    if not hasattr(optuna.storages, name):
        name = "RetryFailedTrialCallback"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        callback = getattr(optuna.storages, name)(max_retry=RETRIES)
    # What is true of the dead worker only.
    for name in (attributes.EVALUATION, attributes.WORKER):
        trial.user_attrs.pop(name, None)

    def queue() -> None:
        if trial.number not in attributes.repeated(study.get_trials(deepcopy=False)):
            callback(study, copy.deepcopy(trial))  # it adds to the trial's own lists

    patiently(queue)


# Outages -----------------------------------------------------------------------------------------


def patiently(action: Callable[[], T]) -> T:
    """What an action returns, tried again for up to PATIENCE seconds while the storage is away.

    The action must be safe to repeat.
    """
    deadline = time.monotonic() + PATIENCE
    pause = _POLLS[0]
    while True:
        try:
            return action()
        except Exception as error:
            if not is_outage(error) or time.monotonic() > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _POLLS[1])


@contextmanager
def explained() -> Iterator[None]:
    """Say in one error what a storage's driver, or the system, said.

    Raises:
        StoreError: instead of an outage, or a full disk.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, AutometaError) or not (is_outage(error) or isinstance(error, OSError)):
            raise
        while error.__cause__ is not None:
            error = error.__cause__  # type: ignore[assignment]
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StoreError(
            f"the storage of the study cannot be used: {without_passwords(told)[:200]}",
            do="What was finished is kept: see that it answers and has space left, and repeat the "
            "command",
        ) from None


def is_outage(error: BaseException) -> bool:
    """Whether an error says that the storage could not be reached or did not answer."""
    from sqlalchemy.exc import InterfaceError, OperationalError

    if isinstance(error, optuna.exceptions.StorageInternalError):
        return True
    if isinstance(error, OperationalError | InterfaceError):
        return True
    grpc = sys.modules.get("grpc")
    return grpc is not None and isinstance(error, grpc.RpcError)
