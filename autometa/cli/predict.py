"""`autometa predict`: a saved model says what it thinks of new rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autometa.cli.output import Format, FormatOption, check_writable, show_json
from autometa.cli.progress import busy
from autometa.cli.reading import warned_as_notes
from autometa.errors import InputError, StoreError
from autometa.writing import put_in_place

if TYPE_CHECKING:
    import pandas as pd

    from autometa.tables.endings import Ending
    from autometa.tuning.model import TunedModel


def predict(
    model: Annotated[Path, typer.Argument(help="A file that autometa tune --save wrote.")],
    table: Annotated[str, typer.Argument(help="Rows: a CSV or Parquet file, or sklearn:NAME.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="CSV or Parquet file to write. Default: stdout."),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Also the probability of each class.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Predict new rows with a model that tune saved.

    Writes a table with a row for each row: `prediction`, and `p_CLASS` with --proba. The file is
    read without running anything in it, and may hold further columns or be without the target.
    """
    check_writable(output, table, model)
    written = None if output is None else _written(output)
    with busy("loading the children"):
        from autometa.tables.endings import WRITTEN
        from autometa.tables.load import read_rows
        from autometa.tuning.model import load_model

    with warned_as_notes():
        with busy("loading the model"):
            known = load_model(model)
        rows = read_rows(table)
        found = _predicted(known, rows, proba=proba)
    if output is None:
        if form is Format.JSON:
            show_json({"predictions": json.loads(found.to_json(orient="records"))})
        else:
            sys.stdout.write(found.to_csv(index=False))
        return
    partial = output.with_name(f".{output.name}.partial")
    try:
        if written is not None and written.form == "parquet":
            found.to_parquet(partial)
        else:
            tabs = written is not None and written.suffix in (".tsv", ".tab")
            packing = WRITTEN.get(written.packing if written else "")
            found.to_csv(partial, index=False, sep="\t" if tabs else ",", compression=packing)
        put_in_place(partial, output)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"{str(output)!r} cannot be written ({error.strerror})") from error
    if form is Format.JSON:
        show_json({"path": str(output), "rows": len(found)})
    else:
        typer.echo(f"{len(found)} predictions: {output}")


def _written(output: Path) -> Ending | None:
    """What a name asks for; None, which is CSV, where it has no ending at all.

    Raises:
        InputError: it asks for what is not written.
    """
    from autometa.tables.endings import TEXT, WRITTEN, ending

    found = ending(output)
    if (found is None and output.suffix) or (found and found.packing not in ("", *WRITTEN)):
        raise InputError(
            f"predictions in {output.name!r}",
            allowed=f"{', '.join(TEXT)} (alone, or with {', '.join(WRITTEN)}) or .parquet",
        )
    return found


def _predicted(known: TunedModel, rows: pd.DataFrame, *, proba: bool) -> pd.DataFrame:
    import pandas as pd

    found = pd.DataFrame({"prediction": known.predict(rows)})
    if proba:
        shares = known.predict_proba(rows)
        for place, label in enumerate(known.classes_):
            found[f"p_{label}"] = shares[:, place]
    return found
