"""Why fits and scores of a cross-validation failed, out of what scikit-learn says about it.

scikit-learn tells of failed fits and scores by tracebacks in a warning's or an error's text, and
goes on with NaN where not all of them failed.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import FitFailedWarning

LONGEST = 2000
"""Characters of a reason."""
_RULE = re.compile(r"^-{20,}\s*$", re.MULTILINE)
_COUNT = re.compile(r"^(\d+) fits failed", re.MULTILINE)
_BEGIN = "Traceback (most recent call last):"
_LINKS = ("During handling of the above exception", "The above exception was the direct cause")


def reasons(text: str) -> Counter[str]:
    """The reasons in a text that holds tracebacks -> how many fits failed so.

    The messages of a chain of exceptions are joined, the first cause last; none is cut to a line.
    """
    found: Counter[str] = Counter()
    for part in _RULE.split(text):
        if _BEGIN in part:
            count = _COUNT.search(part)
            found[_chain(part)] += int(count[1]) if count else 1
    return found


def told(found: Counter[str]) -> str:
    """Reasons in one text, the most frequent first.

    >>> told(Counter({"ValueError: no rows": 3, "KeyError: 'x'": 1}))
    "ValueError: no rows (3 fits); KeyError: 'x' (1 fit)"
    """
    listed = [f"{why} ({n} fit{'s' * (n != 1)})" for why, n in found.most_common()]
    text = "; ".join(listed)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\u2026"


@contextmanager
def heard() -> Iterator[Counter[str]]:
    """Collects the reasons that scikit-learn warns of; every warning goes on its way afterwards."""
    found: Counter[str] = Counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield found
        finally:
            for warning in caught:
                text = str(warning.message)
                if issubclass(warning.category, FitFailedWarning) or "Scoring failed" in text:
                    found.update(reasons(text))
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _chain(text: str) -> str:
    """The messages of a traceback and of those that led to it, the last one first."""
    messages: list[str] = []
    for block in text.split(_BEGIN)[1:]:
        lines = block.strip("\n").splitlines()
        first = next((i for i, line in enumerate(lines) if line and not line[0].isspace()), None)
        if first is None:
            continue
        message: list[str] = []
        for line in lines[first:]:
            if line.startswith(_LINKS):
                break
            message.append(line.strip())
        said = " ".join(part for part in message if part)
        messages.append(re.sub(r"^[\w.]+\.(\w+: )", r"\1", said))
    return ", because ".join(reversed(messages))
