"""The doors of `create`, where a study has several objectives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import optuna
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection

from autometa.errors import InputError
from autometa.priors.beginning import say
from autometa.priors.knowing import Wish, names_family
from autometa.priors.several import KnownFront, fit_front, front_of, known_front
from autometa.samplers.sampler import MetaSampler
from autometa.samplers.source import Source
from autometa.samplers.starting import Request, note_adapted
from autometa.space import SearchSpace
from autometa.task import Direction, Task, check_direction


def asked_directions(
    task: Task | Direction | Sequence[Direction] | None,
    directions: Sequence[Direction] | None,
    metric: str | Sequence[str] | None,
) -> tuple[Direction, ...]:
    """The directions of several objectives; empty where there is one.

    Args:
        task: As of `create_study`: a task of which several metrics are asked for says their
            directions.
        directions: As of `create_study`.
        metric: Names of the objectives.

    Raises:
        InputError: both are given, or as many names as directions are not.
        RecordError: not a direction.
    """
    metrics = None if metric is None or isinstance(metric, str) else tuple(metric)
    if isinstance(task, Task) and directions is None and metrics is not None:
        known = {"seconds": "minimize", **task.metrics, task.metric: task.direction}
        unknown = [m for m in metrics if m not in known]
        if unknown:
            raise InputError(
                f"metric {unknown[0]!r} of task {task.name!r}", allowed=", ".join(known)
            )
        directions = tuple(check_direction(known[m]) for m in metrics)
    elif isinstance(task, Sequence) and not isinstance(task, str):
        if directions is not None:
            raise InputError("directions twice", allowed="directions=[...]")
        directions = tuple(task)
    if directions is None:
        if metrics is not None:
            raise InputError(
                f"{len(metrics)} metrics and one direction", allowed="directions=, one for each"
            )
        return ()
    if isinstance(directions, str):
        raise InputError(f"directions={directions!r}", allowed="a list, one for each objective")
    found = tuple(check_direction(d) for d in directions)
    if isinstance(task, str | StudyDirection):
        raise InputError("a direction and directions=", allowed="directions=[...] alone")
    if len(found) < 2:
        raise InputError(
            f"{len(found)} directions", allowed="two or more; of one objective its direction"
        )
    if isinstance(metric, str) or (metrics is not None and len(metrics) != len(found)):
        raise InputError(
            f"metric={metric!r} for {len(found)} objectives", allowed="a list, a name for each"
        )
    return found


def start_several(
    make: Callable[[BaseSampler], optuna.Study],
    request: Request,
    directions: Sequence[Direction],
    *,
    metric: str | Sequence[str] | None,
    describe: Callable[[optuna.Study, SearchSpace | None], None] | None = None,
) -> optuna.Study:
    """A study of several objectives with a sampler that starts from a prior.

    Args:
        make: Sampler -> the study.
        request: What the user says.
        directions: Of the objectives.
        metric: Their names, where prior tasks were scored by several.
        describe: Notes on the study what is searched.

    Raises:
        InputError: the prior was not tried for these objectives; and as `create_study`, like all
            others.
    """
    source, wish = request.source, request.wish
    found = _read(source, wish, request.own, metric, directions)
    fitted = fit_front(
        found,
        wish.space,
        directions,
        seed=request.seed,
        learner=request.learner,
        widen=request.widen,
        empty=source.why_empty,
    )
    searched = wish.space or fitted.model.space
    study = make(
        MetaSampler(
            fitted.model,
            seed=request.seed,
            space=wish.space,
            meta_features=request.features,
            base=request.base,
            first=request.stated_in(searched),
        )
    )
    if describe is not None:
        describe(study, searched)
    note_adapted(study, fitted.first)
    say(study, fitted.beginning, asked=source.given, names=found.known.lines)
    return study


def _read(
    source: Source,
    wish: Wish,
    own: optuna.Study | None,
    metric: str | Sequence[str] | None,
    directions: Sequence[Direction],
) -> KnownFront:
    metrics = None if metric is None or isinstance(metric, str) else tuple(metric)
    if source.new or not names_family(source.prior):
        known = source.open(replace(wish, metric=None, direction=None), own)
        return front_of(known, metrics, directions)
    if metrics is None:
        raise InputError(
            "a family for several objectives that are not named",
            allowed='metric=["accuracy", "seconds"], a name for each objective',
        )
    return known_front(source.prior, wish, metrics, directions)
