"""The page of one search: a `tune` result, or a study read back as one."""

from __future__ import annotations

from collections import Counter
from html import escape

from autometa import plots
from autometa.report import known, made, page
from autometa.report.drawing import figure
from autometa.tuning.arms import TunedTrial
from autometa.tuning.result import TuneResult

_SHOWN_TRIALS = 200  # rows of the trial table; more would make the page slow to read
# Trials whose inner learning rate is compared with the prediction.
_PLACES = ("best", "2nd best", "3rd best", "4th best", "5th best")


def render(result: TuneResult) -> str:
    """The page as text."""
    sections = [
        page.section("Best score so far", _best(result), wide=True),
        page.section("The winner", _winner(result)),
        *_made(result),
        page.section("Why these configs were tried first", _reasons(result)),
        page.section("What the prior knew", _prior(result), wide=True),
        page.section("All trials", _trials(result), wide=True),
        page.section("How this was run", _provenance(result), wide=True),
    ]
    return page.whole(
        title=f"autometa: {result.child} on {result.table}",
        headline=result.table,
        summary=_summary(result),
        sections=sections,
    )


def _made(result: TuneResult) -> list[str]:
    sections = []
    if result.members:
        sections.append(page.section("The model", made.model(result), wide=True))
        if result.held_out is not None:
            sections.append(page.section("On held-out rows", made.held_out(result)))
        if what := made.prior_worth(result):
            sections.append(page.section("What the prior was worth", what))
        sections.append(page.section("Leaderboard", made.leaderboard(result), wide=True))
    if result.table_notes:
        sections.append(page.section("What was done to the table", made.notes(result)))
    return sections


def _best(result: TuneResult) -> str:
    cells = [_scores(result), figure(plots.plot_warm_vs_cold(result))]
    if result.cold is not None and len(result.cold):
        cells += [_needed(result), figure(plots.plot_trials_to_target(result))]
    return page.row(*cells)


def _summary(result: TuneResult) -> str:
    if result.untested:
        said = f"No trial succeeded: the model is {result.child} with its defaults, not tested."
        return f"<p>{escape(said)}</p>"
    if result.best is None:
        return f"<p>None of the {len(result.warm)} trials succeeded.</p>"
    lead = (
        f"The best <b>{escape(result.child)}</b> reached a {page.words(result.metric)} of "
        f"<b>{page.number(result.best_value)}</b> after {page.count(len(result.warm), 'trial')}."
    )
    if result.cold is None or result.cold.best is None:
        return f"<p>{lead}</p>"
    cold = page.number(result.cold.best.value)
    matched = result.trials_to_match_cold
    sentence = (
        f"It took {page.count(matched, 'warm trial')} to match what the cold search had after "
        f"{len(result.cold)} ({cold})."
        if matched
        else f"The cold search reached {cold} after {page.count(len(result.cold), 'trial')}: "
        "the warm search did not match it."
    )
    return f"<p>{lead} {sentence}</p>"


def _scores(result: TuneResult) -> str:
    rows = [(str(k), page.number(w), page.number(c)) for k, w, c in result.checkpoints()]
    if result.cold is None:
        return page.table(("trials", "warm"), [r[:2] for r in rows])
    return page.table(("trials", "warm", "cold"), rows)


def _needed(result: TuneResult) -> str:
    """Warm trials for what the cold search had after each checkpoint."""
    assert result.cold is not None
    rows = [
        (str(k), page.number(cold), str(result.warm.trials_to(cold) or "more"))
        for k, _, cold in result.checkpoints()
        if cold is not None
    ]
    return page.table(("cold trials", "cold best", "warm trials needed"), rows)


def _winner(result: TuneResult) -> str:
    best = result.best
    if best is None:
        return "<p>There is none.</p>"
    facts = [("child", best.child), ("found at trial", str(best.number))]
    if best.inner_lr is not None:
        facts.append(("inner learning rate", page.number(best.inner_lr)))
    if best.fold_scores:
        facts.append(("fold scores", ", ".join(page.number(s) for s in best.fold_scores)))
    config = [(name, page.setting(value)) for name, value in best.config.items()]
    why = f"<p>Proposed by rule “{escape(best.rule)}”: {escape(best.reason)}</p>"
    return (
        page.pairs(facts)
        + (why if best.reason else "")
        + page.table(("parameter", "value"), config)
    )


