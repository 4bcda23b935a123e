"""Which config to try next, as functions of what is known: no study, no state, no clock.

    start_config     the next of the zero-shot start, in the study's own ranges
    informed_config  what prior tasks and this study's trials say together
    cold_config      what this study's trials say alone
    far_config       as cold, where all trials have failed

**The bound.** `cold_config` is given the study's space, its trials, what the policy says and a
source of randomness, and no model. So for a given space, seed, trial number and trials so far, the
config of a cold trial is the same whatever the prior tasks were: it is that of a Gaussian process
search which has seen these trials. As every `cold_every`-th trial from `cold_from` on is such a
one (the few of the start aside, where it comes late), n trials hold about (n - cold_from) /
cold_every of them, whatever the prior tasks say; and where no prior task explains the trials, all
are. What prior tasks can do to a cold trial is to have
chosen the trials that it looks at. They add to what it knows, they cannot exclude any config of the
study's space. (Of the prior's space, cold trials use the names, ranges and conditions of what the
study has not shown yet, and nothing that was measured on it.)

Shapes: n trials, d unit columns of the study, J judging prior tasks, k configs of the catalogue.
"""

from __future__ import annotations

import numpy as np

from autometa.encoding import Floats
from autometa.meta.inference.hypotheses import Hypothesis
from autometa.meta.inference.knowledge import Knowledge, no_knowledge
from autometa.meta.inference.posterior import Posterior
from autometa.meta.parts.inner_rate import InnerRate
from autometa.meta.spaces.study_space import StudySpace
from autometa.suggest.acquisition import Acquisition
from autometa.suggest.acquisitions.expected_improvement import EXPECTED_IMPROVEMENT
from autometa.suggest.candidate_search import CandidateSearch
from autometa.suggest.known_spaces import KnownSpaces
from autometa.suggest.observations import Observations

_SAME = 1e-6
_FAR = 200  # random configs
_PARENTS, _CHILDREN, _BOUNDS = 5, 20, 0.06


def posterior_of(
    knowledge: Knowledge,
    observed: Observations,
    hypotheses: tuple[Hypothesis, ...],
    relevance: Floats | None = None,
) -> tuple[Posterior, Observations]:
    """What is believed after the trials, and the trials as they are believed to end.

    What is running counts with the mean that is believed of it (kriging believer, Ginsbourger et
    al., 2010), and decides nothing about hypotheses.

    Args:
        knowledge: What is known before the first trial.
        observed: The trials so far, at least one with a score.
        hypotheses: Readings of the task that compete.
        relevance: Weights of the prior tasks before any trial, (T,).
    """

    def given(seen: Observations, judged: Posterior | None = None) -> Posterior:
        return Posterior(
            knowledge.transfer,
            seen.unit,
            seen.scores,
            fidelity=seen.fidelity,
            relevance=relevance,
            hypotheses=hypotheses,
            judged=judged,
        )

    posterior = given(observed)
    if len(observed.running):
        mean, _ = posterior.predict(observed.running)
        observed = observed.believing(mean)
        posterior = given(observed, posterior)
    return posterior, observed


def belief_of(
    known: KnownSpaces | None,
    study: StudySpace,
    observed: Observations,
    hypotheses: tuple[Hypothesis, ...],
    relevance: Floats | None = None,
) -> tuple[Posterior, Observations]:
    """As `posterior_of`, in a study's space; by its own trials alone where no prior task taught."""
    if known is not None:
        return posterior_of(known(study), observed, hypotheses, relevance)
    alone = tuple(h for h in hypotheses if h.arm == "cold")
    return posterior_of(no_knowledge(study), observed, alone)


def informed_config(
    knowledge: Knowledge,
    study: StudySpace,
    posterior: Posterior,
    observed: Observations,
    rng: np.random.Generator,
    *,
    acquisition: Acquisition = EXPECTED_IMPROVEMENT,
    rate: InnerRate | None = None,
    pool: Floats | None = None,
) -> Floats:
    """The unit config (d,) that promises most under a posterior.

    Args:
        knowledge: What the posterior started from.
        study: The space, and which part of it may be tried.
        posterior: What is believed.
        observed: The trials that it was conditioned on.
        rng: Source of candidates.
        acquisition: What a config promises.
        rate: Where earlier tasks say that the inner rate lies.
        pool: The only configs that can be tried, (m, d), where there is such a list.
    """
    search = CandidateSearch(study.candidates, knowledge, posterior, observed, acquisition, rate)
    return search.best(rng, pool)


def cold_config(
    study: StudySpace,
    observed: Observations,
    hypotheses: tuple[Hypothesis, ...],
    rng: np.random.Generator,
    *,
    acquisition: Acquisition = EXPECTED_IMPROVEMENT,
    pool: Floats | None = None,
) -> Floats:
    """The unit config (d,) of a cold trial; see the bound.

    Args:
        study: The space, and which part of it may be tried.
        observed: The trials so far, at least one with a score.
        hypotheses: Readings of the task that ask no prior task.
        rng: Source of candidates.
        acquisition: What a config promises.
        pool: The only configs that can be tried, (m, d), where there is such a list.
    """
    knowledge = no_knowledge(study)
    posterior, seen = posterior_of(knowledge, observed, hypotheses)
    return informed_config(
        knowledge, study, posterior, seen, rng, acquisition=acquisition, pool=pool
    )


