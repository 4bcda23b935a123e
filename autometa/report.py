"""A tuning result as one self-contained HTML page: no scripts, no fonts or images from elsewhere.

Figures are inline SVG whose black becomes `currentColor`, so that one page reads well in light and
in dark mode. Every name that comes from a user's table or portfolio is escaped: a column may be
called `<script>`.
"""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from autometa import plots
from autometa.errors import StoreError
from autometa.search.result import TunedTrial, TuneResult, failures
from autometa.writing import put_in_place

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN_TRIALS = 200  # rows of the trial table; more would make the page slow to read


def write_report(result: TuneResult, path: str | Path) -> Path:
    """Write the page, atomically: a reader sees the old file or the whole new one.

    Args:
        result: What `tune` returned.
        path: The file to write.

    Returns:
        The path.

    Raises:
        StoreError: the file cannot be written.
    """
    path = Path(path)
    page = render(result)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_text(page, encoding="utf-8")
        put_in_place(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(
            f"the report {str(path)!r} cannot be written ({error.strerror})",
            allowed="a file in an existing folder that you may write to",
            do="Choose another file with --report",
        ) from error
    return path


def render(result: TuneResult) -> str:
    """The page as text."""
    sections = [
        _section(
            "Best score so far",
            _row(_scores(result), _figure(plots.plot_warm_vs_cold(result))),
            wide=True,
        ),
        _section("The winner", _winner(result)),
        _section("Why these configs were tried first", _reasons(result)),
        _section("What the prior knew", _prior(result), wide=True),
        _section("All trials", _trials(result), wide=True),
        _section("How this was run", _provenance(result), wide=True),
    ]
    return Template(_PAGE).substitute(
        title=escape(f"autometa: {result.child} on {result.table}"),
        style=_STYLE,
        headline=escape(result.table),
        summary=_summary(result),
        sections="\n".join(sections),
    )


# Sections -----------------------------------------------------------------------------------------


def _summary(result: TuneResult) -> str:
    if result.best is None:
        return f"<p>None of the {len(result.warm)} trials succeeded.</p>"
    lead = (
        f"The best <b>{escape(result.child)}</b> reached a {_words(result.metric)} of "
        f"<b>{_number(result.best_value)}</b> after {_count(len(result.warm), 'trial')}."
    )
    if result.cold is None or result.cold.best is None:
        return f"<p>{lead}</p>"
    cold = _number(result.cold.best.value)
    matched = result.trials_to_match_cold
    sentence = (
        f"It took {_count(matched, 'warm trial')} to match what the cold search had after "
        f"{len(result.cold)} ({cold})."
        if matched
        else f"The cold search reached {cold} after {_count(len(result.cold), 'trial')}: "
        "the warm search did not match it."
    )
    return f"<p>{lead} {sentence}</p>"


def _scores(result: TuneResult) -> str:
    rows = [(str(k), _number(w), _number(c)) for k, w, c in result.checkpoints()]
    if result.cold is None:
        return _table(("trials", "warm"), [r[:2] for r in rows])
    return _table(("trials", "warm", "cold"), rows)


def _winner(result: TuneResult) -> str:
    best = result.best
    if best is None:
        return "<p>There is none.</p>"
    facts = [("child", best.child), ("found at trial", str(best.number + 1))]
    if best.inner_lr is not None:
        facts.append(("inner learning rate", _number(best.inner_lr)))
    if best.fold_scores:
        facts.append(("fold scores", ", ".join(_number(s) for s in best.fold_scores)))
    config = [(name, _value(value)) for name, value in best.config.items()]
    why = f"<p>Proposed by rule “{escape(best.rule)}”: {escape(best.reason)}</p>"
    return _pairs(facts) + (why if best.reason else "") + _table(("parameter", "value"), config)


def _reasons(result: TuneResult) -> str:
    rows = [(str(t.number + 1), _number(t.value), t.rule, t.reason) for t in _first(result)]
    return (
        _table(("trial", "score", "rule", "reason"), rows)
        if rows
        else "<p>Nothing was proposed by a prior: the search started cold.</p>"
    )


def _prior(result: TuneResult) -> str:
    parts = [f"<p>Fitted to {_count(result.prior_tasks, 'prior task')}.</p>"]
    if result.excluded_tasks:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in result.excluded_tasks)
        parts.append(f"<p>Left out, because they are this table or a relative of it: {names}.</p>")
    else:
        parts.append("<p>No prior task is this table or a relative of it.</p>")
    figures = []
    if any(t.expected is not None for t in result.warm.trials):
        figures.append(_figure(plots.plot_calibration(result)))
    if any(t.weights for t in result.warm.trials):
        figures.append(_figure(plots.plot_weights(result)))
    return "".join(parts) + (_row(*figures) if figures else "")


