"""Public training runs as `Runs`: what the law of rates is learned from and judged on.

Sizes are log10 of parameters, examples seen and examples a batch, in this order. Losses are on a
log scale where they are losses; where data sets differ, each is centred and scaled by its own runs.
Rates of SGD are divided by 1 - momentum: the length of a step once the momentum has built up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from autometa.bench.data import folder
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.inner.rate_curve import SHAPES, Runs
from autometa.portfolio import Portfolio
from autometa_benchmarks.inner import small_sweeps
from autometa_benchmarks.suites.lcbench import LCBench

TOKENS = 2048  # of a sequence
_MIT = "MIT"
_SCANBENCH = "ScAn-Bench (PyPI scan-bench 0.2.3), AutoML-Freiburg-Hannover 2026"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One family of runs; arguments as in `FamilyLaw`.

    Args:
        read: (data folder or None) -> runs; those of several data sets share their groups' names.
        shapes: As of `fit_curve`. 0 where there are a few runs a size only: there a steepness
            by size costs more than it tells (chosen on half of the sizes).
    """

    name: str
    about: str
    optimizer: str
    example: str
    source: str
    licence: str
    read: Callable[[Path | None], Runs]
    pretrained: bool = False
    shapes: int = SHAPES
    mixed: bool = False


def _frame(data: Path | None, part: str, name: str) -> pd.DataFrame:
    place = folder(data, part) / name
    try:
        return pd.read_parquet(place)
    except (OSError, ValueError) as error:
        raise InputError(f"{place} cannot be read: {error}") from error


def _sizes(parameters: object, examples: object, batch: object) -> Floats:
    columns = [np.asarray(c, dtype=float) for c in (parameters, examples, batch)]
    return np.asarray(np.log10(np.stack(np.broadcast_arrays(*columns), axis=1)))


def _momenta(frame: pd.DataFrame) -> list[Floats]:
    return [-np.log10(1.0 - frame[name].to_numpy(float)) for name in ("beta1", "beta2")]


def llm(data: Path | None) -> Runs:
    """Decoder-only transformers on text; one run a size and budget."""
    frame = _frame(data, "scanbench", "llm.parquet")
    frame = frame[frame.is_final & frame.valid_loss.notna()]
    others = [np.log10(frame.weight_decay.to_numpy(float)), *_momenta(frame)]
    others.append(frame.cooldown_fraction.to_numpy(float))
    return Runs(
        log_rate=np.log10(frame.lr.to_numpy(float)),
        sizes=_sizes(frame.n_params, frame.tokens_seen / TOKENS, frame.batch_size),
        others=np.stack(others, axis=1),
        loss=np.log(frame.valid_loss.to_numpy(float)),
        group=frame.n_params.to_numpy(float),
    )


def vlm(data: Path | None) -> Runs:
    """Image-text models; a run that diverged counts as the worst."""
    frame = _frame(data, "scanbench", "vlm.parquet").sort_values(["config_id", "epoch"])
    diverged = frame.groupby("config_id").epoch_diverged.max().to_numpy(bool)
    frame = frame.groupby("config_id").tail(1)
    loss = np.where(diverged, 5.0, frame.val_loss.to_numpy(float))
    others = [np.log10(frame.wd.to_numpy(float)), *_momenta(frame)]
    others.append(frame.warmup_fraction.to_numpy(float))
    examples = frame.total_global_steps.astype(float) * frame.global_batch_size.astype(float)
    return Runs(
        log_rate=np.log10(frame.lr.to_numpy(float)),
        sizes=_sizes(frame.mparams * 1e6, examples, frame.global_batch_size),
        others=np.stack(others, axis=1),
        loss=np.log(np.where(np.isfinite(loss), loss, 5.0)),
        group=frame.mparams.to_numpy(float),
    )


def tabpfn(data: Path | None) -> Runs:
    """Transformers that learn to learn from tables; an example is a data set."""
    frame = _frame(data, "scanbench", "tabpfn.parquet")
    cells = frame.max_features.to_numpy(float) * frame.num_datapoints_max.to_numpy(float)
    others = [frame.max_features.to_numpy(float), frame.num_datapoints_max.to_numpy(float)]
    return Runs(
        log_rate=np.log10(frame.lr.to_numpy(float)),
        sizes=_sizes(frame.parameters, frame.total_cells / cells, frame.effective_batch_size),
        others=np.log(np.stack(others, axis=1)),
        loss=np.log(frame.val_val_loss.to_numpy(float)),
        group=frame.parameters.to_numpy(float),
    )


