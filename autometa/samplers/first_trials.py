"""The first trials of a define-by-run study: nobody knows yet what it will ask for.

They try the configs that were best on prior tasks, see `recorded`, each under whatever name the
study asks for: `eta` gets the learning rate, `clf__gamma` the gamma in its own units. What the
family does not know, and what may mean two things, is the base sampler's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from autometa.errors import AutometaError
from autometa.portfolio import Portfolio
from autometa.priors.knowing import Wish
from autometa.priors.named import Names, fixed_of, names_for
from autometa.priors.recorded import recorded_start
from autometa.priors.words import Words
from autometa.priors.written import Facts
from autometa.samplers.base_samplers import usual_base
from autometa.samplers.plan import WORDS, announce, enqueued_values, plan_of
from autometa.space import Config, SearchSpace
from autometa.space.clipping import clip_to
from autometa.space.values import is_part, listed, raw_value
from autometa.storages import attributes
from autometa.suggest.suggestion import UNRELATED, Suggestion

_LIST = 16
_WHOLE = (TrialState.COMPLETE, TrialState.PRUNED)  # trials that have asked for all they need
_log = optuna.logging.get_logger("optuna.autometa")


class FirstTrials(BaseSampler):
    """See the module.

    Args:
        portfolio: Tasks of the family, in its own names.
        family: Its name.
        wish: What the user says of the search.
        seed: Of what no prior task says.
        base: The user's base sampler, where there is one.
        first: A config in the user's names, or part of one, that the first trial has.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        family: str,
        wish: Wish,
        *,
        seed: int = 0,
        base: BaseSampler | None = None,
        first: Config | None = None,
    ) -> None:
        own = Portfolio(h for h in portfolio.histories if h.task.space.name == family)
        self._olds = {n: d for s in own.spaces for n, d in s.distributions.items()}
        self._parents = {n: c for s in own.spaces for n, c in s.conditions.items()}
        self._tasks, self._family, self._wish = len(own), family, wish
        self._seed, self._base, self._first = seed, base, first or {}
        fixed = fixed_of(
            family, self._olds, self._parents, wish.fixed, wish.rules.renamed, self._facts
        )
        self._configs = recorded_start(own, _LIST, fixed)

    @property
    def _facts(self) -> Facts:
        known = Facts() if self._wish.data is None else self._wish.data.facts
        return self._wish.facts or known

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Give the trial its place in the list; of an enqueued one for what it leaves open."""
        if self._base is not None:
            self._base.before_trial(study, trial)
        given = enqueued_values(trial)
        if not self._configs or (plan_of(study, trial) is not None and not given):
            return
        plan = Suggestion(
            rule="portfolio",
            config=self._configs[trial.number % len(self._configs)],
            reason=f"among the best recorded configs of {self._tasks} prior tasks of "
            f"{self._family}",
        )
        plan = plan.around(given) if given else plan
        announce(study, trial, replace(plan, notes={WORDS: self._family}))

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Nothing: what is asked for is not known."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing."""
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The config's value under this name and in these units, else the base sampler's."""
        plan = plan_of(study, trial)
        values = []
        if trial.number == 0 and param_name in self._first:
            values.append(self._first[param_name])
        if plan is not None:
            values += self._values(plan.config, param_name, param_distribution)
        for value in values:
            found = clip_to(param_distribution, value)
            if found is not None:
                return found[0]
        base = self._base
        if base is None:
            number = crc32(f"{self._seed}/{trial.number}/{param_name}".encode())
            base = usual_base(number % 2**31, len(study.directions), None)
        return base.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Note where the list had no say after all, and say where what was stated had none."""
        if self._base is not None:
            self._base.after_trial(study, trial, state, values)
        if trial.number == 0 and state in _WHOLE:
            self._say_unmet(trial)
        plan = plan_of(study, trial)
        if plan is None or plan.rule != "portfolio" or not trial.params:
            return
        met = [n for n in self._first if n in trial.params] if trial.number == 0 else []
        if met:
            reason = attributes.read(study, trial, "reason")
            attributes.write(study, trial, "reason", f"{reason}; {listed(met)} as you stated")
            return
        if not any(self._values(plan.config, n, d) for n, d in trial.distributions.items()):
            announce(study, trial, Suggestion(rule="base", config=plan.config, reason=UNRELATED))

    def _say_unmet(self, trial: FrozenTrial) -> None:
        """Warn of stated values that the first trial did not have."""
        for name, value in self._first.items():
            if name not in trial.params:
                _log.warning(
                    "autometa: %s = %r, as you stated, is not tried: the first trial asked for %s",
                    *(name, value, listed(trial.params)),
                )
            elif not is_part({name: value}, trial.params):
                had = trial.params[name]
                _log.warning("autometa: %s = %r, as you stated, became %r", name, value, had)

    def _values(
        self, config: Mapping[str, Any], name: str, distribution: BaseDistribution
    ) -> list[Any]:
        """The value of a config in the user's form: one, or none."""
        names = self._names(name, distribution)
        if names is None:
            return []
        if name in names.ran:
            return [names.ran[name]]
        named = next(iter(names.searched.values()), None)
        if named is None or named.own not in config:
            return []
        old, value = self._olds[named.own], config[named.own]
        words = Words(
            family=self._family,
            searched={named.own: named},
            space=SearchSpace({name: distribution}),
        )
        if isinstance(old, CategoricalDistribution):
            return [words.choice(named.own, value)]
        raw = np.array([raw_value(old, value)])
        column = words.column(named.own, old, raw)
        if not isinstance(distribution, CategoricalDistribution):
            return [float(column[0])]
        place = min(int(column[0]), len(distribution.choices) + 1)
        choices = list(distribution.choices)
        return choices[place : place + 1]

    def _names(self, name: str, distribution: BaseDistribution) -> Names | None:
        """What the family makes of one name; None where no space can hold its choices."""
        try:
            return names_for(
                self._family,
                self._olds,
                self._parents,
                SearchSpace({name: distribution}),
                said=self._wish.rules.renamed,
                facts=self._facts,
                ask=False,
            )
        except AutometaError:
            return None
