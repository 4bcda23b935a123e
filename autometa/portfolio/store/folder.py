"""A portfolio on disk: manifest.json and Parquet files; no pickle anywhere.

A space has one file, a large one several (`trial_files`), each with an entry of its own.

Why it survives kill -9 at any moment: files of trials are named by their content and never change;
they are written and synced before the manifest that names them replaces the old one in one rename.
A reader thus finds the whole old or the whole new portfolio; files that nothing names any more are
removed last, and a reader that was about to open one starts over with the new manifest.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from autometa import locking as lock
from autometa import reading
from autometa.errors import AutometaError, PortfolioError, StoreError
from autometa.portfolio.histories import Histories
from autometa.portfolio.store import columns, manifest, trial_files
from autometa.portfolio.store.trial_files import Opened, TrialFile
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory
from autometa.writing import TEMPORARY, write_whole

MOST_AT_ONCE = 10**6
"""Trials of a space that are read when a portfolio is opened; of more, each when looked at."""
ATTEMPTS = 5
LOCK_TIMEOUT = 120.0
_OURS = re.compile(rf"{manifest.FILE.pattern}|{re.escape(TEMPORARY)}.*")


def exists(folder: str | Path) -> bool:
    """Whether a folder has a manifest."""
    return (Path(folder) / manifest.NAME).exists()


@contextmanager
def locked(folder: str | Path, timeout: float | None = None) -> Iterator[None]:
    """Make the folder where there is none, and be its only writer.

    Raises:
        StoreError: it cannot be made, or another writer held it for too long.
    """
    path = Path(folder)
    with ExitStack() as stack:
        try:
            path.mkdir(parents=True, exist_ok=True)
            stack.enter_context(
                lock.exclusive(path, timeout=LOCK_TIMEOUT if timeout is None else timeout)
            )
        except OSError as error:
            raise _unwritable(path, error) from error
        yield


# Writing -----------------------------------------------------------------------------------------


def write(folder: str | Path, portfolio: Histories) -> None:
    """Replace what the folder holds; the caller holds the lock.

    Raises:
        StoreError: it cannot be written, or its manifest is not one that may be replaced.
    """
    path = Path(folder)
    _check_replaceable(path)
    spaces: list[dict[str, Any]] = []
    tasks: list[dict[str, Any]] = []
    try:
        for part in trial_files.parts(portfolio.histories):
            space = part[0].task.space
            tasks += [_task_json(h, len(spaces)) for h in part]
            spaces.append({"space": space.to_json(), "file": _write_trials(path, space, part)})
        content = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "licence": portfolio.licence,
            "provenance": dict(portfolio.provenance),
            "spaces": spaces,
            "tasks": tasks,
        }
        write_whole(path / manifest.NAME, manifest.encode(content))
        _remove_others(path, {s["file"]["name"] for s in spaces})
    except OSError as error:
        raise _unwritable(path, error) from error
    except (pa.ArrowException, UnicodeError) as error:
        raise StoreError(f"trials that Parquet cannot hold: {error}") from error


def _task_json(history: TaskHistory, space: int) -> dict[str, Any]:
    task = history.task
    return {
        "name": task.name,
        "space": space,
        "direction": task.direction,
        "metric": task.metric,
        "family": task.family,
        "meta_features": dict(task.meta_features),
        "metrics": dict(task.metrics),
        "info": dict(task.info),
        "trials": len(history),
    }


def _write_trials(folder: Path, space: SearchSpace, histories: list[TaskHistory]) -> dict[str, Any]:
    table = columns.to_arrow(space, histories)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", store_schema=True)
    content = sink.getvalue().to_pybytes()
    digest = hashlib.sha256(content).hexdigest()
    name = f"trials-{digest[:16]}.parquet"
    write_whole(folder / name, content)
    return {
        "name": name,
        "sha256": digest,
        "bytes": len(content),
        "rows": len(table),
        "metrics": columns.metrics_of(histories),
    }


def _remove_others(folder: Path, keep: set[str]) -> None:
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name) and path.name not in keep:
            with suppress(PermissionError):  # Windows keeps what somebody reads: the next time
                path.unlink(missing_ok=True)


def _check_replaceable(folder: Path) -> None:
    """Refuse to write over a newer version's portfolio, or over a manifest of something else."""
    path = folder / manifest.NAME
    if not path.exists():
        return
    try:
        data = reading.parse_json(reading.read_bytes(path, manifest.MAX_BYTES))
    except ValueError as error:
        raise StoreError(
            f"{path} is not JSON: {error}", do="Remove the folder, or save to another one"
        ) from error
    manifest.schema_of(data, str(path))


