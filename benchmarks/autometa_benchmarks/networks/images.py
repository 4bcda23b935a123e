"""ZAP: a pre-trained image network fine-tuned under a time limit, on 26 image sets x 15 versions.

Öztürk et al., "Zero-shot AutoML with Pretrained Models" (ICML 2022), as packed in deeppipe-api
0.1.1, BSD-3-Clause. All tasks evaluated the same 525 configs, each of which is what a search on one
of the tasks found best. Values are 1 - area under the learning curve, means of repeats.

Rates, weight decay and momentum are approximate: the file scales them linearly between ends that
it does not name, those of the publication are assumed.

Shapes: n configs, p parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.space import SearchSpace, Value
from autometa.task import Task, TaskHistory

_ADAM, _SGD = ("optimizer", ["Adam", "AdamW"]), ("optimizer", ["SGD"])
SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-5, 0.1, log=True),
        "weight_decay": FloatDistribution(1e-5, 1e-2, log=True),
        "optimizer": CategoricalDistribution(["Adam", "AdamW", "SGD"]),
        "momentum": FloatDistribution(0.0, 0.99),
        "nesterov": CategoricalDistribution([False, True]),
        "amsgrad": CategoricalDistribution([False, True]),
        "scheduler": CategoricalDistribution(["plateau", "cosine"]),
        "min_learning_rate": FloatDistribution(1e-8, 1e-5, log=True),
        "warmup_multiplier": FloatDistribution(1.0, 3.0, step=0.5),
        "warmup_epochs": IntDistribution(3, 6),
        "freeze_portion": FloatDistribution(0.0, 0.5, step=0.1),
        "batch_size": IntDistribution(16, 64, log=True),
        "image_size": IntDistribution(32, 128, log=True),
        "steps_per_epoch": IntDistribution(5, 250, log=True),
        "architecture": CategoricalDistribution(["ResNet18", "efficientnet"]),
        "first_simple_model": CategoricalDistribution([False, True]),
        "simple_model": CategoricalDistribution(["LR", "NuSVC", "RF", "SVC"]),
        "train_info_sample": IntDistribution(128, 512, log=True),
        "max_valid_count": IntDistribution(128, 512, log=True),
        "cv_valid_ratio": FloatDistribution(0.05, 0.2),
        "early_epoch": IntDistribution(1, 3),
        "skip_valid_score_threshold": FloatDistribution(0.7, 0.95),
        "max_inner_loop_ratio": FloatDistribution(0.1, 0.3),
        "test_after_at_least_seconds": IntDistribution(1, 3),
        "test_after_at_least_seconds_max": IntDistribution(60, 120),
        "test_after_at_least_seconds_step": IntDistribution(2, 10),
    },
    conditions={
        "momentum": _SGD,
        "nesterov": _SGD,
        "amsgrad": _ADAM,
        "simple_model": ("first_simple_model", [True]),
    },
    inner_lr="learning_rate",
    name="finetune_image",
)
_COLUMNS = {
    "learning_rate": "lr",
    "weight_decay": "wd",
    "min_learning_rate": "min_lr",
    "warmup_epochs": "warm_up_epoch",
    "image_size": "max_size",
}
PEOPLE_TUNE = SPACE.names[:14]
"""What is of use outside of the publication's own trainer."""
_KIN = {"cifar": "cifar", "cycle_gan": "cycle_gan", "cmaterdb": "cmaterdb", "mnist": "mnist"}


def kin(image_set: str) -> str:
    """The relatives of an image set, by its name; itself where it has none."""
    return next((k for part, k in _KIN.items() if part in image_set), image_set)


@dataclass(frozen=True)
class ImageRuns:
    """All runs.

    Args:
        folder: Of `zap.parquet` and `configs.parquet`.
    """

    folder: Path

    @cached_property
    def configs(self) -> pd.DataFrame:
        """A row a config, by its number."""
        return self._read("configs").set_index("config_id").sort_index()

    @cached_property
    def values(self) -> pd.DataFrame:
        """A row a version of an image set ("7-mnist"), a column a config."""
        return self._read("zap").pivot(index="task", columns="config_id", values="value")

    @cached_property
    def raw(self) -> Floats:
        """All configs, (n, p) as in `space`."""
        columns = {n: self.configs[_COLUMNS.get(n, n)] for n in SPACE.names}
        raw = np.stack([_column(n, c) for n, c in columns.items()], axis=1)
        raw[~SPACE.active_raw(raw)] = np.nan
        return raw

    @cached_property
    def tuned_on(self) -> tuple[str, ...]:
        """Of each config the relatives that it was found on; "" where unknown."""
        names = self.configs["tuned_on"].fillna("")
        return tuple(kin(str(n)) if n else "" for n in names)

    def histories(self, *, every: int = 1) -> tuple[TaskHistory, ...]:
        """A task a version of an image set: all of them, or every third, ... version of each."""
        found = []
        for name in self.values.index:
            version, image_set = str(name).split("-", 1)
            if int(version) % every:
                continue
            task = Task(
                name=str(name),
                space=SPACE,
                direction="minimize",
                metric="1 - area under the learning curve",
                family=kin(image_set),
                info={"image_set": image_set},
            )
            values = self.values.loc[name].to_numpy(dtype=np.float64)
            found.append(TaskHistory(task=task, raw=self.raw, values=values))
        return tuple(found)

    def _read(self, name: str) -> pd.DataFrame:
        try:
            return pd.read_parquet(self.folder / f"{name}.parquet")
        except (OSError, ValueError) as error:
            raise InputError(f"{self.folder / name} cannot be read: {error}") from error


def _column(name: str, values: pd.Series) -> Floats:
    distribution = SPACE.distributions[name]
    if isinstance(distribution, CategoricalDistribution):
        return np.array([_place(distribution, v) for v in values])
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    exact = values.to_numpy(dtype=np.float64).round(9)  # the file holds single precision
    if distribution.step and isinstance(distribution, FloatDistribution):
        exact = (exact / distribution.step).round() * distribution.step
    inside: Floats = np.clip(exact, distribution.low, distribution.high)
    return inside


def _place(distribution: CategoricalDistribution, value: object) -> float:
    """The number of a choice; what has none is the last one (of few large architectures)."""
    if pd.isna(value):  # type: ignore[call-overload]
        return np.nan
    choices: list[Value] = list(distribution.choices)
    if value in choices:
        return float(choices.index(value))
    return float(len(choices) - 1)


def tunable(runs: ImageRuns, *, every: int, configs: int) -> tuple[TaskHistory, ...]:
    """Every so many-th version, by a random part of the configs and what people tune of these."""
    space = SearchSpace(
        {n: SPACE.distributions[n] for n in PEOPLE_TUNE},
        conditions={n: c for n, c in SPACE.conditions.items() if n in PEOPLE_TUNE},
        inner_lr="learning_rate",
        name=SPACE.name,
    )
    rows = np.sort(np.random.default_rng(0).permutation(len(runs.raw))[:configs])
    found = []
    for history in runs.histories(every=every):
        task = replace(
            history.task,
            name=f"zap/{history.task.name}",
            family=f"zap/{history.task.family}",
            space=space,
        )
        raw = _digits(history.raw[rows][:, : len(PEOPLE_TUNE)])
        found.append(TaskHistory(task=task, raw=raw, values=history.values[rows].round(5)))
    return tuple(found)


def _digits(raw: Floats) -> Floats:
    """Four digits of each number."""
    return np.array([[float(f"{v:.4g}") for v in row] for row in raw])
