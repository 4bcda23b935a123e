"""Child: a model family that ships with autometa: its search space and how a config is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from autometa.errors import InputError
from autometa.space import Config, SearchSpace, Value
from autometa.tables import Kind, Schema, Table

if TYPE_CHECKING:
    from autometa.children.folds import Fold

Preparation: TypeAlias = Literal["encoded", "scaled"]
"""How a table is prepared; see `preparation`."""

METRICS: Mapping[Kind, str] = {"classification": "balanced_accuracy", "regression": "r2"}


@dataclass(frozen=True, slots=True)
class FoldScores:
    """What training on all folds gave: scores (k,) and, if any, one mean score an epoch (l,)."""

    scores: tuple[float, ...]
    curve: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A model family that can be trained on any table.

    Args:
        name: Name of the child, of its space and of its tasks' space.
        space: What is tuned; at least the parameters that matter, in ranges wide enough to fail.
        preparation: What the model needs of its input.
        model: (config, schema, seed) -> scikit-learn estimator for prepared features. Class
            labels are whole numbers from 0.
        train_folds: (config, schema, folds, seed, late) -> scores, for a child that trains all
            folds at once or has a learning curve; `late()` says that time is up. Where None, the
            model is fitted fold by fold.
        needs: Modules to import before the clock starts, so that the first config is not charged.
        source: What `get` makes this child of in another process; its name by default.
        refuse: (table) -> raises InputError where the child cannot learn the table.
    """

    name: str
    space: SearchSpace
    preparation: Preparation
    model: Callable[[Config, Schema, int], Any]
    train_folds: (
        Callable[[Config, Schema, list[Fold], int, Callable[[], bool]], FoldScores] | None
    ) = None
    needs: tuple[str, ...] = ()
    source: str = ""
    refuse: Callable[[Table], None] = lambda table: None

    def __post_init__(self) -> None:
        if self.space.name != self.name or not self.name:
            raise InputError(
                f"child {self.name!r} has a space named {self.space.name!r}",
                allowed="the same non-empty name",
            )
        object.__setattr__(self, "source", self.source or self.name)

    def build(self, config: Mapping[str, Value], schema: Schema, seed: int) -> Any:
        """An unfitted scikit-learn pipeline for a table, preprocessing and labels included.

        Raises:
            SpaceError: the config is not valid in the child's space.
        """
        from autometa.children.pipeline import TablePipeline
        from autometa.children.preparation import preparer

        model = self.model(self.space.check(config), schema, seed)
        return TablePipeline(
            [("prepare", preparer(self.preparation, schema)), ("model", model)],
            numeric=schema.numeric,
            categorical=schema.categorical,
            labelled=schema.kind == "classification",
        )


def metric(kind: Kind) -> str:
    """Name of the metric of a kind of problem; both are maximised."""
    return METRICS[kind]
