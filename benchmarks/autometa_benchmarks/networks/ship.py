"""The priors of networks that ship, made anew from the public runs.

    python -m autometa_benchmarks.networks.ship autometa/portfolio/networks

Needs the folder of public data (AUTOMETA_DATA). The image-text runs of ScAn-Bench are left out: its
wheel says MIT, its description of these data CC BY-SA 4.0.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from autometa.bench.data import folder
from autometa.portfolio import Portfolio
from autometa.task import TaskHistory
from autometa_benchmarks.networks import images, tabular, text

EVERY, CONFIGS = 3, 160  # versions of an image set, and configs of each
SOURCES = {
    "finetune_image": (
        "ZAP (Öztürk et al. 2022), as packed in deeppipe-api 0.1.1",
        "BSD-3-Clause",
        "26 image sets, five versions each, 160 of 525 configs; rates and decay approximate",
    ),
    "torch_tabular": (
        "LCBench (Zimmer et al. 2021) through the surrogate of YAHPO Gym 1.0",
        "Apache-2.0",
        "34 data sets, the same 128 configs, half of them chosen in rounds",
    ),
    "text_rnn": (
        "TaskSet (Metz et al. 2020), slice of DPL",
        "Apache-2.0",
        "12 recurrent classifiers, 200 of 1,000 configs of Adam, loss at the end",
    ),
    "pretrain_lm": (
        "ScAn-Bench 0.2.3 (AutoML-Freiburg-Hannover 2026), language models",
        "MIT",
        "1,090 runs of 16M to 747M parameters in twenty groups by size and tokens",
    ),
}


def networks(data: Path | None) -> Portfolio:
    """All of them."""
    runs = images.ImageRuns(folder(data, "zap"))
    parts: tuple[Iterable[TaskHistory], ...] = (
        images.tunable(runs, every=EVERY, configs=CONFIGS),
        tabular.histories(data),
        text.recurrent(data),
        text.language(data),
    )
    return Portfolio(
        (_with_source(h) for part in parts for h in part),
        provenance={
            "made by": "python -m autometa_benchmarks.networks.ship",
            "sources": {name: " | ".join(about) for name, about in SOURCES.items()},
        },
        licence="Apache-2.0 AND BSD-3-Clause AND MIT",
    )


def _with_source(history: TaskHistory) -> TaskHistory:
    source, licence, _ = SOURCES[history.task.space.name]
    about = {**history.task.info, "source": source, "licence": licence}
    return replace(history, task=replace(history.task, info=about))


if __name__ == "__main__":
    networks(None).save(Path(sys.argv[1]))
