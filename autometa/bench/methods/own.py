"""autometa itself, and its ablations: one entry each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autometa.bench.method import Method, Prepare, Start, Starter
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task


def _own(*, use_meta_features: bool = True, **options: Any) -> Prepare:
    """`prepare` of a MetaLearner with these options."""

    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
        from autometa.meta import MetaLearner

        model = MetaLearner(seed=seed, **options).fit(portfolio, space=space)

        def start(task: Task, seed: int) -> Start:
            known: Mapping[str, float] | None = task.meta_features if use_meta_features else None
            return Start(sampler=model.sampler(seed=seed, meta_features=known or None))

        return start

    return prepare


OWN = (
    Method(name="autometa", about="the sampler of MetaLearner().fit(prior)", prepare=_own()),
    Method(
        name="autometa-no-meta-features",
        about="autometa without the new task's meta-features",
        prepare=_own(use_meta_features=False),
    ),
)
