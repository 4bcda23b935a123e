"""The rules, in the order in which they are asked: the first that has an answer decides.

    several     other objectives than the prior tasks had: the base sampler goes on
    misfit      no result fits the parameters that are known: the base sampler goes on
    infeasible  nothing but broken constraints: where they are likely to be kept
    failing     nothing but failures: every second trial is far from them all
    unrelated   no parameter of the study is known to prior tasks: the base sampler goes on
    start       the first trials, and on until there is a result: the zero-shot start
    unlearned   nothing was learned, or the start is used up: the base sampler goes on
    informed    by the posterior over prior tasks, unless the trial is cold by turn
    cold        by this study's own trials alone

Each is a function of a `Setup` and a `Situation` alone, and returns None where it does not apply.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from autometa.encoding import Floats
from autometa.meta.inference.knowledge import Knowledge, no_knowledge
from autometa.meta.inference.posterior import Posterior
from autometa.meta.spaces.study_space import StudySpace
from autometa.showing import counted
from autometa.space import Config
from autometa.suggest import suggestion
from autometa.suggest.acquisition import Acquisition
from autometa.suggest.configs import (
    cold_config,
    far_config,
    feasible_config,
    informed_config,
    posterior_of,
    start_config,
)
from autometa.suggest.cost import Cost, log_seconds, per_second, timed_trials
from autometa.suggest.front import Front, active_trials, front_belief, front_config
from autometa.suggest.observations import Observations
from autometa.suggest.setup import Setup
from autometa.suggest.situation import Situation
from autometa.suggest.suggestion import SLOT, Suggestion

Rule: TypeAlias = Callable[[Setup, Situation], Suggestion | None]

# What a random number is for, beside the trial's number; 1 is of base samplers, see `Setup`.
_INFORMED, _ANYWHERE, _COLD, _START = 0, 2, 3, 4
_WEIGHTS = 8  # prior tasks whose weights a suggestion notes


def several(setup: Setup, now: Situation) -> Suggestion | None:
    """Of other objectives than they had prior tasks have nothing to say."""
    if setup.front is None:
        return by_base(setup, now, suggestion.SEVERAL) if now.objectives > 1 else None
    same = now.directions == setup.front.directions
    return None if same else by_base(setup, now, suggestion.OTHER_OBJECTIVES)


def misfit(setup: Setup, now: Situation) -> Suggestion | None:
    """There are results, and none of them can be read in the study's space."""
    unread = now.observed.unread and not len(now.observed.scores)
    return by_base(setup, now, suggestion.MISFIT) if unread else None


def infeasible(setup: Setup, now: Situation) -> Suggestion | None:
    """Where the limits are likely to be kept, where no trial has kept them so far."""
    limits = now.observed.limits
    if len(now.observed.scores) or limits is None or not limits.speaks or setup.pool is not None:
        return None
    if setup.base_takes_cold:
        return None
    seen = now.observed.active(setup.policy.active_trials, setup.rng(now.number, _ANYWHERE))
    transfer, rng = setup.model.transfer, setup.rng(now.number, _INFORMED)
    alone = transfer is None or setup.policy.cold_by_turn(now.number)
    knowledge = no_knowledge(now.searched) if alone else setup.knowledge(now.space)
    head = None
    if not alone:
        head = knowledge.transfer.prior.mean
        if setup.relevance is not None:
            head = setup.relevance @ knowledge.transfer.prior.heads
    unit = feasible_config(knowledge, now.searched, seen, rng, head)
    return Suggestion(
        rule="cold" if alone else "transfer",
        config=now.searched.config(unit),
        reason=suggestion.INFEASIBLE,
    )


def failing(setup: Setup, now: Situation) -> Suggestion | None:
    """Far from all failures, where there is nothing but failures."""
    seen = now.observed
    if len(seen.scores) or not setup.policy.cold_by_failures(now.number, len(seen.failed)):
        return None
    if setup.base_takes_cold:
        config: Config = {}
    elif setup.pool is not None:
        config = anywhere(setup, now)
    else:
        rng = setup.rng(now.number, _ANYWHERE)
        config = now.searched.config(far_config(now.searched, seen.taken, rng))
    return Suggestion(rule="cold", config=config, reason=suggestion.FAILING)


