"""tune: a table and a time become a model, by a search that starts from a portfolio.

The warm arm is an Optuna study for each family, with the family's meta-model as its sampler; the
best trials become an ensemble. The cold arm, if asked for, is Optuna's default sampler (TPE).
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from inspect import signature
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from autometa.errors import AutometaError, InputError, without_passwords
from autometa.limits import flag, seconds, whole
from autometa.meta_features import compute
from autometa.priors.opening import EMBEDDED, PriorSource
from autometa.storages.studies import opened
from autometa.tables import Table
from autometa.tuning import cross_validator
from autometa.tuning.arguments import (
    AUTO,
    TIME,
    check_model,
    check_shared,
    families_of,
    left_out,
    renamed,
    table_of,
    warn_of_order,
)
from autometa.tuning.background import BackgroundFits
from autometa.tuning.clock import Clock, shorter
from autometa.tuning.family_models import FamilyModels
from autometa.tuning.predictions import predictions_folder
from autometa.tuning.result import TuneResult
from autometa.tuning.scoring import Asked, Scoring
from autometa.tuning.search_spec import SearchSpec
from autometa.tuning.session import Session
from autometa.tuning.splits import are_ours, folds_of, not_held_out, on_both_sides
from autometa.tuning.table_feedback import check_to_learn, learn_from
from autometa.tuning.table_priors import gatherer
from autometa.tuning.tried_rows import tried_on
from autometa.tuning.watching import Audience, OnTrial, TuneWarning, Watch, warn_untested
from autometa.tuning.workers.worker_pool import WorkerPool, to_stderr

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from autometa.children import Child
    from autometa.children.folds import Folds
    from autometa.meta import MetaModel

TRIAL_TIMEOUT = 300.0


class TuneInterrupted(KeyboardInterrupt):
    """Tuning was stopped by hand; `result` holds everything found until then."""

    def __init__(self, result: TuneResult) -> None:
        super().__init__("tuning was interrupted; `result` of this exception has what was found")
        self.result = result


def tune(
    X: Any,
    y: Any = None,
    *,
    metric: Asked = None,
    time: float | None = TIME,
    families: str | Sequence[str] | None = None,
    n_trials: int | None = None,
    ensemble: bool = True,
    threshold: bool = True,
    seed: int = 0,
    cv: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    name: str | None = None,
    kind: str | None = None,
    keep: Sequence[str] = (),
    **options: Any,
) -> TuneResult:
    """A model for a table, in the time asked for, by a search that starts from prior tasks.

    Args:
        X: Features, (n, m): a pandas DataFrame (categories and missing values are fine), anything
            that numpy reads as a matrix, or a sparse matrix that fits into memory; or a Table; or
            the path of a CSV or Parquet file.
        y: Target, (n,) or (n, 1), or the name of the column of X that holds it.
        metric: What is searched for: a standard metric or a scorer of scikit-learn by its name, a
            scorer (estimator, X, y) or a function (true, predicted), higher is better. What prior
            tasks teach is taken by the nearest standard metric. Balanced accuracy or R^2 by
            default.
        time: Seconds for everything: reading, meta-features, prior tasks, the search, the ensemble
            and the last fit. None for no limit. The default does not count where n_trials is given.
        families: Names of the families that compete (see `autometa.children.names()`), in a list
            or separated by commas; all by default. "mlp@FOLDER" is the perceptron that starts from
            what was learned on other tables.
        n_trials: Configs to evaluate; as many as there is time for where None.
        ensemble: Whether the model is a weighted sum of the best configs of all families; the
            single best one otherwise.
        threshold: Whether to learn from held-out predictions where labels are cut, for a metric of
            labels; kept only where rows that had no part in it say that it helps.
        seed: Of the folds, the children and the search.
        cv: How configs are judged: a number of folds, a splitter of scikit-learn (by time, ...) or
            (training rows, test rows) pairs. By default five folds; three of more than 10,000
            rows, a fifth of the rows held out of more than 30,000. Where rows are too many for the
            time (and no storage keeps the search), configs are tried on a sample of them; the model
            learns all.
        groups: Group of each row, (n,): rows of one are never on both sides of a split.
        sample_weight: What each row weighs in fitting, in scores and in the ensemble, (n,), or the
            name of the column of X that says it. Families for which all rows weigh the same do not
            compete then.
        name: What the table is called in the result.
        kind: "classification" or "regression"; guessed from the target by default.
        keep: Columns that stay although they count the rows or identify them.
        **options: As `tune_table`: trial_timeout, folds, portfolio, meta_model, storage,
            study_name, compare_cold, learn, on_trial, watch, workers, total, refit.

    Returns:
        The model and how it was found: `predict`, `predict_proba`, `score`, `save`,
        `leaderboard()`, `explain()`, `best_value`, `best_params`, every trial and why it was tried.

    Raises:
        InputError: a table or an option that cannot be used.
        TuneInterrupted: the user pressed Ctrl-C; carries the result so far.
    """
    started = perf_counter()
    given = renamed(options, signature(tune_table).parameters)
    if time is not TIME or "time" not in given:
        given["time"] = time
    if families is not None or "families" not in given:
        given["families"] = families
    warn_of_order(X, y=y, groups=groups, sample_weight=sample_weight)
    table = table_of(
        X,
        y,
        name=name,
        kind=kind,  # type: ignore[arg-type]
        keep=keep,
        weights=sample_weight,
    )
    result = tune_table(
        table,
        metric=metric,
        n_trials=n_trials,
        ensemble=ensemble,
        threshold=threshold,
        seed=seed,
        cv=cv,
        groups=groups,
        rows=len(table) + int(table.info.get("rows_without_target", 0)),
        started=started,
        **given,
    )
    warn_untested(result, refit=given.get("refit", True))
    return result


def tune_table(
    table: Table,
    *,
    metric: Asked = None,
    time: float | None = TIME,
    families: str | Sequence[str] | None = None,
    n_trials: int | None = None,
    ensemble: bool = True,
    threshold: bool = True,
    seed: int = 0,
    cv: Any = None,
    groups: Any = None,
    rows: int | None = None,
    trial_timeout: float | None = TRIAL_TIMEOUT,
    folds: int | None = None,
    portfolio: PriorSource = EMBEDDED,
    meta_model: MetaModel | None = None,
    storage: str | BaseStorage | None = None,
    study_name: str | None = None,
    compare_cold: bool = False,
    learn: str | Path | None = None,
    on_trial: OnTrial | None = None,
    watch: Watch | None = None,
    started: float | None = None,
    workers: int = 1,
    total: bool = False,
    refit: bool = True,
    message: Callable[[str], None] | None = None,
) -> TuneResult:
    """As `tune`, for a `Table`.

    Args:
        table: What to train on.
        metric: As `tune`, like the next three.
        time: Seconds for everything but the cold arm, which gets as many as the search had.
        families: See `race` for how they share out the trials or the time.
        n_trials: Configs that each arm evaluates in this call; a study that is continued keeps
            its earlier trials, and the cold arm catches up with the warm one. Trials that other
            processes add to the study meanwhile count.
        ensemble: As `tune`, like the next five.
        threshold: Whether to learn where labels are cut.
        seed: Of the folds, the children and the search.
        cv: How configs are judged.
        groups: Group of each row.
        rows: Rows that the caller gave, where splits mean these.
        trial_timeout: Seconds after which a trial is stopped and recorded as failed; never more
            than the time that is left. None or infinity for no limit, as there.
        folds: Cross-validation folds; as `cv`, which see.
        portfolio: Prior tasks: "embedded", a portfolio, studies, the folder, file or URL of such,
            a list of these (see `opening`), or None for none. Tasks that are this table or a
            relative of it are always left out, and so is the study that is continued.
        meta_model: Fitted on prior tasks of the only family's space, and used instead of a fit on
            the portfolio's: what it was fitted on is then the caller's business.
        storage: Where Optuna keeps the study: a storage or its URL; in memory by default.
        study_name: Name of the study; an existing one is continued.
        compare_cold: Also run Optuna's default search, for comparison.
        learn: Folder of a portfolio that the finished search is added to; refused beforehand where
            it cannot be, and where that fails in the end a warning says so.
        on_trial: Called with the arm's name and the trial after each trial. What it raises is a
            warning and a note; only KeyboardInterrupt stops the search.
        watch: Called with the `Standing` before each trial; as `on_trial`.
        started: `time.perf_counter()` at which the caller's clock began; now by default.
        workers: Processes that evaluate, each with one thread, on one storage: its address is
            needed, see `docs/distributed.md`. All of them together evaluate `n_trials`.
        total: Let `n_trials` count the trials that the study has already, so that calls on many
            machines, or a call that is repeated after a crash, stop at one number together.
        refit: Whether to fit the model at the end.
        message: Told in a sentence of a worker that died, or of a stop; stderr by default.

    Raises:
        InputError, PortfolioError, StoreError: an option or a table that cannot be used.
        TuneInterrupted: the user pressed Ctrl-C; carries the result so far.
    """
    began, used = perf_counter(), process_time()
    started = began if started is None else started
    if n_trials is not None:
        n_trials = whole(n_trials, "n_trials", low=1)
        time = None if time is TIME else time
    seed = whole(seed, "seed", low=0, high=2**32 - 1)
    ensemble, threshold = flag(ensemble, "ensemble"), flag(threshold, "threshold")
    total, refit = flag(total, "total"), flag(refit, "refit")
    compare_cold = flag(compare_cold, "compare_cold")
    time = seconds(time, "time")
    if n_trials is None and time is None:
        raise InputError("neither time nor n_trials", allowed="one of them, or both")
    # A study that is kept may be continued with another time: its folds depend on the table alone.
    brief = None if storage is not None else time
    tried = tried_on(table, brief, seed) if are_ours(cv, groups) else table
    judged_on = folds_of(folds, cv, groups, tried, rows, brief, sampled=tried is not table)
    trial_timeout = seconds(trial_timeout, "trial_timeout")
    workers = whole(workers, "workers", low=1)
    if learn is not None:
        check_to_learn(learn)
    chosen = families_of(families, table)
    asked = chosen[0].name if len(chosen) == 1 else AUTO
    scoring = Scoring.of(metric, table.kind, table.schema.classes)  # type: ignore[arg-type]
    scale = scoring.scale(table)
    table, tried = table.on_scale(scale), tried.on_scale(scale)
    check_model(meta_model, chosen, asked)
    check_shared(workers, total, storage, study_name, n_trials)
    audience = Audience(on_trial, watch, message or to_stderr)
    place = storage if workers > 1 else opened(storage)
    whole_name = study_name or f"autometa-{table.name}-{asked}-{secrets.token_hex(3)}"
    gather = gatherer(portfolio, chosen, table, scoring.standard.name, place, study_name)
    with ExitStack() as stack:
        folder = stack.enter_context(predictions_folder(storage, whole_name))
        spec = SearchSpec(
            table=tried,
            children=tuple(c.name for c in chosen),
            sources=tuple(c.source for c in chosen),
            folds=judged_on,
            seed=seed,
            trial_timeout=shorter(time, trial_timeout),
            storage=place,
            study_name=whole_name,
            features=compute(tried),
            scoring=scoring,
            predictions=folder,
        )
        evaluator = stack.enter_context(closing(cross_validator.new_evaluator()))
        pool = None  # where this process evaluates
        if workers > 1:
            pool = stack.enter_context(WorkerPool(spec, workers, audience.say))
        fits = stack.enter_context(BackgroundFits())
        judge = spec.judge(evaluator)
        scoring.check(judge.held_out)
        # What a second costs here, until trials say it.
        judge.first_slow = (perf_counter() - began) / max(process_time() - used, 1e-3)
        session = Session(
            spec=spec,
            table=table,
            asked=asked,
            models=FamilyModels(spec, gather, meta_model, fits),
            judge=judge,
            n_trials=n_trials,
            total=total,
            clock=Clock(started, time),
            audience=audience,
            pool=pool,
            notes=_notes(
                scoring, table, tried, chosen, judged_on, everybody=families in (None, AUTO)
            ),
        )
        fit = partial(session.fit, ensemble=ensemble, threshold=threshold) if refit else None
        result = _run(session, fit, compare_cold=compare_cold)
    return result if learn is None else _learned(result, table, learn)


def _run(session: Session, fit: Callable[[], None] | None, *, compare_cold: bool) -> TuneResult:
    """The arms and the model; of a search that is stopped the best config, fitted."""
    pool = session.pool
    try:
        session.warm_up()
        if pool is not None and not compare_cold:
            pool.dismiss()  # they end while the model is fitted
        if fit is not None:
            fit()
        if compare_cold:
            session.compare()
    except KeyboardInterrupt as stop:
        if pool is not None:
            pool.stop()  # before the trials are counted
        if fit is not None:
            with suppress(KeyboardInterrupt):  # once more: without a model, then
                session.audience.stopped()
                session.fit(ensemble=False, over="the search was stopped")
        raise TuneInterrupted(session.result()) from stop
    return session.result()


def _notes(
    scoring: Scoring,
    table: Table,
    tried: Table,
    chosen: Sequence[Child],
    folds: Folds,
    *,
    everybody: bool,
) -> tuple[str, ...]:
    """What the user should know before anything is tried."""
    labels = list(table.y.cat.categories) if table.kind == "classification" else []
    said = [scoring.note, scoring.about(labels)]
    said += [on_both_sides(folds), not_held_out(folds, tried)]
    if len(tried) < len(table):
        said.append(
            f"configs were tried on {len(tried):,} of {len(table):,} rows, so that there was time "
            "for many of them"
        )
    if table.weights is not None and not scoring.weighs:
        said.append(f"the weights of the rows do not count in {scoring.name}, which takes none")
    if table.scale:
        said.append(f"models learn log(1 + target), as {scoring.name} is about ratios")
    if everybody:
        said.append(left_out(table, chosen))
    return tuple(sentence for sentence in said if sentence)


def _learned(result: TuneResult, table: Table, folder: str | Path) -> TuneResult:
    """The result, added to a portfolio; where that fails it is still the result."""
    try:
        learn_from(result, table, folder)
    except (AutometaError, OSError) as error:
        said = f"the search was not added to the portfolio: {without_passwords(str(error))}"
        warnings.warn(said, TuneWarning, stacklevel=4)
        return replace(result, notes=(*result.notes, said))
    return result
