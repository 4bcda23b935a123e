"""TunedModel: what a search hands over, in memory and as a file.

The file is written by skops: a zip of JSON and arrays, without pickle. When it is read, only types
in `TRUSTED` are made again, all of them plain models and preparations; a file that names anything
else is refused before anything of it is built.
"""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from autometa.children.metrics import METRICS
from autometa.children.prediction import Prediction
from autometa.errors import InputError, MissingExtraError, StoreError
from autometa.tables.matching import labels_known
from autometa.tables.notes import shown
from autometa.tables.row_weights import weights_of
from autometa.tuning.scoring import Scoring
from autometa.versions import versions_of
from autometa.writing import put_in_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from autometa.children.pipeline import TablePipeline

TRUSTED = (
    "autometa.children.calendar.cycles_of",
    "autometa.children.calendar.parts_of",
    "autometa.children.category_means.CategoryMeans",
    "autometa.children.ensemble.EnsembleClassifier",
    "autometa.children.ensemble.EnsembleRegressor",
    "autometa.children.ensemble.Member",
    "autometa.children.families._calibrated.Calibrated",
    "autometa.children.families._coded.CodedClassifier",
    "autometa.children.families._coded.CodedRegressor",
    "autometa.children.families.svm.by_root_of_width",
    "autometa.children.log_target.LogTarget",
    "autometa.children.mlp.estimator.MLPClassifier",
    "autometa.children.mlp.estimator.MLPRegressor",
    "autometa.children.mlp.initial.Start",
    "autometa.children.pipeline.TablePipeline",
    "autometa.children.preparation.numbers_of",
    "autometa.children.preparation.squashed",
    "autometa.children.preparation.texts_of",
    "catboost.core.CatBoostClassifier",
    "catboost.core.CatBoostRegressor",
    "collections.OrderedDict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    # Of scikit-learn before 1.7, or not yet trusted by skops before 0.13.
    "_loss.CyHalfMultinomialLoss",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
)
"""Types beyond those that skops itself trusts (scikit-learn's and numpy's) in a saved model."""


class VersionWarning(UserWarning):
    """A model was made with other versions of what it needs than those that are installed."""