def far_config(study: StudySpace, taken: Floats, rng: np.random.Generator) -> Floats:
    """The unit config (d,) that is farthest from all that was tried, among many random ones.

    Args:
        study: The space, and which part of it may be tried.
        taken: Configs of other trials, (n, d), NaN in columns that they had no use for.
        rng: Source of candidates.
    """
    random = study.candidates.random(_FAR, rng)
    away = np.nansum((random[:, None] - taken[None]) ** 2, axis=2).min(axis=1, initial=np.inf)
    chosen: Floats = random[int(away.argmax())]
    return chosen


def feasible_config(
    knowledge: Knowledge,
    study: StudySpace,
    observed: Observations,
    rng: np.random.Generator,
    head: Floats | None,
) -> Floats:
    """A unit config (d,) that may keep the limits, where no trial has so far: see `limits`.

    Args:
        knowledge: Of prior tasks, or nothing.
        study: The space, and which part of it may be tried.
        observed: The trials so far, enough of them with constraint values.
        rng: Source of candidates.
        head: What prior tasks expect, (p,), by which one of the configs is taken that keep the
            limits; where there is none, the one that keeps them best.
    """
    assert observed.limits is not None
    limits, make = observed.limits.fit(), study.candidates
    near = observed.limits.unit[np.argsort(observed.limits.excess)[:_PARENTS]]
    near = make.perturb(np.repeat(near, _CHILDREN, axis=0), rng, scale=0.15, bounds=_BOUNDS)
    pool = [make.random(_FAR, rng), near]
    if head is not None:
        pool.append(make.repair(np.where(np.isnan(knowledge.known), 0.5, knowledge.known)[:_FAR]))
    asked = np.concatenate(pool)
    excess = limits.drawn_excess(asked, rng)
    kept = excess <= 0.0
    if kept.any() and head is not None:
        expected = knowledge.transfer.basis(asked) @ head
        order = np.argsort(np.where(kept, -expected, np.inf))
    else:
        order = np.argsort(excess)
    free = (i for i in order if not observed.had(asked[i]))
    chosen: Floats = asked[next(free, order[0])]
    return chosen


def start_config(
    knowledge: Knowledge,
    study: StudySpace,
    taken: Floats,
    rng: np.random.Generator,
    *,
    skipped: int = 0,
) -> Floats | None:
    """The next unit config (d,) of the zero-shot start in the study's own space.

    The catalogue's configs are moved into the study's ranges, and the regret that a judge expects
    of one grows by what the move changes on that judge's own head. The start goes on from what has
    been tried, see `zero_shot`. Parameters that no prior task had get random values.

    Args:
        knowledge: What prior tasks taught.
        study: The space, and which part of it may be tried.
        taken: Configs of other trials, (n, d), NaN in columns that they had no use for.
        rng: Source of what no prior task says.
        skipped: How many configs to leave to others who are asking at the same moment.

    Returns:
        None where every config of the catalogue has been tried.
    """
    transfer, make = knowledge.transfer, study.candidates
    catalogue = transfer.catalogue
    unknown = np.isnan(knowledge.known)
    moved = make.repair(np.where(unknown, make.random(len(unknown), rng), knowledge.known))
    regret = catalogue.regret + _cost_of_moves(knowledge, moved)
    away = np.abs(moved[:, None] - taken[None]) * ~unknown[:, None]
    tried = (np.fmax.reduce(away, axis=2, initial=0.0) < _SAME).any(axis=1)
    reached = regret[tried].min(axis=0, initial=np.inf)
    for _ in range(skipped + 1):
        mean = np.minimum(regret, reached).mean(axis=1)
        mean[tried] = np.inf
        best = int(mean.argmin())
        if tried[best]:
            return None
        tried[best], reached = True, np.minimum(reached, regret[best])
    chosen: Floats = moved[best]
    return chosen


def _cost_of_moves(knowledge: Knowledge, moved: Floats) -> Floats:
    """Regret (k, J) that the catalogue's configs gain where they were moved, at least 0."""
    transfer = knowledge.transfer
    catalogue, basis = transfer.catalogue, transfer.basis
    heads = transfer.prior.heads[catalogue.judges]
    change = (basis(moved) - basis.unprojected(catalogue.unit)) @ heads.T
    # A judge's regret by its normal score, as a line through the catalogue.
    scores = catalogue.scores - catalogue.scores.mean(axis=0)
    steep = (scores * catalogue.regret).sum(axis=0) / np.maximum((scores**2).sum(axis=0), 1e-12)
    cost: Floats = np.maximum(np.minimum(steep, 0.0) * change, 0.0)
    return cost
