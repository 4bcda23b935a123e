"""The way back for any Optuna study: its finished trials join the portfolio of a folder.

A trial joins once, however often its study is fed back, and several processes may feed one folder:
writers wait for one another. Only params, distributions, values, constraints and times are read.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.errors import AutometaError, InputError
from autometa.errors import told as error_text
from autometa.limits import whole
from autometa.meta.new_task import known_features
from autometa.portfolio import Portfolio
from autometa.portfolio.importers.study_names import INFERRED
from autometa.portfolio.learning import learn_studies
from autometa.space import SearchSpace
from autometa.storages.addresses import check_folder
from autometa.storages.studies import check_study
from autometa.task import TaskHistory

_log = logging.getLogger(__name__)
_PATIENCE = 5.0  # seconds that a search waits for another writer; the next trial tries again
_UNFINISHED = ("RUNNING", "WAITING")
TASK = "autometa:task"  # user attribute of a study: what is tuned, as plain data


def describe_task(
    study: optuna.Study,
    space: SearchSpace | None,
    *,
    metric: str,
    features: Mapping[str, float],
    stated: bool = True,
) -> None:
    """Note in a study what it tunes, for `feed_back`; the space is stated, or just the prior's."""
    known: dict[str, Any] = {"metric": metric, "meta_features": dict(features), "stated": stated}
    if space is not None:  # else its trials tell
        known["space"] = space.to_json()
    study.set_user_attr(TASK, known)


@dataclass(frozen=True, kw_only=True)
class About:
    """What the user says of a study that the study does not.

    Args:
        metric: What its values measure; what `create_study` noted where None.
        meta_features: Of its task, beside what `create_study` noted.
        data: (X, y) or a Table that the objective trains on: gives meta-features.

    Raises:
        InputError: no text, no mapping, or data that make no table.
    """

    metric: str | None = None
    meta_features: Mapping[str, float] | None = None
    data: Any = None

    def __post_init__(self) -> None:
        if self.metric is not None and (not isinstance(self.metric, str) or not self.metric):
            raise InputError(f"metric = {self.metric!r}", allowed="a name, or None")
        known_features(self.meta_features)

    def features(self) -> dict[str, float]:
        """Meta-features of the data, and those that were given over these."""
        given = known_features(self.meta_features)
        if self.data is None:
            return given
        from autometa.priors.data import read_data

        return {**read_data(self.data).meta_features, **given}


def feed_back(
    study: optuna.Study,
    folder: str | Path,
    *,
    metric: str | None = None,
    meta_features: Mapping[str, float] | None = None,
    data: Any = None,
) -> Portfolio:
    """Add the finished trials of a study to the portfolio of a folder, each once.

    A study of `create_study` joins in its own space, by its metric and with its meta-features; the
    space of any other is inferred, as is that of a study that has tried more than its space holds.
    The task has the study's name.

    Args:
        study: Finished, or not yet: it may be fed back again later.
        folder: Of the portfolio; made where there is none, written atomically.
        metric: What the values measure, where the study does not know it.
        meta_features: Of the task, beside those that the study knows.
        data: (X, y) or a Table that the objective trains on: gives meta-features.

    Returns:
        The portfolio that the folder now holds.

    Raises:
        InputError: not a study, or one without a COMPLETE trial; no folder, metric, meta-features
            or data.
        SpaceError: its distributions make no space.
        StoreError: the folder cannot be read or written.
        PortfolioError: its direction is not that of others in its space.
    """
    check_study(study)
    check_folder(folder)
    about = About(metric=metric, meta_features=meta_features, data=data)
    return learn_studies(_imported(study, about.metric, about.features()), folder)[0]


def _imported(study: optuna.Study, metric: str | None, told: Mapping[str, float]) -> Portfolio:
    """What a study holds: in the space that it is described by, where that holds it as it is."""
    noted = study.user_attrs.get(TASK)
    known: Mapping[str, Any] = noted if isinstance(noted, Mapping) else {}
    space = SearchSpace.from_json(known["space"]) if "space" in known else None
    measured = metric or str(known.get("metric", "value"))
    found = _as_described(study, space, measured) if space is not None else None
    if found is None:  # as its trials tell
        found = Portfolio.from_studies(study, metric=measured)
    features = {**known.get("meta_features", {}), **told}
    # What nobody stated may still grow into a space that it shares with later studies.
    info = {} if known.get("stated", True) else {"space": INFERRED}
    if not features and not info:
        return found
    return replace(found, histories=tuple(_described(h, features, info) for h in found.histories))


