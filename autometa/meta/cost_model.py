"""CostModel: a meta-model, and one of how long its prior tasks' trials took.

The second is learned of log seconds as any metric is. What it expects of a config in normal scores,
times what a normal score is worth in log seconds, says by which factor one config is dearer than
another on a new task; how long they all take, its first trials say.

Shapes: m configs, d unit columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats
from autometa.meta.first_configs import Candidate, first_configs
from autometa.meta.model import MetaModel
from autometa.space import SearchSpace


@dataclass(frozen=True, kw_only=True, eq=False)
class CostModel:
    """See the module.

    Args:
        quality: Of the metric.
        seconds: Of log seconds; it has learned nothing where no prior task knows them.
    """

    quality: MetaModel
    seconds: MetaModel

    @property
    def space(self) -> SearchSpace:
        """That of the prior tasks."""
        return self.quality.space

    def warm_start(
        self,
        n: int,
        *,
        meta_features: Mapping[str, float] | None = None,
        within: SearchSpace | None = None,
    ) -> list[Candidate]:
        """As of `MetaModel.warm_start`, the list that gains most for its time.

        Raises:
            ModelError: n is negative.
        """
        return first_configs(
            self.quality,
            n,
            meta_features=meta_features,
            within=within,
            dearness=None if self.seconds.transfer is None else self.dearness,
        )

    def dearness(self, unit: Floats) -> Floats:
        """Expected seconds of unit configs (m, d) in units of a typical config's, (m,)."""
        transfer = self.seconds.transfer
        assert transfer is not None
        slope = float(np.exp(transfer.log_slope[0]))
        result: Floats = np.exp(-slope * (transfer.basis(unit) @ transfer.prior.mean))
        return result
