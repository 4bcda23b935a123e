"""tune: search the config of a child on the user's own table, started from a portfolio.

The warm arm is an Optuna study with the meta-model's sampler. The cold arm, if asked for, is what
a user has without autometa: Optuna's default sampler (TPE) on the same folds with the same seed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from autometa import children
from autometa.errors import InputError
from autometa.limits import seconds, whole
from autometa.meta_features import compute
from autometa.priors.opening import EMBEDDED
from autometa.storages.studies import opened
from autometa.tables import Table
from autometa.tuning.cross_validator import Evaluator
from autometa.tuning.result import TuneResult
from autometa.tuning.session import OnTrial, Session, Team
from autometa.tuning.setting import Setting
from autometa.tuning.table_priors import Sources, gather_each
from autometa.tuning.workers.crew import Crew, to_stderr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from optuna.storages import BaseStorage

    from autometa.meta import MetaModel

AUTO = "auto"
TRIAL_TIMEOUT = 300.0


class TuneInterrupted(KeyboardInterrupt):
    """Tuning was stopped by hand; `result` holds everything found until then."""

    def __init__(self, result: TuneResult) -> None:
        super().__init__("tuning was interrupted")
        self.result = result


def tune(
    X: ArrayLike,
    y: ArrayLike,
    *,
    child: str = "hist_gradient_boosting",
    n_trials: int = 25,
    seed: int = 0,
    name: str = "table",
    kind: str | None = None,
    keep: Sequence[str] = (),
    **options: Any,
) -> TuneResult:
    """Search the best config of a child for a table, warm-started by prior tasks.

    Args:
        X: Features, (n, m): a pandas DataFrame (categories and missing values are fine), anything
            that numpy reads as a matrix, or a sparse matrix that fits into memory.
        y: Target, (n,) or (n, 1).
        child: Name of a child (see `autometa.children.names()`), "auto" to race them all, or
            "mlp@FOLDER": the perceptron that starts from what was learned on other tables.
        n_trials: Configs to evaluate in this call.
        seed: Of the folds, the children and the search.
        name: What the table is called in the result.
        kind: "classification" or "regression"; guessed from the target by default.
        keep: Columns that stay although they count the rows or identify them.
        **options: As `tune_table`: timeout, trial_timeout, folds, portfolio, model, storage,
            study_name, compare_cold, learn, on_trial, workers, total.

    Returns:
        What was found: `best_value`, `best_params`, `inner_lr`, every trial and why it was tried.

    Raises:
        InputError: a table or an option that cannot be used.
        TuneInterrupted: the user pressed Ctrl-C; carries the result so far.
    """
    from autometa.tables.frames import frame_of, target_of

    features, target = frame_of(X), target_of(y)
    table = Table(name=name, X=features, y=target, kind=kind, keep=keep)  # type: ignore[arg-type]
    table.warn(stacklevel=3)
    return tune_table(table, child=child, n_trials=n_trials, seed=seed, **options)


def tune_table(
    table: Table,
    *,
    child: str = "hist_gradient_boosting",
    n_trials: int = 25,
    seed: int = 0,
    timeout: float | None = None,
    trial_timeout: float | None = TRIAL_TIMEOUT,
    folds: int = 5,
    portfolio: Sources = EMBEDDED,
    model: MetaModel | None = None,
    storage: str | BaseStorage | None = None,
    study_name: str | None = None,
    compare_cold: bool = False,
    learn: str | Path | None = None,
    on_trial: OnTrial | None = None,
    started: float | None = None,
    workers: int = 1,
    total: bool = False,
    message: Callable[[str], None] | None = None,
) -> TuneResult:
    """As `tune`, for a `Table`.

    Args:
        table: What to train on.
        child: As `tune`; see `race` for how "auto" shares out the trials.
        n_trials: Configs that each arm evaluates in this call; a study that is continued keeps
            its earlier trials, and the cold arm catches up with the warm one. Trials that other
            processes add to the study meanwhile count.
        seed: Of the folds, the children and the search.
        timeout: Seconds after which an arm starts no further trial.
        trial_timeout: Seconds after which a trial is stopped and recorded as failed; never more
            than `timeout`. None or infinity for no limit, as there.
        folds: Cross-validation folds.
        portfolio: Prior tasks: "embedded", a portfolio, studies, the folder, file or URL of such,
            a list of these (see `opening`), or None for none. Tasks that are this table or a
            relative of it are always left out.
        model: Fitted on prior tasks of the child's space, and used instead of a fit on the
            portfolio's: what it was fitted on is then the caller's business.
        storage: Where Optuna keeps the study: a storage or its URL; in memory by default.
        study_name: Name of the study; an existing one is continued.
        compare_cold: Also run Optuna's default search, for comparison.
        learn: Folder of a portfolio that the finished search is added to.
        on_trial: Called with the arm's name and the trial after each trial.
        started: `time.perf_counter()` at which the caller's clock began, for the times in the
            result; now by default.
        workers: Processes that evaluate, each with one thread, on one storage: its address is
            needed, see `docs/distributed.md`. All of them together evaluate `n_trials`.
        total: Let `n_trials` count the trials that the study has already, so that calls on many
            machines, or a call that is repeated after a crash, stop at one number together.
        message: Told in a sentence about a worker that died; stderr by default.

    Raises:
        InputError, PortfolioError, StoreError: an option or a table that cannot be used.
        TuneInterrupted: the user pressed Ctrl-C; carries the result so far.
    """
    started = time.perf_counter() if started is None else started
    n_trials = whole(n_trials, "n_trials", low=1)
    seed = whole(seed, "seed", low=0, high=2**32 - 1)
    folds = whole(folds, "folds", low=2, high=len(table), of="the rows of the table")
    timeout = seconds(timeout, "timeout")
    trial_timeout = seconds(trial_timeout, "trial_timeout")
    workers = whole(workers, "workers", low=1)
    chosen = tuple(
        children.get(name, table.kind) for name in (children.names() if child == AUTO else (child,))
    )
    for each in chosen:
        each.refuse(table)
    asked = AUTO if child == AUTO else chosen[0].name
    if model is not None and [c.space for c in chosen] != [model.space]:
        raise InputError(
            f"a model of the space {model.space.name!r} for child {asked!r}",
            allowed="a model of the child's own space, and one child",
            do="Fit it with MetaLearner.fit on a portfolio of this child",
        )
    priors = gather_each(portfolio, chosen, table)
    _check_workers(workers, storage)
    setting = Setting(
        table=table,
        children=tuple(c.name for c in chosen),
        sources=tuple(c.source for c in chosen),
        folds=folds,
        seed=seed,
        trial_timeout=_shorter(timeout, trial_timeout),
        storage=storage if workers > 1 else opened(storage),
        study_name=study_name or f"autometa-{table.name}-{asked}-{secrets.token_hex(3)}",
        features=compute(table),
    )
    with closing(_evaluator()) as evaluator, _team(setting, workers, message) as team:
        session = Session(
            setting=setting,
            asked=asked,
            priors=priors,
            model=model,
            judge=setting.judge(evaluator),
            n_trials=n_trials,
            total=total,
            timeout=timeout,
            on_trial=on_trial or (lambda arm, trial: None),
            started=started,
            team=team,
        )
        try:
            session.warm_up()
            if compare_cold:
                session.compare()
        except KeyboardInterrupt as stop:
            if team is not None:
                team.crew.stop()  # before the trials are counted
            raise TuneInterrupted(session.result()) from stop
        result = session.result()
    if learn is not None:
        from autometa.tuning.table_feedback import learn_from

        learn_from(result, table, learn)
    return result


@contextmanager
def _team(
    setting: Setting, workers: int, message: Callable[[str], None] | None
) -> Iterator[Team | None]:
    """The worker processes of a call; None where this process evaluates."""
    if workers == 1:
        yield None
        return
    with (
        TemporaryDirectory(prefix="autometa-") as folder,
        Crew(setting, workers, message or to_stderr) as crew,
    ):
        yield Team(crew=crew, size=workers, models=Path(folder))


def _check_workers(workers: int, storage: str | BaseStorage | None) -> None:
    if workers > 1 and not _shared(storage):
        raise InputError(
            f"{workers} workers without a storage that processes can share",
            allowed="the address of a database, a journal file or a gRPC proxy",
            do="On one machine, --storage journal:///tuning.log needs no server",
        )


def _shared(storage: object) -> bool:
    memory = storage in ("sqlite://", "sqlite:///") or ":memory:" in str(storage)
    return isinstance(storage, str) and not memory


def _shorter(*times: float | None) -> float | None:
    return min((t for t in times if t is not None), default=None)


def _evaluator() -> Evaluator:
    from autometa.children.evaluation.isolated import Evaluator as Isolated

    return Isolated()
