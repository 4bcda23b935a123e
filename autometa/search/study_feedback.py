"""The way back for any Optuna study: its finished trials join the portfolio of a folder.

A trial joins once, however often its study is fed back, and several processes may feed one folder:
writers wait for one another. Only params, distributions, values and times are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.portfolio.learning import learn_studies
from autometa.space import SearchSpace
from autometa.task import TaskHistory

TASK = "autometa:task"  # user attribute of a study: what is tuned, as plain data


def describe_task(
    study: optuna.Study, space: SearchSpace, *, metric: str, features: Mapping[str, float]
) -> None:
    """Note in a study what it tunes, for `feed_back`."""
    known = {"space": space.to_json(), "metric": metric, "meta_features": dict(features)}
    study.set_user_attr(TASK, known)


def feed_back(study: optuna.Study, folder: str | Path) -> Portfolio:
    """Add the finished trials of a study to the portfolio of a folder, each once.

    A study of `create_study` joins in its own space and with its meta-features; the space of any
    other is inferred.

    Args:
        study: Finished, or not yet: it may be fed back again later.
        folder: Of the portfolio; made where there is none, written atomically.

    Returns:
        The portfolio that the folder now holds.

    Raises:
        InputError: the study has no COMPLETE trial.
        SpaceError: its distributions make no space.
        StoreError: the folder cannot be read or written.
        PortfolioError: its direction is not that of others in its space.
    """
    known = study.user_attrs.get(TASK)
    if not isinstance(known, Mapping):
        return learn_studies(Portfolio.from_studies(study), folder)[0]
    found = Portfolio.from_studies(
        study, space=SearchSpace.from_json(known.get("space", {})), metric=str(known.get("metric"))
    )
    features = known.get("meta_features", {})
    described = Portfolio(
        (_described(h, features) for h in found.histories), provenance=found.provenance
    )
    return learn_studies(described, folder)[0]


def _described(history: TaskHistory, features: Any) -> TaskHistory:
    return replace(history, task=replace(history.task, meta_features=features))


@dataclass(frozen=True, slots=True)
class FeedBack:
    """An Optuna callback that feeds a study back while it runs.

    `study.optimize(objective, n_trials=50, callbacks=[FeedBack("portfolio")])`. Optuna does not say
    when a study ends: with `every` above 1, the last few trials join when
    `feed_back(study, folder)` is called.

    Args:
        folder: Of the portfolio.
        every: After how many finished trials it is written.

    Raises:
        InputError: `every` is not a positive integer.
    """

    folder: str | Path
    every: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.every, int) or self.every < 1:
            raise InputError(f"every = {self.every!r}", allowed="an integer from 1 on")

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """After a trial."""
        states = [t.state for t in study.get_trials(deepcopy=False)]
        finished = sum(s.is_finished() for s in states)
        if TrialState.COMPLETE in states and finished % self.every == 0:
            feed_back(study, self.folder)
