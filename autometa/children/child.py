"""Child: a model family that can be trained on any table: its search space, how a config is built.

A family is the same on classifications and regressions but for a few parameters (a class weight in
a regression would do nothing), so a child is asked for the kind of problem at hand: `Child.on`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from autometa.children.metrics import DEFAULT
from autometa.children.prediction import Prediction
from autometa.children.problem import Preparation
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.space import Config, SearchSpace, Value
from autometa.tables import Kind, Schema, Table

if TYPE_CHECKING:
    from autometa.children.problem import Fold

__all__ = ["Child", "Prediction", "Trained", "metric"]

FROM = "-from-"
"""In the name of a child with a learned start, before the start's checksum."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training on all folds gave.

    Args:
        predictions: Of each fold's test rows.
        curve: One mean score an epoch by the default metric, (l,), if any.
    """

    predictions: tuple[Prediction, ...]
    curve: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A model family that can be trained on any table.

    Args:
        name: Name of the child, of its space and of its tasks' space.
        space: What is tuned; at least the parameters that matter, in ranges wide enough to fail.
            Its defaults are the library's own.
        preparation: What the model needs of its input.
        model: (config, schema, seed) -> scikit-learn estimator for prepared features. Class
            labels are whole numbers from 0.
        tuned: A config that is known to be good on tables unlike one another; may be empty.
        labels_only: Parameters that only a classification has.
        regression: Defaults that differ where the target is a number.
        train_folds: (config, schema, folds, seed, late) -> predictions, for a child that trains all
            folds at once or has a learning curve; `late()` says that time is up. Where None, the
            model is fitted fold by fold.
        steps: Parameter that counts the model's steps (trees), where a fitted model can also say
            what it would have predicted after fewer.
        after: (fitted model, X, schema, numbers of steps) -> prediction after each of them.
        needs: Modules to import before the clock starts, so that the first config is not charged.
        package: A module that it needs, where that is no dependency of autometa.
        install: What installs it.
        source: What `get` makes this child of in another process; its name by default.
        weighs: Whether rows may weigh differently; None asks the model's `fit`, which says nothing
            of a child that trains all folds at once.
        refuse: (table) -> raises InputError where the child cannot learn the table.
    """

    name: str
    space: SearchSpace
    preparation: Preparation
    model: Callable[[Config, Schema, int], Any]
    tuned: Mapping[str, Value] = field(default_factory=dict)
    labels_only: tuple[str, ...] = ("class_weight", "impurity")
    regression: Mapping[str, Value] = field(default_factory=dict)
    train_folds: Callable[[Config, Schema, list[Fold], int, Callable[[], bool]], Trained] | None = (
        None
    )
    steps: str | None = None
    after: Callable[[Any, Floats, Schema, Sequence[int]], list[Prediction]] | None = None
    needs: tuple[str, ...] = ()
    package: str = ""
    install: str = ""
    source: str = ""
    weighs: bool | None = None
    refuse: Callable[[Table], None] = lambda table: None

    def __post_init__(self) -> None:
        if self.space.name != self.name or not self.name:
            raise InputError(
                f"child {self.name!r} has a space named {self.space.name!r}",
                allowed="the same non-empty name",
            )
        if self.preparation not in get_args(Preparation):
            raise InputError(
                f"child {self.name!r} has the preparation {self.preparation!r}",
                allowed=", ".join(get_args(Preparation)),
            )
        if self.tuned:
            object.__setattr__(self, "tuned", self.space.check(self.tuned))
        object.__setattr__(self, "source", self.source or self.name)

    def on(self, kind: Kind | None) -> Child:
        """The child for a kind of problem: with the parameters that mean something there."""
        dropped = set(self.labels_only) & set(self.space.names)
        if kind != "regression" or not (dropped or self.regression):
            return self

        def kept(config: Mapping[str, Value]) -> dict[str, Value]:
            return {k: v for k, v in config.items() if k not in dropped}

        own = self.space
        space = SearchSpace(
            {n: d for n, d in own.distributions.items() if n not in dropped},
            conditions={n: c for n, c in own.conditions.items() if n not in dropped},
            defaults={**kept(own.defaults), **self.regression},
            inner_lr=own.inner_lr,
            name=own.name,
        )
        return replace(self, space=space, tuned=kept(self.tuned), regression={})

    def takes_weights(self, schema: Schema) -> bool:
        """Whether the rows of a table may weigh differently for it."""
        if self.weighs is not None or self.train_folds is not None:
            return bool(self.weighs)
        from autometa.children.weighing import takes_weights

        config = dict(self.on(schema.kind).space.defaults)
        return takes_weights(self.model(config, schema, 0))

    def build(self, config: Mapping[str, Value], schema: Schema, seed: int) -> Any:
        """An unfitted scikit-learn pipeline for a table, preprocessing and labels included.

        Raises:
            SpaceError: the config is not valid in the child's space for this kind of problem.
        """
        from autometa.children.pipeline import TablePipeline
        from autometa.children.preparation import preparer

        model = self.model(self.on(schema.kind).space.check(config), schema, seed)
        return TablePipeline(
            [("prepare", preparer(self.preparation, schema)), ("model", model)],
            numeric=schema.numeric,
            categorical=schema.categorical,
            labelled=schema.kind == "classification",
        )


def metric(kind: Kind) -> str:
    """Name of the default metric of a kind of problem; both are maximised."""
    return DEFAULT[kind]
