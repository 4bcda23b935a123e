"""Pieces of a page: sections, tables, and the page around them, written whole or not at all.

Every name that comes from a user's table, study or portfolio is escaped here: a column may be
called `<script>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from autometa.errors import StoreError
from autometa.writing import write_whole

_NUMERIC = re.compile(r"more|-|[-+0-9.e/…\n]+")


def whole(*, title: str, headline: str, summary: str, sections: Iterable[str]) -> str:
    """The whole page.

    Args:
        title: Of the browser's window.
        headline: On top.
        summary: HTML below it.
        sections: HTML, see `section`.
    """
    return Template(_PAGE).substitute(
        title=escape(title),
        style=_STYLE,
        headline=escape(headline),
        summary=summary,
        sections="\n".join(sections),
    )


def write(text: str, path: Path) -> Path:
    """Write a page, atomically: a reader sees the old file or the whole new one.

    Raises:
        StoreError: the file cannot be written.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        raise StoreError(
            f"the report {str(path)!r} cannot be written ({error.strerror})",
            allowed="a file in an existing folder that you may write to",
            do="Choose another file",
        ) from error
    return path


def section(title: str, body: str, *, wide: bool = False) -> str:
    """A titled box; a wide one takes a whole row."""
    kind = ' class="wide"' if wide else ""
    return f"<section{kind}><h2>{escape(title)}</h2>{body}</section>"


def row(*cells: str) -> str:
    """Cells beside one another, below one another on a narrow page."""
    return '<div class="row">' + "".join(f"<div>{cell}</div>" for cell in cells) + "</div>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of text, columns of numbers to the right; one that is too wide scrolls by itself."""
    listed = [list(row) for row in rows]
    kinds = [
        ' class="n"' if all(_NUMERIC.fullmatch(row[j]) for row in listed) else ""
        for j in range(len(header))
    ]
    head = "".join(f"<th{k}>{escape(h)}</th>" for h, k in zip(header, kinds, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{k}>{escape(cell)}</td>" for cell, k in zip(row, kinds, strict=True))
        + "</tr>"
        for row in listed
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def pairs(facts: Iterable[tuple[str, str]]) -> str:
    """Facts, a name and a value each."""
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts)
    return f"<dl>{items}</dl>"


def number(value: float | None) -> str:
    """Four digits, or a dash."""
    return "-" if value is None else f"{value:.4g}"


def setting(value: object) -> str:
    """A config's value."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def count(n: int, noun: str) -> str:
    """A number of things."""
    return f"{n} {noun}{'s' * (n != 1)}"


def words(name: str) -> str:
    """A name as escaped words."""
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
h3 { font-size: .95rem; margin: 1rem 0 .3rem; }
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
td:first-child { white-space: nowrap; }
.n, td.n:last-child { text-align: right; white-space: pre; min-width: 0; }
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
