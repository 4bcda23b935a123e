"""The pipeline of a child on a table: it takes rows as people have them and speaks their labels.

Children see prepared matrices and class numbers, in the search and here alike: labels are encoded
once, when the pipeline is fitted, and decoded when it predicts. Rows to predict may come as a frame
(columns by name, in any order), as a matrix (columns by place) or sparse; true and false as 0 and
1; cells may be missing, or hold what no training row held.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from autometa.children.preparation import as_matrices
from autometa.errors import InputError
from autometa.tables.columns import Reading
from autometa.tables.dates import DURATION
from autometa.tables.frames import frame_of, target_of
from autometa.tables.matching import columns_there
from autometa.tables.notes import TableWarning, shown
from autometa.tables.numerals import is_mark
from autometa.tables.rereading import written_otherwise
from autometa.tables.values import are_plain, as_number, as_text, is_moment, is_text

_TRUTHS = {"0": "False", "1": "True", "false": "False", "true": "True"}
_MOST_DAYS = 1e6  # the year 4707
BOOLEANS = frozenset(_TRUTHS.values())


def _delegated(name: str, what: str) -> Any:
    """A method of the model, for rows X (n, m); there only where the model has it."""

    def has(pipeline: TablePipeline) -> bool:
        return hasattr(pipeline.steps[-1][1], name)

    def method(self: TablePipeline, X: Any, **params: Any) -> NDArray[np.float64]:
        rows = self._rows(X)
        with _quiet():
            return np.asarray(getattr(super(TablePipeline, self), name)(rows, **params))

    method.__name__, method.__doc__ = name, what
    return available_if(has)(method)


class TablePipeline(Pipeline):  # type: ignore[misc]
    """A scikit-learn pipeline for the rows of one kind of table.

    Args:
        steps: As `Pipeline`: preparation and model.
        numeric: Names of the number columns.
        categorical: Names of the category columns.
        labelled: Whether the target is labels; the model sees them as whole numbers from 0.
        reading: How the table's columns were read, `tables.columns.Reading.to_json`; rows to
            predict may then come as the table did, and are read alike.
        memory, verbose, transform_input: As `Pipeline`.

    Attributes:
        classes_: Labels (c,) in the order of the columns of `predict_proba`.
        feature_names_in_: Columns of the rows it was fitted to, (m,).
    """

    def __init__(
        self,
        steps: Sequence[tuple[str, Any]],
        *,
        numeric: Sequence[str] = (),
        categorical: Sequence[str] = (),
        labelled: bool = False,
        reading: Mapping[str, Any] | None = None,
        memory: Any = None,
        verbose: bool = False,
        transform_input: Any = None,
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.labelled = labelled
        self.reading = reading
        super().__init__(steps, memory=memory, verbose=verbose, transform_input=transform_input)

    def fit(self, X: Any, y: Any, **params: Any) -> Self:
        """Fit to rows X (n, m) and the target y (n,)."""
        frame, target = frame_of(X), target_of(y)
        self.names_ = list(self._reading.columns or frame.columns)
        frame = self._known_columns(self._reading.apply(frame))
        self.known_ = {c: sorted(set(as_text(frame[c]).dropna())) for c in self.categorical}
        with as_matrices():
            super().fit(frame, self._coded(target), **params)
        return self

    def _coded(self, target: pd.Series[Any]) -> NDArray[Any]:
        """The target (n,) as the model sees it; keeps the labels."""
        if not self.labelled:
            return np.asarray(target, dtype=np.float64)
        labels = target.astype("category").cat.remove_unused_categories()
        if labels.isna().any():
            raise InputError("a target with missing labels", allowed="a label for each row")
        self.labels_ = np.asarray(labels.cat.categories)
        return np.asarray(labels.cat.codes, dtype=np.int64)

    def predict(self, X: Any, **params: Any) -> NDArray[Any]:
        """Labels or numbers (n,) for rows X (n, m)."""
        rows = self._rows(X)
        with _quiet():
            found = super().predict(rows, **params)
        return np.asarray(self.labels_[found] if self.labelled else found)

    predict_proba = _delegated("predict_proba", "Probabilities (n, c), columns as `classes_`.")
    predict_log_proba = _delegated("predict_log_proba", "Their logarithms (n, c).")
    decision_function = _delegated("decision_function", "The model's decision function.")

    def score(self, X: Any, y: Any) -> float:
        """Accuracy, or R^2."""
        found = self.predict(X)
        return float((accuracy_score if self.labelled else r2_score)(self.truth(y), found))

    def truth(self, y: Any) -> pd.Series[Any]:
        """Targets (n,) as they were given, read as the table's were."""
        return self._reading.truth(target_of(y))

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels (c,)."""
        return np.asarray(self.labels_[np.asarray(self.steps[-1][1].classes_)])

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the columns of the rows it was fitted to, (m,)."""
        check_is_fitted(self, "names_")
        return np.asarray(self.names_, dtype=object)

    @property
    def n_features_in_(self) -> int:
        """Their number."""
        check_is_fitted(self, "names_")
        return len(self.names_)

    # Rows ----------------------------------------------------------------------------------------

    def _rows(self, X: Any) -> pd.DataFrame:
        """Rows to predict, as those that it was fitted to."""
        check_is_fitted(self, "names_")
        given = frame_of(X, names=self._names_of)
        if not len(given):
            raise InputError("no rows to predict", allowed="one row or more")
        reading = self._reading
        frame = self._known_columns(reading.apply(given))
        numeric = given[list(self.numeric)]
        _tell_of_numbers_for_moments(numeric, reading)
        if not are_plain(numeric):
            numbers = [name for name in self.numeric if name not in reading.dates]
            found, said = written_otherwise(given, frame, numbers, reading.numbers)
            frame = frame.assign(**found)
            if reading.columns and (odd := [n for n in numbers if is_moment(given[n])]):
                said.append(
                    f"dates and durations are taken as days in columns of numbers: {shown(odd)}"
                )
            for sentence in said:
                _tell(sentence)
        if not are_plain(numeric) or np.isinf(numeric.to_numpy(dtype=np.float64)).any():
            for name in self.numeric:
                values = as_number(frame[name])
                frame[name] = values.where(~np.isinf(values))  # missing: no training row had it
                _tell_unread(given[name], frame[name])
        for name in self.categorical:
            texts = as_text(frame[name])
            if set(self.known_[name]) <= BOOLEANS:
                texts = texts.map(lambda text: _TRUTHS.get(str(text).lower(), text))
            frame[name] = texts
            _tell_unseen(texts, self.known_[name])
        return frame

    @property
    def _reading(self) -> Reading:
        return Reading(**(self.reading or {}))

    def _names_of(self, width: int) -> list[str]:
        """Names for a matrix: of the table as it was given, or of what was left of it."""
        left = [name for name in self.names_ if name in {*self.numeric, *self.categorical}]
        return left if width == len(left) else self.names_

    def _known_columns(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns that the model needs.

        Raises:
            InputError: one is missing.
        """
        needed = [*self.numeric, *self.categorical]
        columns_there(frame.columns, needed, "rows")
        known = {*needed, *self._reading.dropped, self._reading.target}
        if extra := [name for name in frame.columns if name not in known]:
            _tell(f"not used: column{'s' * (len(extra) > 1)} {shown(extra)}")
        return frame[needed].copy()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without scikit-learn's own warning of unseen categories, which names columns by number."""
    with warnings.catch_warnings(), as_matrices():
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        yield


def _tell_of_numbers_for_moments(given: pd.DataFrame, reading: Reading) -> None:
    """Moments may come as days, which `Table` makes of them; seconds are none."""
    for name, form in reading.dates.items():
        if name not in given or not is_numeric_dtype(given[name]):
            continue
        most = as_number(given[name]).abs().max()
        if most > _MOST_DAYS:
            what = "durations" if form == DURATION else "dates"
            _tell(f"column {name!r} holds {what}: numbers up to {most:g} are taken as days")


def _tell_unread(given: pd.Series[Any], read: pd.Series[Any]) -> None:
    lost = given[as_number(read).isna() & given.notna()]
    if is_text(lost):
        lost = lost[~as_text(lost).map(is_mark).astype(bool)]
    if len(lost):
        _tell(
            f"{len(lost)} cells of column {given.name!r} are no numbers and taken as missing: "
            f"{shown(lost.unique())}"
        )


def _tell_unseen(texts: pd.Series[Any], known: Iterable[str]) -> None:
    if unseen := sorted(set(texts.dropna()) - set(known)):
        _tell(f"column {texts.name!r} has values that no training row had: {shown(unseen)}")


def _tell(sentence: str) -> None:
    warnings.warn(sentence, TableWarning, stacklevel=5)
