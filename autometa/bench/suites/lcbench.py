"""Suite `lcbench`: a network's accuracy on 34 data sets, 7 parameters, all numeric."""

from __future__ import annotations

from typing import ClassVar

from autometa.bench.suites.yahpo import Scenario, YahpoSuite

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
        fixed={"epoch": 51.0},  # epoch 52 is odd in the data
        output=1,
        scale=0.01,
        metric="val_accuracy",
        families=_FAMILIES,
        test=10,
        folds=3,
    )
