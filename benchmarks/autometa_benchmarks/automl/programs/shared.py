"""What the programs of all systems do alike: read a job, time it, write what was predicted.

A job is a folder with `job.json` (seconds, seed, kind, metric, options), `train.parquet` and
`test.parquet` (features without the target). Only numpy and pandas are needed, as autometa is not
installed where other systems are. Written: `labels.npy` or `values.npy`, `shares.npy` with columns
in the order of the sorted labels, and `done.json`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def main(system: Any) -> None:
    """Run a system: (X, y, X_test, job) -> (labels or values, shares or None, about).

    Classes are numbers from 0 and the shares' columns are theirs.
    """
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    train = pd.read_parquet(folder / "train.parquet")
    X, y = train.drop(columns="target"), train["target"].to_numpy()
    X_test = pd.read_parquet(folder / "test.parquet")
    begun, used = time.perf_counter(), time.process_time()
    said, shares, about = system(X, y, X_test, job)
    about = {
        **about,
        "seconds": about.get("seconds", time.perf_counter() - begun),
        "processor": time.process_time() - used,
    }
    np.save(folder / "said.npy", np.asarray(said), allow_pickle=False)
    if shares is not None:
        np.save(folder / "shares.npy", np.asarray(shares, dtype=np.float64), allow_pickle=False)
    (folder / "done.json").write_text(json.dumps(about), encoding="utf-8")


def version(*packages: str) -> dict[str, str]:
    """Versions of packages."""
    from importlib.metadata import version

    return {name: version(name) for name in packages}
