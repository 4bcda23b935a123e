"""Recurrent networks on text and transformers on language, from the runs as they were published.

TaskSet (Metz et al., 2020) in the slice of DPL, Apache-2.0: twelve recurrent classifiers, the same
1,000 configs of Adam. ScAn-Bench (PyPI scan-bench 0.2.3), MIT: decoder-only transformers of random
sizes, each run with a config of its own. There a task is all runs of about one size and budget, and
a value is how much the logarithm of the loss lies above what the better runs of its own size reach.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from optuna.distributions import FloatDistribution

from autometa.bench.data import folder
from autometa.encoding import Floats
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

RECURRENT = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-8, 10.0, log=True),
        "beta1": FloatDistribution(0.0, 0.9999),
        "beta2": FloatDistribution(0.0, 0.999999),
        "epsilon": FloatDistribution(1e-10, 1e3, log=True),
        "l1": FloatDistribution(1e-8, 10.0, log=True),
        "l2": FloatDistribution(1e-8, 10.0, log=True),
        "linear_decay": FloatDistribution(1e-7, 1e-4, log=True),
        "exponential_decay": FloatDistribution(1e-6, 1e-3, log=True),
    },
    inner_lr="learning_rate",
    name="text_rnn",
)
LANGUAGE = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-5, 1e-2, log=True),
        "weight_decay": FloatDistribution(1e-3, 0.2, log=True),
        "beta1": FloatDistribution(0.8, 0.99),
        "beta2": FloatDistribution(0.9, 0.999),
        "cooldown": FloatDistribution(0.0, 0.3),
    },
    inner_lr="learning_rate",
    name="pretrain_lm",
)
_CONFIGS = 200  # of a recurrent network
_SIZES, _BUDGETS = 5, 4  # parts of the runs by parameters, and of these by tokens
_GOOD = 0.2  # of the runs of a size are better than what values are measured from


def recurrent(data: Path | None) -> tuple[TaskHistory, ...]:
    """A task a network, by its validation loss at the end; a run that diverged has failed."""
    frame = pd.read_parquet(folder(data, "taskset") / "taskset.parquet")
    chosen = np.random.default_rng(0).permutation(1000)[:_CONFIGS]
    found = []
    for name, part in frame[frame["cfg"].isin(chosen)].groupby("task"):
        last = np.array([float(np.asarray(v)[-1]) for v in part["valid"]])
        short = str(name).removeprefix("FixedTextRNNClassification_")
        found.append(
            TaskHistory(
                task=Task(
                    name=f"taskset/{short}",
                    space=RECURRENT,
                    direction="minimize",
                    metric="log_loss",
                    family="taskset/"
                    + next(k for k in ("LSTM", "GRU", "IRNN", "VRNN") if k in short),
                ),
                raw=_raw(RECURRENT, part),
                values=np.where(np.isfinite(last) & (last < 1e3), last, np.nan).round(5),
            )
        )
    return tuple(found)


def language(data: Path | None) -> tuple[TaskHistory, ...]:
    """See the module."""
    frame = pd.read_parquet(folder(data, "scanbench") / "llm.parquet")
    frame = frame[frame["is_final"] & frame["valid_loss"].notna()].reset_index(drop=True)
    frame = frame.rename(columns={"cooldown_fraction": "cooldown", "lr": "learning_rate"})
    sizes = np.log10(frame[["n_params", "tokens_seen"]].to_numpy(dtype=np.float64))
    above = _above(sizes, np.log(frame["valid_loss"].to_numpy(dtype=np.float64)))
    part = pd.qcut(sizes[:, 0], _SIZES, labels=False)
    found = []
    for size in range(_SIZES):
        rows = np.flatnonzero(part == size)
        budgets = pd.qcut(sizes[rows, 1], _BUDGETS, labels=False)
        for budget in range(_BUDGETS):
            mine = rows[budgets == budget]
            parameters, tokens = 10 ** sizes[mine].mean(axis=0)
            found.append(
                TaskHistory(
                    task=Task(
                        name=f"scanbench/{parameters / 1e6:.0f}M-{tokens / 1e9:.1f}B",
                        space=LANGUAGE,
                        direction="minimize",
                        metric="log loss above the better runs of its size",
                        meta_features={
                            "n_params": float(f"{parameters:.3g}"),
                            "n_tokens": float(f"{tokens:.3g}"),
                            "batch_size": float(frame.iloc[mine]["batch_size"].median()),
                        },
                    ),
                    raw=_raw(LANGUAGE, frame.iloc[mine]),
                    values=above[mine].round(5),
                )
            )
    return tuple(found)


def _above(sizes: Floats, loss: Floats) -> Floats:
    """Losses (n,) minus what a fifth of the runs of their sizes (n, 2) stay below."""
    from sklearn.linear_model import QuantileRegressor
    from sklearn.preprocessing import PolynomialFeatures

    terms = PolynomialFeatures(2).fit_transform(sizes - sizes.mean(axis=0))
    fitted = QuantileRegressor(quantile=_GOOD, alpha=0.0, fit_intercept=False).fit(terms, loss)
    return np.asarray(loss - fitted.predict(terms))


def _raw(space: SearchSpace, frame: pd.DataFrame) -> Floats:
    """Four digits of the configs of some runs, inside of their ranges."""
    columns = []
    for name, distribution in space.distributions.items():
        values = frame[name].to_numpy(dtype=np.float64)
        assert isinstance(distribution, FloatDistribution)
        digits = [float(f"{v:.4g}") for v in values]
        columns.append(np.clip(digits, distribution.low, distribution.high))
    return np.stack(columns, axis=1)
