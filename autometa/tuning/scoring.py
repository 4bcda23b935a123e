"""What a search is scored by: any scorer of scikit-learn, folded so that higher is better.

A trial's value is the mean of its folds' scores, on held-out rows. Prior tasks were scored by the
standard metrics (`children.metrics`): where the scorer is none of them, what they teach
is taken by the nearest one, and `Scoring.note` says so.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from autometa.children.ensemble import as_said
from autometa.children.evaluation.evaluate import Outcome, failed
from autometa.children.metrics import DEFAULT, METRICS, OF_LABELS, Metric
from autometa.children.prediction import Prediction
from autometa.encoding import Floats
from autometa.errors import InputError, reason
from autometa.tables import Kind, Scale, Table
from autometa.tables.notes import shown
from autometa.tuning.held_out import HeldOut
from autometa.tuning.scorer_names import about_the_last, name_of, named

if TYPE_CHECKING:
    from numpy.typing import NDArray

Asked: TypeAlias = str | Callable[..., float] | None
"""How a user names a metric: a name, a scorer (estimator, X, y), a function (y, predicted)."""

_RELATIVE: Mapping[str, Scale] = {
    "root_mean_squared_log_error": "log",
    "rmsle": "log",
    "mean_squared_log_error": "log",
    "msle": "log",
    "mean_absolute_percentage_error": "log",
    "mape": "log",
    "smape": "log",
    "rmspe": "log",
    "mspe": "log",
    "mean_poisson_deviance": "balanced log",
    "mean_gamma_deviance": "balanced log",
}
"""Metrics, and functions as people name them, that ask how many times too much or too little."""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """A scorer.

    Args:
        name: As scikit-learn calls it; higher is better.
        standard: The standard metric that it is, or the nearest one.
        scorer: (estimator, X, y) -> score, higher is better; None where it is the standard metric.
        coded: Whether it sees 0 and 1 for two labels, since it wants to know the positive one.
        weighs: Whether rows may count differently in it.
    """

    name: str
    standard: Metric
    scorer: Callable[[Any, Any, Any], float] | None = None
    coded: bool = False
    weighs: bool = True

    @staticmethod
    def of(asked: Asked, kind: Kind, classes: int = 2) -> Scoring:
        """What a user asked for.

        Args:
            asked: A standard metric or a scorer of scikit-learn by name, a scorer, or a function
                (true, predicted) -> score, higher is better; None for the kind's default.
            kind: Of problem.
            classes: Number of classes, 0 in a regression.

        Raises:
            InputError: there is none of this name, or it is for other problems.

        >>> Scoring.of("log_loss", "classification").name
        'neg_log_loss'
        >>> Scoring.of("f1", "classification").note
        "prior tasks are read by 'f1_macro', the nearest to 'f1' that they were scored by"
        """
        if asked is None or isinstance(asked, str):
            return _by_name(DEFAULT[kind] if asked is None else asked, kind, classes)
        if not callable(asked):
            raise InputError(
                f"a metric of type {type(asked).__name__}",
                allowed="a name, a scorer (estimator, X, y) or a function (true, predicted)",
            )
        below = getattr(asked, "_score_func", getattr(asked, "func", asked))  # scorer, partial
        name = getattr(below, "__name__", "") or type(asked).__name__
        name = "scorer" if name == "<lambda>" else name
        return Scoring(
            name=name,
            standard=METRICS[DEFAULT[kind]],
            scorer=_scorer(asked),
            weighs=_takes_weights(asked),
        )

    @property
    def note(self) -> str:
        """What a user should know of it; "" where there is nothing."""
        if self.scorer is None:
            return ""
        return (
            f"prior tasks are read by {self.standard.name!r}, the nearest to {self.name!r} that "
            "they were scored by"
        )

    def about(self, labels: Sequence[Any]) -> str:
        """Which of two labels (c,) it is about, where a user may have meant the other; "" if none.

        A label of 1, or true, is what everybody means.
        """
        if len(labels) != 2 or not about_the_last(self.name) or labels[-1] == 1:
            return ""
        if self.scorer is not None and not self.coded:  # the user's own, which says it
            return ""
        return (
            f"{self.name} is about the label {shown(labels[-1:])}, the last of {shown(labels)}; "
            "a scorer with pos_label=... is about the other"
        )

    def scale(self, table: Table) -> Scale:
        """On what models should learn a table's target to be good by it."""
        if table.kind == "classification" or table.labels.min() < 0:
            return ""
        return _RELATIVE.get(self.name.lower().removeprefix("neg_"), "")

    @property
    def of_labels(self) -> bool:
        """Whether it looks at labels, and not at probabilities or numbers."""
        if self.scorer is None:
            return self.standard.name in OF_LABELS
        return getattr(self.scorer, "_response_method", "") == "predict"

    @property
    def sign(self) -> int:
        """What a standard metric is multiplied by to become the score."""
        return 1 if self.standard.direction == "maximize" else -1

    def score(
        self,
        truth: NDArray[Any],
        prediction: Prediction,
        labels: NDArray[Any],
        weights: Floats | None = None,
    ) -> float:
        """Of some held-out rows; NaN where it is not defined.

        Args:
            truth: Class indices or values, (m,).
            prediction: Of these rows.
            labels: The labels that class indices stand for, (c,); empty in a regression.
            weights: What each row counts, (m,), where the scorer can take them.
        """
        if self.scorer is None:
            if len(truth) < self.standard.least_rows:
                return math.nan
            return self.sign * self.standard.score(truth, prediction, weights)
        classes = labels if len(labels) else None
        if self.coded and len(labels) == 2:
            classes = np.arange(2)
        said: Floats = prediction.labels
        if prediction.shares is not None:
            said = np.column_stack([prediction.labels, prediction.shares])
        true = truth if classes is None else classes[truth]
        more = {} if weights is None or not self.weighs else {"sample_weight": weights}
        with warnings.catch_warnings():
            # Its value says so, and hundreds of predictions are scored.
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            return float(self.scorer(as_said(classes), said, true, **more))

    def applied(self, found: Outcome, held_out: HeldOut, predictions: Path | None) -> Outcome:
        """An outcome with this score as its value, in place of the kind's default metric.

        Args:
            found: With all standard metrics.
            held_out: The rows that its predictions are of.
            predictions: File of these, which a scorer that is no standard metric needs.
        """
        if found.trial.value is None:
            return found
        seconds = found.trial.seconds or 0.0
        try:
            if self.scorer is not None:
                assert predictions is not None
                values = self.by_fold(held_out, held_out.read(predictions))
            elif self.standard.name in found.metrics:
                values = [self.sign * value for value in found.metrics[self.standard.name]]
            else:  # by an evaluator that knows no metrics
                return found
        except Exception as problem:  # a scorer may raise anything: this config fails
            return failed(found.trial.config, seconds, reason(problem))
        if wrong := [v for v in values if not math.isfinite(v)]:
            error = f"a fold scored {wrong[0]}: {self.name} is not defined there"
            return failed(found.trial.config, seconds, error)
        trial = replace(found.trial, value=float(np.mean(values)), fold_scores=tuple(values))
        return replace(found, trial=trial)

    def check(self, held_out: HeldOut) -> None:
        """Whether it is a number for each split, before any time is spent on a search by it.

        It is asked of predictions that are right, of wrong ones, and of the mean in a regression,
        as a metric may have no value for some of them.

        Raises:
            InputError: it is none for all of these, or more for wrong ones than for right ones.
        """
        problems, asked = [], [held_out.right(), held_out.wrong()]
        for said in [*asked, *([] if len(held_out.labels) else [held_out.mean()])]:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)  # the value says it
                    values = self.by_fold(held_out, said)
                wrong = [i for i, value in enumerate(values) if not math.isfinite(value)]
            except Exception as problem:  # a scorer may raise anything
                problems.append((reason(problem), ""))
                continue
            if not wrong and not problems and self.scorer is not None and not self.coded:
                self._check_direction(held_out, float(np.mean(values)), asked[1])
            if not wrong:
                return
            why = f"it is {values[wrong[0]]} for the rows of split {wrong[0] + 1}"
            classes = "some that hold rows of each class out"
            other = classes if len(held_out.labels) else "another metric"
            problems.append((why, f"Take fewer splits, or {other}"))
        why, do = problems[0]
        if self.scorer is not None and not self.coded:
            do = (
                "A function sees labels, or what make_scorer(..., response_method='predict_proba') "
                "shows it"
            )
        raise InputError(
            f"the metric {self.name!r} says nothing of this table: {why}",
            allowed="a number, by true values and predictions alone",
            do=do,
        )

    def _check_direction(self, held_out: HeldOut, right: float, wrong: Prediction) -> None:
        """Refuse a function of the user's that is a loss: the search would look for the worst."""
        other = self.mean(held_out, wrong)
        if other > right + 1e-9 * abs(right):
            raise InputError(
                f"the metric {self.name!r} is {right:.4g} where all predictions are right, and "
                f"{other:.4g} where they are mixed up: a loss",
                allowed="a score, which is higher where predictions are better",
                do="Return its negative, or name a scorer such as neg_mean_squared_error",
            )

    def by_fold(self, held_out: HeldOut, whole: Prediction) -> list[float]:
        """Score of each fold."""
        weights = held_out.weights or (None,) * len(held_out.truths)
        parts = zip(held_out.truths, held_out.split(whole), weights, strict=True)
        return [self.score(truth, part, held_out.labels, w) for truth, part, w in parts]

    def mean(self, held_out: HeldOut, whole: Prediction) -> float:
        """Mean over the folds; minus infinity where it is no number, or raises, in one of them."""
        try:
            mean = float(np.mean(self.by_fold(held_out, whole)))
        except Exception:  # a scorer may raise anything, and now and then
            return -math.inf
        return mean if math.isfinite(mean) else -math.inf