def _trials(result: TuneResult) -> str:
    parts = []
    for arm in result.arms:
        shown = arm.trials[:_SHOWN_TRIALS]
        rows = [
            (
                str(t.number + 1),
                t.child,
                _number(t.value) if t.value is not None else _failure(t),
                _number(t.expected),
                t.rule,
                ", ".join(f"{name} = {_value(value)}" for name, value in t.config.items()),
            )
            for t in shown
        ]
        failed = failures(arm.trials)
        title = f"{arm.name}, {_count(len(arm), 'trial')}" + (f", {failed} failed" * bool(failed))
        if len(shown) < len(arm):
            title += f", the first {len(shown)} shown"
        table = _table(("trial", "child", "score", "expected", "rule", "config"), rows)
        parts.append(f"<details><summary>{escape(title)}</summary>{table}</details>")
    return "".join(parts)


def _provenance(result: TuneResult) -> str:
    facts = [
        ("table", result.table),
        ("asked for", result.asked),
        ("metric", f"{result.metric} ({result.direction})"),
        ("folds", str(result.folds)),
        ("seed", str(result.seed)),
        ("time", f"{result.seconds:.1f} s, of which {result.own_seconds:.1f} s autometa's own"),
    ]
    return _pairs(facts + list(result.versions.items()))


def _failure(trial: TunedTrial) -> str:
    return trial.state.name.lower() + (f": {trial.error}" if trial.error else "")


def _first(result: TuneResult, limit: int = 8) -> list[TunedTrial]:
    """The leading trials that carry a reason."""
    return [t for t in result.warm.trials[:limit] if t.reason]


# Pieces -------------------------------------------------------------------------------------------


def _section(title: str, body: str, *, wide: bool = False) -> str:
    kind = ' class="wide"' if wide else ""
    return f"<section{kind}><h2>{escape(title)}</h2>{body}</section>"


def _row(*cells: str) -> str:
    return '<div class="row">' + "".join(f"<div>{cell}</div>" for cell in cells) + "</div>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(h)}</th>" for h in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _pairs(facts: Iterable[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts)
    return f"<dl>{items}</dl>"


def _figure(ax: Axes) -> str:
    return f"<figure>{_svg(ax)}</figure>"


def _svg(ax: Axes) -> str:
    """The figure of an axes as inline SVG that takes its ink from the page."""
    import matplotlib

    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes has no figure")
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
        legend = axes.get_legend()
        if legend is not None:
            legend.get_frame().set_visible(False)
    salt = ax.get_title()  # ids of two figures on one page must differ
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'^(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'^(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)  # figure_1, axes_1, ...: not referred to
    svg = re.sub(r"#0{6}\b", "currentColor", svg)
    label = escape(ax.get_title(), quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def _words(name: str) -> str:
    return escape(name.replace("_", " "))


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header><h1>$headline</h1>$summary</header>
<main>
$sections
</main>
</body>
</html>
"""

_STYLE = """
:root { --ink: #1d2129; --soft: #5c6370; --paper: #fbfbf9; --card: #fff; --line: #e3e3de; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6ea; --soft: #9aa1ad; --paper: #15181d; --card: #1c2027; --line: #30353f; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 1.5rem 1rem 3rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
header p { margin: 0 0 1.2rem; max-width: 46rem; }
main, .row { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(2, minmax(0, 1fr)); }
main { gap: 1rem; }
.row > div { min-width: 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 1rem; min-width: 0; }
.wide { grid-column: 1 / -1; }
@media (max-width: 800px) { main, .row { grid-template-columns: minmax(0, 1fr); } }
p, dd, td:last-child { overflow-wrap: anywhere; }
td:last-child { min-width: 9rem; }
p { margin: .4rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 600; }
th, td { padding: .28rem .9rem .28rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child td { border-bottom: 0; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem;
  margin: .2rem 0 .8rem; }
dt { color: var(--soft); }
dd { margin: 0; }
code { font-size: .92em; }
figure { margin: 0; }
svg { display: block; width: 100%; height: auto; max-width: 560px; margin: 0 auto; }
svg text { fill: currentColor; font-family: inherit; }
summary { cursor: pointer; padding: .3rem 0; }
"""
