"""manifest.json: what a portfolio folder holds, and what its files must look like.

    format       "autometa-portfolio"
    schema       version of this layout, see SCHEMA
    created      when, UTC
    licence, provenance
    spaces       SearchSpace.to_json, each with its file: {"name", "sha256", "bytes", "rows",
                 "metrics": names of the others by which its trials are scored}
    tasks        name, space (number in `spaces`), direction, metric, family, meta_features,
                 metrics (other name -> direction), info, trials (number of rows)
    sha256       of all of the above as canonical JSON

Numbers stand for themselves: JSON knows no NaN here. Tasks stand in the order of their rows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from autometa.errors import StoreError
from autometa.portfolio.store.migrations import SCHEMA, migrate
from autometa.reading import MAX_JSON, parse_json

NAME = "manifest.json"
FORMAT = "autometa-portfolio"
MAX_BYTES = MAX_JSON
FILE = re.compile(r"trials-[0-9a-f]{16}\.parquet")
_FIELDS: dict[str, type] = {
    "licence": str,
    "provenance": dict,
    "spaces": list,
    "tasks": list,
}
_FILE_FIELDS: dict[str, type] = {
    "name": str,
    "sha256": str,
    "bytes": int,
    "rows": int,
    "metrics": list,
}
_TASK_FIELDS: dict[str, type] = {
    "name": str,
    "space": int,
    "direction": str,
    "metric": str,
    "family": str,
    "meta_features": dict,
    "metrics": dict,
    "info": dict,
    "trials": int,
}


def encode(content: Mapping[str, Any]) -> bytes:
    """The manifest's text, its format, schema version and checksum added.

    Raises:
        StoreError: something in it is not JSON.
    """
    data = {"format": FORMAT, "schema": SCHEMA, **content}
    try:
        data["sha256"] = _checksum(data)
        return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"provenance, licence, or the info of a task is not JSON: {error}",
            allowed="text, finite numbers, true, false, null, lists and mappings with text keys",
        ) from error


def decode(text: bytes, where: str) -> dict[str, Any]:
    """The checked manifest of a text, brought to the present schema.

    Raises:
        StoreError: not a manifest, damaged, or of a newer schema.
    """
    try:
        data = parse_json(text)
    except ValueError as error:
        raise StoreError(
            f"{where} is not JSON: {error}", do="It is damaged: restore it from a copy"
        ) from error
    version = schema_of(data, where)
    if version > 0:  # version 0 had no checksum
        claimed = data.pop("sha256", None)
        if claimed != _checksum(data):
            raise StoreError(
                f"the checksum of {where} does not match",
                do="It is damaged or was edited: restore it from a copy",
            )
    return _checked(migrate(data, version, where), where)


def schema_of(data: Any, where: str) -> int:
    """Schema version of parsed JSON that should be a manifest."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise StoreError(
            f"{where} does not describe a portfolio", do="Choose a folder that autometa wrote"
        )
    version = data.get("schema")
    if type(version) is not int or version < 0:
        raise StoreError(f"{where} has schema {version!r}", allowed=f"0 to {SCHEMA}")
    if version > SCHEMA:
        raise StoreError(
            f"{where} has schema {version}, written by a newer autometa",
            allowed=f"0 to {SCHEMA}",
            do="Upgrade autometa to read it",
        )
    return version


def _checksum(data: Mapping[str, Any]) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _checked(data: dict[str, Any], where: str) -> dict[str, Any]:
    _need(data, _FIELDS, where)
    for i, space in enumerate(data["spaces"]):
        _need(space, {"space": dict, "file": dict}, f"space {i} of {where}")
        file = space["file"]
        _need(file, _FILE_FIELDS, f"file {i} of {where}")
        if not FILE.fullmatch(file["name"]):
            raise StoreError(
                f"{where} names the file {file['name']!r}", allowed="trials-<16 hex digits>.parquet"
            )
    for i, task in enumerate(data["tasks"]):
        _need(task, _TASK_FIELDS, f"task {i} of {where}")
        if not 0 <= task["space"] < len(data["spaces"]) or task["trials"] < 0:
            raise StoreError(f"task {i} of {where} has space {task['space']}")
    return data


def _need(data: Any, fields: Mapping[str, type], where: str) -> None:
    if not isinstance(data, dict):
        raise StoreError(f"{where} is {type(data).__name__}", allowed="a mapping")
    for name, kind in fields.items():
        if type(data.get(name)) is not kind:
            raise StoreError(f"{where}: {name} is {data.get(name)!r:.80}", allowed=kind.__name__)
