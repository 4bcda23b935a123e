"""MetaModel: what was learned from a portfolio, ready to start and to steer a new search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa.errors import ModelError
from autometa.meta.first_configs import Candidate, first_configs
from autometa.meta.learned import Learned
from autometa.meta.lineage import Lineage
from autometa.meta.parts.improvement_chance import ImprovementChance
from autometa.meta.parts.inner_rate import InnerRate, RateModel
from autometa.meta.parts.transfer import Transfer
from autometa.meta.store import load_model, save_model
from autometa.showing import card, counted, few, html_card
from autometa.space import Config, SearchSpace
from autometa.space.rates import inner_rate
from autometa.space.values import Value

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

__all__ = ["Candidate", "MetaModel"]

# The constructor is the record's; who reads its annotations looks their names up here.
_OF_THE_RECORD = (Any, ImprovementChance, Lineage, Transfer)
_BEST = 20  # configs that stand for those worth trying


@dataclass(frozen=True, kw_only=True, eq=False)
class MetaModel(Learned):
    """What `MetaLearner.fit` and `MetaLearner.refit` return.

    Args:
        space: The space of the prior tasks.
        tasks: Names of the prior tasks that taught something, length T.
        meta_features: Their meta-features, length T; a task's mapping may be empty.
        transfer: What was learned; None where there was nothing to learn from.
        chance: What was learned of learning curves; None where the prior tasks have none.
        licence: Terms of the data it was learned from, an SPDX expression where there is one.
        provenance: What it was learned from and by what; JSON-able.
        lineage: How it came about: its version, and what the last whole fit had seen.
    """

    def __repr__(self) -> str:
        return card(*self._summary)

    def _repr_html_(self) -> str:
        return html_card(*self._summary)

    @property
    def _summary(self) -> tuple[str, dict[str, str]]:
        trials = self.lineage.fitted_trials
        curves = "" if self.chance is None else "known: MetaPruner(model) gives up hopeless trials"
        facts = {
            "tasks": few(self.tasks),
            "space": f"{self.space.name or 'unnamed'} ({few(self.space.names, 6)})",
            "inner rate": self.space.inner_lr or "",
            "curves": curves,
            "learned": "" if self.transfer is not None else "nothing: it searches cold",
            "licence": self.licence,
        }
        about = f", {counted(trials, 'trial')}" if trials else ""
        return f"MetaModel of {counted(len(self.tasks), 'prior task')}{about}", facts

    def warm_start(
        self,
        n: int,
        *,
        meta_features: Mapping[str, float] | None = None,
        within: SearchSpace | None = None,
    ) -> list[Candidate]:
        """Configs for the first n trials, in the order in which to try them.

        Args:
            n: How many.
            meta_features: Of the new task, where known: they move what is expected of a config,
                not which ones are chosen, see `zero_shot`.
            within: What is searched, where that is narrower: no config lies outside of it, or
                has parameters that it does not have.

        Returns:
            At most n candidates. Without any prior task: the space's defaults, if it has any.

        Raises:
            ModelError: n is negative.
        """
        return first_configs(self, n, meta_features=meta_features, within=within)

    def predict_inner_lr(
        self,
        meta_features: Mapping[str, float] | None = None,
        config: Mapping[str, Value] | None = None,
        *,
        probe: Callable[[InnerRate], InnerRate] | None = None,
    ) -> InnerRate:
        """The inner learning rate that earlier tasks predict, with an interval; see `inner_rate`.

        Args:
            meta_features: Of the new task, where known.
            config: The other parameters; a rate in it is ignored. By default the configs that
                promise most over the prior tasks.
            probe: What a cheap measurement on the new task says of the config, see `rate_probe`.

        Raises:
            ModelError: the space has no inner learning rate, or nothing was learned of it; or a
                probe without the config that it was taken for.
            SpaceError: the config does not fit the space, or its inner rate is inactive.
        """
        rates, name = self.rates, self.space.inner_lr
        if config is None:
            if probe is not None:
                raise ModelError("a probe without a config", allowed="the config it was taken for")
            assert self.transfer is not None
            catalogue = self.transfer.catalogue
            unit = catalogue.unit[np.argsort(catalogue.regret.mean(axis=1))[:_BEST]]
        else:
            assert name is not None
            low = getattr(self.space.distributions[name], "low", None)
            unit = self.space.encode({**config, name: low})[None]
        found = rates.predict(self.space, unit, self.task_relevance(meta_features))
        return found if probe is None else probe(found)

    @property
    def rates(self) -> RateModel:
        """What was learned of inner learning rates.

        Raises:
            ModelError: the space has none, or nothing was learned of it.
        """
        name = self.space.inner_lr
        if name is None:
            raise ModelError(
                "the space names no inner learning rate",
                do="Say which parameter it is: SearchSpace(..., inner_lr="
                f"{inner_rate(self.space.distributions) or 'NAME'!r})",
            )
        if self.transfer is None or self.transfer.rates is None:
            raise ModelError(
                f"nothing was learned of {name!r}",
                allowed="a model fitted on at least one task with three different trials",
                do="Fit it again with MetaLearner.fit on such tasks",
            )
        return self.transfer.rates

    def save(self, path: str | Path) -> None:
        """Write the model to one file (a zip of safetensors and JSON), atomically.

        Raises:
            StoreError: the file cannot be written.
        """
        save_model(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> MetaModel:
        """Read a model that `save` wrote.

        Raises:
            StoreError: not a model, damaged, or of a newer version.
        """
        return MetaModel(**vars(load_model(Path(path))))

    # Short for what speaks Optuna. It stands above this package, so these ask at the front door. --

    def sampler(
        self,
        *,
        seed: int,
        meta_features: Mapping[str, float] | None = None,
        base: optuna.samplers.BaseSampler | None = None,
        pool: Sequence[Config] | None = None,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    ) -> optuna.samplers.BaseSampler:
        """`autometa.MetaSampler(model, ...)`, which says what the arguments mean."""
        made: optuna.samplers.BaseSampler = import_module("autometa").MetaSampler(
            self,
            seed=seed,
            meta_features=meta_features,
            base=base,
            pool=pool,
            constraints_func=constraints_func,
        )
        return made

    def pruner(
        self, *, fallback: optuna.pruners.BasePruner | None = None
    ) -> optuna.pruners.BasePruner:
        """`autometa.MetaPruner(model, fallback=fallback)`, which says when the other decides."""
        made: optuna.pruners.BasePruner = import_module("autometa").MetaPruner(
            self, fallback=fallback
        )
        return made
