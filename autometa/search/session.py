"""One call of `tune`: the warm arm, the cold arm, and what is known at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from autometa import children
from autometa.children import Child
from autometa.meta_features import compute
from autometa.search import race
from autometa.search.priors import Priors
from autometa.search.result import Arm, TunedTrial, TuneResult
from autometa.search.studies import open_study
from autometa.search.trials import Judge, Menu, Search, in_order
from autometa.space import Config
from autometa.tables import Table

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from autometa.meta import MetaModel

OnTrial: TypeAlias = Callable[[str, TunedTrial], None]


@dataclass
class Session:
    """One call of `tune_table`: the two arms, and the result at any moment."""

    table: Table
    asked: str
    children: tuple[Child, ...]
    priors: Mapping[str, Priors]
    model: MetaModel | None
    judge: Judge
    n_trials: int
    timeout: float | None
    storage: str | BaseStorage | None
    study_name: str
    on_trial: OnTrial
    started: float

    def __post_init__(self) -> None:
        self._warm: dict[str, Search] = {}
        self._cold: Search | None = None
        self._features = compute(self.table)

    # Arms ----------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """The warm arm: each child's own study, all but one of them dropped on the way."""
        ranked = self._ranked()
        with ThreadPoolExecutor(1) as background:
            # The evaluator's process starts while the first meta-model is fitted.
            first = next(c for c in self.children if c.name == ranked[0])
            ready = background.submit(self.judge.evaluator.prepare, self.table, first)
            self._warm_search(first.name)
            ready.result()
        late = self._deadline()
        running = list(ranked)
        for part in race.rounds(len(running), self.n_trials):
            running = sorted(running, key=self._standing)[: part.survivors]
            for name in running:
                for _ in range(part.trials):
                    if late():
                        return
                    self._step("warm", self._warm_search(name))

    def _ranked(self) -> tuple[str, ...]:
        """Names of the children, the most promising first."""
        portfolios = {name: prior.portfolio for name, prior in self.priors.items()}
        return race.rank(portfolios, self._features, self._metric)

    def compare(self) -> None:
        """The cold arm, until it has as many trials as the warm one."""
        import optuna

        late = self._deadline()
        study = open_study(self.storage, f"{self.study_name}-cold", self._signature("cold"))
        self._cold = Search(study, Menu(self.children), self.judge)
        done = len(self._cold.finished())
        # A sampler that is continued must not repeat its first suggestions.
        study.sampler = optuna.samplers.TPESampler(seed=self.judge.seed + done)
        for _ in range(len(in_order(list(self._warm.values()))) - done):
            if late():
                return
            self._step("cold", self._cold)

    def _warm_search(self, name: str) -> Search:
        """A child's study, its meta-model fitted when it is first needed."""
        if name not in self._warm:
            from autometa.meta import MetaLearner

            child = next(c for c in self.children if c.name == name)
            whole = self.study_name if len(self.children) == 1 else f"{self.study_name}-{name}"
            study = open_study(self.storage, whole, self._signature(name))
            # What prior tasks teach does not depend on the search's seed.
            model = self.model or MetaLearner(seed=0).fit(
                self.priors[name].portfolio, space=child.space
            )
            study.sampler = model.sampler(seed=self.judge.seed, meta_features=self._features)
            self._warm[name] = Search(
                study, Menu((child,)), self.judge, _expectation(model, self._features)
            )
        return self._warm[name]

    def _step(self, arm: str, search: Search) -> None:
        self.on_trial(arm, search.step())

    def _standing(self, name: str) -> float:
        """Sort key of a child: minus its best value; children without one keep their order."""
        search = self._warm.get(name)
        best = Arm(name="", trials=in_order([search])).best if search else None
        return float("inf") if best is None or best.value is None else -best.value

    def _deadline(self) -> Callable[[], bool]:
        end = None if self.timeout is None else time.perf_counter() + self.timeout
        return lambda: end is not None and time.perf_counter() >= end

    # Results -------------------------------------------------------------------------------------

    def result(self) -> TuneResult:
        """What was found until now."""
        warm = Arm(name="warm", trials=in_order(list(self._warm.values())))
        cold = None if self._cold is None else Arm(name="cold", trials=in_order([self._cold]))
        first = self.children[0].name if len(self.children) == 1 else self.asked
        winner = warm.best.child if warm.best is not None else first
        seconds = time.perf_counter() - self.started
        excluded = dict.fromkeys(n for p in self.priors.values() for n in p.excluded)
        return TuneResult(
            table=self.table.name,
            child=winner,
            asked=self.asked,
            metric=self._metric,
            warm=warm,
            cold=cold,
            prior_tasks=max(len(p.portfolio) for p in self.priors.values()),
            excluded_tasks=tuple(excluded),
            folds=self.judge.folds,
            seed=self.judge.seed,
            seconds=seconds,
            own_seconds=seconds - self.judge.seconds,
            versions=_versions(),
            study_name=self.study_name,
            study=self._warm[winner].study if winner in self._warm else None,
        )

    @property
    def _metric(self) -> str:
        assert self.table.kind is not None
        return children.metric(self.table.kind)

    def _signature(self, child: str) -> dict[str, Any]:
        """What a study must agree on to be continued."""
        from autometa.collect import digest

        return {
            "table": digest(self.table),
            "child": child,
            "metric": self._metric,
            "folds": self.judge.folds,
            "seed": self.judge.seed,
        }


def _expectation(
    model: MetaModel, features: Mapping[str, float]
) -> Callable[[Config], float | None]:
    """What prior tasks, before any trial, expect of a config: a normal score."""
    transfer = model.transfer
    if transfer is None:
        return lambda config: None
    head = model.task_relevance(features) @ transfer.prior.heads  # O = sum_i w_i f_i
    return lambda config: float((transfer.basis(model.space.encode(config)[None]) @ head)[0])


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    from autometa.collect.result import versions

    return {**versions(), "optuna": version("optuna")}
