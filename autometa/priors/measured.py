"""Which prior tasks teach a search, by its metric and its kind of problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from autometa.errors import InputError, PortfolioError
from autometa.portfolio import Portfolio
from autometa.portfolio.importers.study_names import UNNAMED, is_named
from autometa.priors.near import near_names
from autometa.showing import few

if TYPE_CHECKING:
    from autometa.tables import Kind
    from autometa.task import Direction


STAND_INS: Mapping[str, str] = {
    **dict.fromkeys(("mse", "l2", "mean_squared_error"), "rmse"),
    **dict.fromkeys(("msle", "mean_squared_log_error"), "rmsle"),
    **dict.fromkeys(("error", "error_rate", "merror", "binary_error", "multi_error"), "accuracy"),
    **dict.fromkeys(("f1", "f1_score", "f1_micro", "f1_weighted"), "f1_macro"),
}
"""What libraries measure besides -> the standard metric that puts configs in nearly its order."""
_TURNED = frozenset(name for name, metric in STAND_INS.items() if metric == "accuracy")


def kind_of(metric: str | None) -> Kind | None:
    """The kind of problem that a metric scores; None where it is none of the standard ones."""
    from autometa.children.metrics import METRICS

    found = METRICS.get(_plain(metric or ""))
    return None if found is None else found.kind


def is_standard(metric: str) -> bool:
    """Whether it is one of the standard metrics, by any of its names."""
    return kind_of(metric) is not None


def check_metric(metric: str, direction: Direction | None) -> None:
    """Refuse a metric that no prior task can have, or that is better the other way.

    Args:
        metric: One of the standard metrics, by any of its names; `neg_` in front turns it round.
        direction: Of the search; None where it is not known yet.

    Raises:
        InputError: it is none of them, or not to be searched in this direction.
    """
    from autometa.children.metrics import METRICS

    found = METRICS.get(_plain(metric))
    if found is None:
        near = near_names(metric, [*METRICS, *STAND_INS])
        raise InputError(
            f"metric {metric!r}, by which no prior task of a family is scored",
            allowed=", ".join(METRICS),
            do=(f"Did you mean {' or '.join(map(repr, near))}? " if near else "")
            + "Without metric= each prior task counts by the usual one of its kind",
        )
    turned = metric.lower().startswith("neg_")
    wanted = found.direction
    if turned != (_bare(metric) in _TURNED):
        wanted = "maximize" if wanted == "minimize" else "minimize"
    if direction is not None and direction != wanted:
        raise InputError(
            f"a search that would {direction} {metric!r}",
            allowed=f"{wanted!r}",
            do=_opposite(metric),
        )


def by_metric(portfolio: Portfolio, metric: str | None, kind: Kind | None) -> tuple[Portfolio, str]:
    """The tasks that teach, by the metric, and what there is to say of it."""
    kind = kind or kind_of(metric)
    of_kind = portfolio if kind is None else portfolio.of_kind(kind)
    if metric is None:
        return of_kind, ""
    plain = _plain(metric)
    line = f"{plain} of prior tasks stands for {metric}" * (_bare(metric) in STAND_INS)
    try:
        return of_kind.by(plain), line
    except PortfolioError:
        usual = ", ".join(dict.fromkeys(t.metric for t in of_kind.tasks))
        return of_kind, f"no prior task was scored by {metric}: {usual} stands for it"


def by_named(
    portfolio: Portfolio, metric: str | None, direction: Direction | None = None
) -> tuple[Portfolio, str]:
    """Tasks of any kind: by the metric where it scored their trials beside their own.

    Returns:
        All tasks, the others as they are, and what there is to say if none was scored by it.

    Raises:
        InputError: tasks have this very metric, and it is better the other way there.
    """
    if metric is None or not len(portfolio):
        return portfolio, ""
    names = (metric, metric.removeprefix("neg_"), _plain(metric))
    found = [
        next((n for n in names if n in (h.task.metric, *h.task.metrics)), "")
        for h in portfolio.histories
    ]
    for name, task in zip(found, portfolio.tasks, strict=True):
        known = task.direction if name == task.metric else task.metrics.get(name)
        if name == metric and is_named(metric) and direction not in (None, known):
            raise InputError(
                f"a search that would {direction} {metric!r}, unlike prior task {task.name!r}",
                allowed=f"{known!r}",
                do=_opposite(metric),
            )
    if not any(found):
        usual = dict.fromkeys(t.metric for t in portfolio.tasks if t.metric != UNNAMED)
        line = f"no prior task was scored by {metric}: {few([*usual])} stands for it"
        return portfolio, line if usual else ""
    if all(n in ("", t.metric) for n, t in zip(found, portfolio.tasks, strict=True)):
        return portfolio, ""
    read = [h.by(n) if n else h for h, n in zip(portfolio.histories, found, strict=True)]
    return replace(portfolio, histories=tuple(read)), ""


def _opposite(metric: str) -> str:
    turned = metric.lower().startswith("neg_")
    other = metric[4:] if turned else f"neg_{metric}"
    return f"If the objective returns it with the opposite sign, say metric={other!r}"


def _plain(metric: str) -> str:
    """The standard metric that is meant, or that stands for what is."""
    from autometa.children.metrics import ALIASES

    name = _bare(metric)
    return ALIASES.get(name, STAND_INS.get(name, name))


def _bare(metric: str) -> str:
    return metric.lower().removeprefix("neg_")
