"""What `autometa tune` says of its result, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from autometa.cli.output import show_table
from autometa.cli.progress import note
from autometa.showing import counted

if TYPE_CHECKING:
    from autometa.tuning.result import TuneResult

FIRST = 3  # trials whose reason is shown


def show_result(result: TuneResult) -> None:
    """What was found, why, and in which time."""
    from autometa.priors.beginning import COLD, START
    from autometa.tuning.watching import why_failed
    from autometa.tuning.worth import LEARNED

    rows = [(k, warm, cold) for k, warm, cold in result.checkpoints()]
    metric = result.metric.replace("_", " ")
    what = result.child if result.asked == result.child else f"{result.child} (the best family)"
    typer.echo(f"{what} on {result.table}, {metric} over {result.folds} folds")
    if not rows:
        typer.echo("no trial was done")
    elif result.cold is None:
        show_table("best so far", ("trials", "warm"), [r[:2] for r in rows])
    else:
        show_table("best so far", ("trials", "warm", "cold"), rows)
        typer.echo(_matched(result))
    best = result.best
    if best is not None:
        facts: list[tuple[str, Any]] = [("child", best.child)] if result.asked != best.child else []
        facts += [(name, value) for name, value in best.config.items()]
        show_table(f"winner (trial {best.number})", ("parameter", "value"), facts)
        if best.inner_lr is not None:
            typer.echo(f"inner learning rate: {best.inner_lr:.4g}")
        typer.echo(f"why it was tried: {best.reason or best.rule or 'unknown'}")
    _show_model(result)
    failed = [t for arm in result.arms for t in arm.trials if t.value is None]
    if failed:
        typer.echo(f"failed trials: {len(failed)}{why_failed(result)}")
    reasons = [(t.number, t.value, t.reason) for t in result.warm.trials[:FIRST] if t.reason]
    if reasons:
        show_table("tried first", ("trial", "score", "reason"), reasons)
    if result.study is not None and START in result.study.user_attrs:
        start = str(result.study.user_attrs[START])
        by_pairs = start.startswith(COLD) and any(t.rule in LEARNED for t in result.warm.trials)
        note(f"{f'the own search of {result.child}' if by_pairs else 'this search'} {start}")
    typer.echo(f"prior tasks: {result.prior_tasks}; {_excluded(result)}")
    typer.echo(f"time: {result.seconds:.1f} s, {result.own_seconds:.1f} s of it autometa's own")


def _show_model(result: TuneResult) -> None:
    from autometa.tuning.worth import worth

    if len(result.members) > 1:
        rows = [(t.child, t.number, t.value, weight) for t, weight in result.members]
        show_table("the model, a weighted sum", ("family", "trial", "score", "weight"), rows)
        typer.echo(f"its score on held-out rows, which chose the weights: {_short(result)}")
    if found := worth(result.warm):
        typer.echo(
            f"the best of {counted(found.defaults, 'untuned default')}, "
            f"{found.default.child}, on the same folds: {found.default.value:.5g}"
        )
    if result.test_score is not None:
        typer.echo(f"its score on the test rows: {result.test_score:.5g}{_default_there(result)}")
    for sentence in result.notes:
        note(sentence)


def _default_there(result: TuneResult) -> str:
    if result.default_test_score is None:
        return ""
    return f"; that default's, fitted to the same rows: {result.default_test_score:.5g}"


def _short(result: TuneResult) -> str:
    return "-" if result.ensemble_score is None else f"{result.ensemble_score:.5g}"


def show_files(files: dict[str, Any]) -> None:
    """Where the report, the model and the portfolio are."""
    if "report" in files:
        typer.echo(f"report: {files['report']}")
    if "model" in files:
        typer.echo(
            f"model: {files['model']['path']}; "
            f"autometa predict {files['model']['path']} NEW.csv, autometa.load_model in Python"
        )
    if "learned" in files:
        typer.echo(f"added to the portfolio in {files['learned']}")


def _matched(result: TuneResult) -> str:
    if result.cold is None or result.cold.best is None:
        return "the cold search found nothing"
    cold = f"cold's best after {len(result.cold)} trials ({result.cold.best.value:.5g})"
    matched = result.trials_to_match_cold
    if matched is None:
        return f"warm did not match {cold}"
    return f"warm matched {cold} after {counted(matched, 'trial')}"


def _excluded(result: TuneResult) -> str:
    if not result.excluded_tasks:
        return "none of them is this table or a relative of it"
    return f"left out as this table or its relatives: {', '.join(result.excluded_tasks)}"
