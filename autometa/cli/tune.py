"""`autometa tune`: the main job, from a table to a model."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.ending import or_told, printed
from autometa.cli.loudness import hush_optuna
from autometa.cli.options import KeepOption, KindOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json
from autometa.cli.progress import busy, note, progress
from autometa.cli.reading import read_with_apart, warned_as_notes
from autometa.cli.show_tuned import show_files, show_result
from autometa.errors import InputError

if TYPE_CHECKING:
    from autometa.priors.opening import PriorSource
    from autometa.tables import Table
    from autometa.tuning.arms import TunedTrial
    from autometa.tuning.result import TuneResult
    from autometa.tuning.watching import OnTrial, Standing, Watch

REPORT = Path("autometa-report.html")


def tune(
    table: Annotated[str, typer.Argument(help="A CSV or Parquet file, or sklearn:NAME.")],
    target: Annotated[
        str | None, typer.Option(help="Column to predict. Default: target.", show_default=False)
    ] = None,
    kind: KindOption = None,
    keep: KeepOption = None,
    weights: Annotated[
        str | None, typer.Option(help="Column that says what each row weighs; no feature then.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Scorer of scikit-learn: roc_auc, neg_log_loss, neg_root_mean_squared_error, ... "
            "Default: balanced_accuracy, r2.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--time",
            help="Seconds for everything but the report and --test. "
            "Default: 60, or none with --trials.",
            show_default=False,
        ),
    ] = None,
    families: Annotated[
        str | None,
        typer.Option(
            help="Families that compete, separated by commas. Default: auto, all of them.",
            show_default=False,
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            help="Rows that the model is scored on at the end, beside the best untuned default: "
            "a table of their own, or a share of this one (0.25) that is held out."
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", "--save-model", help="Write the model as a skops file."),
    ] = None,
    ensemble: Annotated[
        bool, typer.Option(help="A weighted sum of the best configs, or the single best.")
    ] = True,
    threshold: Annotated[
        bool, typer.Option(help="Learn where labels are cut, for a metric of labels.")
    ] = True,
    trials: Annotated[
        int | None,
        typer.Option(help="Configs to evaluate, in each arm. Default: as time allows."),
    ] = None,
    trial_timeout: Annotated[
        float, typer.Option(help="Seconds after which one trial is stopped and failed.")
    ] = 300.0,
    seed: Annotated[int, typer.Option(help="Decides folds, children and search.")] = 0,
    folds: Annotated[
        int | None,
        typer.Option(help="Cross-validation folds. Default: 5, fewer of large tables."),
    ] = None,
    portfolio: Annotated[
        list[str] | None,
        typer.Option(
            help="Prior tasks: a portfolio's folder, studies (a URL or file), embedded, or none; "
            "repeat for several. Default: embedded.",
            show_default=False,
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Optuna storage: sqlite:///FILE, journal:///FILE, postgresql://..., "
            "grpc://HOST:PORT."
        ),
    ] = None,
    study_name: Annotated[
        str | None, typer.Option(help="Name of the study; an existing one is continued.")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that evaluate; more than 1 need --storage.")
    ] = 1,
    total: Annotated[
        bool,
        typer.Option("--total", help="--trials counts what the study has, by whichever machine."),
    ] = False,
    compare_cold: Annotated[
        bool, typer.Option("--compare-cold", help="Also run Optuna's default search.")
    ] = False,
    report: Annotated[Path, typer.Option(help="HTML report to write.")] = REPORT,
    learn: Annotated[
        Path | None, typer.Option(help="Folder of a portfolio that the search is added to.")
    ] = None,
    output: FormatOption = Format.TABLE,
    child: Annotated[str | None, typer.Option(hidden=True)] = None,
    timeout: Annotated[float | None, typer.Option(hidden=True)] = None,
) -> None:
    """Make a model for a table, starting where earlier searches ended."""
    for path, other in ((report, save), (save, report)):
        check_writable(path, other, table, test, storage, *(portfolio or ()))
    if learn is not None:
        from autometa.tuning.table_feedback import check_to_learn

        check_to_learn(learn)
    started = time.perf_counter()
    if study_name is not None and storage is None:
        note(f"--study-name {study_name} names what is not kept: only a --storage keeps a study")
    families = _older("--child", child, "--families", families)
    seconds = _older("--timeout", timeout, "--time", seconds)
    data, apart = read_with_apart(table, test, target, kind, keep or [], weights, seed)
    if save is not None and data.kind == "classification":
        import numpy as np

        from autometa.tuning.model import check_labels

        check_labels(np.asarray(data.y.cat.categories))
    with busy("loading the children"):
        from autometa.tuning.arguments import TIME
        from autometa.tuning.tune import TuneInterrupted, tune_table

        hush_optuna()
    stopped = False
    asked = TIME if seconds is None else seconds
    try:
        shown = _progress(trials, None if asked is TIME and trials else asked)
        with shown as (on_trial, watch):
            result = tune_table(
                data,
                metric=metric,
                time=asked,
                families=families,
                n_trials=trials,
                ensemble=ensemble,
                threshold=threshold,
                seed=seed,
                trial_timeout=trial_timeout,
                folds=folds,
                portfolio=_sources(portfolio),
                storage=storage,
                study_name=study_name,
                compare_cold=compare_cold,
                on_trial=on_trial,
                watch=watch,
                started=started,
                workers=workers,
                total=total,
            )
    except TuneInterrupted as stop:
        result, stopped = stop.result, True
        sys.stderr.write("stopped; this is what was found until now\n")
    lost: list[str] = []
    if apart is not None:
        scoring = busy("scoring the rows apart")
        with or_told(lost, "the test score"), warned_as_notes(), scoring:
            from autometa.tuning.rows_apart import scored_apart

            result = scored_apart(result, data, *apart)
    lost += _finish(result, data, report, save, output, learn=None if stopped else learn)
    for sentence in lost:
        sys.stderr.write(f"error: {sentence}\n")
    if stopped:
        raise typer.Exit(130)
    if result.fitted is None:
        from autometa.tuning.watching import why_no_model

        sys.stderr.write(f"error: {why_no_model(result)}\n")
        raise typer.Exit(1)
    if lost:
        raise typer.Exit(3)


def _older(old: str, given: Any, new: str, today: Any) -> Any:
    """What was given under an option's older name."""
    if given is None:
        return today
    if today is not None:
        raise InputError(f"{old} together with {new}", allowed=f"{new} alone")
    note(f"{old} is called {new} now, and goes with the next release")
    return given


