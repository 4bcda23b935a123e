"""The engine, pure: what a meta-model says of a study's space, as far as its trials are known.

    suggest(Setup, Situation) -> Suggestion

    Setup        what stays the same: the model, the policy, the seed, a pool, the start's list
    Situation    what is known when one trial is decided: its number, the study's space, the other
                 trials as `Observations`, finished and pending ones
    Suggestion   the rule that decided, the config, the reason in words, notes

No study, no storage, no clock: of Optuna only its distributions, which are our parameter types.
`samplers` reads a study into a situation and writes the suggestion to its trial; a test writes the
situation down:

    >>> from autometa.meta import MetaLearner
    >>> from autometa.meta.spaces.study_space import StudySpace
    >>> from autometa.testing.families import Bowls
    >>> model = MetaLearner(seed=0, steps=20).fit(Bowls().portfolio(4, 20))
    >>> setup, space = Setup.of(model, seed=0), StudySpace(model.space)
    >>> first = suggest(
    ...     setup, Situation(number=0, space=space, observed=Observations.none(model.space.dim))
    ... )
    >>> first.rule, first.notes, first.config == model.warm_start(1)[0].config
    ('portfolio', {'slot': 0}, True)

Three results later the posterior decides, or this task's own trials where nothing prior fits them:

    >>> unit = model.space.encode_raw(
    ...     model.space.to_raw([c.config for c in model.warm_start(3)])
    ... )
    >>> seen = Observations.of(unit, [0.1, 0.4, 0.2])
    >>> places = frozenset({0, 1, 2})
    >>> fourth = suggest(setup, Situation(number=3, space=space, observed=seen, places=places))
    >>> fourth.rule in ("transfer", "cold"), sorted(fourth.notes)
    (True, ['transfer', 'weights'])

Where to add what: a rule is a function in `rules`; an acquisition is a file of its own, named by
`Policy.acquisition`; what a trial's config may follow from is a field of `Situation`.
"""

from autometa.suggest.observations import Observations
from autometa.suggest.policy import Policy
from autometa.suggest.pool import Pool
from autometa.suggest.setup import Setup
from autometa.suggest.situation import Situation
from autometa.suggest.suggester import elsewhere, suggest
from autometa.suggest.suggestion import Suggestion
from autometa.suggest.tried import Tried

__all__ = [
    "Observations",
    "Policy",
    "Pool",
    "Setup",
    "Situation",
    "Suggestion",
    "Tried",
    "elsewhere",
    "suggest",
]
