"""Children: the model families that autometa tunes, and how a config of one is evaluated.

To add one, write a module with its `SearchSpace` and a `CHILD` (see `svm` for the plain kind and
`mlp` for one with a training loop of its own), then add its line to `registry`. The tests of
`tests/children` run on every registered child.
"""

from autometa.children.child import Child, metric
from autometa.children.evaluation import Outcome, evaluate, run
from autometa.children.registry import get, names

__all__ = ["Child", "Outcome", "evaluate", "get", "metric", "names", "run"]
