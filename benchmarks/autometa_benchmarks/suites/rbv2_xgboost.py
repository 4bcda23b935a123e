"""Suite `rbv2_xgboost`: R's xgboost on 119 data sets, 14 parameters, conditional on `booster`.

The metric is accuracy, as in YAHPO's own single-objective benchmark; AUC is close to 1 for most
configs of many tasks.
"""

from __future__ import annotations

from typing import ClassVar

from autometa_benchmarks.suites.yahpo import Scenario, YahpoSuite

# OpenML data set ids of relatives: the same objects seen through other features, copies of one
# another, or projects of one series.
_RELATIVES = {
    "mfeat": ("12", "14", "16", "18", "22", "40979"),
    "nasa-defects": ("1049", "1050", "1053", "1056", "1063", "1067", "1068"),
    "landsat": ("182", "40900"),
    "splice": ("46", "40670"),
    "credit-approval": ("29", "40981"),
    "covertype": ("1040", "41146"),
    "segment": ("36", "40984"),
    "adult": ("1590", "41156"),
}
_FAMILIES = {task: family for family, tasks in _RELATIVES.items() for task in tasks}


class RBv2XGBoost(YahpoSuite):
    """See the module.

    Data: Binder et al., "Collecting empirical data about hyperparameters for data driven AutoML"
    (2020).
    """

    name: ClassVar[str] = "rbv2_xgboost"
    about: ClassVar[str] = "YAHPO surrogate of xgboost on OpenML: accuracy, full training set"
    scenario: ClassVar[Scenario] = Scenario(
        name="rbv2_xgboost",
        task_parameter="task_id",
        categories=("booster", "num.impute.selected.cpo"),
        numbers=(
            "nrounds",
            "eta",
            "gamma",
            "lambda",
            "alpha",
            "subsample",
            "max_depth",
            "min_child_weight",
            "colsample_bytree",
            "colsample_bylevel",
            "rate_drop",
            "skip_drop",
            "trainsize",
            "repl",
        ),
        fixed={"trainsize": 1.0, "repl": 10.0},
        output=0,
        scale=1.0,
        metric="accuracy",
        families=_FAMILIES,
        test=12,
        folds=3,
    )
