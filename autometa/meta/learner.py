"""MetaLearner: the recipe that turns a portfolio into a MetaModel."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from autometa._version import __version__
from autometa.errors import InputError
from autometa.limits import whole
from autometa.meta.data.sampling import sampled
from autometa.meta.lineage import Lineage
from autometa.meta.model import MetaModel
from autometa.meta.parts.basis import fit_basis
from autometa.meta.parts.catalogue import fit_catalogue
from autometa.meta.parts.feasibility import fit_failure_rate
from autometa.meta.parts.improvement_chance import ImprovementChance, fit_improvement_chance
from autometa.meta.parts.kernel import fit_kernel
from autometa.meta.parts.prior import fit_prior
from autometa.meta.parts.similarity import fit_similarity, head_errors
from autometa.meta.parts.transfer import Transfer
from autometa.meta.refit import log_slope, rate_model, refitted
from autometa.meta.spaces.candidates import Candidates, Part
from autometa.meta.training_set import TrainingSet
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.threads import one_thread

_MOST_SOURCES = 50  # that a model names


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaLearner:
    """Learns from prior tasks what to try on the next one.

    Args:
        seed: Seed of everything random in `fit`; same seed and portfolio, same model.
        basis_size: Width of the learned basis.
        steps: Mini-batch steps of its training; None chooses by the amount of data.

    Raises:
        InputError: a seed that is no whole number from 0 on.

    >>> import numpy as np
    >>> from optuna.distributions import FloatDistribution
    >>> from autometa.task import Task, TaskHistory
    >>> space = SearchSpace({"x": FloatDistribution(0.0, 1.0)})
    >>> x = np.linspace(0.0, 1.0, 12)
    >>> tasks = [
    ...     TaskHistory(
    ...         task=Task(name=str(c), space=space, direction="minimize"),
    ...         raw=x[:, None],
    ...         values=(x - c) ** 2,
    ...     )
    ...     for c in (0.6, 0.7, 0.8)
    ... ]
    >>> model = MetaLearner(seed=0).fit(Portfolio(tasks))
    >>> 0.5 < model.warm_start(1)[0].config["x"] < 0.9
    True
    """

    seed: int = 0
    basis_size: int = 48
    steps: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", whole(self.seed, "seed", low=0))

    def fit(
        self, portfolio: Portfolio, *, space: SearchSpace | None = None, part: Part | None = None
    ) -> MetaModel:
        """The meta-model of a portfolio of one space.

        Args:
            portfolio: Any number of tasks; those that teach nothing are left out, see
                `training_set`, and of very many a sample teaches, see `sampling`.
            space: The space, where the portfolio may be empty.
            part: The part of it that is going to be searched, where that is known: the start lies
                in it, and so does what stands for parameters that a study leaves out.

        Raises:
            InputError: not a portfolio.
            PortfolioError: several spaces, or none and no `space` given.
        """
        space = _space_of(portfolio, space)
        taught = sampled(portfolio)
        training = TrainingSet.of(taught)
        return MetaModel(
            space=space,
            tasks=training.names,
            meta_features=training.meta_features,
            transfer=self._transfer(space, training, part or Part()) if len(training) else None,
            lineage=Lineage.whole(training),
            chance=self._chance(taught),
            licence=portfolio.licence,
            provenance=self._provenance(portfolio),
        )

    def refit(
        self, model: MetaModel, portfolio: Portfolio, *, space: SearchSpace | None = None
    ) -> MetaModel:
        """The meta-model of a portfolio that has grown since `model` was fitted on it.

        Starts from the model's state, so that one more task costs a small part of a fit: the
        learned basis stays, what is said about the tasks is brought up to date, see `refit`. A
        model that has outgrown its basis is fitted from scratch.

        Args:
            model: Of an earlier state of the portfolio, or of another one.
            portfolio: All histories, the new ones among them. Tasks that the model knows and the
                portfolio no longer has are forgotten, but for what the basis learned from them.
            space: The space, where the portfolio may be empty.

        Returns:
            A model of the next version; `model` itself where nothing has changed.

        Raises:
            PortfolioError: as `fit`.
        """
        space = _space_of(portfolio, space)
        training, lineage = TrainingSet.of(sampled(portfolio)), model.lineage
        known = space == model.space and lineage.is_of(model.tasks, training)
        if known and portfolio.licence == model.licence:
            return model
        version = lineage.version + 1
        same = lineage.unchanged(model.tasks, training)
        if (
            space != model.space
            or model.transfer is None
            or not len(training)
            or model.transfer.basis.size != self.basis_size + 1
            or 2 * len(same) < len(training)
            or lineage.outgrown_by(training)
        ):
            fresh = self.fit(portfolio, space=space)
            return replace(fresh, lineage=replace(fresh.lineage, version=version))
        return replace(
            model,
            tasks=training.names,
            meta_features=training.meta_features,
            transfer=refitted(model.transfer, same, space, training, seed=self.seed),
            lineage=replace(lineage, version=version, digests=training.digests),
            licence=portfolio.licence,
            provenance=self._provenance(portfolio),
        )

    def _chance(self, portfolio: Portfolio) -> ImprovementChance | None:
        if not portfolio.histories:  # nothing to fit: torch need not be loaded for it
            return None
        with one_thread():
            return fit_improvement_chance(
                portfolio.histories, np.random.default_rng([self.seed, 2])
            )

    def _provenance(self, portfolio: Portfolio) -> dict[str, Any]:
        return {
            "autometa": __version__,
            "learner": asdict(self),
            "tasks": len(portfolio),
            "trials": sum(map(len, portfolio.histories)),
            "sources": _sources(portfolio),
        }

    def _transfer(self, space: SearchSpace, training: TrainingSet, part: Part) -> Transfer:
        rng = np.random.default_rng(self.seed)
        units, targets, scores = training.units, training.targets, training.scores
        basis = fit_basis(training.shown, rng=rng, size=self.basis_size, steps=self.steps)
        every_phi, phi = training.features(basis)
        with one_thread():
            prior = fit_prior(*training.observations(basis, phi), training.noise)
            make = Candidates(space, part)
            failure = fit_failure_rate(every_phi, training.failed)
            catalogue = fit_catalogue(make, basis, prior, units, targets, scores, failure, rng)
            judges = catalogue.judges
            residual = fit_kernel(units, targets, rng=rng, features=phi, prior=prior)
            cold = fit_kernel(units, targets, rng=rng)
            return Transfer(
                basis=basis,
                prior=prior,
                residual=residual,
                cold=cold,
                log_slope=log_slope(training.worths),
                catalogue=catalogue,
                similarity=fit_similarity(
                    training.meta_features,
                    training.families,
                    judges,
                    head_errors([phi[i] for i in judges], prior.heads[judges]),
                ),
                failure=failure,
                rates=rate_model(space, training, self.seed),
            )


def _space_of(portfolio: Portfolio, space: SearchSpace | None) -> SearchSpace:
    if not isinstance(portfolio, Portfolio):
        raise InputError(
            f"a portfolio of type {type(portfolio).__name__}",
            allowed="a Portfolio",
            do="Portfolio.open reads a folder, Portfolio.from_studies finished studies",
        )
    return portfolio.space if space is None or portfolio.histories else space


def _sources(portfolio: Portfolio) -> list[dict[str, Any]]:
    """The portfolio's provenance in short: texts and numbers, no lists of studies."""
    merged = portfolio.provenance.get("merged", [portfolio.provenance])
    plain = [{k: v for k, v in p.items() if isinstance(v, str | int | float)} for p in merged]
    return [p for p in plain if p][:_MOST_SOURCES]