@dataclass(frozen=True, eq=False, repr=False)
class TunedModel:
    """A fitted model for the rows of a table, and what is known of how it came about.

    Args:
        pipeline: Takes rows as the table's and says its labels or numbers.
        about: Plain data: `metric`, `kind`, `table`, `leaderboard` (rows), `versions`.
        scoring: What `score` measures.
    """

    pipeline: TablePipeline
    about: Mapping[str, Any] = field(repr=False)
    scoring: Scoring = field(repr=False)

    def __repr__(self) -> str:
        """In a line: everything is in the attributes."""
        members = self.pipeline.steps[-1][1].members
        return (
            f"<TunedModel of {self.about.get('table', '')!r}: {self.about.get('metric', '')}, "
            f"{len(members)} members, columns {shown(self.pipeline.feature_names_in_)}>"
        )

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels as they came, or numbers, (n,), for rows X (n, m) with the table's columns.

        Raises:
            InputError: a column is missing.
        """
        return self.pipeline.predict(X)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Class probabilities (n, c), columns as `classes_`; of a classification only."""
        if not self.pipeline.labelled:
            raise InputError("probabilities of a regression", do="Use predict")
        return np.asarray(self.pipeline.predict_proba(X))

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels (c,)."""
        if not self.pipeline.labelled:
            raise AttributeError("classes_ of a regression")
        return np.asarray(self.pipeline.classes_)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The metric of the search on rows X (n, m) and their targets y (n,); higher is better.

        Args:
            X: Rows.
            y: Their targets.
            sample_weight: What each row counts, (n,).

        Raises:
            InputError: labels that no training row had, weights that are none or that the metric
                does not take, or a metric that the file cannot hold.
        """
        truth = self._truth(y)
        weights = sample_weight
        if weights is not None:
            if not self.scoring.weighs:
                raise InputError(f"weights of rows in {self.scoring.name}", allowed="it takes none")
            weights = weights_of(weights, np.ones(len(truth), dtype=bool), "the rows to score")
        said = self.predict(X)
        if len(said) != len(truth):
            raise InputError(f"{len(said)} rows and {len(truth)} targets: inconsistent numbers")
        if not self.pipeline.labelled:
            return self.scoring.score(truth, Prediction(said), np.empty(0), weights)
        rows = self.pipeline.predict_proba(X)
        codes = pd.Index(self.classes_).get_indexer(pd.Index(said))
        return self.scoring.score(truth, Prediction(codes, rows), self.classes_, weights)

    def _truth(self, y: Any) -> NDArray[Any]:
        given = self.pipeline.truth(y)
        if not self.pipeline.labelled:
            numbers = pd.to_numeric(given, errors="coerce").to_numpy(np.float64, na_value=np.nan)
            if lost := int((~np.isfinite(numbers)).sum()):
                raise InputError(f"{lost} of {len(given)} targets are no finite numbers")
            return np.asarray(numbers)
        return labels_known(given, pd.Index(self.classes_), "rows to score")

    def leaderboard(self) -> pd.DataFrame:
        """Trials, the best first; see `TuneResult.leaderboard`."""
        return pd.DataFrame(self.about.get("leaderboard", []))

    # Files ---------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write it with skops, without pickle, in one step.

        Raises:
            InputError: labels that no file holds, see `check_labels`.
            StoreError: the file cannot be written.
        """
        import skops.io

        path = Path(path)
        if not path.name:
            raise StoreError(f"a model in {str(path)!r}", allowed="the name of a file")
        if self.pipeline.labelled:
            check_labels(self.classes_)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        self.pipeline.about_ = json.dumps(dict(self.about))
        try:
            skops.io.dump(self.pipeline, temporary)
            put_in_place(temporary, path)
        except OSError as error:
            raise StoreError(
                f"the model {str(path)!r} cannot be written ({error.strerror})",
                allowed="a file in an existing folder that you may write to",
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return path

    @staticmethod
    def load(path: str | Path, *, trusted: Sequence[str] = ()) -> TunedModel:
        """Read a model.

        Args:
            path: Of a file that `save` wrote.
            trusted: Further types that it may hold, such as those of a family of your own.

        Raises:
            StoreError: there is no such file, it is damaged, or it holds a type that is not
                trusted.
            MissingExtraError: a library that it needs is not installed.

        Warns:
            VersionWarning: it was written with another version of a library that it needs.
        """
        import skops.io

        path = Path(path)
        if not path.is_file():
            raise StoreError(f"there is no file {str(path)!r}", do="Write one with save")
        known = {*TRUSTED, *trusted}
        try:
            types = set(skops.io.get_untrusted_types(file=path))
            if strange := sorted(types - known):
                raise StoreError(
                    f"the model {path.name!r} holds {', '.join(strange[:5])}",
                    allowed="what autometa writes itself",
                    do="Do not use the file, unless you know who wrote it: load(..., trusted=...)",
                )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of other versions: `about` names both
                pipeline = skops.io.load(path, trusted=sorted(known))
            model = TunedModel._of(pipeline)
        except StoreError:
            raise
        except ImportError as error:
            needed = (error.name or str(error)).partition(".")[0]
            raise MissingExtraError(
                f"the model {path.name!r} needs {needed}, which is not installed",
                do=f"Install it: pip install {needed}",
            ) from error
        except (BadZipFile, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(
                f"the model {path.name!r} cannot be read ({error})",
                allowed="a file that save or --save wrote",
            ) from error
        model._check_versions({"scikit-learn", *(name.partition(".")[0] for name in types)})
        return model

    def _check_versions(self, needed: Iterable[str]) -> None:
        """Warn where the libraries are not those that it was made with; patches do not count."""
        made, here = self.about.get("versions", {}), versions_of()
        others = [
            f"{name} {made[name]} (here {here[name]})"
            for name in made
            if name.removesuffix("-cpu") in needed
            and name in here
            and made[name].split(".")[:2] != here[name].split(".")[:2]
        ]
        if others:
            said = f"the model was made with {', '.join(others)}: it may predict otherwise here"
            warnings.warn(said, VersionWarning, stacklevel=4)

    @staticmethod
    def _of(pipeline: Any) -> TunedModel:
        from autometa.children.pipeline import TablePipeline

        if not isinstance(pipeline, TablePipeline):
            raise ValueError(f"it holds a {type(pipeline).__name__}")
        about = json.loads(pipeline.about_)
        kind = "classification" if pipeline.labelled else "regression"
        classes = len(pipeline.classes_) if pipeline.labelled else 0
        try:
            scoring = Scoring.of(about["metric"], kind, classes)  # type: ignore[arg-type]
        except InputError:  # a scorer of the user's own, which no file holds
            scoring = Scoring(
                name=about["metric"], standard=METRICS["accuracy" if classes else "r2"], scorer=_no
            )
        return TunedModel(pipeline, about, scoring)


def check_labels(labels: Iterable[Any]) -> None:
    """Refuse labels that a file of a model cannot hold without a pickle.

    Raises:
        InputError: they are intervals, periods, dates with a zone, members of an enum, ...
    """
    plain = str | bytes | int | float | np.generic
    for label in labels:
        if not isinstance(label, plain) or isinstance(label, Enum):
            raise InputError(
                f"labels of type {type(label).__name__} in a file",
                allowed="text, numbers, true and false",
                do="Make text of them before the search: y.astype(str)",
            )


def load_model(path: str | Path, *, trusted: Sequence[str] = ()) -> TunedModel:
    """Read a model that `tune(...).save` or `autometa tune --save` wrote; see `TunedModel.load`."""
    return TunedModel.load(path, trusted=trusted)


def _no(*_: Any) -> float:
    raise InputError(
        "the score of a model that was tuned by a function of your own",
        do="Score its predictions with that function",
    )