def _unwritable(folder: Path, error: OSError) -> StoreError:
    if isinstance(error, StoreError):
        return error
    return StoreError(
        f"{folder} cannot be written: {error.strerror or error}",
        do="Choose a folder that you may write to, with space left",
    )


# Reading -----------------------------------------------------------------------------------------


def read(
    folder: str | Path, *, only: str | None = None, known: dict[str, Any] | None = None
) -> Histories:
    """The content of a folder, `only` of spaces of that name; `known` is its manifest, just read.

    Raises:
        StoreError: not a portfolio, damaged, or written by a newer autometa.
    """
    path = Path(folder)
    for attempt in range(ATTEMPTS):
        data = known if known is not None and not attempt else read_manifest(path)
        try:
            return _read(path, data, only)
        except FileNotFoundError as error:
            # A writer may have replaced the portfolio after we had read the manifest: start over.
            if attempt == ATTEMPTS - 1 or read_manifest(path) == data:
                raise StoreError(
                    f"{error.filename} is missing", do="Restore the folder from a copy"
                ) from error
    raise AssertionError  # the last attempt returns or raises


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The checked manifest of a folder, see `manifest`.

    Raises:
        StoreError: there is none, or it is damaged or too new.
    """
    path = Path(folder)
    where = path / manifest.NAME
    try:
        text = reading.read_bytes(where, manifest.MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(
            f"{path} is no portfolio: {where.name} "
            + ("is missing" if path.is_dir() else "cannot be there, since it is not a folder"),
            do="Choose a folder that autometa wrote",
        ) from error
    return manifest.decode(text, str(where))


def _read(folder: Path, data: dict[str, Any], only: str | None) -> Histories:
    """The histories of the manifest's files, in its order."""
    listed: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for entry in data["tasks"]:
        listed[entry["space"]].append(entry)
    files: list[TrialFile] = []
    spaces: dict[SearchSpace, SearchSpace] = {}  # one object a space, however many files it has
    try:
        for number, entry in enumerate(data["spaces"]):
            found = SearchSpace.from_json(entry["space"])
            space = spaces.setdefault(found, found)
            if only is None or space.name == only:
                files.append(_trial_file(folder, entry["file"], space, listed[number]))
    except (AutometaError, TypeError, ValueError, OverflowError) as error:
        raise _not_valid(folder, error) from error
    trials = Counter[SearchSpace]()
    for file in files:
        trials[file.space] += file.rows
    opened = Opened()
    histories: list[TaskHistory] = []
    for file in files:
        late = trials[file.space] > MOST_AT_ONCE
        histories += opened.histories(file) if late else file.read()
    try:
        return Histories(histories, provenance=data["provenance"], licence=data["licence"])
    except PortfolioError as error:
        raise _not_valid(folder, error) from error


def _not_valid(folder: Path, error: Exception) -> StoreError:
    return StoreError(f"{folder} holds a portfolio that is not valid: {error}")


def _trial_file(
    folder: Path, file: dict[str, Any], space: SearchSpace, listed: list[dict[str, Any]]
) -> TrialFile:
    tasks = tuple(
        Task(space=space, **{k: v for k, v in t.items() if k not in ("space", "trials")})
        for t in listed
    )
    return TrialFile(
        path=folder / file["name"],
        sha256=file["sha256"],
        size=file["bytes"],
        rows=file["rows"],
        space=space,
        tasks=tasks,
        counts=tuple(t["trials"] for t in listed),
        metrics=tuple(map(str, file["metrics"])),
    )
