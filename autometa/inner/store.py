"""Tensors + JSON in a folder, replaced in one step: a reader sees the old content or the new.

The tensors go to a file named by its own sha256; the JSON, replaced last, names that file. A
flipped bit in a tensor would load without complaint, so the sum is checked on every read. Nothing
here is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from autometa.errors import StoreError
from autometa.reading import parse_json, read_bytes
from autometa.writing import write_whole


def save(folder: str | Path, tensors: Mapping[str, Tensor], info: Mapping[str, Any]) -> Path:
    """Write `tensors` and JSON-able `info` to `folder` (made if absent); returns the folder.

    Args:
        folder: Of nothing else: what it holds of the same kind is replaced.
        tensors: What to write.
        info: JSON-able; "kind" says what it is.

    Raises:
        StoreError: the folder cannot be made, or holds something else.
    """
    folder = made(folder, str(info["kind"]))
    payload = safetensors.torch.save(
        {name: _own(value) for name, value in tensors.items()}  # views of one store are refused
    )
    digest = hashlib.sha256(payload).hexdigest()
    name = f"tensors-{digest[:16]}.safetensors"
    write_whole(folder / name, payload)
    index = {**info, "tensors": name, "sha256": digest}
    write_whole(folder / INDEX, (json.dumps(index, indent=2, allow_nan=False) + "\n").encode())
    for stale in folder.glob("tensors-*.safetensors"):
        if stale.name != name:
            stale.unlink(missing_ok=True)
    return folder


def _own(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def made(folder: str | Path, kind: str) -> Path:
    """A folder to write to, made if absent.

    Raises:
        StoreError: it cannot be made or written to, or it holds something of another kind.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be a folder: {error.strerror}", do="Give another folder"
        ) from error
    if not os.access(folder, os.W_OK):
        raise StoreError(f"{folder} cannot be written to", do="Give another folder")
    if (folder / INDEX).exists():
        _of_kind(folder, _index(folder), kind)
    return folder


def _index(folder: Path) -> dict[str, Any]:
    """The JSON of a folder; what else it says is not looked at.

    Raises:
        StoreError: there is none, or it is damaged.
    """
    try:
        info: dict[str, Any] = dict(parse_json(read_bytes(folder / INDEX, MOST_JSON)))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(
            f"no {INDEX} in {folder}", allowed="a folder that save or `autometa start` wrote"
        ) from error
    except (ValueError, TypeError) as error:
        raise StoreError(f"{folder / INDEX} is damaged ({error})") from error
    return info


def _of_kind(folder: Path, info: Mapping[str, Any], kind: str) -> None:
    """Refuse what something else has written.

    Raises:
        StoreError: it has.
    """
    if info.get("kind") != kind:
        raise StoreError(
            f"{folder} holds {info.get('kind')!r}", allowed=kind, do="Give another folder"
        )


def load(folder: str | Path, kind: str, schema: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote.

    Args:
        folder: The folder.
        kind: What `info["kind"]` has to be.
        schema: Newest `info["schema"]` the caller understands.

    Returns:
        Tensors on the CPU, and the info.

    Raises:
        StoreError: absent, damaged, of another kind, or written by a newer version.
    """
    folder = Path(folder)
    info = _index(folder)
    _of_kind(folder, info, kind)
    if not isinstance(info.get("schema"), int) or info["schema"] > schema:
        raise StoreError(
            f"{folder} has schema {info.get('schema')!r}",
            allowed=f"up to {schema}",
            do="Install a newer autometa",
        )
    name = info.get("tensors")
    if not isinstance(name, str) or not _FILE.fullmatch(name):
        raise StoreError(f"{folder / INDEX} is damaged (tensors in {name!r})")
    try:
        payload = read_bytes(folder / name, MOST_TENSORS)
    except FileNotFoundError as error:
        raise StoreError(f"no {name} in {folder}") from error
    if hashlib.sha256(payload).hexdigest() != info.get("sha256"):
        raise StoreError(f"{folder / name} does not match its checksum")
    try:
        return safetensors.torch.load(payload), info
    except (SafetensorError, LookupError, ValueError, RuntimeError) as error:
        raise StoreError(f"{folder / name} is damaged ({error})") from error


INDEX = "index.json"
MOST_JSON, MOST_TENSORS = 16 * 2**20, 4 * 2**30  # bytes
_FILE = re.compile(r"tensors-[0-9a-f]{16}\.safetensors")


def digest(tensors: Mapping[str, Tensor]) -> str:
    """A short sum of names, shapes and values, for "is this the same start?"."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        total.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        total.update(value.flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()[:16]