def _reasons(result: TuneResult) -> str:
    rows = [(str(t.number), page.number(t.value), t.rule, t.reason) for t in _first(result)]
    return (
        page.table(("trial", "score", "rule", "reason"), rows)
        if rows
        else "<p>Nothing was proposed by a prior: the search started cold.</p>"
    )


def _prior(result: TuneResult) -> str:
    if not result.prior_tasks and not any(t.weights for t in result.warm.trials):
        return "<p>Nothing: this search had no prior tasks.</p>"
    parts = []
    if result.prior_tasks:
        parts.append(f"<p>Fitted to {page.count(result.prior_tasks, 'prior task')}.</p>")
    if result.excluded_tasks:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in result.excluded_tasks)
        parts.append(f"<p>Left out, because they are this table or a relative of it: {names}.</p>")
    elif result.prior_tasks and result.folds:  # a table was asked about
        parts.append("<p>No prior task is this table or a relative of it.</p>")
    figures = []
    if any(t.expected is not None for t in result.warm.trials):
        figures.append(figure(plots.plot_calibration(result)))
    if any(t.weights for t in result.warm.trials):
        figures.append(figure(plots.plot_weights(result)))
    if result.model is not None:
        figures += known.figures(result.model, result.meta_features, _rates(result))
    return "".join(parts) + (page.row(*figures) if figures else "")


def _rates(result: TuneResult) -> dict[str, TunedTrial]:
    """The best trials with an inner learning rate, by what they are called in its figure."""
    rated = [t for t in result.warm.trials if t.inner_lr is not None and t.value is not None]
    sign = -1.0 if result.direction == "maximize" else 1.0
    rated.sort(key=lambda t: sign * (t.value or 0.0))
    return {
        f"trial {t.number} ({_PLACES[place]})": t for place, t in enumerate(rated[: len(_PLACES)])
    }


def _trials(result: TuneResult) -> str:
    parts = []
    for arm in result.arms:
        shown = arm.trials[:_SHOWN_TRIALS]
        rows = [
            (
                str(t.number),
                t.child,
                page.number(t.value) if t.value is not None else _failure(t),
                page.number(t.expected),
                t.rule,
                ", ".join(f"{name} = {page.setting(value)}" for name, value in t.config.items()),
            )
            for t in shown
        ]
        ended = Counter(t.state.name.lower() for t in arm.trials if t.value is None)
        title = ", ".join(
            [
                f"{arm.name}, {page.count(len(arm), 'trial')}",
                *(f"{n} {s}" for s, n in ended.items()),
            ]
        )
        if len(shown) < len(arm):
            title += f", the first {len(shown)} shown"
        table = page.table(("trial", "child", "score", "expected", "rule", "config"), rows)
        parts.append(f"<details><summary>{escape(title)}</summary>{table}</details>")
    return "".join(parts)


def _provenance(result: TuneResult) -> str:
    facts = [
        ("study" if result.table == result.study_name else "table", result.table),
        ("asked for", result.asked),
        ("metric", f"{result.metric} ({result.direction})"),
    ]
    if result.folds:
        facts += [("folds", str(result.folds)), ("seed", str(result.seed))]
    if result.seconds:
        own = f"{result.own_seconds:.1f} s autometa's own"
        facts.append(("time", f"{result.seconds:.1f} s, of which {own}"))
    return page.pairs(facts + list(result.versions.items()))


def _failure(trial: TunedTrial) -> str:
    return trial.state.name.lower() + (f": {trial.error}" if trial.error else "")


def _first(result: TuneResult, limit: int = 8) -> list[TunedTrial]:
    """The leading trials that carry a reason."""
    return [t for t in result.warm.trials[:limit] if t.reason]
