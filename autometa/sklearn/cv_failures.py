"""Why folds of a cross-validation failed, in one text, and the warnings that say so.

The warnings are those that scikit-learn's own `cross_validate` gives.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

from sklearn.exceptions import FitFailedWarning

from autometa.children.evaluation.cross_validation import FoldResult
from autometa.showing import counted

LONGEST = 2000
"""Characters of a reason."""


def told(found: Counter[str]) -> str:
    """Reasons in one text, the most frequent first.

    >>> told(Counter({"ValueError: no rows": 3, "KeyError: 'x'": 1}))
    "ValueError: no rows (3 fits); KeyError: 'x' (1 fit)"
    """
    listed = [f"{why} ({counted(n, 'fit')})" for why, n in found.most_common()]
    text = "; ".join(listed)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\u2026"


def warned(number: int, folds: Sequence[FoldResult]) -> str:
    """Warn of the folds of a trial that failed; the reasons."""
    said = {}
    for stage in ("fit", "score"):
        errors = [" ".join(f.error.split()) for f in folds if f.failed == stage]
        if not errors:
            continue
        said[stage] = told(Counter(errors))
        what = f"trial {number}: {len(errors)} of {len(folds)} {stage}s failed: {said[stage]}"
        kind = FitFailedWarning if stage == "fit" else UserWarning
        warnings.warn(what, kind, stacklevel=3)
    return "; ".join(said.values())
