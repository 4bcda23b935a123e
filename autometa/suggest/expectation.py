"""What prior tasks, before any trial, expect of a config: the belief that calibration judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autometa.meta.model import MetaModel
from autometa.space import Config


def expectation(
    model: MetaModel, meta_features: Mapping[str, float] | None
) -> Callable[[Config], float | None]:
    """Config -> expected normal score; None where the model learned nothing."""
    transfer = model.transfer
    if transfer is None:
        return lambda config: None
    head = model.task_relevance(meta_features) @ transfer.prior.heads  # O = sum_i w_i f_i
    return lambda config: float((transfer.basis(model.space.encode(config)[None]) @ head)[0])
