"""One call of `tune`: the warm arm, the cold arm, and what is known at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from autometa import children
from autometa.priors.beginning import say
from autometa.tuning import race
from autometa.tuning.cross_validator import Judge
from autometa.tuning.result import Arm, TunedTrial, TuneResult
from autometa.tuning.setting import COLD, Setting
from autometa.tuning.table_priors import Priors
from autometa.tuning.trials import Search, in_order
from autometa.tuning.workers.crew import Crew
from autometa.tuning.workers.worker import Order

if TYPE_CHECKING:
    from autometa.meta import MetaModel

OnTrial: TypeAlias = Callable[[str, TunedTrial], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Workers that evaluate instead of this process.

    Args:
        crew: The workers.
        size: How many.
        models: Folder for the meta-models that they read.
    """

    crew: Crew
    size: int
    models: Path


@dataclass
class Session:
    """One call of `tune_table`: the two arms, and the result at any moment.

    Args:
        setting: What is searched.
        asked: A child's name, or "auto".
        priors: Child -> its prior tasks.
        model: Used instead of a fit on the prior tasks, where there is one.
        judge: Evaluates in this process where there is no team.
        n_trials: Of each arm.
        total: Whether n_trials counts the trials that the study has already.
        timeout: Seconds after which an arm starts no further trial.
        on_trial: Called after each trial.
        started: When the call began.
        team: Worker processes, if any.
    """

    setting: Setting
    asked: str
    priors: Mapping[str, Priors]
    model: MetaModel | None
    judge: Judge
    n_trials: int
    total: bool
    timeout: float | None
    on_trial: OnTrial
    started: float
    team: Team | None = None

    def __post_init__(self) -> None:
        self._warm: dict[str, Search] = {}
        self._models: dict[str, MetaModel] = {}
        self._cold: Search | None = None

    # Arms ----------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """The warm arm: each child's own study, all but one of them dropped on the way."""
        ranked = self._ranked()
        with ThreadPoolExecutor(1) as background:
            # The evaluator's process starts while the first meta-model is fitted.
            if self.team is None:
                first = children.get(ranked[0])
                ready = background.submit(self.judge.evaluator.prepare, self.setting.table, first)
            self._warm_search(ranked[0])
            if self.team is None:
                ready.result()
        end = self._end()
        running, targets = list(ranked), dict[str, int]()
        for part in race.rounds(len(running), self.n_trials):
            running = sorted(running, key=self._standing)[: part.survivors]
            for name in running:
                search = self._warm_search(name)
                before = 0 if self.total else len(search.finished())
                targets[name] = targets.get(name, before) + part.trials
                self._fill("warm", name, search, targets[name], end)

    def _ranked(self) -> tuple[str, ...]:
        """Names of the children, the most promising first."""
        portfolios = {name: prior.portfolio for name, prior in self.priors.items()}
        return race.rank(portfolios, self.setting.features, self.setting.metric)

    def compare(self) -> None:
        """The cold arm, until it has as many trials as the warm one."""
        self._cold = self.setting.cold(self.judge)
        target = len(in_order(list(self._warm.values())))
        self._fill("cold", COLD, self._cold, target, self._end())

    def _fill(self, arm: str, name: str, search: Search, target: int, end: float | None) -> None:
        for trial in self._evaluated(name, search, target, end):
            self.on_trial(arm, trial)

    def _evaluated(
        self, name: str, search: Search, target: int, end: float | None
    ) -> Iterator[TunedTrial]:
        if self.team is None:
            late = (lambda: False) if end is None else (lambda: time.perf_counter() >= end)
            yield from search.fill(target, late)
            return
        left = None if end is None else end - time.perf_counter()
        if (left is not None and left <= 0) or search.open_places(target) <= 0:
            return
        model = None if name == COLD else self._model_file(name)
        order = Order(child=name, model=model, target=target, seconds=left)
        for trial in self.team.crew.fill(search.study, order):
            self.judge.seconds += (trial.seconds or 0.0) / self.team.size
            yield trial

    def _model_file(self, name: str) -> Path:
        assert self.team is not None
        return self.team.models / f"{name}.model"

    def _warm_search(self, name: str) -> Search:
        """A child's study, its meta-model fitted when it is first needed."""
        if name not in self._warm:
            from autometa.meta import MetaLearner
            from autometa.priors.prior_model import beginning_of

            space = children.get(name, self.setting.table.kind).space
            # What prior tasks teach does not depend on the search's seed.
            model = self.model or MetaLearner(seed=0).fit(self.priors[name].portfolio, space=space)
            if self.team is not None:
                model.save(self._model_file(name))
            self._models[name] = model
            self._warm[name] = self.setting.warm(name, model, self.judge)
            known = self.priors[name].portfolio
            why = "" if len(known) or self.model else "there are no prior tasks of this child"
            say(self._warm[name].study, beginning_of(model, known, space, why), asked=False)
        return self._warm[name]

    def _standing(self, name: str) -> float:
        """Sort key of a child: minus its best value; children without one keep their order."""
        search = self._warm.get(name)
        best = Arm(name="", trials=in_order([search])).best if search else None
        return float("inf") if best is None or best.value is None else -best.value

    def _end(self) -> float | None:
        return None if self.timeout is None else time.perf_counter() + self.timeout

    # Results -------------------------------------------------------------------------------------

    def result(self) -> TuneResult:
        """What was found until now."""
        warm = Arm(name="warm", trials=in_order(list(self._warm.values())))
        cold = None if self._cold is None else Arm(name="cold", trials=in_order([self._cold]))
        names = self.setting.children
        first = names[0] if len(names) == 1 else self.asked
        winner = warm.best.child if warm.best is not None else first
        seconds = time.perf_counter() - self.started
        excluded = dict.fromkeys(n for p in self.priors.values() for n in p.excluded)
        return TuneResult(
            table=self.setting.table.name,
            child=winner,
            asked=self.asked,
            metric=self.setting.metric,
            warm=warm,
            cold=cold,
            prior_tasks=max(len(p.portfolio) for p in self.priors.values()),
            excluded_tasks=tuple(excluded),
            folds=self.setting.folds,
            seed=self.setting.seed,
            seconds=seconds,
            own_seconds=max(0.0, seconds - self.judge.seconds),
            versions=_versions(),
            study_name=self.setting.study_name,
            study=self._warm[winner].study if winner in self._warm else None,
            model=self._models.get(winner),
            meta_features=self.setting.features,
        )


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    from autometa.collect.result import versions

    return {**versions(), "optuna": version("optuna")}
