"""What people call metrics: scikit-learn's scorer of a name, and the standard metric nearest it."""

from __future__ import annotations

from collections.abc import Mapping

from autometa.children.metrics import DEFAULT, METRICS, Metric, metric, of_kind
from autometa.errors import InputError
from autometa.tables import Kind

_SCORERS = {
    "log_loss": "neg_log_loss",
    "brier": "neg_brier_score",
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "median_absolute_error": "neg_median_absolute_error",
    "rmsle": "neg_root_mean_squared_log_error",
}
"""What scikit-learn calls the scorers of the losses."""

_CALLED = {
    "mse": "neg_mean_squared_error",
    "l2": "neg_mean_squared_error",
    "mape": "neg_mean_absolute_percentage_error",
    "msle": "neg_mean_squared_log_error",
    "mcc": "matthews_corrcoef",
}
"""What else people call scorers that are no standard metric."""

_NEAREST = (
    ("f1", "f1_macro"),
    ("jaccard", "f1_macro"),
    ("accuracy", "accuracy"),
    ("top_k", "accuracy"),
    ("roc_auc", "roc_auc"),
    ("neg_log", "log_loss"),
    ("neg_mean_squared_error", "rmse"),
    ("neg_max_error", "rmse"),
    ("neg_mean_absolute", "mae"),
    ("neg_mean_squared_log", "rmsle"),
)
"""Beginnings of other scorers' names, and the standard metrics nearest to them."""

_KINDS: Mapping[Kind, tuple[str, ...]] = {
    "classification": (
        *("accuracy", "average_precision", "balanced_accuracy", "d2_brier", "d2_log", "f1"),
        *("jaccard", "matthews", "neg_brier", "neg_log", "neg_negative", "positive", "precision"),
        *("recall", "roc_auc", "top_k"),
    ),
    "regression": (
        *("d2_absolute", "explained_variance", "neg_max", "neg_mean", "neg_median", "neg_root"),
        "r2",
    ),
}
"""Beginnings of the names of scorers that are about problems of one kind only."""

_TARGETS: Mapping[Kind, tuple[str, str]] = {
    "classification": ("classes", "AutoClassifier"),
    "regression": ("numbers", "AutoRegressor"),
}
"""What a target is, and the estimator for it."""

_OF_THE_LAST = (
    *("average_precision", "f1", "jaccard", "precision", "recall"),
    *("positive_likelihood_ratio", "neg_negative_likelihood_ratio"),
)


def about_the_last(name: str) -> bool:
    """Whether a scorer asks how well the last of two labels is found, and not both alike."""
    return name in _OF_THE_LAST


def name_of(standard: Metric) -> str:
    """What scikit-learn calls the scorer of a standard metric."""
    return _SCORERS.get(standard.name, standard.name)


def named(name: str, kind: Kind, classes: int) -> tuple[str, Metric]:
    """The scorer that is meant by a name, and the standard metric that it is or is nearest to.

    Args:
        name: As people write it.
        kind: Of problem.
        classes: Number of classes, 0 in a regression.

    Raises:
        InputError: there is none of this name, or it is for other problems.

    >>> name, nearest = named("F1", "classification", 2)
    >>> name, nearest.name
    ('f1', 'f1_macro')
    """
    from sklearn.metrics import get_scorer_names

    found = _standard(name, kind)
    if found is not None and not (found.two_classes and classes > 2):
        return name_of(found), found
    plain = _CALLED.get(name.lower(), name.lower())
    spelt = (name, plain, f"neg_{plain}", plain.removesuffix("_score"))
    scorer = next((n for n in spelt if n in get_scorer_names()), "")
    other: Kind = "regression" if kind == "classification" else "classification"
    elsewhere = _standard(name, other) is not None or scorer.startswith(_KINDS[other])
    if found is not None or not scorer or elsewhere:
        listed = [name_of(METRICS[n]) for n in of_kind(kind, classes)]
        many = f" with {classes} classes" * (found is not None)
        target, auto = _TARGETS[other]
        raise InputError(
            f"metric {name!r} of a {kind}{many}",
            allowed=f"{', '.join(listed)}, or another scorer of scikit-learn",
            do=f'If the target is {target}, say kind="{other}" (--kind {other}) or take {auto}'
            * elsewhere,
        )
    nearest = next((m for start, m in _NEAREST if scorer.startswith(start)), DEFAULT[kind])
    return scorer, METRICS[nearest if METRICS[nearest].kind == kind else DEFAULT[kind]]


def _standard(name: str, kind: Kind) -> Metric | None:
    try:
        return metric(name, kind)
    except InputError:
        return None
