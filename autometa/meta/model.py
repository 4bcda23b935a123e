"""MetaModel: what was learned from a portfolio, ready to start and to steer a new search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa.encoding import Floats
from autometa.errors import ModelError
from autometa.meta.lineage import Lineage
from autometa.meta.new_task import known_features
from autometa.meta.parts.improvement_chance import ImprovementChance
from autometa.meta.parts.inner_rate import InnerRate, RateModel
from autometa.meta.parts.transfer import Transfer
from autometa.meta.parts.zero_shot import greedy_portfolio
from autometa.showing import card, counted, few, html_card
from autometa.space import Config, SearchSpace
from autometa.space.ranges import inside
from autometa.space.rates import inner_rate
from autometa.space.values import Value

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from autometa.samplers.pruner import MetaPruner


_BEST = 20  # configs that stand for those worth trying


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One config to try before anything is known of the new task.

    Args:
        config: What to try.
        inner_lr: Its inner learning rate; None where the space has none or it is inactive.
        expected: Mean normal score that prior tasks predict for it: 0 = a median random config,
            1.28 = better than nine in ten. NaN where nothing was learned.
        reason: Why, in a sentence.
    """

    config: Config
    inner_lr: float | None
    expected: float
    reason: str

    def __repr__(self) -> str:
        rate = "" if self.inner_lr is None else f", inner_lr={self.inner_lr:.3g}"
        nothing = self.expected != self.expected
        score = "unknown" if nothing else f"{self.expected:+.2f} normal scores"
        return f"Candidate({self.config}{rate}, expected: {score}, {self.reason!r})"


@dataclass(frozen=True, kw_only=True, eq=False)
class MetaModel:
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

    space: SearchSpace
    tasks: tuple[str, ...]
    meta_features: tuple[Mapping[str, float], ...]
    transfer: Transfer | None
    chance: ImprovementChance | None = None
    licence: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    lineage: Lineage = field(default_factory=Lineage)

    def __repr__(self) -> str:
        return card(*self._told)

    def _repr_html_(self) -> str:
        return html_card(*self._told)

    @property
    def _told(self) -> tuple[str, dict[str, str]]:
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
        if n < 0:
            raise ModelError(f"n = {n}", allowed="0 or more candidates")
        if self.transfer is None:
            return self._defaults()[:n]
        catalogue = self.transfer.catalogue
        weights = self._judges_weights(meta_features)
        equal = np.full(len(weights), 1.0 / len(weights))
        rows = np.arange(len(catalogue.unit))
        if within is not None and within != self.space:
            raw = self.space.decode_raw(catalogue.unit)
            rows = np.flatnonzero(inside(within, self.space, raw))
        chosen = rows[greedy_portfolio(catalogue.regret[rows], n, equal)]
        configs = self.space.from_raw(self.space.decode_raw(catalogue.unit[chosen]))
        if within is not None:
            configs = [{n: v for n, v in c.items() if n in within.distributions} for c in configs]
        return [
            self._candidate(config, row, weights, rank)
            for rank, (config, row) in enumerate(
                zip(configs, catalogue.scores[chosen], strict=True)
            )
        ]

    def task_relevance(self, meta_features: Mapping[str, float] | None) -> Floats:
        """Weights (T,) of the prior tasks before any trial, summing to one; see `similarity`."""
        if self.transfer is None:
            return np.zeros(0)
        return self.transfer.similarity(known_features(meta_features))

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

    def sampler(
        self,
        *,
        seed: int,
        meta_features: Mapping[str, float] | None = None,
        base: optuna.samplers.BaseSampler | None = None,
        pool: Sequence[Config] | None = None,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    ) -> optuna.samplers.BaseSampler:
        """An Optuna sampler that starts where the prior tasks ended.

        Args:
            seed: Together with a trial's number it decides that trial's suggestion.
            meta_features: Of the new task, where known.
            base: Any Optuna sampler, for the cold arm: parameters that no prior task knows, the
                cold trials, and every trial once the prior tasks turn out not to help. By default
                a Gaussian process.
            pool: The only configs that can be tried, where there is such a list.
            constraints_func: As of Optuna's samplers: a finished trial's constraint values, above
                zero where it is infeasible.

        Raises:
            SpaceError: a config of the pool does not fit the space.
            InputError: meta-features that are no mapping.
        """
        from autometa.samplers.sampler import MetaSampler

        return MetaSampler(
            self,
            seed=seed,
            meta_features=meta_features,
            base=base,
            pool=pool,
            constraints_func=constraints_func,
        )

    def pruner(self, *, fallback: optuna.pruners.BasePruner | None = None) -> MetaPruner:
        """An Optuna pruner that has seen learning curves before; see `improvement_chance`.

        Args:
            fallback: Decides where the prior tasks have no curves; by default Optuna's
                MedianPruner. The pruner's `note` says so then.
        """
        from autometa.samplers.pruner import MetaPruner

        return MetaPruner(self.chance, fallback=fallback)

    def save(self, path: str | Path) -> None:
        """Write the model to one file (a zip of safetensors and JSON), atomically.

        Raises:
            StoreError: the file cannot be written.
        """
        from autometa.meta.store import save_model

        save_model(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> MetaModel:
        """Read a model that `save` wrote.

        Raises:
            StoreError: not a model, damaged, or of a newer version.
        """
        from autometa.meta.store import load_model

        return load_model(Path(path))

    # Parts ---------------------------------------------------------------------------------------

    def _judges_weights(self, meta_features: Mapping[str, float] | None) -> Floats:
        """Relevance of each judge of the catalogue, (J,), summing to one."""
        assert self.transfer is not None
        weights = self.task_relevance(meta_features)[self.transfer.catalogue.judges]
        result: Floats = weights / weights.sum()
        return result

    def _defaults(self) -> list[Candidate]:
        if not self.space.defaults:
            return []
        config = dict(self.space.defaults)
        reason = "the space's default config; there are no prior tasks to learn from"
        return [
            Candidate(
                config=config, inner_lr=self._inner_lr(config), expected=float("nan"), reason=reason
            )
        ]

    def _candidate(
        self, config: Config, predicted: Floats, weights: Floats, rank: int
    ) -> Candidate:
        order = np.argsort(-predicted)
        assert self.transfer is not None
        judges = self.transfer.catalogue.judges
        best_for = ", ".join(self.tasks[judges[i]] for i in order[:3])
        role = "best on average over" if rank == 0 else f"adds most to the {rank} before it, over"
        return Candidate(
            config=config,
            inner_lr=self._inner_lr(config),
            expected=float(predicted @ weights),
            reason=f"{role} {len(self.tasks)} prior tasks; strongest on {best_for}",
        )

    def _inner_lr(self, config: Config) -> float | None:
        value = config.get(self.space.inner_lr) if self.space.inner_lr else None
        return None if value is None else float(value)
