"""Children: the model families that autometa tunes, and how a config of one is evaluated.

To add one, write a module in `families` with its `SearchSpace` and a `CHILD` (see
`families.lightgbm` for the plain kind and `mlp` for one with a training loop of its own). The tests
of `tests/children` run on every family.
"""

from autometa.children.child import Child, Prediction, metric
from autometa.children.evaluation.evaluate import Outcome, evaluate, run
from autometa.children.registry import broken, get, here_only, known, names, register

__all__ = [
    "Child",
    "Outcome",
    "Prediction",
    "broken",
    "evaluate",
    "get",
    "here_only",
    "known",
    "metric",
    "names",
    "register",
    "run",
]
