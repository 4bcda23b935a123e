"""Portfolio: the histories that meta-training uses. Immutable; every change is a new portfolio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autometa.errors import PortfolioError, StoreError
from autometa.portfolio import merging
from autometa.portfolio.adapting import Adapted, adapt_histories
from autometa.portfolio.diff import Key, PortfolioDiff, diff_histories
from autometa.portfolio.store import folder as store
from autometa.portfolio.store import shipped
from autometa.showing import card, counted, few, html_card
from autometa.space import SearchSpace, Value
from autometa.space.rates import as_space
from autometa.space.rules import Outside, Rules
from autometa.storages.addresses import check_folder
from autometa.task import Direction, Task, TaskHistory

if TYPE_CHECKING:
    import pandas as pd
    from optuna.distributions import BaseDistribution

    from autometa.storages.sources import StudySource

_SPACES = 6  # that are shown


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Histories of tasks, of one space or of several.

    Args:
        histories: Any number, also none; a task's name is unique among the tasks of its space.
        provenance: Where it comes from: versions, seeds, command, wall time, ...; JSON-able.
        licence: Terms of the data, as an SPDX expression where there is one.

    Raises:
        PortfolioError: a task comes twice, or one metric of a space is both maximised and
            minimised.
    """

    histories: tuple[TaskHistory, ...] = ()
    _: KW_ONLY
    provenance: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""

    def __init__(
        self,
        histories: Iterable[TaskHistory] = (),
        *,
        provenance: Mapping[str, Any] | None = None,
        licence: str = "",
    ) -> None:
        object.__setattr__(self, "histories", tuple(histories))
        object.__setattr__(self, "provenance", dict(provenance or {}))
        object.__setattr__(self, "licence", licence)
        self._check()

    def _check(self) -> None:
        directions: dict[tuple[SearchSpace, str], Task] = {}
        seen: set[Key] = set()
        for history in self.histories:
            if not isinstance(history, TaskHistory):
                raise PortfolioError(
                    f"a {type(history).__name__} in a portfolio", allowed="TaskHistory"
                )
            task = history.task
            if (task.space, task.name) in seen:
                raise PortfolioError(
                    f"task {task.name!r} of space {task.space.name!r} comes twice",
                    allowed="one history a task",
                    do="Rename one, or join them with Portfolio.merge",
                )
            seen.add((task.space, task.name))
            first = directions.setdefault((task.space, task.metric), task)
            if first.direction != task.direction:
                raise PortfolioError(
                    f"metric {task.metric!r} has mixed directions: {first.name!r} wants to "
                    f"{first.direction}, {task.name!r} to {task.direction}",
                    allowed="one direction for a metric",
                    do="Correct the direction, or name the metrics differently",
                )

    def __len__(self) -> int:
        return len(self.histories)

    def __repr__(self) -> str:
        return card(*self._told)

    def _repr_html_(self) -> str:
        return html_card(*self._told)

    @property
    def _told(self) -> tuple[str, dict[str, str]]:
        trials = sum(map(len, self.histories))
        spaces = [f"{s.name or 'unnamed'} ({few(s.names, 6)})" for s in self.spaces[:_SPACES]]
        more = len(self.spaces) - len(spaces)
        facts = {
            "tasks": few(t.name for t in self.tasks),
            **{f"space {i}": text for i, text in enumerate(spaces, 1)},
            "further": counted(more, "space") if more else "",
            "metrics": few(dict.fromkeys(f"{t.metric} ({t.direction})" for t in self.tasks)),
            "licence": self.licence,
        }
        return f"Portfolio: {counted(len(self), 'task')}, {counted(trials, 'trial')}", facts

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """Tasks in the order of the histories."""
        return tuple(h.task for h in self.histories)

    @cached_property
    def spaces(self) -> tuple[SearchSpace, ...]:
        """Distinct spaces in order of first use."""
        return tuple(dict.fromkeys(t.space for t in self.tasks))

    @property
    def space(self) -> SearchSpace:
        """The only space.

        Raises:
            PortfolioError: there is none, or more than one.
        """
        if len(self.spaces) != 1:
            names = ", ".join(repr(s.name) for s in self.spaces) or "none"
            raise PortfolioError(
                f"a portfolio with {len(self.spaces)} spaces ({names})",
                allowed="exactly one space here",
                do="Choose one with portfolio.select(space)",
            )
        return self.spaces[0]

    @cached_property
    def by_key(self) -> Mapping[Key, TaskHistory]:
        """(space, task name) -> history."""
        return {(h.task.space, h.task.name): h for h in self.histories}

    # New portfolios ------------------------------------------------------------------------------

    def _with(self, histories: Iterable[TaskHistory]) -> Portfolio:
        return Portfolio(histories, provenance=self.provenance, licence=self.licence)

    def without(self, names: str | Task | Iterable[str | Task]) -> Portfolio:
        """The portfolio without the tasks whose name or family is named; unknown names are fine."""
        listed = [names] if isinstance(names, str | Task) else list(names)
        out = {n.name if isinstance(n, Task) else n for n in listed}
        return self._with(
            h for h in self.histories if h.task.name not in out and h.task.family not in out
        )

    def select(self, space: SearchSpace | str) -> Portfolio:
        """Only the tasks of a space, given itself or by name; empty where there are none."""
        return self._with(
            h
            for h in self.histories
            if (h.task.space.name if isinstance(space, str) else h.task.space) == space
        )

    def by(self, metric: str) -> Portfolio:
        """Every task by one metric; tasks whose trials were not scored by it are left out.

        Args:
            metric: Its name; scikit-learn's `neg_` in front is understood.

        Raises:
            PortfolioError: no task was scored by it.
        """
        name = metric.removeprefix("neg_")
        known = [h for h in self.histories if name in (h.task.metric, *h.task.metrics)]
        if self.histories and not known:
            metrics = (m for t in self.tasks for m in (t.metric, *t.metrics))
            raise PortfolioError(
                f"no task was scored by {metric!r}", allowed=", ".join(dict.fromkeys(metrics))
            )
        return self._with(h.by(name) for h in known)

    def merge(self, other: Portfolio) -> Portfolio:
        """Both portfolios as one.

        A task of both (same space, same name) keeps its trials once and gains those that only
        `other` has; two trials are the same where every field is. Merging is idempotent. Where
        descriptions differ (family, meta-features, info), `self` wins and `other` fills the gaps.

        Raises:
            PortfolioError: direction or metric of a common task differ.
        """
        return Portfolio(
            merging.merge_histories(self.by_key, other.by_key),
            provenance=merging.merge_provenance(self.provenance, other.provenance),
            licence=merging.merge_licences(self.licence, other.licence),
        )

    def adapt(
        self,
        space: SearchSpace | Mapping[str, BaseDistribution],
        *,
        renamed: Mapping[str, str] | None = None,
        choices: Mapping[str, Mapping[Value, Value]] | None = None,
        defaults: Mapping[str, Value] | None = None,
        outside: Outside = "clip",
        guess: bool = True,
    ) -> Adapted:
        """The histories, of one old space or of many, as trials of a new space, and a report.

        Numbers stay the same number whatever the scale, kind or step; parameters that are gone are
        left out; trials with a choice that is gone are dropped; which parameters are active follows
        from the new conditions. Spaces that are too different to help are left out, and the report
        says so; see `adapting` for what that means.

        Args:
            space: The new space, or its distributions.
            renamed: Old parameter name -> new name.
            choices: New parameter name -> {old choice: new choice}.
            defaults: New parameter name -> the value that old trials ran with where they have
                none: of added parameters. Without one the space's default, else the middle of the
                range or the first choice; the report says which.
            outside: What becomes of numbers outside their new range: "clip" moves them to the
                nearest allowed value, "drop" drops their trials.
            guess: Take names and choices that differ only in case, underscores, hyphens, dots and
                spaces for the same, where only one can be meant.

        Returns:
            (portfolio, report); the portfolio is empty where nothing can help.

        Raises:
            SpaceError: not a space; a rule names what is not there or allows what is not allowed;
                two parameters of an old space become one.
            PortfolioError: tasks of several old spaces minimise and maximise one metric.

        >>> from optuna.distributions import FloatDistribution, IntDistribution
        >>> from autometa.task import Task
        >>> old = SearchSpace({"learning_rate": FloatDistribution(0.01, 1.0, log=True)})
        >>> task = Task(name="a", space=old, direction="minimize")
        >>> past = Portfolio([TaskHistory(task=task, raw=[[0.5], [0.02]], values=[1.0, 2.0])])
        >>> new = {"lr": FloatDistribution(0.01, 0.1, log=True), "epochs": IntDistribution(1, 9)}
        >>> adapted, report = past.adapt(
        ...     new, renamed={"learning_rate": "lr"}, defaults={"epochs": 5}
        ... )
        >>> [trial.config for trial in adapted.histories[0]]
        [{'lr': 0.1, 'epochs': 5}, {'lr': 0.02, 'epochs': 5}]
        >>> print(report)
        unnamed space (1 task): 2 of 2 trials
          lr: renamed (from 'learning_rate'); clipped 1 of 2 (outside of a number from 0.01 to 0.1)
          epochs: filled 2 of 2 (with 5, as given)
        """
        rules = Rules(
            renamed=renamed or {},
            choices=choices or {},
            defaults=defaults or {},
            outside=outside,
            guess=guess,
        )
        new = as_space(space)
        histories, report = adapt_histories(self.histories, new, rules)
        return Adapted(self._with(histories), report)

    def diff(self, other: Portfolio) -> PortfolioDiff:
        """What changes from this portfolio to the other; false where nothing does."""
        added, removed, changed = diff_histories(self.by_key, other.by_key)
        return PortfolioDiff(
            added=added,
            removed=removed,
            changed=changed,
            licence=self.licence != other.licence,
            provenance=self.provenance != other.provenance,
        )

    # Outside -------------------------------------------------------------------------------------

    @staticmethod
    def from_frame(
        frame: pd.DataFrame,
        *,
        task: str,
        value: str,
        direction: Direction,
        space: SearchSpace | Mapping[str, BaseDistribution],
        state: str | None = None,
        fidelity: str | None = None,
        seconds: str | None = None,
        family: str | None = None,
        metric: str = "value",
    ) -> Portfolio:
        """A portfolio of a data frame with one row a trial.

        Args:
            frame: Columns named as the space's parameters hold configs, NaN or None where a
                parameter is inactive; further columns are left alone. A float within a rounding
                error (1e-7) of a bound counts as the bound. Durations are numbers of seconds,
                whatever their unit; moments are refused.
            task: Column of task names (text or whole numbers).
            value: Column of the metric; a trial without a finite value counts as FAILED.
            direction: "maximize" or "minimize", for all tasks.
            space: A SearchSpace, or a mapping name -> Optuna distribution.
            state: Column of states: COMPLETE, FAILED (or FAIL), PRUNED, in any case.
            fidelity: Column of shares of the full budget, in (0, 1].
            seconds: Column of training times in seconds.
            family: Column that names the relatives of a task, constant within a task.
            metric: What the values measure.

        Raises:
            InputError: an empty frame, a missing column or an unusable cell, named by row (counted
                from 0) and column.
            SpaceError: a config that the space does not allow, or not a space.
            RecordError: not a direction.
        """
        from autometa.portfolio.importers.frames import (
            histories_of_frame,  # pandas takes long to import
        )

        return Portfolio(
            histories_of_frame(
                frame,
                task=task,
                value=value,
                direction=direction,
                space=space,
                state=state,
                fidelity=fidelity,
                seconds=seconds,
                family=family,
                metric=metric,
            )
        )

    @staticmethod
    def from_studies(
        sources: StudySource | Iterable[StudySource],
        *,
        names: str | Iterable[str] | None = None,
        space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
        metric: str = "value",
        inner_lr: str | None = None,
        renamed: Mapping[str, str] | None = None,
        choices: Mapping[str, Mapping[Value, Value]] | None = None,
        defaults: Mapping[str, Value] | None = None,
        outside: Outside = "clip",
    ) -> Portfolio:
        """Import finished Optuna studies; what they lie in is only read, never written.

        A study becomes a task, one with several objectives one task each ("study/0", ...).
        COMPLETE, PRUNED and FAIL trials are kept, intermediate values become curves; the rules are
        in `studies`. Only params, distributions, values and times are read: attributes of
        trials, where samplers keep pickled objects, are never looked at.

        Args:
            sources: A URL as Optuna reads it, a sqlite or journal file, a storage, a study, or
                several of these.
            names: Names or glob patterns of studies; all where None.
            space: What is going to be tuned: studies of other spaces are adapted to it, as `adapt`
                does, and the provenance holds the report under "adapted". None infers the space
                from the distributions of each study, with the conditions that its trials show
                (rules in `inferring`); alike studies share one.
            metric: What the values measure; of several objectives "metric/0", "metric/1", ...
            inner_lr: Name of the parameter that is the inner learning rate, in spaces that are
                inferred; a log-scaled float. None finds it by its name (`lr`, `learning_rate`,
                `eta`, ..., see `rates`), "" says that there is none.
            renamed: As of `adapt`; like the next three it needs a `space`.
            choices: As of `adapt`.
            defaults: As of `adapt`.
            outside: As of `adapt`.

        Returns:
            A portfolio whose provenance says for each study how many trials were imported, how many
            skipped and why, and which studies could not be imported: those without a COMPLETE
            trial, without a usable space, or too different from `space` to help. Where such a study
            was given by itself or named, it raises.

        Raises:
            InputError: not a source, no study of a name, nothing to import, or a study that was
                asked for has no COMPLETE trial.
            SpaceError: a study that was asked for has distributions that make no space; a rule
                does not apply.
            StoreError: a storage cannot be opened, is damaged or locked.
            PortfolioError: studies of one space minimise and maximise one metric.
        """
        from autometa.portfolio.importers.studies import (
            import_studies,  # Optuna's storages take long
        )

        rules = Rules(
            renamed=renamed or {},
            choices=choices or {},
            defaults=defaults or {},
            outside=outside,
        )
        return import_studies(
            sources, names=names, space=space, metric=metric, inner_lr=inner_lr, rules=rules
        )

    @staticmethod
    def from_mlflow(
        path: str | Path,
        *,
        metric: str,
        direction: Direction,
        task: str = "experiment_id",
        space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
    ) -> Portfolio:
        """Import MLflow runs that were exported to CSV or JSON; layouts in `mlflow_runs`.

        Args:
            path: The file, `.csv` or JSON.
            metric: Which metric, with or without "metrics." before it.
            direction: Which way it is better.
            task: The column that names a run's task, such as "tags.dataset".
            space: What was tuned. None infers it from the parameters' values; rules in `runs`.

        Returns:
            A portfolio whose provenance says what was skipped and why, as of `from_studies`.

        Raises:
            InputError: not such an export, an unknown metric, task or state, nothing to import.
            StoreError: the file cannot be read, is damaged or too large.
            RecordError, SpaceError: the direction or the space is not valid.
        """
        from autometa.portfolio.importers.mlflow_runs import import_mlflow

        return import_mlflow(Path(path), metric=metric, direction=direction, task=task, space=space)

    @staticmethod
    def from_wandb(
        path: str | Path,
        *,
        metric: str,
        direction: Direction,
        task: str | None = None,
        params: Sequence[str] | None = None,
        space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
    ) -> Portfolio:
        """Import Weights & Biases runs that were exported to CSV or JSON; layouts in `wandb_runs`.

        Args:
            path: The file, `.csv` or JSON.
            metric: Key of the summary.
            direction: Which way it is better.
            task: The key or column that names a run's task; None: all runs are of one task, named
                like the file.
            params: Keys that were tuned. None: all of the config, or those of the space; a CSV file
                needs one of the two, since it does not tell config from summary.
            space: What was tuned. None infers it from the parameters' values; rules in `runs`.

        Returns:
            A portfolio whose provenance says what was skipped and why, as of `from_studies`.

        Raises:
            InputError: not such an export, an unknown key or state, nothing to import.
            StoreError: the file cannot be read, is damaged or too large.
            RecordError, SpaceError: the direction or the space is not valid.
        """
        from autometa.portfolio.importers.wandb_runs import import_wandb

        return import_wandb(
            Path(path), metric=metric, direction=direction, task=task, params=params, space=space
        )

    @staticmethod
    def from_hpob(path: str | Path, *, spaces: Iterable[str] | None = None) -> Portfolio:
        """Import a JSON file of HPO-B, such as `meta-train-dataset.json`, in bounded memory.

        Each of its spaces becomes the space "hpob-ID" with parameters x0, x1, ... in [0, 1]; the
        values are accuracies, to be maximised.

        Args:
            path: The file.
            spaces: Ids of the spaces to take; all where None.

        Raises:
            InputError: another layout, or a space that is not in it.
            StoreError: the file cannot be read or is damaged.
        """
        from autometa.portfolio.importers.hpob import import_hpob

        return import_hpob(Path(path), spaces=spaces)

    def save(self, folder: str | Path) -> None:
        """Write the portfolio to a folder, in the place of the one that is there, if any.

        Atomic: whatever interrupts it, a reader finds the whole old or the whole new portfolio.
        To change one that others may write too, use `update`.

        Raises:
            StoreError: the folder cannot be written, or holds a newer version's portfolio.
        """
        path = check_folder(folder)
        with store.locked(path):
            self._write(path)

    def _write(self, folder: str | Path) -> None:
        store.write(folder, self.histories, provenance=self.provenance, licence=self.licence)

    @staticmethod
    def load(
        folder: str | Path, *, space: str | None = None, metric: str | None = None
    ) -> Portfolio:
        """The portfolio of a folder; with `space`, only the tasks of spaces of that name.

        With `metric`, every task by that one, see `by`.

        The trials of a space that has more than a million are read, and checked, when their history
        is looked at: that may raise StoreError too. See `trial_files`.

        Raises:
            StoreError: not a portfolio, damaged, or written by a newer autometa.
            PortfolioError: no task was scored by the metric.
        """
        path = Path(folder).expanduser()
        found = _of(store.read(path, only=space), str(path))
        return found if metric is None else found.by(metric)

    @staticmethod
    def open(folder: str | Path, *, create: bool = False) -> Portfolio:
        """The portfolio of a folder that is to grow, as by `FeedBack`.

        Args:
            folder: Of a portfolio.
            create: Make an empty one where there is none, instead of raising.

        Raises:
            StoreError: as `load`, or it cannot be written.
        """
        if create and not store.exists(check_folder(folder)):
            return Portfolio.update(folder, lambda old: old)
        return Portfolio.load(folder)

    @staticmethod
    def update(
        folder: str | Path,
        change: Callable[[Portfolio], Portfolio],
        *,
        timeout: float | None = None,
    ) -> Portfolio:
        """Read a folder, change what it holds and write the result, while others wait.

        Args:
            folder: Of a portfolio; a new one starts empty.
            change: Old portfolio -> new portfolio, for example `lambda old: old.merge(new)`.
            timeout: Seconds to wait for another writer; half a minute where None.

        Returns:
            The new portfolio.

        Raises:
            StoreError: as `load` and `save`, or another writer held the folder for too long.
        """
        path = check_folder(folder)
        with store.locked(path, timeout):
            new = change(Portfolio.load(path) if store.exists(path) else Portfolio())
            new._write(path)
        return new

    @staticmethod
    def embedded(child: str, *, kind: str | None = None, metric: str | None = None) -> Portfolio:
        """The portfolio that ships with autometa: only the tasks of one child.

        Args:
            child: Its name.
            kind: "classification" or "regression": only tasks of this kind. Some children have a
                space for each, as a class weight means nothing in a regression.
            metric: By which every task is to be seen, see `by`; by default each kind of problem's
                own.

        Raises:
            PortfolioError: autometa ships none for this child, or no task of the kind, or with the
                metric.
            StoreError: the shipped files are damaged.
        """
        found = _of(shipped.read_embedded(child), "the embedded portfolio")
        if kind is not None:
            kinds = sorted({str(t.info.get("kind", "")) for t in found.tasks})
            if kind not in kinds:
                raise PortfolioError(
                    f"no embedded tasks of {child!r} of the kind {kind!r}", allowed=", ".join(kinds)
                )
            found = found._with(h for h in found.histories if h.task.info.get("kind") == kind)
        return found if metric is None else found.by(metric)


def _of(stored: store.Stored, where: str) -> Portfolio:
    try:
        return Portfolio(stored.histories, provenance=stored.provenance, licence=stored.licence)
    except PortfolioError as error:
        raise StoreError(f"{where} holds a portfolio that is not valid: {error}") from error
