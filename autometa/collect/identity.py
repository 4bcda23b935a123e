"""Whether two tables are the same, cell by cell."""

from __future__ import annotations

import hashlib

import pandas as pd

from autometa.tables import Table


def digest(table: Table) -> str:
    """Identifies a table's content: changes with any cell, name or order."""
    frame = table.X.assign(**{"\0target": table.y.to_numpy()})
    if table.weights is not None:
        frame["\0weights"] = table.weights
    hashed = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    columns = "\0".join(map(str, frame.columns)).encode()
    return hashlib.sha256(columns + hashed.tobytes()).hexdigest()[:16]
