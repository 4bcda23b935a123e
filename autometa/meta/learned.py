"""What a meta-model knows, as one record: the store keeps it, first configs rest on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autometa.encoding import Floats
from autometa.meta.lineage import Lineage
from autometa.meta.new_task import known_features
from autometa.meta.parts.improvement_chance import ImprovementChance
from autometa.meta.parts.transfer import Transfer
from autometa.space import SearchSpace


@dataclass(frozen=True, kw_only=True, eq=False)
class Learned:
    """Everything in a meta-model but its doors; `MetaModel` is the one for users.

    Args:
        space: The space of the prior tasks.
        tasks: Names of the prior tasks that taught something, length T.
        meta_features: Their meta-features, length T; a task's mapping may be empty.
        transfer: What was learned; None where there was nothing to learn from.
        chance: What was learned of learning curves; None where the prior tasks have none.
        licence: Terms of the data it was learned from, an SPDX expression where there is one.
        provenance: What it was learned from and by what; JSON-able.
        lineage: How it came about: its version, and what the last whole fit had seen.
    """

    space: SearchSpace
    tasks: tuple[str, ...]
    meta_features: tuple[Mapping[str, float], ...]
    transfer: Transfer | None
    chance: ImprovementChance | None = None
    licence: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    lineage: Lineage = field(default_factory=Lineage)

    def task_relevance(self, meta_features: Mapping[str, float] | None) -> Floats:
        """Weights (T,) of the prior tasks before any trial, summing to one; see `similarity`."""
        if self.transfer is None:
            return np.zeros(0)
        return self.transfer.similarity(known_features(meta_features))
