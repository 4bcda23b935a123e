"""Read a table from a file or from scikit-learn's built-in data."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autometa.errors import InputError, StoreError
from autometa.reading import AS_MANY_CELLS, read_csv, read_parquet
from autometa.tables.columns import decimal_mark
from autometa.tables.endings import ALLOWED, ending
from autometa.tables.notes import Notes, shown
from autometa.tables.table import Kind, Table
from autometa.tables.text_format import WINDOWS, TextFormat, text_format

TARGET = "target"
BUILTIN: Mapping[str, str] = {
    # scikit-learn's name -> family of the same data in public collections
    "breast_cancer": "wisconsin",
    "diabetes": "diabetes",
    "digits": "optdigits",
    "iris": "iris",
    "wine": "wine",
}
_ELSEWHERE = {".xlsx": "excel(...)", ".xls": "excel(...)", ".ods": "excel(...)"}
_ELSEWHERE |= {".json": "json(...)", ".sav": "spss(...)", ".dta": "stata(...)"}
_ELSEWHERE |= dict.fromkeys((".jsonl", ".ndjson"), "json(..., lines=True)")
_ELSEWHERE |= dict.fromkeys((".feather", ".arrow", ".ipc"), "feather(...)")
_ELSEWHERE |= {".sas7bdat": "sas(...)", ".orc": "orc(...)"}

_NO_FILE = re.compile(r"-$|/dev/|\w\w+:/")  # the standard input, or a URL


def load_table(
    source: str | Path,
    target: str | None = None,
    *,
    kind: Kind | None = None,
    name: str | None = None,
    family: str | None = None,
    keep: Sequence[str] = (),
) -> Table:
    """Read a table.

    What was changed on the way in stands in `Table.notes`; what its user should look at is also
    warned of.

    Args:
        source: Path of a CSV or Parquet file, or `sklearn:NAME`. CSV files may be packed (gz, bz2,
            xz, or a zip of one file), separated by commas, semicolons, tabs or bars, and written in
            UTF-8, UTF-16 or Windows' Western European code.
        target: Column to predict; "target" where None.
        kind: Guessed from the target where None.
        name: The file's name without ending where None.
        family: See `Table`.
        keep: Columns that stay although they count the rows or identify them.

    Raises:
        InputError: no such file or data set, no such column, or a table that cannot be used.
        StoreError: the file is there and cannot be read.

    Warns:
        TableWarning: columns or rows left out, cells that are no numbers, a column that gives the
            target away.
    """
    table = read_table(source, target, kind=kind, name=name, family=family, keep=keep)
    check_kept(keep, [table])
    table.warn(stacklevel=3)
    return table


def check_kept(keep: Sequence[str], tables: Sequence[Table]) -> None:
    """Refuse columns to keep that no table has.

    Raises:
        InputError: there is one.
    """
    known = {name for table in tables if table.reading for name in table.reading.columns}
    if absent := [name for name in keep if name not in known]:
        raise InputError(f"no column {absent[0]!r} to keep", allowed=shown(known, quoted=False))


def check_source(source: str | Path) -> None:
    """Refuse a source that is not there.

    Raises:
        InputError: there is no such file, or scikit-learn has no such data set.
    """
    builtin = str(source).startswith("sklearn:")
    if builtin and str(source).removeprefix("sklearn:") not in BUILTIN:
        name = str(source).removeprefix("sklearn:")
        raise InputError(f"scikit-learn data set {name!r}", allowed=shown(BUILTIN, quoted=False))
    if not builtin and not Path(source).is_file():
        raise InputError(
            f"no file {str(source)!r}",
            allowed="a CSV or Parquet file, or sklearn:NAME with NAME one of "
            + shown(BUILTIN, quoted=False),
            do="Save its rows in a file first" * bool(_NO_FILE.match(str(source))),
        )


def read_table(
    source: str | Path,
    target: str | None = None,
    *,
    kind: Kind | None = None,
    name: str | None = None,
    family: str | None = None,
    keep: Sequence[str] = (),
) -> Table:
    """As `load_table`, without a warning; `keep` may name columns that it does not have.

    Raises:
        InputError, StoreError: as `load_table`.
    """
    return read_raw(source, target, name=name, family=family).table(kind=kind, keep=keep)


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Rows as a source holds them, before anything is made of them.

    Args:
        frame: All columns, the target among them.
        target: Its name.
        name: Of the table.
        family: See `Table`.
        separator: See `Table`.
        info: What became known as it was read.
    """

    frame: pd.DataFrame
    target: str
    name: str
    family: str
    separator: str
    info: Mapping[str, Any]

    def table(self, *, kind: Kind | None, keep: Sequence[str]) -> Table:
        """The rows as a table.

        Raises:
            InputError: as `load_table`.
        """
        frame, target, name = self.frame, self.target, self.name
        if target not in frame.columns:
            raise InputError(
                f"table {name!r} has no column {target!r}",
                allowed=shown(frame.columns, quoted=any(c != c.strip() for c in frame.columns)),
                do=_UNNAMED
                if _without_names(frame)
                else "Name the column to predict with --target (target=...)",
            )
        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise InputError(
                f"table {name!r} has several columns named {twice!r}", do="Rename them"
            )
        return Table(
            name=name,
            X=frame.drop(columns=target),
            y=frame[target],
            kind=kind,
            family=self.family,
            info=dict(self.info),
            keep=tuple(keep),
            separator=self.separator,
        )


