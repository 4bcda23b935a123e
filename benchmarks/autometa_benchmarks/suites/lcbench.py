"""Suite `lcbench`: a network's accuracy on 34 data sets, 7 parameters, all numeric."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autometa.bench.split import prior_tasks
from autometa.encoding import Floats
from autometa.portfolio import Portfolio
from autometa.task import Task, TaskHistory
from autometa_benchmarks.suites.yahpo import Scenario, YahpoSuite

EPOCHS = 51  # epoch 52 is odd in the data

# OpenML task ids. sylvine is drawn from covertype.
_FAMILIES = {"7593": "covertype", "189865": "covertype"}


class LCBench(YahpoSuite):
    """See the module. Data: Zimmer et al., "Auto-PyTorch Tabular" (2021)."""

    name: ClassVar[str] = "lcbench"
    about: ClassVar[str] = "YAHPO surrogate of LCBench: validation accuracy after epoch 51"
    scenario: ClassVar[Scenario] = Scenario(
        name="lcbench",
        task_parameter="OpenML_task_id",
        categories=(),
        numbers=(
            "epoch",
            "batch_size",
            "learning_rate",
            "momentum",
            "weight_decay",
            "num_layers",
            "max_units",
            "max_dropout",
        ),
        fixed={"epoch": float(EPOCHS)},
        output=1,
        scale=0.01,
        metric="val_accuracy",
        families=_FAMILIES,
        test=10,
        folds=3,
    )

    def curves(self, task: Task, raw: Floats) -> Floats:
        """Validation accuracy after each epoch, (n, p) -> (n, 51)."""
        n = len(raw)
        epochs = np.repeat(np.arange(1.0, EPOCHS + 1), n)
        values = self.values(task, np.tile(raw, (EPOCHS, 1)), at={"epoch": epochs})
        return values.reshape(EPOCHS, n).T

    def prior_with_curves(self, fold: str, evaluations: int, seed: int) -> Portfolio:
        """As `prior`, each trial with its learning curve."""
        histories = []
        for bench_task in prior_tasks(self.tasks, fold):
            raw = self._configs(bench_task.task, evaluations, seed)
            curves = self.curves(bench_task.task, raw)
            histories.append(
                TaskHistory(task=bench_task.task, raw=raw, values=curves[:, -1], curves=curves)
            )
        return Portfolio(histories)
