"""One call of `tune`: the warm arm, the model, the cold arm, and what is known at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from autometa.children.evaluation.evaluate import prepare_to_run
from autometa.priors.beginning import say
from autometa.space import Config
from autometa.tuning import race
from autometa.tuning.arms import Arm, TunedTrial
from autometa.tuning.clock import Clock, past, refit_seconds, shorter
from autometa.tuning.contest import START, WHY_DEFAULT, Contest, Turn
from autometa.tuning.cross_validator import Judge
from autometa.tuning.family_models import FamilyModels
from autometa.tuning.finishing import Finished, finish, untried
from autometa.tuning.handing_over import result_of, with_model
from autometa.tuning.pairs import Pairs
from autometa.tuning.predictions import keep_best
from autometa.tuning.result import TuneResult
from autometa.tuning.search_spec import COLD, SearchSpec
from autometa.tuning.trials import Search, in_order, predictions_file
from autometa.tuning.watching import Audience, Standing
from autometa.tuning.workers.turns import in_turns
from autometa.tuning.workers.worker import WorkItem, by_wall_clock
from autometa.tuning.workers.worker_pool import WorkerPool

if TYPE_CHECKING:
    from optuna.study import Study

    from autometa.tables import Table

BRIEF = 120.0  # seconds, below which families' own searches leave all trials to pairs


@dataclass
class Session:
    """One call of `tune_table`: the two arms, the model, and the result at any moment.

    Args:
        spec: What is searched.
        table: All rows, which the model is fitted to.
        asked: A child's name, or "auto".
        models: What prior tasks teach of each family.
        judge: Evaluates in this process where there is no pool of workers.
        n_trials: Of each arm; None for as many as there is time for.
        total: Whether n_trials counts the trials that the study has already.
        clock: Time for everything but the cold arm.
        audience: Told before and after each trial.
        pool: Worker processes, if any.
        notes: What the user should know, in sentences.
    """

    spec: SearchSpec
    table: Table
    asked: str
    models: FamilyModels
    judge: Judge
    n_trials: int | None
    total: bool
    clock: Clock
    audience: Audience
    pool: WorkerPool | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._warm: dict[str, Search] = {}
        self._cold: Search | None = None
        self._proposed: set[str] = set()
        self._search_seconds = 0.0
        self._finished: Finished | None = None

    # Arms ----------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """The warm arm: each child's own study, all but one of them dropped on the way."""
        begun = time.perf_counter()
        with ExitStack() as stack:
            ranked = self._ranked()
            self._imports = ThreadPoolExecutor(1)
            # What is still being imported when time is up is not waited for.
            stack.callback(self._imports.shutdown, wait=False, cancel_futures=True)
            if self.pool is None:
                # The evaluator's process starts while the first meta-model is read or fitted.
                background = stack.enter_context(ThreadPoolExecutor(1))
                first = self.spec.child(ranked[0])
                end = self._end()
                within = None if end is None else max(0.0, end - time.perf_counter())
                prepare = self.judge.evaluator.prepare
                ready = background.submit(prepare, self.spec.table, first, within=within)
            self._warm_search(ranked[0])
            if self.pool is None:
                self.judge.wait = ready.result
            if self.n_trials is not None:
                self._by_trials(ranked, self.n_trials)
            else:
                reading = ThreadPoolExecutor(1)
                stack.callback(reading.shutdown, wait=False, cancel_futures=True)
                self._by_time(ranked, reading.submit(self.models.pairs))
                if self.pool is not None:
                    self.pool.stop_late()
        self._search_seconds = time.perf_counter() - begun

    def _ranked(self) -> tuple[str, ...]:
        """Names of the children, the most promising first."""
        if self.n_trials is None:
            return race.by_cost(self.spec.children)
        standard = self.spec.scoring.standard.name
        return race.rank(self.models.portfolios(), self.spec.features, standard)

    def _by_trials(self, ranked: tuple[str, ...], trials: int) -> None:
        running, targets = list(ranked), dict[str, int]()
        for part in race.rounds(len(running), trials):
            running = sorted(running, key=self._standing)[: part.survivors]
            for name in running:
                search = self._warm_search(name)
                before = 0 if self.total else len(search.finished())
                targets[name] = targets.get(name, before) + part.trials
                self._with_default(name, search, targets[name])
                self._fill("warm", name, search, targets[name], self._end)

    def _with_default(self, name: str, search: Search, target: int) -> None:
        """Have a family's default tried, once the start has been, if there are trials enough."""
        if target <= START or name in self._proposed:
            return
        self._fill("warm", name, search, START, self._end)
        self._propose_default(name, search)

    def _propose_default(self, name: str, search: Search) -> None:
        self._proposed.add(name)
        config = self._default(name)
        if all(search.tuned(t).config != config for t in search.finished()):
            search.propose(config, WHY_DEFAULT, "default")

    def _default(self, name: str) -> Config:
        return dict(self.spec.child(name).space.defaults)

    def _by_time(self, ranked: tuple[str, ...], learned: Future[Pairs | None]) -> None:
        """Pairs of family and config first, then in turns with the families' own searches."""
        defaults = {name: self._default(name) for name in ranked}
        brief = self.clock.seconds is not None and self.clock.seconds < BRIEF
        contest = Contest(ranked, learned, defaults, self.models.knows, brief)
        if self.pool is not None:
            self._in_turns(contest, self.pool)
            return
        while not self._is_over():
            turn, search, limit = self._next(contest)
            begun = time.perf_counter()
            found = self._one_by(turn, search, limit)
            contest.tell(turn, found, time.perf_counter() - begun, self.judge.slow)

    def _in_turns(self, contest: Contest, pool: WorkerPool) -> None:
        """The same with workers, each of which has the next turn when it is free."""

        def ask() -> tuple[Turn, Study, WorkItem] | None:
            if self._is_over():
                return None
            turn, search, limit = self._next(contest)
            contest.begin(turn)
            if turn.config is not None:
                search.propose(turn.config, turn.why, turn.rule)
            limit, known = self.clock.patience(limit), self.models.known[turn.family]
            return turn, search.study, pool.item(turn.family, known, self._end(), limit)

        for turn, found, took in in_turns(pool, ask):
            contest.tell(turn, found, took, self.judge.slow)
            if found is not None:
                self.judge.seconds += (found.seconds or 0.0) / pool.size
                self.audience.after("warm", found)
                self._tidy()

    def _is_over(self) -> bool:
        return self.clock.left <= 0 or past(self._end())

    def _next(self, contest: Contest) -> tuple[Turn, Search, float]:
        """Whose turn it is, its family's study, and seconds in which the trial should end."""
        best = {name: self._best(name) for name in contest.spent}
        names = contest.ranked
        most = {name: self._limit(name, first=name not in contest.spent) for name in names}
        turn = contest.next(best, self.clock.share, most)
        self.models.learn(turn.learn)
        search = self._warm_search(turn.family)
        self.models.renew(turn.family, search)
        return turn, search, most[turn.family]

    def _limit(self, name: str, *, first: bool) -> float:
        """Seconds in which a family's next trial should end; `first` where it has had none."""
        longest = max((t.seconds or 0.0 for t in self._best_first()), default=None)
        return self.clock.trial_limit(longest, self.judge.slow, first=first) or float("inf")

    def _one_by(self, turn: Turn, search: Search, limit: float) -> TunedTrial | None:
        """One trial of a family, of the proposed config where there is one."""
        self.judge.timeout = shorter(self.clock.patience(limit), self.spec.trial_timeout)
        before = {t.number for t in search.finished()}
        if turn.config is not None:
            search.propose(turn.config, turn.why, turn.rule)
        self._fill("warm", turn.family, search, len(before) + 1, self._end)
        new = [t for t in search.finished() if t.number not in before]
        return search.tuned(new[-1]) if new else None

    def compare(self) -> None:
        """The cold arm, until it has as many trials as the warm one, in as much time."""
        self._cold = self.spec.cold(self.judge)
        self.judge.timeout = self.spec.trial_timeout
        end = None
        if self.clock.seconds is not None:
            end = time.perf_counter() + self._search_seconds
        self._fill("cold", COLD, self._cold, len(self._all()), lambda: end)

    def _fill(
        self, arm: str, name: str, search: Search, target: int, end: Callable[[], float | None]
    ) -> None:
        for trial in self._evaluated(arm, name, search, target, end):
            self.audience.after(arm, trial)
            if arm == "warm":
                self._tidy()

    def _evaluated(
        self, arm: str, name: str, search: Search, target: int, end: Callable[[], float | None]
    ) -> Iterator[TunedTrial]:
        if self.pool is None:

            def late() -> bool:
                self.judge.end = end()
                if past(self.judge.end):
                    return True
                if arm == "warm":
                    self.audience.before(self._now(name))
                return False

            yield from search.fill(target, late)
            return
        at = end()
        left = None if at is None else at - time.perf_counter()
        if (left is not None and left <= 0) or search.open_places(target) <= 0:
            return
        item = WorkItem(child=COLD, model=None, target=target, until=by_wall_clock(at))
        if name != COLD:
            self.models.renew(name, search)
            limit = self.clock.patience(self._limit(name, first=self._best(name) is None))
            item = self.pool.item(name, self.models.known[name], self._end(), limit, target)
        for trial in self.pool.fill(search.study, item):
            self.judge.seconds += (trial.seconds or 0.0) / self.pool.size
            yield trial

    def _now(self, name: str) -> Standing:
        done = self._all()
        best = max((t.value for t in done if t.value is not None), default=None)
        left = None if self.clock.seconds is None else max(0.0, self.clock.left)
        return Standing(family=name, trials=len(done), best=best, left=left)

    def _warm_search(self, name: str) -> Search:
        """A child's study, its meta-model read, fitted or asked for when it is first needed."""
        if name not in self._warm:
            model, beginning = self.models.of(name, wait=self.n_trials is not None)
            self._warm[name] = self.spec.warm(name, model, self.judge)
            say(self._warm[name].study, beginning, asked=False)
            self._imports.submit(self._get_ready, name)
        return self._warm[name]

    def _get_ready(self, name: str) -> None:  # imports of a last fit, while others evaluate
        import_module("autometa.children.pipeline")
        prepare_to_run(self.spec.child(name))

    def _standing(self, name: str) -> float:
        """Sort key of a child: minus its best value; children without one keep their order."""
        best = self._best(name)
        return float("inf") if best is None else -best

    def _best(self, name: str) -> float | None:
        search = self._warm.get(name)
        values = [t.value for t in in_order([search])] if search else []
        return max((v for v in values if v is not None), default=None)

    def _all(self) -> tuple[TunedTrial, ...]:
        return in_order(list(self._warm.values()))

    def _best_first(self) -> list[TunedTrial]:
        done = [t for t in self._all() if t.value is not None]
        return sorted(done, key=lambda t: -(t.value or 0.0))

    # Time ----------------------------------------------------------------------------------------

    def _end(self) -> float | None:
        """When the search must end, so that the model can be fitted in time."""
        if self.clock.seconds is None:
            return None
        rows = len(self.table) / len(self.spec.table)
        fits = [
            refit_seconds(t, self.spec.n_folds, self.judge.slow, rows) for t in self._best_first()
        ]
        kept = self.clock.kept_for(fits, self.judge.slow)
        return self.clock.search_end(kept)

    # The model -----------------------------------------------------------------------------------

    def fit(self, *, ensemble: bool, threshold: bool = True, over: str = "time was up") -> None:
        """Choose the members of the model and fit them to all rows."""
        ranked, done = self._best_first(), self._all()
        why = ""
        if not ranked and self.clock.seconds is not None:
            ranked, why = untried(self._ranked(), done, self.table, over)
        if not ranked:
            early = f"{over} before a config was evaluated: there is no model"
            self.notes += (why or ("no trial succeeded" if done else early),)
            return
        self._finished = finish(
            ranked,
            self._file,
            self.judge.held_out,
            self.spec,
            self.table,
            self.clock,
            slow=self.judge.slow,
            ensemble=ensemble,
            threshold=threshold,
        )
        self.notes += (*([why] if why else ()), *self._finished.notes)

    def _file(self, trial: TunedTrial) -> Path:
        search = self._warm.get(trial.child)  # none of a default that was not tried
        study = "" if search is None else search.study.study_name
        return self.spec.predictions / predictions_file(study, trial.number, trial.config)

    def _tidy(self) -> None:
        """Keep the held-out predictions of the best trials only, and those of the defaults."""
        ranked = sorted(self._best_first(), key=lambda t: t.rule != "default")
        keep_best(self.spec.predictions, [self._file(t).name for t in ranked])

    # Results -------------------------------------------------------------------------------------

    def result(self) -> TuneResult:
        """What was found until now."""
        warm = Arm(name="warm", trials=self._all())
        cold = None if self._cold is None else Arm(name="cold", trials=in_order([self._cold]))
        seconds = self.clock.spent
        found = result_of(
            self.spec,
            self.table,
            self.models,
            warm,
            cold,
            asked=self.asked,
            seconds=seconds,
            own_seconds=max(0.0, seconds - self.judge.seconds),
            studies={name: search.study for name, search in self._warm.items()},
            notes=(*self.notes, *self.audience.notes),
        )
        return with_model(found, self._finished, self.spec)
