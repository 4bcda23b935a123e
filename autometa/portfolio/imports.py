"""The doors into a portfolio: data frames, Optuna studies, trackers' runs, HPO-B's files.

What reads them lies in `importers`. Those of pandas and of Optuna's storages are imported when they
are first called: both take long to load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from autometa.portfolio.histories import Histories
from autometa.portfolio.importers.as_file import Export, as_file
from autometa.portfolio.importers.hpob import import_hpob
from autometa.space import SearchSpace, Value
from autometa.space.rules import Outside, Rules
from autometa.task import Direction

if TYPE_CHECKING:
    import pandas as pd
    from optuna.distributions import BaseDistribution

    from autometa.storages.sources import StudySource


class Imported(Histories):
    """Histories that can be made of what lies elsewhere; `Portfolio` is the one for users."""

    @classmethod
    def from_frame(
        cls,
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
    ) -> Self:
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
        from autometa.portfolio.importers.frames import histories_of_frame

        return cls(
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

    @classmethod
    def from_studies(
        cls,
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
    ) -> Self:
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
                By default what `Study.set_metric_names` says. Where nobody says, and some studies
                of a space minimise and some maximise, these are two metrics, and the latter's is
                "value (maximize)".
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
            PortfolioError: studies of one space minimise and maximise one metric that was named.
        """
        from autometa.portfolio.importers.studies import import_studies

        rules = Rules(
            renamed=renamed or {},
            choices=choices or {},
            defaults=defaults or {},
            outside=outside,
        )
        found = import_studies(
            sources, names=names, space=space, metric=metric, inner_lr=inner_lr, rules=rules
        )
        return cls._of(found)

    @classmethod
    def from_mlflow(
        cls,
        path: Export,
        *,
        metric: str,
        direction: Direction,
        task: str = "experiment_id",
        space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
    ) -> Self:
        """Import MLflow runs that were exported to CSV or JSON; layouts in `mlflow_runs`.

        Args:
            path: The file, `.csv` or JSON, or the data frame of `mlflow.search_runs`.
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

        with as_file(path) as file:
            return cls._of(
                import_mlflow(file, metric=metric, direction=direction, task=task, space=space)
            )

    @classmethod
    def from_wandb(
        cls,
        path: Export,
        *,
        metric: str,
        direction: Direction,
        task: str | None = None,
        params: Sequence[str] | None = None,
        space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
    ) -> Self:
        """Import Weights & Biases runs that were exported to CSV or JSON; layouts in `wandb_runs`.

        Args:
            path: The file, `.csv` or JSON, or a data frame of what such a CSV file would hold.
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

        with as_file(path) as file:
            return cls._of(
                import_wandb(
                    file, metric=metric, direction=direction, task=task, params=params, space=space
                )
            )

    @classmethod
    def from_hpob(cls, path: str | Path, *, spaces: Iterable[str] | None = None) -> Self:
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
        with as_file(path) as file:
            return cls._of(import_hpob(file, spaces=spaces))
