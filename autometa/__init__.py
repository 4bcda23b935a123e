"""autometa: meta-learned warm starts for Optuna.

Names are loaded on first use, so that `import autometa` costs neither torch nor scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autometa._version import __version__

if TYPE_CHECKING:
    from autometa import children as children
    from autometa.errors import AutometaError as AutometaError
    from autometa.inner.rate_suggestion import suggest_lr as suggest_lr
    from autometa.meta import MetaLearner as MetaLearner
    from autometa.meta import MetaModel as MetaModel
    from autometa.portfolio import Portfolio as Portfolio
    from autometa.replaying import replay as replay
    from autometa.samplers.create import create_study as create_study
    from autometa.samplers.pruner import MetaPruner as MetaPruner
    from autometa.samplers.sampler import MetaSampler as MetaSampler
    from autometa.samplers.study_feedback import FeedBack as FeedBack
    from autometa.samplers.study_feedback import feed_back as feed_back
    from autometa.samplers.warm_start import warm_start as warm_start
    from autometa.sklearn.estimator import MetaSearchCV as MetaSearchCV
    from autometa.space import SearchSpace as SearchSpace
    from autometa.tables import Table as Table
    from autometa.tables import TableWarning as TableWarning
    from autometa.tables import load_table as load_table
    from autometa.task import CompletedTrial as CompletedTrial
    from autometa.task import State as State
    from autometa.task import Task as Task
    from autometa.task import TaskHistory as TaskHistory
    from autometa.tuning.estimators import AutoClassifier as AutoClassifier
    from autometa.tuning.estimators import AutoRegressor as AutoRegressor
    from autometa.tuning.model import TunedModel as TunedModel
    from autometa.tuning.model import load_model as load_model
    from autometa.tuning.tune import TuneInterrupted as TuneInterrupted
    from autometa.tuning.tune import tune as tune

_HOME = {
    "SearchSpace": "autometa.space",
    "Task": "autometa.task",
    "TaskHistory": "autometa.task",
    "CompletedTrial": "autometa.task",
    "State": "autometa.task",
    "Portfolio": "autometa.portfolio",
    "MetaLearner": "autometa.meta",
    "MetaModel": "autometa.meta",
    "replay": "autometa.replaying",
    "MetaSearchCV": "autometa.sklearn.estimator",
    "MetaSampler": "autometa.samplers.sampler",
    "MetaPruner": "autometa.samplers.pruner",
    "FeedBack": "autometa.samplers.study_feedback",
    "create_study": "autometa.samplers.create",
    "warm_start": "autometa.samplers.warm_start",
    "feed_back": "autometa.samplers.study_feedback",
    "suggest_lr": "autometa.inner.rate_suggestion",
    "tune": "autometa.tuning.tune",
    "TuneInterrupted": "autometa.tuning.tune",
    "AutoClassifier": "autometa.tuning.estimators",
    "AutoRegressor": "autometa.tuning.estimators",
    "TunedModel": "autometa.tuning.model",
    "load_model": "autometa.tuning.model",
    "Table": "autometa.tables",
    "TableWarning": "autometa.tables",
    "AutometaError": "autometa.errors",
    "load_table": "autometa.tables",
}

__all__ = [
    "AutoClassifier",
    "AutoRegressor",
    "AutometaError",
    "CompletedTrial",
    "FeedBack",
    "MetaLearner",
    "MetaModel",
    "MetaPruner",
    "MetaSampler",
    "MetaSearchCV",
    "Portfolio",
    "SearchSpace",
    "State",
    "Table",
    "TableWarning",
    "Task",
    "TaskHistory",
    "TuneInterrupted",
    "TunedModel",
    "__version__",
    "children",
    "create_study",
    "feed_back",
    "load_model",
    "load_table",
    "replay",
    "suggest_lr",
    "tune",
    "warm_start",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name == "children":
        return import_module("autometa.children")
    raise AttributeError(f"module 'autometa' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