def _by_name(name: str, kind: Kind, classes: int) -> Scoring:
    from sklearn.metrics import get_scorer

    scorer_name, standard = named(name, kind, classes)
    if scorer_name == name_of(standard):
        return Scoring(name=scorer_name, standard=standard)
    scorer = get_scorer(scorer_name)
    return Scoring(
        name=scorer_name,
        standard=standard,
        scorer=scorer,
        coded=True,
        weighs=_takes_weights(getattr(scorer, "_score_func", scorer)),
    )


def _takes_weights(asked: Callable[..., float]) -> bool:
    """Whether a scorer, or the function below one, has an argument for the rows' weights."""
    try:
        return "sample_weight" in signature(getattr(asked, "_score_func", asked)).parameters
    except (TypeError, ValueError):
        return False


def _scorer(asked: Callable[..., float]) -> Callable[..., float]:
    """A function of (true, predicted) as a scorer; a scorer as it is."""
    from sklearn.metrics import make_scorer

    try:
        parameters = signature(asked).parameters.values()
    except (TypeError, ValueError):
        return asked
    plain = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    taken = [p for p in parameters if p.kind in plain]
    needed = [p for p in taken if p.default is Parameter.empty]
    return make_scorer(asked) if len(needed) == 2 or len(taken) == 2 else asked