def _as_described(study: optuna.Study, space: SearchSpace, metric: str) -> Portfolio | None:
    """A study in a space; None where it has values or parameters that are not of this space.

    They would be moved to its edge, or lost: `create_study` notes the prior's space where nobody
    says what is searched, and the objective may ask for more.
    """
    try:
        found = Portfolio.from_studies(study, space=space, metric=metric)
    except InputError:  # too different, or nothing to import: then the trials tell that
        return None
    parameters = (p for s in found.provenance["adapted"]["spaces"] for p in s["parameters"])
    kinds = {change["kind"] for parameter in parameters for change in parameter["changes"]}
    return None if kinds & {"clipped", "dropped"} else found


def _described(history: TaskHistory, features: Any, info: Mapping[str, Any]) -> TaskHistory:
    task = history.task
    task = replace(task, meta_features=features or task.meta_features, info={**task.info, **info})
    return replace(history, task=task)


@dataclass(slots=True)
class NotUsed:
    """What `FeedBack` could not use, counted by reason; false where there is nothing.

    Args:
        failures: Why the portfolio could not be written after a trial -> how often. A later success
            writes all trials until then, so nothing is lost but by the last one.
        trials: Why finished trials were left out when it was last written -> how many.
        parameters: Parameters that the portfolio does not hold -> why.
    """

    failures: Counter[str] = field(default_factory=Counter)
    trials: Counter[str] = field(default_factory=Counter)
    parameters: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.failures or self.trials or self.parameters)


@dataclass(frozen=True, slots=True)
class FeedBack:
    """An Optuna callback that feeds a study back while it runs, and never ends it.

    `study.optimize(objective, n_trials=50, callbacks=[FeedBack("portfolio")])`. Optuna does not say
    when a study ends: with `every` above 1, the last few trials join when
    `feed_back(study, folder)` is called.

    Whatever goes wrong (a folder that cannot be written or is locked, a damaged portfolio, a choice
    that nothing tells apart) is logged once as a warning and counted in `not_used`; the search goes
    on.

    Args:
        folder: Of the portfolio.
        every: After how many finished trials it is written.
        metric: As of `feed_back`, like the next two.
        meta_features: As of `feed_back`.
        data: As of `feed_back`; looked at once.

    Raises:
        InputError: `every` is not a positive integer, or the folder is an address; a metric,
            meta-features or data that are none.
    """

    folder: str | Path
    every: int = 1
    metric: str | None = None
    meta_features: Mapping[str, float] | None = field(default=None, compare=False)
    data: Any = field(default=None, compare=False, repr=False)
    _features: dict[str, float] = field(default_factory=dict, init=False, compare=False, repr=False)
    not_used: NotUsed = field(default_factory=NotUsed, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", whole(self.every, "every", low=1))
        check_folder(self.folder)
        about = About(metric=self.metric, meta_features=self.meta_features, data=self.data)
        self._features.update(about.features())

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """After a trial."""
        try:
            states = [t.state for t in study.get_trials(deepcopy=False)]
            finished = sum(s.is_finished() for s in states)
            if TrialState.COMPLETE in states and finished % self.every == 0:
                new = _imported(study, self.metric, self._features)
                learn_studies(new, self.folder, timeout=_PATIENCE)
                self._note(new)
        except Exception as error:  # the search is the user's
            ours = isinstance(error, AutometaError)
            reason = error.given if isinstance(error, AutometaError) else error_text(error)
            self.not_used.failures[reason] += 1
            if self.not_used.failures[reason] == 1:
                text = str(error) if ours else reason
                _log.warning("the study goes on, but is not fed back to %s: %s", self.folder, text)

    def _note(self, new: Portfolio) -> None:
        """Keep what of a study was not used, and say what is new in it."""
        for read in new.provenance["studies"]:
            trials = {why: n for why, n in read["skipped"].items() if why not in _UNFINISHED}
            fresh = [f"trials are left out ({w})" for w in trials if w not in self.not_used.trials]
            fresh += [
                f"parameter {name!r} is left out ({why})"
                for name, why in read["left_out_why"].items()
                if name not in self.not_used.parameters
            ]
            self.not_used.trials.clear()
            self.not_used.trials.update(trials)
            self.not_used.parameters.clear()
            self.not_used.parameters.update(read["left_out_why"])
            for what in fresh:
                _log.warning("of what is fed back to %s, %s", self.folder, what)