def _finish(
    result: TuneResult,
    table: Table,
    report: Path,
    save: Path | None,
    output: Format,
    *,
    learn: Path | None,
) -> list[str]:
    """Show the results, write the files, and say which could not be written, and why.

    What was found has cost hours, a file can be written again: so it is shown whatever happens.
    """
    lost: list[str] = []
    files: dict[str, Any] = {}
    if output is Format.TABLE:
        with printed(lost):
            show_result(result)
    if save is not None and result.fitted is not None:
        with or_told(lost, f"the model {str(save)!r}"):
            from autometa.tuning.model import TRUSTED

            files["model"] = {"path": str(result.save(save)), "trusted": list(TRUSTED)}
    if learn is not None:
        with or_told(lost, f"the portfolio in {str(learn)!r}"):
            from autometa.tuning.table_feedback import learn_from

            learn_from(result, table, learn)
            files["learned"] = str(learn)
    if len(result.warm) or result.fitted is not None:
        with or_told(lost, f"the report {str(report)!r}"), busy("writing the report"):
            from autometa.report import write_report

            files["report"] = str(write_report(result, report))
    failed = {"not_written": list(lost)} if lost else {}
    with printed(lost):
        if output is Format.JSON:
            show_json({**result.to_json(), "notes": list(table.notes), **files, **failed})
        else:
            show_files(files)
    return list(dict.fromkeys(lost))


def _sources(portfolio: list[str] | None) -> PriorSource:
    names = [name for name in portfolio or ["embedded"] if name != "none"]
    if len(names) < len(portfolio or []) and names:
        raise InputError("--portfolio none together with others", allowed="none alone, or others")
    return names[0] if len(names) == 1 else names or None  # "embedded" alone is read as needed


@contextmanager
def _progress(trials: int | None, seconds: float | None) -> Iterator[tuple[OnTrial, Watch]]:
    """A row for each arm, with its best value, the time left and what is tried."""
    by_time = trials is None and seconds is not None and math.isfinite(seconds)
    with progress("seconds" if by_time else "trials") as show:
        show("warm", 0, int(seconds or 1) if by_time else trials or 1, "learning from prior tasks")
        found: dict[str, list[TunedTrial]] = {}

        def on_trial(arm: str, trial: TunedTrial) -> None:
            done = found.setdefault(arm, [])
            done.append(trial)
            if by_time and arm == "warm":
                return
            score = trial.state.name.lower() if trial.value is None else f"{trial.value:.4f}"
            best = max((t.value for t in done if t.value is not None), default=None)
            note = "" if best is None else f", best {best:.4f}"
            whole = max(trials or len(found.get("warm", ())), len(done))
            show(arm, len(done), whole, f"{trial.child} {score}{note}")

        def watch(standing: Standing) -> None:
            if by_time and seconds is not None and standing.left is not None:
                best = "" if standing.best is None else f"best {standing.best:.4f}, "
                said = f"{standing.trials} trials, {best}trying {standing.family}"
                show("warm", int(seconds - standing.left), int(seconds), said)

        yield on_trial, watch
