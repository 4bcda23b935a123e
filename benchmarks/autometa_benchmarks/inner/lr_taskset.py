"""The slice of TaskSet that the suite inner-lr-transfer uses: text networks under Adam.

Data: Metz et al., "Using a thousand optimization tasks to learn hyperparameter search strategies"
(2020), in the slice of DPL (machinelearningnuremberg/DPL). Twelve tasks x the same 1,000 configs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from optuna.distributions import FloatDistribution

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.meta.data.targets import normal_scores
from autometa.meta.parts.kernel import fit_kernel, matern
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

FAMILIES = ("LSTM", "GRU", "IRNN", "VRNN")
_WORST = 1.5  # of the loss at the start: what diverges further, or has no loss, counts as failed
_LIKE, _POINTS, _TREES = 8, 100, 200

SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-8, 10.0, log=True),
        "one_minus_beta1": FloatDistribution(1e-4, 1.0, log=True),
        "one_minus_beta2": FloatDistribution(1e-6, 1.0, log=True),
        "epsilon": FloatDistribution(1e-10, 1e3, log=True),
        "l1": FloatDistribution(1e-8, 10.0, log=True),
        "l2": FloatDistribution(1e-8, 10.0, log=True),
        "linear_decay": FloatDistribution(1e-7, 1e-4, log=True),
        "exponential_decay": FloatDistribution(1e-6, 1e-3, log=True),
    },
    inner_lr="learning_rate",
    name="taskset",
)


def tables(place: Path) -> dict[str, pd.DataFrame]:
    """Task -> its runs in the order of the shared configs.

    Raises:
        InputError: a file without the columns, or a task of no known kind of cell.
    """
    try:
        frame = pd.read_parquet(place / "taskset.parquet")
        found = {str(name): part.sort_values("cfg") for name, part in frame.groupby("task")}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{place} holds no taskset.parquet with runs: {error}",
            do="benchmarks/README.md says what belongs there",
        ) from error
    return found


def history(name: str, frame: pd.DataFrame) -> TaskHistory:
    """The task with its last validation losses; diverged runs failed.

    Raises:
        InputError: the name has no known kind of cell.
    """
    family = next((f for f in FAMILIES if f in name), None)
    if family is None:
        raise InputError(f"task {name!r} of taskset", allowed=", ".join(FAMILIES))
    columns = {n: frame[n] for n in SPACE.names if n in frame}
    columns["one_minus_beta1"] = 1.0 - frame["beta1"]
    columns["one_minus_beta2"] = 1.0 - frame["beta2"]
    curves = np.stack(frame["valid"].tolist())
    last = curves[:, -1]
    fine = np.isfinite(last) & (last <= _WORST * np.nanmedian(curves[:, 0]))
    return TaskHistory(
        task=Task(name=name, space=SPACE, direction="minimize", metric="loss", family=family),
        raw=np.stack([columns[n] for n in SPACE.names], axis=1),
        values=np.where(fine, last, np.nan),
    )


def truth(each: TaskHistory, raw: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Normal scores of configs (m, p) on a task by two regressions on its own runs, (m,) each.

    Failed runs count as the worst.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    known = SPACE.encode_raw(each.raw)
    z = normal_scores(np.where(each.complete, each.scores, -np.inf))
    asked = SPACE.encode_raw(raw)
    kernel = fit_kernel([known] * _LIKE, [z] * _LIKE, rng=rng, points=_POINTS)
    cov = kernel.variance * matern(known, known, kernel.scales)
    cov[np.diag_indices(len(known))] += kernel.noise
    cross = kernel.variance * matern(asked, known, kernel.scales)
    smooth: Floats = cross @ np.linalg.solve(cov, z)
    trees = ExtraTreesRegressor(_TREES, min_samples_leaf=3, random_state=0, n_jobs=1)
    rough: Floats = trees.fit(known, z).predict(asked)
    return smooth, rough
