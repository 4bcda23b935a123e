"""The page of benchmark results: methods on held-out tasks, or learned inner learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from autometa import plots
from autometa.bench import record_curves, record_file, show
from autometa.errors import InputError
from autometa.report import page
from autometa.report.drawing import figure

_FIGURES = 6  # methods that get a win, tie, loss figure of their own
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def render(results: Mapping[str, Any]) -> str:
    """The page as text.

    Raises:
        InputError: data of another make.
    """
    try:
        return _inner(results) if "records" in results else _suite(results)
    except InputError:
        raise
    except _UNREADABLE as error:
        raise InputError(
            f"results that cannot be read ({type(error).__name__}: {error})",
            allowed="a JSON file as autometa bench writes it",
        ) from error


# Suites -------------------------------------------------------------------------------------------


def _suite(results: Mapping[str, Any]) -> str:
    sections = [
        page.section("Regret", _regret(results), wide=True),
        page.section("Task by task", _tasks(results), wide=True),
    ]
    if results.get("by_space"):
        sections.append(page.section("By space", _spaces(results), wide=True))
    sections.append(page.section("How this was run", _provenance(results), wide=True))
    return page.whole(
        title=f"autometa: {results['suite']}",
        headline=str(results["suite"]),
        summary=f"<p>{escape(str(results['about']))}.</p><p>{escape(show.title(results))}.</p>",
        sections=sections,
    )


def _regret(results: Mapping[str, Any]) -> str:
    head = ("method", *map(str, results["checkpoints"]), "ms")
    parts = [
        page.row(figure(plots.plot_regret(results)), figure(plots.plot_trials_to_target(results)))
    ]
    for measure, words in show.MEASURES.items():
        rows = [(name, *numbers) for name, numbers in show.rows(results, measure)]
        parts.append(f"<h3>{escape(words)} after k trials</h3>" + page.table(head, rows))
    return "".join(parts) + _to_target(results)


def _to_target(results: Mapping[str, Any]) -> str:
    against = results["trials_to_match"].get("against", {})
    if not against:
        return ""
    reference = escape(results["trials_to_match"]["reference"])
    head = ("method", *(str(row["after"]) for row in next(iter(against.values()))))
    rows = [(name, *(_needed(row["median"]) for row in against[name])) for name in against]
    title = f"trials that {reference} needs for what a method has after k (median over tasks)"
    return f"<h3>{title}</h3>" + page.table(head, rows)


def _tasks(results: Mapping[str, Any]) -> str:
    paired = results["paired"]
    others = list(paired.get("against", {}))
    parts = []
    if others:
        head = ("method", *map(str, results["checkpoints"]))
        rows = [(name, *_pairs(paired["against"][name])) for name in others]
        reference = escape(paired["reference"])
        parts.append(
            f"<p>{reference} against each method: tasks won / tied / lost, mean difference in "
            "regret with its 95 % interval (negative: the former is better).</p>"
        )
        parts.append(page.table(head, rows))
        drawn = [figure(plots.plot_win_tie_loss(results, against=m)) for m in others[:_FIGURES]]
        parts.append(page.row(*drawn))
    last = results["checkpoints"][-1]
    head = ("task", *results["methods"])
    rows = [
        (task, *(_last(found["per_task"].get(task)) for found in results["methods"].values()))
        for task in results["tasks"]
    ]
    title = f"regret after {last} trials, {page.count(len(rows), 'task')}"
    parts.append(f"<details><summary>{title}</summary>{page.table(head, rows)}</details>")
    return "".join(parts)


def _pairs(pair: Mapping[str, Any]) -> list[str]:
    columns = (pair[name] for name in ("win", "tie", "loss", "difference", "low", "high"))
    return [
        f"{win}/{tie}/{loss}\n{_signed(mean)}\n{_signed(low)}…{_signed(high)}"
        for win, tie, loss, mean, low, high in zip(*columns, strict=True)
    ]


def _spaces(results: Mapping[str, Any]) -> str:
    head = ("space", "method", *map(str, results["checkpoints"]))
    rows = [
        (space, method, *map(page.number, values))
        for space, methods in results["by_space"].items()
        for method, values in methods.items()
    ]
    note = "<p>Mean of the best value so far, in the metric's own units.</p>"
    return note + page.table(head, rows)


def _provenance(results: Mapping[str, Any]) -> str:
    facts = [
        ("commit", str(results["commit"])),
        ("prior evaluations", f"{results['evaluations']} a task"),
        ("seeds", ", ".join(map(str, results["seeds"]))),
    ]
    notes = {n for found in results["methods"].values() for n in found["notes"]}
    return page.pairs(
        [*facts, *((k, str(v)) for k, v in results["versions"].items())]
        + [("note", str(note)) for note in sorted(notes)]
    )


def _signed(difference: float) -> str:
    return f"{difference:+.3f}" if abs(difference) < 1e3 else f"{difference:+.1e}"


def _needed(median: float | None) -> str:
    return "more" if median is None else page.number(median)


def _last(row: list[float] | None) -> str:
    return page.number(row[-1] if row else None)


# Inner learning rates -----------------------------------------------------------------------------


def _inner(content: Mapping[str, Any]) -> str:
    measured = page.table(
        ("variant", "seed", "measure", "mean", "± (95 %)"),
        [
            (variant, str(seed), name, page.number(mean), page.number(half))
            for variant, seed, name, mean, half in record_file.measures(content)
        ],
    )
    drawn = record_curves.draw(content)
    cells = [measured] if drawn is None else [measured, figure(drawn)]
    sections = [page.section("What was measured", page.row(*cells), wide=True)]
    bars = record_file.bars(content)
    if bars:
        rows = [
            (b["variant"], b["measure"], *map(page.setting, (b["bar"], b["value"], b["reached"])))
            for b in bars
        ]
        head = ("variant", "measure", "bar", "value", "reached")
        sections.append(page.section("Bars", page.table(head, rows), wide=True))
    facts = [("commit", content["commit"]), *content.get("protocol", {}).items()]
    facts += content["versions"].items()
    told = page.pairs((str(k), str(v)) for k, v in facts)
    sections.append(page.section("How this was run", told, wide=True))
    return page.whole(
        title=f"autometa: {content['suite']}",
        headline=str(content["suite"]),
        summary="<p>Learned inner learning rates.</p>",
        sections=sections,
    )
