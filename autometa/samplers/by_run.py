"""A family as the prior of a define-by-run study: what is searched is learned from its trials.

Until a trial has ended, `FirstTrials` answers, for the trials that it has begun to their end. Then
the prior is fitted for the parameters that the trials have asked for, in their words, and once more
where a later one asks for others. Nothing is asked of the user in between: what a name may mean
twice over is said and left to the cold search.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.priors.beginning import say
from autometa.priors.knowing import Wish, known_of
from autometa.priors.opening import PriorSource
from autometa.priors.own_tasks import without_study
from autometa.priors.prior_model import fit_known
from autometa.samplers.first_trials import FirstTrials
from autometa.samplers.plan import WORDS
from autometa.space import Config, SearchSpace
from autometa.space.choices import usable
from autometa.space.rates import as_space
from autometa.space.rules import Rules
from autometa.storages import attributes
from autometa.storages.per_study import PerStudy, every_trial
from autometa.task import Direction

Make = Callable[[MetaModel, SearchSpace], BaseSampler]


@dataclass
class _Study:
    """What is remembered of one study; all of it can be made again."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    names: frozenset[str] = frozenset()
    first: FirstTrials | None = None
    fitted: BaseSampler | None = None


class ByRun:
    """See the module.

    Args:
        prior: Names a family, alone or in a list.
        wish: What the user says of the search; no space.
        make: (model, what is searched) -> the sampler that goes on.
        seed: Of the fit.
        base: The user's base sampler, where there is one.
        first: A config, or part of one, that the first trial has.
        learner: Fits; `MetaLearner(seed=seed)` by default.
    """

    def __init__(
        self,
        prior: PriorSource,
        wish: Wish,
        make: Make,
        *,
        seed: int = 0,
        base: BaseSampler | None = None,
        first: Config | None = None,
        learner: MetaLearner | None = None,
    ) -> None:
        self._prior, self._wish, self._make = prior, wish, make
        self._options: dict[str, Any] = {"seed": seed, "base": base, "first": first}
        self._learner = learner or MetaLearner(seed=seed)
        self._studies = PerStudy(_Study)

    def sampler(self, study: optuna.Study, trial: FrozenTrial) -> BaseSampler:
        """Who answers a trial's questions.

        Raises:
            InputError: a metric that is better the other way; as `known_of`, like all others.
        """
        known = self._studies(study)
        with known.lock:
            shown = _shown(study)
            if shown is None or attributes.read(study, trial, WORDS) is not None:
                known.first = known.first or self._first(study)
                return known.first
            if known.fitted is None or not known.names.issuperset(shown.names):
                known.fitted, known.names = self._fitted(study, shown), frozenset(shown.names)
            return known.fitted

    def _first(self, study: optuna.Study) -> FirstTrials:
        wish = replace(self._wish, direction=_direction(study))
        known = known_of(self._prior, wish)
        if not known.families or isinstance(known.prior, MetaModel):
            raise InputError("a prior that names no family", allowed="a family that ships")
        portfolio = known.prior
        assert isinstance(portfolio, Portfolio)
        return FirstTrials(portfolio, known.families[0], wish, **self._options)

    def _fitted(self, study: optuna.Study, space: SearchSpace) -> BaseSampler:
        rules = _about(self._wish.rules, space)
        wish = replace(self._wish, direction=_direction(study), space=space, rules=rules, ask=False)
        known = known_of(self._prior, wish)
        known = replace(known, prior=without_study(known.prior, study))
        fitted = fit_known(known, space, learner=self._learner)
        say(study, fitted.beginning, names=known.lines)
        return self._make(fitted.model, space)


def _direction(study: optuna.Study) -> Direction:
    is_max = study.directions[0] == optuna.study.StudyDirection.MAXIMIZE
    return "maximize" if is_max else "minimize"


def _about(rules: Rules, space: SearchSpace) -> Rules:
    """The rules that speak of what is searched, as far as that is known."""
    return replace(
        rules,
        renamed={old: new for old, new in rules.renamed.items() if new in space.names},
        choices={n: c for n, c in rules.choices.items() if n in space.names},
        defaults={n: v for n, v in rules.defaults.items() if n in space.names},
    )


def _shown(study: optuna.Study) -> SearchSpace | None:
    """What the ended trials have asked for, the latest range of each; None before any has ended."""
    distributions = {}
    for trial in every_trial(study):
        if trial.state.is_finished():
            distributions.update(trial.distributions)
    plain = {n: usable(n, d) for n, d in distributions.items()}
    known = {n: d for n, d in plain.items() if d is not None}
    return as_space(known) if known else None
