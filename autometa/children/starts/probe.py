"""The perceptron's learning rate guessed from one batch of a table; see `inner.probe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from autometa.children.families.mlp import SPACE
from autometa.children.folds import prepared
from autometa.children.mlp.training import batch_loss, forward, initial, row_weights
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.inner.adapt import Batch, Params
from autometa.inner.probe import one_step_rate
from autometa.space import Value
from autometa.tables import Table
from autometa.threads import one_torch_thread

_FOLDS, _STARTS = 3, 3


def probe(table: Table, config: Mapping[str, Value], *, seed: int = 0) -> float:
    """Log10 rate at which one step lowers a batch's loss most, mean over three starts.

    Dropout and momentum play no part in it.

    Args:
        table: What would be trained on.
        config: Of the child `mlp`; a learning rate in it does not matter.
        seed: Of the starts and the batches.

    Raises:
        SpaceError: the config is not valid in the child's space.
        InputError: the loss has no finite slope at the start.
    """
    own: Mapping[str, Any] = SPACE.check({**config, "learning_rate": 1e-3})
    fold = prepared(table, _FOLDS, seed, "scaled")[0]
    classes = table.schema.classes
    y = fold.y if classes else _standard(fold.y)
    direction: Literal["gradient", "sign"] = "sign" if own["optimizer"] == "adam" else "gradient"
    with one_torch_thread():
        weight = row_weights([fold.y], classes, own)
        targets = torch.as_tensor(y, dtype=torch.int64 if classes else torch.float32)[None]
        X = torch.as_tensor(fold.X, dtype=torch.float32)[None]
        sizes = [X.shape[2], *[own["width"]] * own["depth"], max(1, classes)]
        found = []
        for start in range(_STARTS):
            random = torch.Generator().manual_seed(seed + start)
            _, layers = initial(1, sizes, random)
            rows = torch.randperm(X.shape[1], generator=random)[: own["batch_size"]]
            part = weight[:, rows]

            def loss(params: Params, batch: Batch, part: Tensor = part) -> Tensor:
                pairs = [(params[f"w{i}"], params[f"b{i}"]) for i in range(len(sizes) - 1)]
                return batch_loss(forward(pairs, batch[0], []), batch[1], part, classes)

            params = {f"w{i}": w for i, (w, _) in enumerate(layers)}
            params |= {f"b{i}": b for i, (_, b) in enumerate(layers)}
            found.append(one_step_rate(loss, params, (X[:, rows], targets[:, rows]), direction))
    if not np.isfinite(found).all():
        raise InputError(f"table {table.name!r} to probe", allowed="finite numbers")
    return float(np.mean(found))


def _standard(y: Floats) -> Floats:
    result: Floats = (y - y.mean()) / (y.std() or 1.0)
    return result