def perceptron(optimizer: str) -> Callable[[Path | None], Runs]:
    """The embedded runs of perceptrons on small tables."""

    def read(_data: Path | None) -> Runs:
        parts = []
        for number, history in enumerate(Portfolio.embedded("mlp").histories):
            info = history.task.info
            rows, columns = min(info["rows"], 1000) * 2 / 3, info["columns"]
            loss = _scaled(-history.scores)
            for trial, value in zip(history, loss, strict=True):
                config = trial.config
                if config["optimizer"] != optimizer or not np.isfinite(value):
                    continue
                width, deep = float(config["width"]), float(config["depth"]) - 1  # type: ignore[arg-type]
                parameters = columns * width + deep * width**2 + width * (2 + deep)
                size = [parameters, 20 * rows, config["batch_size"]]
                other = [np.log(config["weight_decay"]), config["dropout"]]  # type: ignore[arg-type]
                other.append(config.get("momentum", 0.0))
                rate = np.log10(config["learning_rate"])  # type: ignore[arg-type]
                rate -= np.log10(1.0 - float(config.get("momentum", 0.0)))  # type: ignore[arg-type]
                parts.append([rate, value, number, *np.log10(np.array(size, float)), *other])
        table = np.array(parts, dtype=float)
        return Runs(
            log_rate=table[:, 0],
            loss=table[:, 1],
            group=table[:, 2],
            sizes=table[:, 3:6],
            others=table[:, 6:],
        )

    return read


def recurrent(data: Path | None) -> Runs:
    """Text classifiers with recurrent cells; parameters estimated from the cell alone."""
    frame = _frame(data, "taskset", "taskset.parquet")
    gates = {"LSTM": 4.0, "GRU": 3.0, "IRNN": 1.0, "VRNN": 1.0}
    parts = []
    for number, (name, part) in enumerate(frame.groupby("task")):
        kind = next(k for k in gates if k in str(name))
        units = 128.0 if f"{kind}128" in str(name) else 64.0
        batch = 128.0 if str(name).endswith("bs128") else 64.0
        last = np.array([float(np.asarray(v)[-1]) for v in part.valid])
        rows = np.ones((len(part), 1))
        others = np.log10(part[["epsilon", "l1", "l2", "linear_decay"]].to_numpy(float))
        columns = [
            np.log10(part.learning_rate.to_numpy(float))[:, None],
            _scaled(np.log(np.clip(np.where(np.isfinite(last), last, 1e3), 1e-3, 1e3)))[:, None],
            rows * number,
            rows * np.log10([gates[kind] * 2 * units**2, 1e4 * batch, batch]),
            others,
        ]
        parts.append(np.concatenate(columns, axis=1))
    table = np.concatenate(parts)
    table = table[(table[:, 0] > -6.5) & (table[:, 0] < 0.5)]
    return Runs(
        log_rate=table[:, 0],
        loss=table[:, 1],
        group=table[:, 2],
        sizes=table[:, 3:6],
        others=table[:, 6:],
    )


def fine_tuned(optimizers: tuple[str, ...]) -> Callable[[Path | None], Runs]:
    """A pre-trained image network; the mean over the versions of an image set."""

    def read(data: Path | None) -> Runs:
        values = _frame(data, "zap", "zap.parquet")
        configs = _frame(data, "zap", "configs.parquet").set_index("config_id")
        configs = configs[configs.optimizer.isin(optimizers)]
        table = values.groupby(["family", "config_id"]).value.mean().unstack(0)
        table = table.loc[configs.index]
        names = ["freeze_portion", "max_size", "early_epoch", "warmup_multiplier"]
        others = np.column_stack([configs[names].to_numpy(float), np.log10(configs.wd)])
        sizes = _sizes(11.7e6, 1.0, configs.batch_size)
        sets, slow = len(table.columns), 1.0 - configs.momentum.fillna(0.0)
        return Runs(
            log_rate=np.tile(np.log10((configs.lr / slow).to_numpy(float)), sets),
            sizes=np.tile(sizes, (sets, 1)),
            others=np.tile(others, (sets, 1)),
            loss=np.concatenate([_scaled(table[name].to_numpy(float)) for name in table]),
            group=np.repeat(np.arange(float(sets)), len(table)),
        )

    return read