def unrelated(setup: Setup, now: Situation) -> Suggestion | None:
    """Prior tasks know none of the study's parameters."""
    if setup.model.transfer is None or setup.knowledge(now.space).unknown < 1.0:
        return None
    return by_base(setup, now, suggestion.UNRELATED)


def start(setup: Setup, now: Situation) -> Suggestion | None:
    """The next config of the zero-shot start.

    In a space of the study's own its configs are moved there. Where it was said beforehand what is
    searched, the list keeps to that already, and comes first.

    Trials that begin at once take the places of their order, each leaving those before it to the
    ones that have not said yet what they try. Where one of these does not take its place, because
    it died, or met another there and both went on, the place is the next to be tried: none of the
    first few is lost. Once there are results, nobody goes past the first few to leave one to
    another.
    """
    warm, begun = setup.policy.warm_trials, len(now.observed.scores) > 0
    enough = begun and len(now.places) >= warm
    if begun and now.places.issuperset(range(warm)):
        return None
    ways = (_listed, _moved) if setup.space_known else (_moved, _listed)
    left = now.yielded if enough else now.yielded + now.awaited
    found = ways[0](setup, now, left) or ways[1](setup, now, left)
    full = begun and len(now.places) + now.awaited >= warm
    past = full and found is not None and found.notes[SLOT] >= warm  # no place was left free
    return None if past else found


def _listed(setup: Setup, now: Situation, left: int) -> Suggestion | None:
    """The next item of the list as it is, so many left to others; None where all were tried."""
    found = setup.start.next(now.places, now.had, left)
    if found is None:
        return None
    place, item = found
    return Suggestion(
        rule="portfolio" if item.expected == item.expected else "default",
        config=item.config,
        reason=item.reason,
        notes={SLOT: place},
    )


def _moved(setup: Setup, now: Situation, left: int) -> Suggestion | None:
    """The next in the study's own space; None where that is the prior's, or all were tried."""
    if setup.model.transfer is None or now.space == StudySpace(setup.model.space):
        return None
    unit = start_config(
        setup.knowledge(now.space),
        now.searched,
        now.observed.taken,
        setup.rng(now.number, _START),
        skipped=left,
    )
    if unit is None:
        return None
    free = (i for i in itertools.count() if i not in now.places)
    tasks = counted(len(setup.model.tasks), "prior task")
    return Suggestion(
        rule="portfolio",
        config=now.searched.config(unit),
        reason=f"suits {tasks} best in the study's own space",
        notes={SLOT: next(itertools.islice(free, left, None))},
    )


def unlearned(setup: Setup, now: Situation) -> Suggestion | None:
    """Nothing to condition, or nothing to condition on."""
    if setup.model.transfer is None:
        return by_base(setup, now, suggestion.NOTHING_LEARNED)
    if not len(now.observed.scores):
        return by_base(setup, now, suggestion.LIST_ENDED)
    return None


def informed(setup: Setup, now: Situation) -> Suggestion | None:
    """What prior tasks and the trials say together; cold where they contradict one another."""
    if setup.policy.cold_by_turn(now.number):
        return None
    rng, knowledge = setup.rng(now.number, _INFORMED), setup.knowledge(now.space)
    if setup.front is not None:
        return _informed_front(setup, now, setup.front, knowledge, rng)
    posterior, seen = posterior_of(
        knowledge,
        now.observed.active(setup.policy.active_trials, rng),
        setup.policy.competing(cold=False),
        setup.relevance,
    )
    share = {"transfer": round(posterior.transfer_share, 4)}
    if not posterior.uses_transfer:
        return _cold(setup, now, reason=suggestion.GOING_COLD, notes=share)
    unit = informed_config(
        knowledge,
        now.searched,
        posterior,
        seen,
        rng,
        acquisition=_acquisition(setup, now, seen, setup.cost, cold=False),
        rate=setup.rate if now.space.space == setup.model.space else None,
        pool=_pool(setup),
    )
    return Suggestion(
        rule="transfer",
        config=_config(setup, now, unit),
        notes={**share, "weights": _weights(setup, posterior)},
    )


