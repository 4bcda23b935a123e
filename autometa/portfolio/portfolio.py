"""Portfolio: the histories that meta-training uses. Immutable; every change is a new portfolio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from autometa.errors import PortfolioError
from autometa.portfolio import merging
from autometa.portfolio.adapting import AdaptReport, adapt_histories
from autometa.portfolio.diff import PortfolioDiff, diff_histories
from autometa.portfolio.imports import Imported
from autometa.portfolio.store import folder as store
from autometa.portfolio.store import shipped
from autometa.space import SearchSpace, Value
from autometa.space.rates import as_space
from autometa.space.rules import Outside, Rules
from autometa.space.values import listed
from autometa.storages.addresses import check_folder
from autometa.task import Task, TaskHistory

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


_KINDS = ("classification", "regression")


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Portfolio(Imported):
    """Histories of tasks, of one space or of several.

    Args:
        histories: Any number, also none; a task's name is unique among the tasks of its space.
        provenance: Where it comes from: versions, seeds, command, wall time, ...; JSON-able.
        licence: Terms of the data, as an SPDX expression where there is one.

    Raises:
        PortfolioError: a task comes twice, or one metric of a space is both maximised and
            minimised.
    """

    # New portfolios ------------------------------------------------------------------------------

    def _with(self, histories: Iterable[TaskHistory]) -> Portfolio:
        return replace(self, histories=tuple(histories))

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

    def of_kind(self, kind: str) -> Portfolio:
        """Tasks of one kind of problem, since a regression says little of a classification.

        Args:
            kind: "classification" or "regression"; tasks that do not say theirs are kept.

        Raises:
            PortfolioError: no such kind, nor a task that says it is of it.
        """
        known = {*_KINDS, *(str(t.info["kind"]) for t in self.tasks if "kind" in t.info)}
        if kind not in known:
            raise PortfolioError(f"kind {kind!r}", allowed=listed(sorted(known)))
        return self._with(h for h in self.histories if h.task.info.get("kind", kind) == kind)

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

    # On disk --------------------------------------------------------------------------------------

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
        store.write(folder, self)

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
        found = Portfolio._of(store.read(path, only=space))
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
        found = Portfolio._of(shipped.read_embedded(child))
        if kind is not None:
            kinds = sorted({str(t.info.get("kind", "")) for t in found.tasks})
            if kind not in kinds:
                raise PortfolioError(
                    f"no embedded tasks of {child!r} of the kind {kind!r}", allowed=", ".join(kinds)
                )
            found = found.of_kind(kind)
        return found if metric is None else found.by(metric)


class Adapted(NamedTuple):
    """What `Portfolio.adapt` returns."""

    portfolio: Portfolio
    report: AdaptReport
