"""What tuning a table found: plain records that the report, the plots and the JSON read.

Values are scores as of scikit-learn's scorers: higher is
better, and a loss has `neg_` before its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autometa.errors import InputError, RecordError
from autometa.space import Config
from autometa.task import Direction
from autometa.tuning import leaderboard
from autometa.tuning.arms import Arm, TunedTrial
from autometa.tuning.worth import worth

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray
    from optuna.study import Study

    from autometa.meta import MetaModel
    from autometa.tuning.model import TunedModel
    from autometa.tuning.shown import Shown
    from autometa.tuning.thresholds import Threshold

CHECKPOINTS = (1, 3, 5, 10, 25, 50, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneResult:
    """What `tune` returns.

    Args:
        table: Name of the table.
        child: The child of the best trial (of the warm arm), else of the model, else the one asked
            for.
        asked: What was asked for: a child's name or "auto".
        metric: What the values measure.
        warm: The search that starts from the portfolio.
        cold: Optuna's default search on the same folds, if it was asked for.
        prior_tasks: Number of prior tasks that the meta-model was fitted to.
        excluded_tasks: Prior tasks left out because they are this table or a relative of it.
        folds: Cross-validation folds.
        rows: That configs were tried on; 0 where that is not known.
        seed: What the search and the folds were seeded with.
        seconds: Wall time of the whole call.
        own_seconds: The part of it not spent waiting for children to train.
        versions: Package -> version.
        study_name: Name of the warm study; for child="auto" each child's study is called
            `<study_name>-<child>`. The cold study is `<study_name>-cold`.
        study: The warm arm's Optuna study; for child="auto" that of the winning child.
        model: What the warm arm knew beforehand; for child="auto" that of the winning child.
        meta_features: Of the table.
        members: Trials that the fitted model is made of, with their weights, the heaviest first.
        ensemble_score: Of their sum on held-out rows; optimistic, as these rows chose the weights.
        fitted: The model; None where none was asked for, or none could be fitted.
        notes: What else its user should know, in sentences.
        test_score: Of the model on rows apart, where there were any.
        default_test_score: Of the best untuned default on the same rows, fitted to the same table.
        table_notes: What was done to the table on the way in.
        threshold: Where the model cuts labels; None where at the most probable class.
        held_out: What a page shows of its held-out predictions.
    """

    table: str
    child: str
    asked: str
    metric: str
    warm: Arm
    cold: Arm | None = None
    direction: Direction = "maximize"
    prior_tasks: int = 0
    excluded_tasks: tuple[str, ...] = ()
    folds: int = 5
    rows: int = 0
    seed: int = 0
    seconds: float = 0.0
    own_seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    study_name: str = ""
    study: Study | None = field(default=None, repr=False, compare=False)
    model: MetaModel | None = field(default=None, repr=False, compare=False)
    meta_features: Mapping[str, float] = field(default_factory=dict, repr=False, compare=False)
    members: tuple[tuple[TunedTrial, float], ...] = field(default=(), repr=False)
    ensemble_score: float | None = None
    fitted: TunedModel | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    test_score: float | None = None
    default_test_score: float | None = None
    table_notes: tuple[str, ...] = field(default=(), repr=False)
    threshold: Threshold | None = None
    held_out: Shown | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for arm in self.arms:
            if arm.direction != self.direction:
                raise RecordError(
                    f"arm {arm.name!r} is to {arm.direction}", allowed=f"to {self.direction}"
                )

    def __repr__(self) -> str:
        """In a line: everything is in the attributes."""
        best = f"{self.child}, not tested" if self.untested else "no trial succeeded"
        if self.best is not None and self.best.value is not None:
            best = f"{self.metric} {self.best.value:.4f} by {self.best.child}"
        size = f"{len(self.warm)} trials, {self.seconds:.1f} s, {len(self.members)} members"
        return f"<TuneResult of {self.table!r}: {best}; {size}>"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The searches that were run, warm first."""
        return (self.warm,) if self.cold is None else (self.warm, self.cold)

    @property
    def best(self) -> TunedTrial | None:
        """The warm arm's best trial; None where every trial failed."""
        return self.warm.best

    @property
    def untested(self) -> bool:
        """Whether the model is a default that no trial has tested; a note says why."""
        return self.fitted is not None and self.best is None

    @property
    def best_value(self) -> float | None:
        """Its value."""
        return None if self.best is None else self.best.value

    @property
    def best_params(self) -> Config:
        """Its config."""
        return {} if self.best is None else dict(self.best.config)

    @property
    def inner_lr(self) -> float | None:
        """Its inner learning rate; None where the child has none."""
        return None if self.best is None else self.best.inner_lr

    @property
    def trials_to_match_cold(self) -> int | None:
        """Warm trials that reach what cold reached at its end; None where they never did."""
        if self.cold is None or self.cold.best is None:
            return None
        return self.warm.trials_to(self.cold.best.value)

    # The model ------------------------------------------------------------------------------------

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels as they came, or numbers, (n,), for rows X (n, m) with the table's columns.

        Raises:
            InputError: there is no fitted model, or a column is missing.
        """
        return self._model().predict(X)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Class probabilities (n, c), columns as `classes_`."""
        return self._model().predict_proba(X)

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels (c,) of a classification."""
        return self._model().classes_

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The metric on rows X (n, m), their targets y and weights (n,); higher is better."""
        return self._model().score(X, y, sample_weight)

    def leaderboard(self) -> pd.DataFrame:
        """The trials, the best first: score, family, weight in the model, seconds, config, reason.

        Failed ones come last, with the reason of the failure.
        """
        return leaderboard.leaderboard(self.warm, self.members)

    def explain(self) -> pd.DataFrame:
        """Why each member of the model was tried: the rule, in words, and the prior tasks heard."""
        return leaderboard.explain(self.warm, self.members)

    def save(self, path: str | Path) -> Path:
        """Write the model as a skops file, without pickle; `autometa.load_model` reads it.

        Raises:
            InputError: there is no fitted model.
            StoreError: the file cannot be written.
        """
        return self._model().save(path)

    def _model(self) -> TunedModel:
        if self.fitted is None:
            why = self.notes[-1] if self.notes else ""
            raise InputError(
                "a search without a fitted model" + f" ({why})" * bool(why),
                do="Look at leaderboard() for failures, and leave refit=True",
            )
        return self.fitted

    def checkpoints(self) -> list[tuple[int, float | None, float | None]]:
        """Rows (trials, warm best, cold best) for the table that users read."""
        n = max(map(len, self.arms))
        marks = sorted({k for k in CHECKPOINTS if k <= n} | ({n} if n else set()))
        return [(k, _at(self.warm, k), _at(self.cold, k)) for k in marks]

    def to_json(self) -> dict[str, Any]:
        """Plain data, no NaN; `warm` and `cold` hold the best value so far after each trial."""
        result: dict[str, Any] = {
            "table": self.table,
            "child": self.child,
            "asked": self.asked,
            "metric": self.metric,
            "direction": self.direction,
            "best_value": self.best_value,
            "best_params": self.best_params,
            "inner_lr": self.inner_lr,
            "excluded_tasks": list(self.excluded_tasks),
            "prior_tasks": self.prior_tasks,
            "warm": list(self.warm.best_so_far),
            "reasons": [t.reason for t in self.warm.trials],
            "trials": [t.to_json() for t in self.warm.trials],
            "study_name": self.study_name,
            "folds": self.folds,
            "rows": self.rows,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "own_seconds": round(self.own_seconds, 3),
            "versions": dict(self.versions),
            "members": [
                {"number": t.number, "child": t.child, "weight": round(w, 4)}
                for t, w in self.members
            ],
            "ensemble_score": self.ensemble_score,
            "test_score": self.test_score,
            "default_test_score": self.default_test_score,
            "threshold": None if self.threshold is None else self.threshold.to_json(),
            "held_out": None if self.held_out is None else self.held_out.to_json(),
            "prior_worth": None if (found := worth(self.warm)) is None else found.to_json(),
            "search_notes": list(self.notes),
        }
        if self.cold is not None:
            result["cold"] = list(self.cold.best_so_far)
            result["cold_trials"] = [t.to_json() for t in self.cold.trials]
            result["trials_to_match_cold"] = self.trials_to_match_cold
        return result


def _at(arm: Arm | None, k: int) -> float | None:
    return arm.best_so_far[k - 1] if arm is not None and len(arm) >= k else None
