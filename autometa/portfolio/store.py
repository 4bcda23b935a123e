"""A portfolio on disk: manifest.json and one Parquet file a space; no pickle anywhere.

Why it survives kill -9 at any moment: files of trials are named by their content and never change;
they are written and synced before the manifest that names them replaces the old one in one rename.
A reader thus finds the whole old or the whole new portfolio; files that nothing names any more are
removed last, and a reader that was about to open one starts over with the new manifest.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from autometa import reading
from autometa.errors import AutometaError, StoreError
from autometa.portfolio import columns, lock, manifest
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

MAX_FILE_BYTES = reading.MAX_FILE
MAX_ROWS = 10**8
ATTEMPTS = 5
LOCK_TIMEOUT = 120.0
_OURS = re.compile(rf"{manifest.FILE.pattern}|\.tmp-.*")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a folder holds: the fields of a Portfolio."""

    histories: list[TaskHistory]
    provenance: dict[str, Any]
    licence: str


def exists(folder: str | Path) -> bool:
    """Whether a folder has a manifest."""
    return (Path(folder) / manifest.NAME).exists()


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Make the folder where there is none, and be its only writer.

    Raises:
        StoreError: it cannot be made, or another writer held it for too long.
    """
    path = Path(folder)
    with ExitStack() as stack:
        try:
            path.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock.exclusive(path, timeout=LOCK_TIMEOUT))
        except OSError as error:
            raise _unwritable(path, error) from error
        yield


# Writing -----------------------------------------------------------------------------------------


def write(
    folder: str | Path,
    histories: Sequence[TaskHistory],
    *,
    provenance: Mapping[str, Any],
    licence: str,
) -> None:
    """Replace what the folder holds; the caller holds the lock.

    Raises:
        StoreError: it cannot be written, or its manifest is not one that may be replaced.
    """
    path = Path(folder)
    _check_replaceable(path)
    spaces: list[dict[str, Any]] = []
    tasks: list[dict[str, Any]] = []
    try:
        for number, space in enumerate(dict.fromkeys(h.task.space for h in histories)):
            part = [h for h in histories if h.task.space == space]
            file = _write_trials(path, space, part)
            spaces.append({"space": space.to_json(), "file": file})
            tasks += [_task_json(h, number) for h in part]
        content = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "licence": licence,
            "provenance": dict(provenance),
            "spaces": spaces,
            "tasks": tasks,
        }
        _write_file(path / manifest.NAME, manifest.encode(content))
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
    _write_file(folder / name, content)
    return {"name": name, "sha256": digest, "bytes": len(content), "rows": len(table)}


def _write_file(path: Path, content: bytes) -> None:
    """Put a whole file in place, on disk before it has its name."""
    handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows knows no handle of a folder; its renames are journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_others(folder: Path, keep: set[str]) -> None:
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name) and path.name not in keep:
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


def read(folder: str | Path, *, only: str | None = None) -> Stored:
    """The content of a folder; with `only`, the tasks of the spaces of that name.

    Raises:
        StoreError: not a portfolio, damaged, or written by a newer autometa.
    """
    path = Path(folder)
    for attempt in range(ATTEMPTS):
        data = read_manifest(path)
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


def _read(folder: Path, data: dict[str, Any], only: str | None) -> Stored:
    histories: list[TaskHistory] = []
    for number, entry in enumerate(data["spaces"]):
        try:
            space = SearchSpace.from_json(entry["space"])
            listed = [t for t in data["tasks"] if t["space"] == number]
            if only is None or space.name == only:
                histories += _read_histories(folder, entry["file"], space, listed)
        except (StoreError, FileNotFoundError):
            raise
        except (AutometaError, TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"{folder} holds a portfolio that is not valid: {error}") from error
    return Stored(histories, data["provenance"], data["licence"])


def _read_histories(
    folder: Path, file: dict[str, Any], space: SearchSpace, listed: list[dict[str, Any]]
) -> list[TaskHistory]:
    tasks = [
        Task(space=space, **{k: v for k, v in t.items() if k not in ("space", "trials")})
        for t in listed
    ]
    table = _read_table(folder / file["name"], file, space)
    counts = [t["trials"] for t in listed]
    if sum(counts) != len(table):
        raise StoreError(f"{file['name']} has {len(table)} trials", allowed=f"{sum(counts)}")
    return columns.from_arrow(table, space, tasks, counts)


def _read_table(path: Path, file: dict[str, Any], space: SearchSpace) -> pa.Table:
    content = reading.read_bytes(path, MAX_FILE_BYTES)
    damaged = "It is damaged: restore the folder from a copy"
    if len(content) != file["bytes"]:
        raise StoreError(f"{path} has {len(content)} bytes", allowed=f"{file['bytes']}", do=damaged)
    if hashlib.sha256(content).hexdigest() != file["sha256"]:
        raise StoreError(f"the checksum of {path} does not match", do=damaged)
    try:
        parquet = pq.ParquetFile(pa.BufferReader(content))
        rows = parquet.metadata.num_rows
        if rows != file["rows"] or rows > MAX_ROWS:
            raise StoreError(
                f"{path} has {rows} rows", allowed=f"{file['rows']}, at most {MAX_ROWS}", do=damaged
            )
        reading.check_cells(parquet, path)
        # Types before content: text that is not in a dictionary could unpack to anything.
        columns.check_types(parquet.schema_arrow, space)
        return parquet.read()
    except StoreError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{path} is not readable as Parquet: {error}", do=damaged) from error
