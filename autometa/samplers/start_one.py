"""The doors of `create` and `warm_start`, where a study has one objective."""

from __future__ import annotations

from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler

from autometa.errors import InputError
from autometa.meta import MetaModel
from autometa.meta.cost_model import CostModel
from autometa.priors.beginning import Beginning, say
from autometa.priors.cost import with_seconds
from autometa.priors.knowing import Known
from autometa.priors.opening import which_family
from autometa.priors.prior_model import fit_known
from autometa.samplers.sampler import MetaSampler
from autometa.samplers.starting import Request, note_adapted
from autometa.space import SearchSpace


def start_one(
    make: Callable[[BaseSampler], optuna.Study],
    request: Request,
    *,
    cost: str | None,
    only_space: bool = True,
    describe: Callable[[optuna.Study, SearchSpace | None], None] | None = None,
) -> optuna.Study:
    """A study of one objective with a sampler that starts from a prior.

    Args:
        make: Sampler -> the study.
        request: What the user says.
        cost: As of `create_study`.
        only_space: Without a space the prior's only one is searched, whatever the trials ask for.
        describe: Notes on the study what is searched (None: only the trials tell), before the
            study is told how it begins.

    Raises:
        InputError: a cost where only the trials tell what is searched; and as `create_study`,
            like all others.
    """
    source, wish = request.source, request.wish
    known = source.open(wish, request.own)
    if wish.space is None and known.families:
        if cost is not None:
            raise InputError(
                f"cost={cost!r} where only the trials tell what is searched", do="Say space="
            )
        sampler, beginning = _by_run(request, known)
        study = make(sampler)
        if describe is not None:
            describe(study, None)
        say(study, beginning, names=known.lines)
        return study
    seed, learner = request.seed, request.learner
    fitted = fit_known(
        known,
        wish.space,
        seed=seed,
        learner=learner,
        widen=request.widen,
        empty=source.why_empty,
    )
    searched = wish.space or fitted.model.space
    said = searched if only_space else wish.space
    model: MetaModel | CostModel = fitted.model
    if cost is not None:
        model = with_seconds(known, fitted, said, seed=seed, learner=learner)
    study = make(
        MetaSampler(
            model,
            seed=seed,
            space=said,
            meta_features=request.features,
            base=request.base,
            first=request.stated_in(searched),
        )
    )
    if describe is not None:
        describe(study, searched)
    note_adapted(study, fitted)
    say(study, fitted.beginning, asked=source.given, names=known.lines)
    return study


def _by_run(request: Request, known: Known) -> tuple[BaseSampler, Beginning]:
    """A sampler that learns from the trials what is searched, and how it begins."""
    if isinstance(known.prior, MetaModel):  # of a list there is none
        raise which_family(known.families)
    wish = request.wish
    sampler = MetaSampler(
        request.source.prior,
        seed=request.seed,
        first=request.stated,
        metric=wish.metric,
        data=None if wish.data is None else wish.data.table,
        fixed=wish.fixed,
        rules=wish.rules,
        base=request.base,
        learner=request.learner,
        meta_features=request.meta_features,
    )
    tasks = known.prior.tasks
    return sampler, Beginning(
        tasks=len(tasks),
        trials=sum(map(len, known.prior.histories)),
        metrics=tuple(dict.fromkeys(t.metric for t in tasks)),
        known=tuple(dict.fromkeys(n for s in known.prior.spaces for n in s.names)),
        why="" if tasks else "no prior task is of this kind",
    )
