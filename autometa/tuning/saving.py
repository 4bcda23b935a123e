"""The winner as a file: refitted on the whole table and written with skops, without pickle."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from autometa import children
from autometa.errors import InputError, MissingExtraError, StoreError
from autometa.tables import Table
from autometa.tuning.result import TuneResult
from autometa.writing import put_in_place


def refit(result: TuneResult, table: Table) -> Any:
    """The best config's scikit-learn pipeline, fitted to all rows; predicts the table's own labels.

    Raises:
        InputError: no trial succeeded.
    """
    if result.best is None:
        raise InputError("no trial succeeded, so there is no model", do="Look at the failures")
    child = children.get(result.best.child)
    pipeline = child.build(result.best.config, table.schema, result.seed)
    if table.reading is not None:
        pipeline.set_params(reading=table.reading.to_json())
    return pipeline.fit(table.X, table.y)


def save_model(result: TuneResult, table: Table, path: str | Path) -> list[str]:
    """Refit the winner and write it, atomically.

    Args:
        result: What `tune` found.
        table: What it was found on.
        path: The file, by custom `.skops`.

    Returns:
        The types beyond scikit-learn's and numpy's own that a reader must trust:
        `skops.io.load(path, trusted=[...])`.

    Raises:
        InputError: no trial succeeded.
        MissingExtraError: skops is not installed.
        StoreError: the file cannot be written.
    """
    io = needs_skops()
    path = Path(path)
    model = refit(result, table)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        io.dump(model, temporary)
        types: list[str] = io.get_untrusted_types(file=temporary)
        put_in_place(temporary, path)
    except OSError as error:
        raise StoreError(
            f"the model {str(path)!r} cannot be written ({error.strerror})",
            allowed="a file in an existing folder that you may write to",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return types


def needs_skops() -> Any:
    """The module `skops.io`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import skops.io
    except ImportError as error:
        raise MissingExtraError(
            "saving a model needs skops", do="pip install 'autometa[models]'"
        ) from error
    return skops.io
