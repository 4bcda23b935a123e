"""What prior tasks teach of each family of a search: gathered, fitted or read when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autometa.meta import model_cache
from autometa.portfolio import Portfolio
from autometa.priors.beginning import Beginning
from autometa.tuning.background import BackgroundFits
from autometa.tuning.pairs import Pairs, learn_pairs
from autometa.tuning.search_spec import SearchSpec
from autometa.tuning.table_priors import Priors

if TYPE_CHECKING:
    from autometa.meta import MetaModel
    from autometa.tuning.trials import Search


@dataclass
class FamilyModels:
    """Family -> its meta-model.

    Args:
        spec: What is searched.
        gather: (families) -> prior tasks of each, by name.
        given: A model that the user brings, for the only family.
        fits: Fits models beside the search.
    """

    spec: SearchSpec
    gather: Callable[[tuple[str, ...]], Mapping[str, Priors]]
    given: MetaModel | None
    fits: BackgroundFits
    known: dict[str, MetaModel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._priors: dict[str, Priors] = {}
        self._waiting: dict[str, Priors] = {}
        self._asked: set[str] = set()

    @property
    def prior_tasks(self) -> int:
        """Prior tasks of the family that has most, of those that were looked at."""
        return max((len(p.portfolio) for p in self._priors.values()), default=0)

    @property
    def excluded(self) -> tuple[str, ...]:
        """Prior tasks that were left out, as the table or its relatives."""
        return tuple(dict.fromkeys(n for p in self._priors.values() for n in p.excluded))

    def portfolios(self) -> dict[str, Portfolio]:
        """The prior tasks of all families."""
        missing = tuple(name for name in self.spec.children if name not in self._priors)
        if missing:
            self._priors.update(self.gather(missing))
        return {name: self._priors[name].portfolio for name in self.spec.children}

    def pairs(self) -> Pairs | None:
        """What prior tasks say of all families together; see `learn_pairs`."""
        if self.given is not None:  # which is then all that counts
            return None
        return learn_pairs(self.portfolios(), self.spec.scoring.standard.name, self.spec.features)

    def of(self, name: str, *, wait: bool) -> tuple[MetaModel, Beginning]:
        """The model of a family and how its search begins.

        Args:
            name: Of the family.
            wait: Whether to wait for a fit; else a cold model stands in, for good unless `learn`
                is called.
        """
        from autometa.meta import MetaLearner
        from autometa.priors.prior_model import beginning_of

        if name not in self._priors:
            self._priors.update(self.gather((name,)))
        prior, space = self._priors[name], self.spec.child(name).space
        learner = MetaLearner(seed=0)  # what prior tasks teach does not depend on the search's seed
        nothing = not len(prior.portfolio)
        if self.given is not None:
            model, why = self.given, ""
        elif nothing:
            model = learner.fit(prior.portfolio, space=space)
            why = "there are no prior tasks of this child"
        elif wait:
            model, why = model_cache.fitted(learner, prior.portfolio, space), ""
        else:
            found = model_cache.read(model_cache.model_file(learner, prior.portfolio, space))
            why = ""
            if found is None:
                self._waiting[name] = prior
                found = learner.fit(Portfolio(), space=space)
                why = "what its prior tasks teach has not been learned yet"
            model = found
        self.known[name] = model
        return model, beginning_of(model, prior.portfolio, space, why)

    def knows(self, name: str) -> bool:
        """Whether a family's own search has its model, or will never have one."""
        return name not in self._waiting or self.fits.ready(name) is not None

    def learn(self, name: str) -> None:
        """Have a family's model fitted from now on, where it waits for one."""
        if name in self._waiting and name not in self._asked:
            self._asked.add(name)
            self.fits.ask(name, self._waiting[name].portfolio, self.spec.child(name).space)

    def renew(self, name: str, search: Search) -> None:
        """Let a search go on with its model, where that has come in meanwhile."""
        from autometa.priors.beginning import say
        from autometa.priors.prior_model import beginning_of

        if name not in self._waiting or (model := self.fits.ready(name)) is None:
            return
        prior = self._waiting.pop(name)
        self.known[name] = model
        search.study.sampler = self.spec.sampler(model)
        say(
            search.study,
            beginning_of(model, prior.portfolio, self.spec.child(name).space),
            asked=False,
        )
