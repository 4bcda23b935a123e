"""A collection's journal in parts, so that what took many hours can be kept in the repository.

A journal grows for days, over many sessions, by a kilobyte a line. `pack` writes the lines that
have come since the last time as one more compressed part; `unpack` puts all parts together again,
so that `autometa collect --into FOLDER` goes on from there:

    python -m autometa_benchmarks.parts pack FOLDER benchmarks/collection
    python -m autometa_benchmarks.parts unpack benchmarks/collection FOLDER

`parts.json` names the parts in order, with the lines and the checksum of each. Packed lines are a
prefix of the journal, which is only ever appended to; a journal that is not is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autometa.collect.derived import LIST
from autometa.collect.journal import NAME
from autometa.errors import AutometaError, InputError, StoreError
from autometa.reading import MAX_TEXT, opened_text, parse_json, read_bytes
from autometa.writing import write_whole

INDEX = "parts.json"


def pack(folder: Path, parts: Path) -> Path | None:
    """Write the journal's new lines as a part.

    Args:
        folder: Of the collection.
        parts: Where the parts are; made where it is not there.

    Returns:
        The new part; None where there is nothing new. A torn last line is left for the next time.

    Raises:
        InputError: the folder holds no journal, or one that does not begin with what is packed.
        StoreError: the list of parts is damaged, or cannot be written.
    """
    journal = folder / NAME
    if not journal.is_file():
        raise InputError(f"no {NAME} in {folder.name!r}", allowed="the folder of a collection")
    lines = read_bytes(journal, MAX_TEXT).split(b"\n")[:-1]
    known = _index(parts)
    done = 0
    for entry in known:
        own = lines[done : done + entry["lines"]]
        if _checksum(own) != entry["sha256"]:
            raise InputError(
                f"a journal in {folder.name!r} that does not begin with {entry['name']}",
                allowed="the journal that was packed, with more lines at its end",
                do="Unpack the parts into a folder and go on there",
            )
        done += entry["lines"]
    new = lines[done:]
    if not new:
        return None
    part = parts / f"part-{len(known) + 1:04d}.jsonl.xz"
    entry = {"name": part.name, "lines": len(new), "sha256": _checksum(new)}
    try:
        parts.mkdir(parents=True, exist_ok=True)
        write_whole(part, lzma.compress(b"\n".join([*new, b""]), preset=9))
        if (folder / LIST).is_file():
            shutil.copyfile(folder / LIST, parts / LIST)
        write_whole(parts / INDEX, (json.dumps([*known, entry], indent=1) + "\n").encode())
    except OSError as error:
        raise StoreError(f"{parts} cannot be written: {error.strerror or error}") from error
    return part


def unpack(parts: Path, folder: Path) -> int:
    """Put the parts together as the journal of a folder that has none; returns its lines.

    Raises:
        InputError: there are no parts, or the folder has a journal.
        StoreError: a part is missing or damaged, or the folder cannot be written.
    """
    known = _index(parts)
    if not known:
        raise InputError(f"no parts in {parts.name!r}", allowed=f"a folder with a {INDEX}")
    if (folder / NAME).exists():
        raise InputError(
            f"a journal in {folder.name!r} already", allowed="a new folder", do="Choose another one"
        )
    lines: list[bytes] = []
    for entry in known:
        own = _part(parts / entry["name"])
        if len(own) != entry["lines"] or _checksum(own) != entry["sha256"]:
            raise StoreError(f"{entry['name']} is damaged", do="Restore it from a copy")
        lines += own
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (parts / LIST).is_file():
            shutil.copyfile(parts / LIST, folder / LIST)
        write_whole(folder / NAME, b"\n".join([*lines, b""]))
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    return len(lines)


def _part(path: Path) -> list[bytes]:
    try:
        with opened_text(path) as stream:
            return stream.read().split(b"\n")[:-1]
    except FileNotFoundError as error:
        raise StoreError(f"{path.name} is missing", do="Restore it from a copy") from error
    except (EOFError, lzma.LZMAError) as error:
        raise StoreError(
            f"{path.name} is damaged ({error})", do="Restore it from a copy"
        ) from error


def _index(parts: Path) -> list[dict[str, Any]]:
    path = parts / INDEX
    if not path.exists():
        return []
    try:
        return [
            {"name": Path(e["name"]).name, "lines": int(e["lines"]), "sha256": str(e["sha256"])}
            for e in parse_json(read_bytes(path))
        ]
    except (ValueError, LookupError, TypeError) as error:
        raise StoreError(f"{INDEX} is damaged ({error})", do="Restore it from a copy") from error


def _checksum(lines: Sequence[bytes]) -> str:
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="autometa_benchmarks.parts", description=__doc__)
    parser.add_argument("what", choices=("pack", "unpack"))
    parser.add_argument("source", type=Path)
    parser.add_argument("into", type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.what == "pack":
            part = pack(given.source, given.into)
            sys.stdout.write(f"{part.name if part else 'nothing new'}\n")
        else:
            sys.stdout.write(f"{unpack(given.source, given.into)} lines\n")
    except AutometaError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
