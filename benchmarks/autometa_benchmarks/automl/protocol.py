"""What is compared: tables, a third of whose rows no system sees, seeds and seconds.

One table of each family, the largest ones below a limit of rows first, so that relatives do not
count twice; every regression comes in. Which rows are held out depends on table and seed only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autometa.errors import InputError

HELD_OUT = 3  # one row in so many
FEWEST_ROWS, MOST_ROWS = 400, 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one system is asked for.

    Args:
        table: Name.
        family: Of the table.
        kind: Of problem.
        seed: Of the split and the system.
        seconds: For everything.
        system: Name.
    """

    table: str
    family: str
    kind: str
    seed: int
    seconds: float
    system: str

    @property
    def key(self) -> str:
        """Names it in a journal."""
        return f"{self.table}/{self.seed}/{self.seconds:g}/{self.system}"


def chosen_tables(folder: Path, names: Sequence[str], count: int) -> pd.DataFrame:
    """Rows of the folder's `index.csv`.

    Args:
        folder: Of tables.
        names: Only these; all of the protocol's where empty.
        count: At most so many of the protocol's.

    Raises:
        InputError: there is none of a name.
    """
    index = pd.read_csv(folder / "index.csv")
    if names:
        if unknown := [name for name in names if name not in set(index["name"])]:
            raise InputError(f"table {unknown[0]!r}", allowed=", ".join(index["name"][:20]))
        return index[index["name"].isin(names)]
    fit = index[index["rows"].between(FEWEST_ROWS, MOST_ROWS)]
    fit = fit.sort_values(["rows", "name"], ascending=[False, True])
    fit = fit.drop_duplicates("family")
    regressions = fit[fit["kind"] == "regression"]
    rest = fit[fit["kind"] != "regression"]
    if count < len(fit):  # spread over sizes: every k-th of those in order
        left = max(1, count - len(regressions))
        places = np.unique(np.linspace(0, len(rest) - 1, min(left, len(rest))).round().astype(int))
        regressions, rest = regressions[: max(1, count - len(places))], rest.iloc[places]
    return pd.concat([regressions, rest])


def jobs(
    tables: pd.DataFrame, systems: Sequence[str], seeds: int, times: Sequence[float]
) -> Iterator[Job]:
    """Every job; the systems of one table, seed and time follow one another, in a drawn order."""
    for seed in range(seeds):
        for row in tables.itertuples():
            for seconds in times:
                rng = np.random.default_rng([seed, zlib.crc32(str(row.name).encode())])
                for place in rng.permutation(len(systems)):
                    yield Job(
                        table=str(row.name),
                        family=str(row.family),
                        kind=str(row.kind),
                        seed=seed,
                        seconds=seconds,
                        system=systems[place],
                    )


def divided(folder: Path, job: Job) -> tuple[pd.DataFrame, pd.DataFrame, NDArray[Any], int]:
    """(rows to train on with `target`, features apart, what is true of them, classes).

    Classes are numbers from 0; each has rows to train on.
    """
    frame = pd.read_parquet(folder / f"{job.table}.parquet").reset_index(drop=True)
    frame = frame[frame["target"].notna()].reset_index(drop=True)
    y, classes = frame["target"].to_numpy(), 0
    if job.kind == "classification":
        y = pd.Series(frame["target"].astype("category")).cat.codes.to_numpy(dtype=np.int64)
        classes = int(y.max()) + 1
    rng = np.random.default_rng([job.seed, zlib.crc32(job.table.encode())])
    order = rng.permutation(len(y))
    if classes:
        order = order[np.argsort(y[order], kind="stable")]
    apart = np.zeros(len(y), dtype=bool)
    apart[order[HELD_OUT - 1 :: HELD_OUT]] = True
    X = frame.drop(columns="target")
    X.columns = [str(c) for c in X.columns]
    return X[~apart].assign(target=y[~apart]), X[apart], y[apart], classes
