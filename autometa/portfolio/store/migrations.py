"""Older manifests brought to the present schema, one step a version.

Version 0 knew one space a folder ("space", "file") and tasks without family, meta-features and
info; it had no checksum of its own. Version 1 knew one metric a task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autometa.errors import StoreError

SCHEMA = 2


def migrate(data: dict[str, Any], version: int, where: str) -> dict[str, Any]:
    """A manifest of an older version -> one of the present version.

    Raises:
        StoreError: it is not even a manifest of its own version.
    """
    for step in range(version, SCHEMA):
        try:
            data = _STEPS[step](data)
        except (KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{where} is no manifest of schema {step}: {error!r}") from error
    return data


def _from_0(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "created": data.get("created", ""),
        "licence": data.get("licence", ""),
        "provenance": data.get("provenance", {}),
        "spaces": [{"space": data["space"], "file": data["file"]}],
        "tasks": [
            {
                "space": 0,
                "metric": "value",
                "family": task["name"],
                "meta_features": {},
                "info": {},
                **task,
            }
            for task in data["tasks"]
        ],
    }


def _from_1(data: dict[str, Any]) -> dict[str, Any]:
    return {
        **data,
        "spaces": [{**s, "file": {**s["file"], "metrics": []}} for s in data["spaces"]],
        "tasks": [{**task, "metrics": {}} for task in data["tasks"]],
    }


_STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {0: _from_0, 1: _from_1}
