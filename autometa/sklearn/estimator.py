"""MetaSearchCV: the warm-started search as a scikit-learn estimator.

Names of arguments and attributes are those of scikit-learn's searches and of Optuna-integration's
`OptunaSearchCV`, so it takes the place of either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import optuna
from sklearn.base import is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, check_random_state, column_or_1d, indexable

from autometa.children.ensemble import Member, ensemble_of, select
from autometa.errors import InputError
from autometa.limits import seconds
from autometa.priors.beginning import say
from autometa.priors.estimators import wish_of_estimator
from autometa.priors.knowing import Known, known_of
from autometa.priors.opening import PriorSource
from autometa.priors.own_tasks import without_study
from autometa.priors.prior_model import Fitted, fit_known, must_help
from autometa.samplers.sampler import MetaSampler
from autometa.sklearn.cv_checks import check_options, labels
from autometa.sklearn.cv_objective import CvObjective
from autometa.sklearn.cv_scores import cv_results
from autometa.sklearn.cv_task import rows_of, sample, signature, splits_of, table_of
from autometa.sklearn.distributions import Asked
from autometa.sklearn.refitted import Refitted
from autometa.storages.studies import continue_study, verbosity
from autometa.suggest.stated import stated_config

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_OF_REFIT = (
    *("best_estimator_", "refit_time_", "feature_names_in_"),
    *("ensemble_", "weights_", "ensemble_score_"),
)
ENSEMBLE_OF = 25  # best trials among which an ensemble is chosen


class MetaSearchCV(Refitted):
    """Search the parameters of an estimator by cross-validation, started from earlier searches.

    Args:
        estimator: A scikit-learn estimator or pipeline; never changed.
        param_distributions: Parameter -> Optuna distribution, frozen scipy distribution or list of
            choices; or a SearchSpace, which may have conditions. See `distributions`.
        prior: Earlier searches, see `opening`: a Portfolio, a MetaModel, "embedded" (tasks of the
            shipped child nearest to the estimator, without this very table), the folder of a
            portfolio, the file of a model, finished Optuna studies (a URL, file, storage or study)
            or a list of these. Parameters are matched by name, see `matched`, those of a family
            also by alias and unit, see `family`; what the estimator was constructed with is held.
            None searches cold.
            The defaults of a SearchSpace, where it has any, are tried first.
        cv: Folds, a splitter or an iterable of splits; 5 folds by default. All trials see the same.
        scoring: Name or callable; the estimator's own score by default. Higher is better.
        n_trials: Configs to try; None = until `timeout`.
        timeout: Seconds after which no further trial starts.
        refit: Whether to fit the best config, or the ensemble, on all data.
        ensemble: Predict by O(x) = sum_i w_i f_i(x), a weighted ensemble of the best children,
            chosen greedily on their held-out predictions by `scoring` (accuracy or R^2 where that
            is None); see `ensemble`. For classification and regression with one target.
        error_score: Score of a fold whose training fails; NaN makes the trial a failed one,
            "raise" raises. A config that fails in every fold is a failed trial in any case.
        meta_features: Named numbers that describe the data; "auto" computes them where the prior's
            tasks have any.
        n_jobs: Folds that are trained at a time. Trials follow one another, as each learns from
            those before.
        random_state: Of the search. An int makes it reproducible, also where it is continued.
        return_train_score: Also score the training folds.
        study: A study to continue. It must be about the same target, folds and metric: scores of
            others do not compare, and belong into `prior`.
        subsample: Share (or number, as an int) of the rows to search on; all are refitted on.
        verbose: From 1 on Optuna's own log lines are shown.
        callbacks: Called with the study and the trial after each trial.

    Attributes:
        best_params_, best_score_, best_index_, best_trial_: The best trial; its row in
            `cv_results_` is its number.
        best_estimator_: Fitted on all data with `best_params_`; with `refit`.
        cv_results_: Every trial of the study, see `cv_scores.cv_results`.
        study_, trials_, n_trials_: The Optuna study, its trials and their number. The trials' user
            attributes `autometa:*` say why each was tried.
        prior_: The MetaModel that was searched with.
        ensemble_, weights_, ensemble_score_: With `ensemble`: the fitted sum with its `members`,
            trial number -> w_i (heaviest first), and its held-out score, optimistic as it chose.
        n_splits_, scorer_, sample_indices_, refit_time_ (seconds), multimetric_ (False).
        classes_, n_features_in_, feature_names_in_: Of the fitted estimator.

    Raises:
        InputError, SpaceError: an argument that cannot be used; on `fit`.

    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> asked = {"C": loguniform(1e-3, 1e3), "fit_intercept": [True, False]}
    >>> search = MetaSearchCV(LogisticRegression(max_iter=1000), asked, n_trials=4, random_state=0)
    >>> search.fit(X, y).predict(X[:2])
    array([0, 0])
    >>> sorted(search.best_params_), search.best_score_ > 0.9
    (['C', 'fit_intercept'], True)
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        prior: PriorSource = None,
        cv: Any = None,
        scoring: str | Callable[..., float] | None = None,
        n_trials: int | None = 25,
        timeout: float | None = None,
        refit: bool = True,
        ensemble: bool = False,
        error_score: float | Literal["raise"] = np.nan,
        meta_features: Mapping[str, float] | Literal["auto"] | None = "auto",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        return_train_score: bool = False,
        study: optuna.Study | None = None,
        subsample: float = 1.0,
        verbose: int = 0,
        callbacks: Sequence[Callable[[optuna.Study, FrozenTrial], None]] | None = None,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.prior = prior
        self.cv = cv
        self.scoring = scoring
        self.n_trials = n_trials
        self.timeout = timeout
        self.refit = refit
        self.ensemble = ensemble
        self.error_score = error_score
        self.meta_features = meta_features
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.return_train_score = return_train_score
        self.study = study
        self.subsample = subsample
        self.verbose = verbose
        self.callbacks = callbacks

    # Fitting -------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, **params: Any) -> MetaSearchCV:
        """Search, then refit.

        Args:
            X: Rows, (n, m), as the estimator takes them.
            y: Target, (n,) or as the estimator takes it.
            **params: `groups` for the splitter and arguments of the estimator's `fit`, such as
                `sample_weight`; with metadata routing enabled, what was requested.

        Raises:
            InputError: an argument that cannot be used, or every trial failed.
        """
        check_options(self, y)
        asked = Asked.of(self.param_distributions)
        routed = self._route("fit", params)
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(2**31 - 1))
        X, y = indexable(X, y)
        if self.ensemble:
            y = column_or_1d(y, warn=True)
        objective = self._objective(asked, X, y, routed, rng)
        study = self._searched(objective, seed)
        self._describe(study, asked, objective)
        if self.refit:
            self._refit(objective, routed.estimator.fit)
        return self

    def _objective(
        self, asked: Asked, X: Any, y: Any, routed: Bunch, rng: np.random.RandomState
    ) -> CvObjective:
        """What all trials are judged by; sets the attributes that say how, and on which rows."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self.scorer_ = self._scorer()
        self.multimetric_ = False
        self.sample_indices_ = sample(rows_of(X), self.subsample, rng)
        splits = splits_of(cv, X, y, self.sample_indices_, routed.splitter.split)
        self.n_splits_ = len(splits)
        return CvObjective(
            estimator=self.estimator,
            asked=asked,
            X=X,
            y=y,
            splits=splits,
            scorer=self.scorer_,
            params=routed.estimator.fit,
            score_params=routed.scorer.score,
            n_jobs=self.n_jobs,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
            keep=ENSEMBLE_OF if self.ensemble else 0,
            classes=labels(y) if self.ensemble and is_classifier(self.estimator) else None,
        )

    def _searched(self, objective: CvObjective, seed: int) -> optuna.Study:
        """The study after its trials; sets what it was searched with."""
        asked, X, y = objective.asked, objective.X, objective.y
        fitted, features, known = self._prior(asked, X, y, seed)
        self.prior_ = fitted.model
        about = signature(X, y, folds=self.n_splits_, scoring=self.scoring)
        with verbosity(optuna.logging.INFO if self.verbose else optuna.logging.ERROR):
            study = self.study
            if study is None:
                study = optuna.create_study(direction="maximize")
            continue_study(study, about)
            own = study.sampler
            study.sampler = MetaSampler(
                fitted.model,
                seed=seed,
                meta_features=features,
                space=asked.space,
                first=stated_config(asked.space),
            )
            say(study, fitted.beginning, asked=self.prior is not None, names=known.lines)
            try:
                study.optimize(
                    objective,
                    n_trials=self.n_trials,
                    timeout=seconds(self.timeout, "timeout"),
                    callbacks=self.callbacks,
                )
            finally:
                study.sampler = own  # the caller's study keeps its sampler
        return study

    def _prior(
        self, asked: Asked, X: Any, y: Any, seed: int
    ) -> tuple[Fitted, Mapping[str, float] | None, Known]:
        """What to search with, the meta-features that it can use, and what was matched."""
        from autometa.meta_features import compute

        kind: Any = "classification" if is_classifier(self.estimator) else "regression"
        told, table = (None, None) if self.prior is None else (X, table_of(X, y, kind))
        wish = wish_of_estimator(
            self.estimator, asked.space, table, X=told, prior=self.prior, scoring=self.scoring
        )
        known = known_of(self.prior, wish)
        empty = "no prior was given" if self.prior is None else "the prior holds no tasks"
        known = replace(known, prior=without_study(known.prior, self.study))
        fitted = fit_known(known, asked.space, seed=seed, empty=empty)
        must_help(fitted)
        if not isinstance(self.meta_features, str):
            return fitted, self.meta_features, known
        told = table is not None and any(fitted.model.meta_features)
        return fitted, compute(table) if told and table is not None else None, known

    def _describe(self, study: optuna.Study, asked: Asked, objective: CvObjective) -> None:
        """Set the attributes that tell what was found."""
        trials = study.get_trials()
        if not any(t.state == optuna.trial.TrialState.COMPLETE for t in trials):
            raise InputError(
                f"all {len(trials)} trials failed"
                + f": {objective.error}" * (objective.error != ""),
                do='Correct the search space or the data; error_score="raise" stops at the first',
            )
        for name in _OF_REFIT:
            self.__dict__.pop(name, None)  # of an earlier fit
        self.study_, self.trials_, self.n_trials_ = study, trials, len(trials)
        params = [asked.params(t.params) for t in trials]
        self.cv_results_ = cv_results(self.trials_, params, asked.space.names)
        self.best_trial_ = study.best_trial
        self.best_index_ = self.best_trial_.number
        self.best_params_ = params[self.best_index_]
        self.best_score_ = float(study.best_value)

    def _refit(self, objective: CvObjective, params: Mapping[str, Any]) -> None:
        start = perf_counter()

        def fitted(config: Mapping[str, Any]) -> Any:
            model = objective.with_params(config)
            data = (objective.X,) if objective.y is None else (objective.X, objective.y)
            return model.fit(*data, **params)

        self.best_estimator_ = fitted(self.best_params_)
        if self.ensemble:
            self._refit_ensemble(objective, fitted)
        self.refit_time_ = perf_counter() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def _refit_ensemble(
        self, objective: CvObjective, fitted: Callable[[Mapping[str, Any]], Any]
    ) -> None:
        params = self.cv_results_["params"]
        done = [t for t in self.trials_ if t.state == optuna.trial.TrialState.COMPLETE]
        best = sorted(done, key=lambda t: (-float(t.value or 0), t.number))[:ENSEMBLE_OF]
        for trial in best:
            if trial.number not in objective.outputs:  # of an earlier fit of the same study
                objective.evaluate(trial.number, params[trial.number])
        numbers = [t.number for t in best if t.number in objective.outputs]
        if not numbers:
            raise InputError(
                "no trial has predictions for all folds",
                do="Use ensemble=False, or look at error_score",
            )
        plain = get_scorer("r2" if objective.classes is None else "accuracy")
        scorer = plain if self.scoring is None else self.scorer_
        weights, self.ensemble_score_ = select(
            [objective.outputs[n][1] for n in numbers], lambda o: objective.judge(o, scorer)
        )
        heaviest = sorted(
            ((float(w), n) for w, n in zip(weights, numbers, strict=True) if w > 0),
            key=lambda pair: (-pair[0], pair[1]),
        )
        members = [
            Member(
                n,
                params[n],
                w,
                self.best_estimator_ if n == self.best_index_ else fitted(params[n]),
            )
            for w, n in heaviest
        ]
        self.ensemble_ = ensemble_of(members, objective.classes)
        self.weights_ = {m.number: m.weight for m in members}
