"""Numbers that are written as text: which columns hold them, and how they are written there.

A column is read as numbers where at least 95 % of its cells are numbers in one way of writing them
(currency signs, per cent and brackets for minus stripped off), marks for a missing value such as
"?" or "n/a" not counted. "1,234" may be 1234 or 1.234: then the other cells of the column decide,
or else the other columns of the table, or else nobody, and the column is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from autometa.encoding import Floats
from autometa.tables.values import some_of

Mark: TypeAlias = Literal[".", ","]

MOST = 0.95
"""Share of a column's cells that are numbers, marks for missing values not counted."""
MISSING = frozenset(
    {"", *"?-\u2013\u2014.…*/", "--", "---", "..", "...", "\\n", "nan", "<na>"}
    | {"na", "n/a", "n.a.", "n.a", "n/d", "#n/a", "#na", "#div/0!", "#value!", "#ref!", "#num!"}
    | {"null", "none", "nil", "missing", "unknown", "not available", "not applicable", "(null)"}
)
"""What people write where a value is missing, in lower case."""

_SIGNS = r"[$€£¥₹₩₽₺₪฿¢]|(?:US|CA|AU|NZ|HK|C|A|R)\$"
_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|RUB|TRY|KRW|"
    "kr|zł|Kč|Ft|Rs|Fr"
)
_MONEY = re.compile(rf"{_SIGNS}|{_CODES}")
_UNIT = rf"(?:%|‰|{_SIGNS}|(?:{_CODES})\.?)"
_SCALES = {"k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6, "mn": 1e6, "b": 1e9, "B": 1e9, "bn": 1e9}
_OTHER_UNIT = r"[A-Za-zµ°][A-Za-zµ°²³/]{0,9}"
_SHAPE = re.compile(
    rf"(?P<bracket>\()?(?P<sign>[+-]?) ?(?P<before>{_UNIT})? ?(?P<sign2>[+-]?) ?"
    rf"(?P<body>[.,]?\d[\d.,'_ ]*?)(?P<power>[eE][+-]?\d+)? ?"
    rf"(?P<after>{_UNIT}|{_OTHER_UNIT})?(?(bracket)\))"
)
_SPACES = str.maketrans(
    dict.fromkeys("\xa0\u2009\u202f\u2007\t", " ") | {"\u2019": "'", "\u2212": "-"}
)


@dataclass(frozen=True, slots=True)
class Notation:
    """How numbers are written: the mark before the decimals, and the one between thousands.

    >>> Notation(",", ".").value("1.234,5")
    1234.5
    >>> Notation(".", "").value("1.234,5") is None
    True
    """

    decimal: Mark
    thousands: str = ""

    def value(self, body: str, power: str = "") -> float | None:
        """Digits, marks and a power such as "e3" as a number; None where not written so."""
        whole, _, part = body.partition(self.decimal)
        if (part or not whole) and not part.isdecimal():
            return None
        if whole and not whole.isdecimal():
            groups = _GROUPED.get(self.thousands)
            if groups is None or not groups.fullmatch(whole):
                return None
            whole = whole.replace(self.thousands, "")
        return float(f"{whole or '0'}.{part or '0'}{power}")


_GROUPED = {
    t: re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(t)}\d{{3}})+") for t in (".", " ", "'", "_")
}
# With commas also as in India: 12,34,567.
_GROUPED[","] = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3}")
PLAIN = Notation(".")
_ALL = (
    PLAIN,
    *(Notation(".", t) for t in (",", " ", "'", "_")),
    Notation(","),
    *(Notation(",", t) for t in (".", " ", "'", "_")),
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """One cell: the number without its sign and unit, as it is written."""

    body: str
    minus: bool
    power: str
    unit: str

    def value(self, notation: Notation) -> float | None:
        """The number; per cent are left per cent."""
        size = notation.value(self.body, self.power)
        return size if size is None or not self.minus else -size


def numeral(text: str) -> Numeral | None:
    """A cell as a number without its sign and unit; None where it is none.

    >>> numeral("(1,234.50 €)").unit, numeral("about 3")
    ('€', None)
    """
    found = _SHAPE.fullmatch(text.translate(_SPACES).strip())
    if found is None or (found["sign"] and found["sign2"]):
        return None
    before, after = found["before"] or "", found["after"] or ""
    if before and after not in ("", *_SCALES):
        return None
    minus = (found["sign"] or found["sign2"]) == "-" or bool(found["bracket"])
    unit = (before + after).rstrip(".")
    return Numeral(found["body"], minus, found["power"] or "", unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerals:
    """What a text column holds.

    Args:
        share: Of its cells that are numbers, marks for missing values left out.
        notations: Ways of writing that explain (nearly) all of them, and differ in what they mean.
        units: Units that its numbers have; "" for none.
        why_not: Why they cannot be read, although they are numbers.
        grouped: Whether whole numbers below 1000 say that a mark stands between thousands.
        marked: Whether any has a comma or a point.
    """

    share: float
    notations: tuple[Notation, ...] = ()
    units: tuple[str, ...] = ()
    why_not: str = ""
    grouped: bool = False
    marked: bool = False


def numerals(texts: pd.Series[Any]) -> Numerals:
    """What the cells (n,) of a column of text, missing ones as NaN, are as numbers.

    Of a long column `LOOKED_AT` cells tell.
    """
    counted = some_of(texts).value_counts()
    cells = {str(t): int(n) for t, n in counted.items() if not is_mark(str(t))}
    total = sum(cells.values())
    found = {t: n for t in cells if (n := numeral(t)) is not None and _notations(n)}
    units, why_not = _units(found, cells)
    found = {t: n for t, n in found.items() if why_not or n.unit in units}
    share = sum(cells[t] for t in found) / total if total else 0.0
    # 007 is a code and no number, and so are all the others beside it.
    if share < MOST or any(re.fullmatch(r"0\d+", n.body) for n in found.values()):
        return Numerals(share=share if share < MOST else 0.0)
    if why_not:
        return Numerals(share=share, why_not=why_not)
    explained = {w: sum(cells[t] for t, n in found.items() if n.value(w) is not None) for w in _ALL}
    best = max(explained.values())
    if best < MOST * total:
        return Numerals(share=share, why_not="with commas as well as points before the decimals")
    chosen: dict[tuple[float | None, ...], Notation] = {}
    for w in _ALL:
        if explained[w] == best:
            chosen.setdefault(tuple(n.value(w) for n in found.values()), w)
    whole = [n.body for n in found.values() if n.body.isdecimal()]
    grouped = bool(whole) and all(len(body) <= 3 for body in whole)
    return Numerals(
        share=share,
        notations=tuple(chosen.values()),
        units=tuple(units),
        grouped=grouped,
        marked=any("." in n.body or "," in n.body for n in found.values()),
    )


def _notations(cell: Numeral) -> bool:
    """Whether there is any way to read it: there is none for an address or a telephone number."""
    return any(cell.value(w) is not None for w in _ALL)


def _units(found: Mapping[str, Numeral], cells: Mapping[str, int]) -> tuple[list[str], str]:
    """Units that go together in a column, and why its numbers cannot be read."""
    counts: dict[str, int] = {}
    for text, cell in found.items():
        counts[cell.unit] = counts.get(cell.unit, 0) + cells[text]
    total = sum(counts.values())
    if not total:
        return [], ""
    if scaled := _scaled(counts):
        return scaled, ""
    money = [u for u in counts if _MONEY.fullmatch(u)]
    if len(money) <= 1 and sum(counts[u] for u in ["", *money] if u in counts) >= MOST * total:
        return ["", *money], ""
    first = max(counts, key=lambda u: counts[u])
    if counts[first] >= MOST * total:
        return [first], ""
    known = [u for u in counts if u in ("", "%", "‰", *money)]
    if sum(counts[u] for u in known) < MOST * total:
        return [""], ""  # words after numbers, as in house numbers: text
    return [], "in " + " and ".join(sorted(f"{u!r}" if u else "no unit" for u in known))


def _scaled(counts: Mapping[str, int]) -> list[str]:
    """All units of a column in which letters count thousands, millions and so on, as in $1.2M.

    None where that is not certain: 38 and 38M may be sizes of clothes, 300 K a temperature.
    """
    known = {unit: _split(unit) for unit in counts}
    known = {u: parts for u, parts in known.items() if not parts[0] or _MONEY.fullmatch(parts[0])}
    most = MOST * sum(counts.values())
    money = {base for base, _ in known.values() if base}
    letters = {letter for _, letter in known.values() if letter}
    if not letters or len(money) > 1 or sum(counts[unit] for unit in known) < most:
        return []
    if not money and (letters <= {"m", "M", "b", "B"} or max(counts.values()) >= most):
        return []
    return [base + letter for base in sorted({"", *money}) for letter in ("", *_SCALES)]


def units_said(units: Collection[str]) -> str:
    """The units of a column for people; "" where there are none.

    >>> units_said(["", "$"]), units_said(_scaled({"": 5, "$K": 5}))
    ('in $', 'in $, K and M for thousands and millions')
    """
    bases = sorted({_split(unit)[0] for unit in units} - {""}) if len(units) > 1 else [*units]
    letters = any(letter for _, letter in map(_split, units)) and len(units) > 1
    named = ["in " + ", ".join(bases)] if any(bases) else []
    return ", ".join(named + ["K and M for thousands and millions"] * letters)


def _split(unit: str) -> tuple[str, str]:
    """A unit without the letters that stand for thousands and the like, and these.

    >>> _split("$bn"), _split("kg"), _split("K")
    (('$', 'bn'), ('kg', ''), ('', 'K'))
    """
    for letter in sorted(_SCALES, key=len, reverse=True):
        base = unit.removesuffix(letter)
        if base != unit and (not base or _MONEY.fullmatch(base)):
            return base, letter
    return unit, ""


def read_numbers(texts: pd.Series[Any], notation: Notation, units: Collection[str]) -> Floats:
    """Cells (n,) as numbers; NaN where one is missing, or is none in this notation and unit.

    Where there are several units, letters for thousands and the like count.
    """
    known: dict[object, float] = {}
    scales = {unit: _SCALES.get(_split(unit)[1], 1.0) if len(units) > 1 else 1.0 for unit in units}
    for text in texts.dropna().unique():
        cell = None if is_mark(str(text)) else numeral(str(text))
        value = None if cell is None or cell.unit not in units else cell.value(notation)
        known[text] = np.nan if cell is None or value is None else value * scales[cell.unit]
    return np.asarray(texts.map(known), dtype=np.float64)


def is_mark(text: str) -> bool:
    """Whether people write this where a value is missing.

    >>> is_mark(" n/a "), is_mark("no")
    (True, False)
    """
    return text.translate(_SPACES).strip().lower() in MISSING


def decide(found: Numerals, decimal: Mark | None, separator: str) -> Notation | None:
    """The way in which a column's numbers are written; None where nothing tells.

    Args:
        found: The column.
        decimal: The decimal mark of the table's other columns, where it is known.
        separator: Between the cells of the table's file; "" where there is none.
    """
    fitting = [w for w in found.notations if decimal in (None, w.decimal)] or found.notations
    if len(fitting) == 1:
        return fitting[0]
    if PLAIN in fitting:
        return PLAIN
    # Whole numbers below 1000 have no mark; and who separates cells by commas writes points.
    grouped = [w for w in fitting if w.thousands]
    if len(grouped) == 1 and (found.grouped or separator == ","):
        return grouped[0]
    return None
