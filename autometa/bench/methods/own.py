"""autometa itself, and its ablations: one entry each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from optuna.samplers import BaseSampler

from autometa.bench.method import Method, Prepare, Start, Starter
from autometa.meta.inference.hypotheses import HYPOTHESES
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.suggest.policy import Policy
from autometa.task import Task


def _own(*, use_meta_features: bool = True, policy: Policy | None = None) -> Prepare:
    """`prepare` of the sampler, or of an ablation of it."""

    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
        from autometa.meta import MetaLearner
        from autometa.samplers.sampler import MetaSampler

        model = MetaLearner(seed=seed).fit(portfolio, space=space)

        def start(task: Task, seed: int) -> Start:
            known: Mapping[str, float] | None = task.meta_features if use_meta_features else None

            def within(pool: Sequence[Config] | None) -> BaseSampler:
                return MetaSampler(
                    model, seed=seed, meta_features=known or None, policy=policy, pool=pool
                )

            return Start(sampler=within(None), within=within)

        return start

    return prepare


_TRUSTING = Policy(cold_every=0, hypotheses=tuple(h for h in HYPOTHESES if h.arm == "transfer"))
_NARROWED = Policy(narrowed=True)
_NO_RESIDUAL = Policy(
    hypotheses=tuple(
        replace(h, residual=1e-6) if h.arm == "transfer" else h
        for h in HYPOTHESES
        if h.arm == "cold" or not h.adapted
    )
)

OWN = (
    Method(name="autometa", about="the sampler of MetaLearner().fit(prior)", prepare=_own()),
    Method(
        name="autometa-no-meta-features",
        about="autometa without the new task's meta-features",
        prepare=_own(use_meta_features=False),
    ),
    Method(
        name="autometa-no-guard",
        about="autometa without cold trials and without cold hypotheses",
        prepare=_own(policy=_TRUSTING),
    ),
    Method(
        name="autometa-no-residual",
        about="autometa whose transferred part is all there is, beside the cold hypotheses",
        prepare=_own(policy=_NO_RESIDUAL),
    ),
    Method(
        name="autometa-narrowed-rate",
        about="autometa that draws half of its candidates' inner rates from the predicted interval",
        prepare=_own(policy=_NARROWED),
    ),
)