_UNNAMED = (
    "The first line seems to hold data: write the columns' names above it, or name the column to "
    "predict with --target (target=...)"
)


def _without_names(frame: pd.DataFrame) -> bool:
    """Whether the names of columns are numbers that do not count them: rather a row's cells."""
    numbers = pd.to_numeric(pd.Series(frame.columns.astype(str)), errors="coerce").dropna()
    counted = numbers.isin(range(frame.shape[1] + 1)).all() and numbers.is_unique
    return len(numbers) > 0 and not counted


def read_raw(
    source: str | Path, target: str | None, *, name: str | None = None, family: str | None = None
) -> RawTable:
    """Read a source; arguments as of `load_table`.

    Raises:
        InputError, StoreError: as `load_table`.
    """
    text, notes, separator = str(source), Notes(), ""
    target = TARGET if target is None else target
    if text.startswith("sklearn:"):
        builtin = text.removeprefix("sklearn:")
        frame = _from_sklearn(builtin)
        name, family = name or builtin, family or BUILTIN[builtin]
    else:
        path = Path(source)
        frame, separator = _from_file(path, target, notes)
        found = ending(path)
        name = name or (found.name if found else path.name) or text
    info: dict[str, Any] = {"source": text if text.startswith("sklearn:") else Path(text).name}
    for key, sentences in (("notes", notes.told), ("warnings", notes.warned)):
        if sentences:
            info[key] = sentences
    return RawTable(
        frame=frame.rename(columns=str),
        target=target,
        name=name,
        family=family or "",
        separator=separator,
        info=info,
    )


def read_rows(source: str | Path, target: str = "") -> pd.DataFrame:
    """Rows of a file as they stand there, for a model to predict; nothing is left out of them.

    Args:
        source: As of `load_table`.
        target: Column of labels among them, whose cells are read as in `load_table`.

    Raises:
        InputError, StoreError: as `load_table`.
    """
    text = str(source)
    if text.startswith("sklearn:"):
        return _from_sklearn(text.removeprefix("sklearn:"))
    return _from_file(Path(source), target, Notes())[0].rename(columns=str)


