"""MetaLearner: the recipe that turns a portfolio into a MetaModel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa._version import __version__
from autometa.encoding import Floats
from autometa.meta.basis import fit_basis
from autometa.meta.candidates import Candidates
from autometa.meta.catalogue import fit_catalogue
from autometa.meta.early import with_early
from autometa.meta.feasibility import fit_failure_rate
from autometa.meta.improvement_chance import ImprovementChance, fit_improvement_chance
from autometa.meta.inner_rate import fit_rate_model
from autometa.meta.kernel import fit_kernel
from autometa.meta.model import MetaModel
from autometa.meta.noise import fold_noise, score_worth
from autometa.meta.prior import fit_prior
from autometa.meta.similarity import fit_similarity, head_errors
from autometa.meta.targets import normal_scores, usable
from autometa.meta.threads import one_thread
from autometa.meta.transfer import Transfer
from autometa.meta.zero_shot import start_errors
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import State, TaskHistory

_LEAST_TRIALS = 3
_MOST_SOURCES = 50  # that a model names


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaLearner:
    """Learns from prior tasks what to try on the next one.

    Args:
        seed: Seed of everything random in `fit`; same seed and portfolio, same model.
        basis_size: Width of the learned basis.
        steps: Mini-batch steps of its training; None chooses by the amount of data.

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

    def fit(self, portfolio: Portfolio, *, space: SearchSpace | None = None) -> MetaModel:
        """The meta-model of a portfolio of one space.

        Args:
            portfolio: Any number of tasks. Tasks of fewer than three usable trials, or whose
                trials are all alike, teach nothing about configs and are left out.
            space: The space, where the portfolio may be empty.

        Raises:
            PortfolioError: several spaces, or none and no `space` given.
        """
        if space is None or portfolio.histories:
            space = portfolio.space
        taught = [(h, rows) for h in portfolio.histories if _teaches(h, rows := usable(h))]
        return MetaModel(
            space=space,
            tasks=tuple(h.task.name for h, _ in taught),
            meta_features=tuple(dict(h.task.meta_features) for h, _ in taught),
            transfer=self._transfer(space, taught) if taught else None,
            chance=self._chance(portfolio),
            licence=portfolio.licence,
            provenance={
                "autometa": __version__,
                "learner": asdict(self),
                "tasks": len(portfolio),
                "trials": sum(map(len, portfolio.histories)),
                "sources": _sources(portfolio),
            },
        )

    def _chance(self, portfolio: Portfolio) -> ImprovementChance | None:
        with one_thread():
            return fit_improvement_chance(
                portfolio.histories, np.random.default_rng([self.seed, 2])
            )

    def _transfer(
        self, space: SearchSpace, taught: list[tuple[TaskHistory, NDArray[np.bool_]]]
    ) -> Transfer:
        rng = np.random.default_rng(self.seed)
        every = [space.encode_raw(h.raw) for h, _ in taught]
        units = [u[rows] for u, (_, rows) in zip(every, taught, strict=True)]
        scores = [h.scores[rows] for h, rows in taught]
        targets = [normal_scores(s) for s in scores]
        shown = [
            with_early(h, rows, u, z)
            for (h, rows), u, z in zip(taught, every, targets, strict=True)
        ]
        basis = fit_basis(shown, rng=rng, size=self.basis_size, steps=self.steps)
        with one_thread():
            every_phi = _split(basis(np.concatenate(every)), every)
            phi = [f[rows] for f, (_, rows) in zip(every_phi, taught, strict=True)]
            prior = fit_prior(
                [basis(s.unit, s.fidelity) for s in shown],
                [s.target for s in shown],
                [fold_noise(h.fold_scores[rows], h.scores[rows]) for h, rows in taught],
            )
            catalogue = fit_catalogue(Candidates(space), basis, prior, units, targets, scores, rng)
            judges = catalogue.judges
            meta_features = [h.task.meta_features for h, _ in taught]
            families = [h.task.family for h, _ in taught]
            return Transfer(
                basis=basis,
                prior=prior,
                residual=fit_kernel(units, targets, rng=rng, features=phi, prior=prior),
                cold=fit_kernel(units, targets, rng=rng),
                log_slope=_log_slope(scores),
                catalogue=catalogue,
                similarity=fit_similarity(
                    meta_features,
                    families,
                    judges,
                    head_errors([phi[i] for i in judges], prior.heads[judges]),
                ),
                start=fit_similarity(
                    meta_features, families, judges, start_errors(catalogue.regret)
                ),
                failure=fit_failure_rate(every_phi, [h.states == State.FAILED for h, _ in taught]),
                rates=(
                    fit_rate_model(
                        space, [h for h, _ in taught], np.random.default_rng([self.seed, 1])
                    )
                    if space.inner_lr
                    else None
                ),
            )


def _sources(portfolio: Portfolio) -> list[dict[str, Any]]:
    """The portfolio's provenance in short: texts and numbers, no lists of studies."""
    merged = portfolio.provenance.get("merged", [portfolio.provenance])
    plain = [{k: v for k, v in p.items() if isinstance(v, str | int | float)} for p in merged]
    return [p for p in plain if p][:_MOST_SOURCES]


def _teaches(history: TaskHistory, rows: NDArray[np.bool_]) -> bool:
    return int(rows.sum()) >= _LEAST_TRIALS and bool(np.ptp(history.values[rows]) > 0)


def _split(rows: Floats, like: Sequence[Floats]) -> list[Floats]:
    return np.split(rows, np.cumsum([len(part) for part in like])[:-1])


def _log_slope(scores: Sequence[Floats]) -> tuple[float, float]:
    """Mean and spread over tasks of log(metric units a normal score), from the upper half."""
    logs = [np.log(worth) for worth in map(score_worth, scores) if worth > 0.0]
    if not logs:
        return 0.0, 3.0
    return float(np.median(logs)), float(max(np.std(logs), 0.5))
