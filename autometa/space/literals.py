"""Text of plain Python data -> the data, read as JSON.

People write a dict to a table as `str` shows it: single quotes, True, None, tuples. Python's own
reader of such text can end the process by its depth, so each word of it is made JSON's and JSON's
reader, which is bounded, does the rest.
"""

from __future__ import annotations

import json
import re
from typing import Any

from autometa.reading import parse_json

_WORDS = {"True": "true", "False": "false", "None": "null", "nan": "NaN", "inf": "Infinity"}
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<key>[-+]?[\d.][\w.+-]*)(?=\s*:)
    |(?P<number>[-+]?[\d.][\w.+-]*)
    |(?P<word>-?[A-Za-z_]+)
    |(?P<comma>,\s*(?=[\])}]))
    |(?P<mark>[\[\](){}:,]|\s+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\n": "", "a": "\a"}
_BRACKETS = {"(": "[", ")": "]"}


def as_json(text: str) -> Any:
    r"""The data of a JSON text, or of a Python literal of lists, tuples, dicts, text and numbers.

    Raises:
        ValueError: it is neither.

    >>> as_json("{'layers': (64, 32), 'p': None, 'name': 'it\\'s'}")
    {'layers': [64, 32], 'p': None, 'name': "it's"}
    """
    try:
        return parse_json(text)
    except ValueError:
        pass
    parts, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ValueError(f"no plain data from character {place} on")
        parts.append(_word(found))
        place = found.end()
    return parse_json("".join(parts))


def _word(found: re.Match[str]) -> str:
    part = found.group()
    if found["text"]:
        return json.dumps(_ESCAPE.sub(_character, part[1:-1]))
    if found["key"]:
        return json.dumps(part)
    if found["word"]:
        minus = "-" if part.startswith("-") else ""
        return minus + _WORDS.get(part.removeprefix("-"), part.removeprefix("-"))
    if found["comma"]:
        return ""
    return _BRACKETS.get(part, part)


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return _ESCAPED.get(found[4], found[4])
    number = int(code, 16)
    if number > 0x10FFFF:
        raise ValueError("an escape beyond Unicode")
    return chr(number)
