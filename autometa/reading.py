"""Files that somebody else wrote, read within bounds: all readers of the package go through here.

Why: a file may lie. So its size is checked before it is read, what its header claims before
anything is allocated for it, and what it unpacks to while it does. Compressed files are read as a
stream that stops, archives are never unpacked to a disk, and no format that holds code is known.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import threading
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from autometa.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

MAX_JSON = 256 * 2**20
MAX_TEXT = 4 * 2**30
"""Bytes of a CSV file, unpacked."""
MAX_RATIO, FREE = 200, 64 * 2**20
"""A packed file may unpack to `FREE` bytes, and beyond that to `MAX_RATIO` times its own size."""
MAX_FILE = 8 * 2**30
MAX_CELL_BYTES = 16 * 2**30
"""What the cells of one Parquet file may take in memory, eight bytes a cell."""
MAX_XZ_MEMORY = 2**28
_CELL = 8
CHUNK = 2**16
_MOST_AT_ONCE = 2**28  # bytes that one call of the system reads


def read_bytes(path: Path, limit: int = MAX_JSON) -> bytes:
    """A file's content, its size checked before it is read.

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such file.
        StoreError: it is too large, or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            check_size(path, size, limit)
            return stream.read(size)
    except (StoreError, FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error


class PinnedFile:
    """A file that is opened now and read when asked, even if its name has gone by then.

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such file.
        StoreError: it is too large, or cannot be read.
    """

    def __init__(self, path: Path, limit: int = MAX_JSON) -> None:
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
        weakref.finalize(self, os.close, handle)
        self._path, self._handle, self._lock = path, handle, threading.Lock()
        self.size = os.fstat(handle).st_size
        check_size(path, self.size, limit)

    def read(self) -> bytes:
        """Its content, no more of it than it had when it was opened.

        Raises:
            StoreError: it cannot be read.
        """
        parts: list[bytes] = []
        start = 0
        try:
            while start < self.size and (part := self._part(start)):
                parts.append(part)
                start += len(part)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be read: {error.strerror or error}") from error
        return b"".join(parts)

    def _part(self, start: int) -> bytes:
        length = min(self.size - start, _MOST_AT_ONCE)
        if hasattr(os, "pread"):  # processes that were forked share the file's position
            return os.pread(self._handle, length, start)
        with self._lock:
            os.lseek(self._handle, start, os.SEEK_SET)
            return os.read(self._handle, length)


def check_size(path: Path, size: int, limit: int) -> None:
    """Refuse a size over the limit, in bytes.

    Raises:
        StoreError: it is.
    """
    if size > limit:
        raise StoreError(f"{path} has {size:,} bytes", allowed=f"up to {limit:,}")


def parse_json(text: str | bytes) -> Any:
    """JSON -> data.

    Raises:
        ValueError: it is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


AS_MANY_CELLS = (
    "Each line needs as many cells as the first one, which has their names: remove what stands "
    "before it, and quote cells that hold separators or quotes"
)


def read_csv(path: Path, **options: Any) -> pd.DataFrame:
    """A CSV file, unpacked where its name ends in .gz, .bz2, .xz or .zip, as pandas reads it.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: it is too large, packed or unpacked, or cannot be read.
        pandas.errors.EmptyDataError: it is empty.
    """
    import pandas as pd

    try:
        with opened_text(path) as text:
            frame: pd.DataFrame = pd.read_csv(text, **options)
            return frame
    except (StoreError, FileNotFoundError, pd.errors.EmptyDataError):
        raise
    except pd.errors.ParserError as error:
        raise StoreError(
            f"{path} cannot be read as CSV: {str(error).strip()}",
            do=AS_MANY_CELLS,
        ) from error
    except UNREADABLE as error:
        raise StoreError(f"{path} cannot be read as CSV: {error}") from error


def csv_header(path: Path) -> list[str]:
    """The names of a CSV file's columns as they stand there; pandas renames those that come twice.

    Raises:
        As `read_csv`.
    """
    first = read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False)
    return [str(name) for name in first.iloc[0]]


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a text file, unpacked; fewer than asked for where there are no more.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: it is too large, packed or unpacked, or cannot be read.
    """
    try:
        with opened_text(path) as text:
            return text.read(size)
    except (StoreError, FileNotFoundError):
        raise
    except UNREADABLE as error:
        raise StoreError(f"{path} cannot be read as CSV: {error}") from error


UNREADABLE = (
    *(OSError, ValueError, EOFError, OverflowError, RecursionError, NotImplementedError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError),
)


@contextmanager
def opened_text(path: Path) -> Iterator[BinaryIO]:
    """A text file's content as a stream of bytes, unpacked as its name says, within bounds.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: it is too large, packed or unpacked, or a zip of several files.
    """
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        check_size(path, size, MAX_TEXT)
        unpack = _UNPACK.get(path.suffix.lower())
        if unpack is None:
            yield stream
            return
        with unpack(stream) as inner, io.BufferedReader(_Unpacked(inner, path, size)) as text:
            yield text


class _Xz(io.RawIOBase):
    """The content of an xz file; its header may claim any amount of memory, and gets little."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._unpacker = self._fresh()

    def read(self, size: int = -1) -> bytes:
        """At most this many bytes; none at the end."""
        while True:
            packed = b""
            if self._unpacker.eof:  # streams may follow one another, and zeros may fill up the end
                packed = self._unpacker.unused_data or self._stream.read(CHUNK)
                if not packed.strip(b"\0"):
                    return b""
                self._unpacker = self._fresh()
            elif self._unpacker.needs_input and not (packed := self._stream.read(CHUNK)):
                raise EOFError("the file ends before its content does")
            if data := self._unpacker.decompress(packed, size):
                return data

    @staticmethod
    def _fresh() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)


@contextmanager
def _zipped(stream: BinaryIO) -> Iterator[Any]:
    with zipfile.ZipFile(stream) as archive:
        inside = [m for m in archive.infolist() if not m.is_dir()]
        inside = [m for m in inside if not m.filename.startswith("__MACOSX/")]
        if len(inside) != 1:
            raise StoreError(
                f"a zip of {len(inside)} files",
                allowed="a zip of one table",
                do="Unpack it, and name the file that you mean",
            )
        if inside[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StoreError("a zip of a rare kind", allowed="deflated or stored files")
        with archive.open(inside[0]) as inner:
            yield inner


_UNPACK: dict[str, Callable[[BinaryIO], AbstractContextManager[Any]]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    ".bz2": lambda stream: bz2.BZ2File(stream, mode="rb"),
    ".xz": _Xz,
    ".zip": _zipped,
}


class _Unpacked(io.RawIOBase):
    """The content of a packed stream, as far as its size allows."""

    def __init__(self, inner: Any, path: Path, size: int) -> None:
        self._inner = inner
        self._path, self._most = path, min(MAX_TEXT, max(FREE, MAX_RATIO * size))
        self._seen = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer))
        self._seen += len(data)
        if self._seen > self._most:
            raise StoreError(
                f"{self._path} unpacks to more than {self._most:,} bytes",
                allowed=f"{MAX_RATIO} times its packed size, at most {MAX_TEXT:,} bytes",
                do="Unpack it yourself if you trust it",
            )
        buffer[: len(data)] = data
        return len(data)


def read_parquet(path: Path) -> pd.DataFrame:
    """A Parquet file as pandas reads it.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: it is too large, in the file or in memory, or cannot be read.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as stream:
            check_size(path, os.fstat(stream.fileno()).st_size, MAX_FILE)
            parquet = pq.ParquetFile(stream)
            check_cells(parquet, path)
            # Text that is no text shows only here, or else when somebody looks at a cell.
            parquet.read().validate(full=True)
            stream.seek(0)
            return pd.read_parquet(stream)
    except (StoreError, FileNotFoundError):
        raise
    except (pa.ArrowException, *UNREADABLE, KeyError, TypeError, AttributeError) as error:
        # pandas' own part of the header may hold anything, so that reading it may raise anything.
        raise StoreError(f"{path} cannot be read as Parquet: {error}") from error


def check_cells(parquet: pq.ParquetFile, path: Path) -> None:
    """Refuse a Parquet file whose header claims more than memory should hold.

    Raises:
        StoreError: it does.
    """
    # Not by column: pyarrow ends the whole process where a column's header is not valid.
    header = parquet.metadata
    groups = map(header.row_group, range(header.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    claimed = max(header.num_rows * header.num_columns * _CELL, unpacked)
    if claimed > MAX_CELL_BYTES:
        raise StoreError(
            f"{path} claims {claimed:,} bytes in memory",
            allowed=f"up to {MAX_CELL_BYTES:,}",
            do="Split it",
        )