def tabular(data: Path | None) -> Runs:
    """Funnel-shaped networks on larger tables, by a surrogate; parameters of the hidden layers."""
    suite = LCBench(folder(data, "yahpo/lcbench"))
    parts = []
    for number, task in enumerate(t.task for t in suite.tasks):
        raw = suite.space.sample_raw(120, np.random.default_rng([number, 7]))
        config = pd.DataFrame(suite.space.from_raw(raw)).astype(float)
        width, deep = config.max_units, config.num_layers
        sizes = _sizes(50 * width + (deep - 1) * width**2 / 2 + 1, 1.0, config.batch_size)
        others = config[["weight_decay", "momentum", "max_dropout"]].to_numpy(float)
        loss = _scaled(-suite.values(task, raw))
        rate = np.log10((config.learning_rate / (1.0 - config.momentum)).to_numpy(float))
        group = np.full(len(raw), float(number))
        parts.append(np.column_stack([rate, loss, group, sizes, others]))
    table = np.concatenate(parts)
    return Runs(
        log_rate=table[:, 0],
        loss=table[:, 1],
        group=table[:, 2],
        sizes=table[:, 3:6],
        others=table[:, 6:],
    )


def _scaled(loss: Floats) -> Floats:
    """Losses of one data set: 0 for the best tenth, 1 for the median run."""
    good, middle = np.nanquantile(loss, [0.1, 0.5])
    return np.asarray(np.clip((loss - good) / max(middle - good, 1e-9), -3.0, 3.0))


SOURCES = (
    Source(
        name="language",
        about="decoder-only transformers, SlimPajama",
        optimizer="adam",
        example="sequence of 2,048 tokens",
        source=_SCANBENCH,
        licence=_MIT,
        read=llm,
        shapes=0,
    ),
    Source(
        name="image-text",
        about="OpenCLIP models",
        optimizer="adam",
        example="image with its text",
        source=_SCANBENCH,
        licence="CC BY-SA 4.0 (summary statistics only)",
        read=vlm,
    ),
    Source(
        name="tables-in-context",
        about="small TabPFN models",
        optimizer="adam",
        example="made data set",
        source=_SCANBENCH,
        licence=_MIT,
        read=tabpfn,
    ),
    Source(
        name="perceptron",
        about="perceptrons on small tables",
        optimizer="adam",
        example="row",
        source="the embedded portfolio",
        licence="MIT",
        read=perceptron("adam"),
    ),
    Source(
        name="recurrent",
        about="recurrent text classifiers",
        optimizer="adam",
        example="text",
        source="TaskSet (Metz et al. 2020), slice of DPL",
        licence="Apache-2.0",
        read=recurrent,
    ),
    Source(
        name="small-modules",
        about="small modules of four kinds, short budgets",
        optimizer="adam",
        example="row, image or sequence",
        source="the sweeps in benchmarks/results/small-sweeps.json",
        licence="MIT",
        read=small_sweeps.read,
        mixed=True,
    ),
    Source(
        name="fine-tuned-image",
        about="ResNet fine-tuned under a time limit",
        optimizer="adam",
        pretrained=True,
        example="image",
        source="ZAP (Öztürk et al. 2022), as packed in deeppipe-api",
        licence="BSD-3-Clause",
        read=fine_tuned(("Adam", "AdamW")),
    ),
    Source(
        name="perceptron-sgd",
        about="perceptrons on small tables",
        optimizer="sgd",
        example="row",
        source="the embedded portfolio",
        licence="MIT",
        read=perceptron("sgd"),
    ),
    Source(
        name="tabular-sgd",
        about="networks on tables, surrogate",
        optimizer="sgd",
        example="row",
        source="LCBench (Zimmer et al. 2021), YAHPO Gym",
        licence="Apache-2.0",
        read=tabular,
    ),
    Source(
        name="fine-tuned-image-sgd",
        about="ResNet fine-tuned under a time limit",
        optimizer="sgd",
        pretrained=True,
        example="image",
        source="ZAP (Öztürk et al. 2022), as packed in deeppipe-api",
        licence="BSD-3-Clause",
        read=fine_tuned(("SGD",)),
    ),
)