def _informed_front(
    setup: Setup, now: Situation, front: Front, knowledge: Knowledge, rng: np.random.Generator
) -> Suggestion:
    """The same for several objectives."""
    seen = active_trials(now.each, setup.policy.active_trials, rng)
    belief = front_belief(front, now.space, seen, setup.policy.competing(cold=False))
    share = {"transfer": round(belief.transfer_share, 4)}
    if not belief.uses_transfer:
        return _cold(setup, now, reason=suggestion.GOING_COLD, notes=share)
    count = setup.policy.front_directions
    unit = front_config(knowledge, now.searched, belief, rng, count=count, pool=_pool(setup))
    weights = front.weights(belief)
    return Suggestion(
        rule="transfer",
        config=_config(setup, now, unit),
        reason=suggestion.FRONT,
        notes={**share, "weights": dict(list(weights.items())[:_WEIGHTS])},
    )


def cold(setup: Setup, now: Situation) -> Suggestion:
    """What the study's own trials say, whatever prior tasks may say; see `configs`."""
    return _cold(setup, now)


def _cold(setup: Setup, now: Situation, **why: Any) -> Suggestion:
    if setup.base_takes_cold:
        return Suggestion(rule="cold", config={}, **why)
    rng, hypotheses = setup.rng(now.number, _COLD), setup.policy.competing(cold=True)
    if setup.front is not None:
        each = active_trials(now.each, setup.policy.active_trials, rng)
        belief = front_belief(None, now.searched, each, hypotheses)
        nothing, count = no_knowledge(now.searched), setup.policy.front_directions
        unit = front_config(nothing, now.searched, belief, rng, count=count, pool=_pool(setup))
        return Suggestion(rule="cold", config=_config(setup, now, unit), **why)
    seen = now.observed.active(setup.policy.active_trials, rng)
    unit = cold_config(
        now.searched,
        seen,
        hypotheses,
        rng,
        acquisition=_acquisition(setup, now, seen, None, cold=True),
        pool=_pool(setup),
    )
    return Suggestion(rule="cold", config=_config(setup, now, unit), **why)


RULES: tuple[Rule, ...] = (
    *(several, misfit, infeasible, failing, unrelated, start, unlearned, informed),
    cold,
)


# Parts of rules ----------------------------------------------------------------------------------


def by_base(setup: Setup, now: Situation, reason: str) -> Suggestion:
    """The base sampler's; one that knows no pool could not keep to it."""
    config = {} if setup.pool is None else anywhere(setup, now)
    return Suggestion(rule="base", config=config, reason=reason)


def anywhere(setup: Setup, now: Situation) -> Config:
    """A random config of the study; where there is a pool, one of it that no trial has had."""
    rng = setup.rng(now.number, _ANYWHERE)
    if setup.pool is None:
        return now.searched.config(now.searched.candidates.random(1, rng)[0])
    untried = setup.pool.untried(now.tried)
    return untried[int(rng.integers(len(untried)))]


def _acquisition(
    setup: Setup, now: Situation, seen: Observations, cost: Cost | None, *, cold: bool
) -> Acquisition:
    """The policy's; for the seconds that a config takes, where these count and are known."""
    plain = setup.policy.acquisition
    if setup.cost is None or seen.seconds is None:
        return plain
    known = np.isfinite(seen.seconds)
    timed = timed_trials(seen.unit[: len(known)][known], seen.seconds[known])
    expected = log_seconds(cost, now.space, timed, setup.policy.competing(cold=cold))
    return plain if expected is None else per_second(plain, expected, setup.policy.cost_power)


def _pool(setup: Setup) -> Floats | None:
    return None if setup.pool is None else setup.pool.unit


def _config(setup: Setup, now: Situation, unit: Floats) -> Config:
    return now.searched.config(unit) if setup.pool is None else setup.pool.at(unit)


def _weights(setup: Setup, posterior: Posterior) -> dict[str, float]:
    """The heaviest prior tasks and their weights in O(x) = sum_i w_i f_i(x)."""
    weights = posterior.task_weights
    order = np.argsort(-np.abs(weights))[:_WEIGHTS]
    return {setup.model.tasks[i]: round(float(weights[i]), 4) for i in order}
