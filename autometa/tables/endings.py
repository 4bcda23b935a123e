"""What the name of a table's file says: what is in it, how it is packed, what the table is called.

>>> sorted_out = ending("Survey.2024.v1.CSV.gz")
>>> sorted_out.name, sorted_out.form, sorted_out.packing
('Survey.2024.v1', 'text', '.gz')
>>> ending("notes.docx") is None
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

TEXT = (".csv", ".tsv", ".tab", ".txt")
PARQUET = (".parquet", ".pq")
WRITTEN: Mapping[str, Literal["gzip", "bz2", "xz"]] = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}
"""How a packed file is written, by its ending."""
PACKED = (*WRITTEN, ".zip")
ALLOWED = f"a name that ends in {', '.join(TEXT)} (alone, or with {', '.join(PACKED)}) or .parquet"


@dataclass(frozen=True, slots=True)
class Ending:
    """See the module.

    Args:
        name: The file's name without what it ends in; other dots stay.
        form: "text" or "parquet".
        suffix: The ending that says so, in lower case.
        packing: The ending of a packed file; "" where it is not packed.
    """

    name: str
    form: Literal["text", "parquet"]
    suffix: str
    packing: str


def ending(path: str | PurePath) -> Ending | None:
    """What a file's name says; None where it is no name of a table."""
    name = PurePath(path).name
    packing = next((p for p in PACKED if name.lower().endswith(p)), "")
    bare = name[: len(name) - len(packing)]
    for suffix in TEXT + (() if packing else PARQUET):
        if bare.lower().endswith(suffix) and len(bare) > len(suffix):
            form: Literal["text", "parquet"] = "parquet" if suffix in PARQUET else "text"
            return Ending(bare[: -len(suffix)], form, suffix, packing)
    return None


def in_folder(path: PurePath) -> bool:
    """Whether a file of a folder is taken for a table: a .txt may be a note, a .hidden one is."""
    found = ending(path)
    return found is not None and found.suffix != ".txt" and not path.name.startswith(".")