def _from_file(path: Path, target: str, notes: Notes) -> tuple[pd.DataFrame, str]:
    """A file's columns, and the separator between its cells."""
    check_source(path)
    found = ending(path)
    if found is None:
        reader = _ELSEWHERE.get(path.suffix.lower())
        do = f"Convert it: pandas.read_{reader}.to_parquet('{path.stem}.parquet')"
        raise InputError(f"file {path.name!r}", allowed=ALLOWED, do=do if reader else "")
    if found.form == "parquet":
        frame = read_parquet(path)
        if not isinstance(frame.index, pd.RangeIndex):
            notes.tell("the index that pandas stored in the file is left out")
        return frame.reset_index(drop=True), ""
    try:
        how = text_format(path)
        return _read_text(path, how, target, notes), how.separator
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path.name!r} is empty", do="Give a table with data") from error


def _read_text(path: Path, how: TextFormat, target: str, notes: Notes) -> pd.DataFrame:
    if twice := sorted({n for n in how.names if n.strip() and how.names.count(n) > 1}):
        raise InputError(
            f"{path.name!r} has several columns named {shown(twice)}", do="Rename them"
        )
    options: dict[str, Any] = {"sep": how.separator, "skiprows": how.skip, "low_memory": False}
    if how.more == "nothing":
        options["index_col"] = False  # or else the first column would be taken for names of rows
    if target in how.names:
        # Text first: among classes, "NA" and "None" are words like others.
        options |= {"dtype": {target: str}, "keep_default_na": False}
        options["na_values"] = {n: _EMPTY if n == target else _MISSING for n in how.names}
    encoding = how.encoding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)  # of the cells left out
        try:
            frame = read_csv(path, encoding=encoding, **options)
        except StoreError as error:
            if encoding != "utf-8" or not isinstance(error.__cause__, UnicodeDecodeError):
                raise
            encoding = WINDOWS
            frame = read_csv(path, encoding=encoding, **options)
    if encoding == WINDOWS:
        notes.tell(f"{path.name!r} is no UTF-8 and read as {WINDOWS} (Western European)")
    options["encoding"] = encoding
    if how.more == "row names":
        notes.tell("the first column, which has no name, is left out: names of rows")
        frame = frame.reset_index(drop=True)
    elif not isinstance(frame.index, pd.RangeIndex):  # pandas takes the first cells for names then
        raise StoreError(
            f"{path.name!r} has more cells in the line after the names than names",
            do=AS_MANY_CELLS,
        )
    if decimal_mark(frame.drop(columns=target, errors="ignore")) == ",":
        # Elsewhere 1.234 would be a fraction; here its point stands between thousands.
        suspects = [n for n in frame if n != target and pd.api.types.is_float_dtype(frame[n])]
        if suspects:
            texts: dict[str, Any] = {**options, "dtype": str}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", pd.errors.ParserWarning)
                again = read_csv(path, **texts)
            for name in suspects:
                frame[name] = again[name].to_numpy()
    if target in frame:
        frame[target] = _typed(frame[target])
    return frame


_EMPTY = [""]
_MISSING = ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"]
_MISSING += ["1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
"""What pandas takes for a missing value by default."""


def _typed(y: pd.Series[Any]) -> pd.Series[Any]:
    """A target read as text, as the numbers or truths that pandas would have read."""
    known = y.dropna()
    if set(known.unique()) <= {"True", "False"} and len(known):
        return y.map({"True": True, "False": False})
    coded = known.str.fullmatch(r"\s*[+-]?0\d+\s*").any()  # 007 is a code
    numbers = pd.to_numeric(known, errors="coerce")
    if not len(known) or coded or numbers.isna().any():
        return y
    if numbers.dtype == np.int64 and len(known) < len(y):
        numbers = numbers.astype("Int64")  # or else a missing target made 1.0 of the class 1
    return numbers.reindex(y.index)


def _from_sklearn(name: str) -> pd.DataFrame:
    check_source(f"sklearn:{name}")
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = bunch.frame.copy()
    if "target_names" in bunch and bunch.target_names is not None and name != "diabetes":
        frame[TARGET] = pd.Categorical.from_codes(
            frame[TARGET].to_numpy(dtype=np.int64), pd.Index([str(c) for c in bunch.target_names])
        )
    return frame
