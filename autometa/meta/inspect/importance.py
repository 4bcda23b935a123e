"""How much each parameter matters to the mother: shares of the variance of what it predicts.

For every prior task the predicted score f_i(x) = phi(x)'w_i is a function of the whole space, known
everywhere, so its variance can be taken apart as in fANOVA (Hutter et al., 2014), by sampling in
place of a forest: the total effect of parameter j is the share of the variance that remains when
all others are known,

    S_ij = E[(f_i(a) - f_i(a with b's j))^2] / (2 Var f_i)                                # eq. (1)

over independent random configs a, b (Jansen, 1999; Saltelli et al., 2010). A parameter's
interactions count for each of the parameters in them, so shares may sum to more than one. A change
of a parent switches its children on or off, and counts for the parent.

Shapes: n samples, T prior tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autometa.encoding import Floats
from autometa.errors import ModelError

if TYPE_CHECKING:
    from autometa.meta.model import MetaModel

_SAMPLES = 2000
_FLAT = 1e-12  # variance below which a task's prediction is a constant


def param_importances(
    model: MetaModel, *, samples: int = _SAMPLES, seed: int = 0
) -> dict[str, Floats]:
    """Total effect of every parameter on what each prior task predicts, most important first.

    Args:
        model: What was learned.
        samples: Random configs, n; the standard error of a share falls as 1 / sqrt(n).
        seed: Of these.

    Returns:
        Parameter -> its shares (T,) of eq. (1), in the order of their means; zero for a task whose
        prediction is constant.

    Raises:
        ModelError: the model learned nothing.
    """
    if model.transfer is None:
        raise ModelError(
            "importances of a model that learned nothing",
            allowed="a model fitted on at least one task with three different trials",
        )
    rng = np.random.default_rng(seed)
    space, transfer = model.space, model.transfer
    first, second = rng.random((2, samples, len(space.names)))

    def predicted(points: Floats) -> Floats:
        unit = space.encode_raw(space.place_raw(points))
        scores: Floats = transfer.basis(unit) @ transfer.prior.heads.T  # (n, T)
        return scores

    base = predicted(first)
    variance = base.var(axis=0)
    shares = {}
    for j, name in enumerate(space.names):
        mixed = first.copy()
        mixed[:, j] = second[:, j]
        half = 0.5 * ((base - predicted(mixed)) ** 2).mean(axis=0)
        shares[name] = np.where(variance > _FLAT, half / np.maximum(variance, _FLAT), 0.0)
    return dict(sorted(shares.items(), key=lambda item: -float(item[1].mean())))
