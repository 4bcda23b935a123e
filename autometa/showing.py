"""What a session shows of a large object: a few lines instead of all of its arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

_SHOWN = 3  # names of a list
_WIDTH = 100  # columns of a line


def card(title: str, facts: Mapping[str, str]) -> str:
    """A title and facts, one a line; facts that are "" are left out.

    >>> print(card("Portfolio: 2 tasks", {"metrics": "auc", "licence": ""}))
    Portfolio: 2 tasks
      metrics  auc
    """
    told = {name: fact for name, fact in facts.items() if fact}
    wide = max(map(len, told), default=0)
    lines = [title, *(f"  {name.ljust(wide)}  {fact}" for name, fact in told.items())]
    return "\n".join(line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..." for line in lines)


def html_card(title: str, facts: Mapping[str, str]) -> str:
    """The same for a notebook, all text escaped."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(fact)}</td></tr>'
        for name, fact in facts.items()
        if fact
    )
    return f"<b>{escape(title)}</b><table>{rows}</table>"


def few(names: Iterable[str], most: int = _SHOWN) -> str:
    """The first names, and how many more there are.

    >>> few(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    known = list(names)
    more = len(known) - most
    return ", ".join(known[:most]) + (f" and {more} more" if more > 0 else "")


def counted(n: int, what: str) -> str:
    """A number of things in words.

    >>> counted(1, "task"), counted(1200, "trial")
    ('1 task', '1,200 trials')
    """
    return f"{n:,} {what}{'s' * (n != 1)}"
