"""What a misspelt name may have meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Those of the known names that a misspelt one may have meant, at most three.

    >>> near_names("my-portfolo", ["my-portfolio", "Other"])
    ['my-portfolio']
    """
    by_form = {k.casefold(): k for k in known}
    return [by_form[n] for n in get_close_matches(name.casefold(), by_form, n=3, cutoff=0.7)]


def near_parameters(old: Iterable[str], new: Iterable[str]) -> dict[str, str]:
    """Old name -> the new one that it may be: close in spelling, or the initials of it.

    A new name that several may be is nobody's.

    >>> near_parameters(["learning_rate", "momentum"], ["lr", "momentun", "depth"])
    {'learning_rate': 'lr', 'momentum': 'momentun'}
    >>> near_parameters(["svm__C", "linear__C", "linear__tol"], ["C", "tol"])
    {'linear__tol': 'tol'}
    """
    news = {last_part(n).casefold(): n for n in new}
    initials = {short: n for plain, n in news.items() if len(short := _initials(plain)) > 1}
    found = {}
    for name in old:
        plain = last_part(name).casefold()
        close = get_close_matches(plain, news, n=1, cutoff=0.75)
        meant = news[close[0]] if close else news.get(_initials(plain)) or initials.get(plain)
        if meant is not None:
            found[name] = meant
    claims = Counter(found.values())
    return {old: new for old, new in found.items() if claims[new] == 1}


def last_part(name: str) -> str:
    """The name of a parameter without the steps of its pipeline.

    >>> last_part("clf__svc__C")
    'C'
    """
    return name.rpartition("__")[2]


def _initials(name: str) -> str:
    words = [word for word in name.replace("-", "_").split("_") if word]
    return "".join(word[0] for word in words) if len(words) > 1 else ""
