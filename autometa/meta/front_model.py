"""FrontModel: what was learned of tasks with several objectives, a meta-model for each of them.

Beside these stands one of the same tasks scalarised (`portfolio.objectives`), each of them several
times, along directions that spread over the objectives. Its zero-shot list, which serves as many of
these tasks as it can, is the start for a Pareto front: configs that complement one another between
the objectives as well as between prior tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autometa.errors import ModelError
from autometa.meta.first_configs import Candidate
from autometa.meta.model import MetaModel
from autometa.showing import counted
from autometa.space import SearchSpace
from autometa.task import Direction


@dataclass(frozen=True, kw_only=True, eq=False)
class FrontModel:
    """See the module.

    Args:
        lead: Of the scalarised tasks.
        models: Of each objective, k of them.
        directions: Of the objectives, k.
        metrics: Their names, k.

    Raises:
        ModelError: fewer than two objectives, or models of different spaces.
    """

    lead: MetaModel
    models: tuple[MetaModel, ...]
    directions: tuple[Direction, ...]
    metrics: tuple[str, ...]

    def __post_init__(self) -> None:
        counts = {len(self.models), len(self.directions), len(self.metrics)}
        if counts == {1} or len(counts) > 1:
            raise ModelError(
                f"{len(self.models)} models, {len(self.directions)} directions and "
                f"{len(self.metrics)} metrics",
                allowed="as many of each, two or more",
            )
        if any(m.space != self.lead.space for m in self.models):
            raise ModelError("objectives with different spaces", allowed="one space")

    def __repr__(self) -> str:
        about = ", ".join(f"{d} {m}" for d, m in zip(self.directions, self.metrics, strict=True))
        return f"FrontModel of {counted(len(self.tasks), 'prior task')} ({about})"

    @property
    def space(self) -> SearchSpace:
        """That of the prior tasks."""
        return self.lead.space

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the prior tasks that taught something about the first objective."""
        return self.models[0].tasks

    @property
    def learned(self) -> bool:
        """Whether there was something to learn of every objective."""
        return all(m.transfer is not None for m in (self.lead, *self.models))

    def warm_start(
        self,
        n: int,
        *,
        meta_features: Mapping[str, float] | None = None,
        within: SearchSpace | None = None,
    ) -> list[Candidate]:
        """Configs for the first n trials, as of `MetaModel.warm_start`.

        Raises:
            ModelError: n is negative.
        """
        listed = self.lead.warm_start(n, meta_features=meta_features, within=within)
        if self.lead.transfer is None:
            return listed
        over = f"fronts of {counted(len(self.tasks), 'prior task')}"
        reasons = [f"best on average for the {over}"]
        reasons += [f"adds most to the {i} before it for the {over}" for i in range(1, len(listed))]
        return [replace(c, reason=r) for c, r in zip(listed, reasons, strict=True)]
