"""Read a search back from Optuna studies, ours or anybody's, as the record that reports show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

from autometa import children
from autometa.children.child import FROM
from autometa.errors import InputError, SpaceError
from autometa.samplers.explanation import UNKNOWN, Explanation, explain_study
from autometa.storages.attributes import EVALUATION, number
from autometa.storages.studies import SEARCH
from autometa.suggest.expectation import expectation
from autometa.task import Direction, State
from autometa.tuning.arms import Arm, TunedTrial
from autometa.tuning.result import TuneResult
from autometa.tuning.trials import STATES, folds_of

if TYPE_CHECKING:
    from autometa.meta import MetaModel


def read_study(
    study: optuna.Study, *, cold: optuna.Study | None = None, model: MetaModel | None = None
) -> TuneResult:
    """The search of a study; trials that are not finished are left out.

    Args:
        study: Of any sampler; what `autometa tune` noted on its trials is used where it is there.
        cold: A study of the same objective to compare with.
        model: What its sampler knew beforehand: adds what the prior expected of each trial.

    Raises:
        InputError: several objectives, or a cold study of the other direction.
    """
    direction = _direction(study)
    if cold is not None and _direction(cold) != direction:
        raise InputError(
            f"study {cold.study_name!r} is not to {direction}, as {study.study_name!r} is",
            allowed="two studies of one objective",
        )
    noted = study.user_attrs.get(SEARCH)
    about: Mapping[str, Any] = noted if isinstance(noted, Mapping) else {}
    child = str(about.get("child") or (model.space.name if model else "") or "config")
    names = study.metric_names
    return TuneResult(
        table=study.study_name,
        child=child,
        asked=child,
        metric=str(about.get("metric") or (names[0] if names else "value")),
        direction=direction,
        warm=_arm("warm", study, direction, child, model),
        cold=None if cold is None else _arm("cold", cold, direction, child, None),
        prior_tasks=len(model.tasks) if model else 0,
        folds=_whole(about.get("folds")),
        seed=_whole(about.get("seed")),
        versions={"optuna": optuna.__version__},
        study_name=study.study_name,
        study=study,
        model=model,
    )


def _direction(study: optuna.Study) -> Direction:
    if len(study.directions) != 1:
        raise InputError(
            f"study {study.study_name!r} has {len(study.directions)} objectives",
            allowed="a study of one objective",
        )
    return "maximize" if study.direction == optuna.study.StudyDirection.MAXIMIZE else "minimize"


def _arm(
    name: str, study: optuna.Study, direction: Direction, child: str, model: MetaModel | None
) -> Arm:
    expect = expectation(model, None) if model is not None else None
    rate = _inner_lr(child, model)
    trials: list[TunedTrial] = []
    for trial, why in zip(study.get_trials(deepcopy=False), explain_study(study), strict=True):
        if trial.state not in STATES:
            continue
        noted = trial.user_attrs.get(EVALUATION)
        evaluation: Mapping[str, Any] = noted if isinstance(noted, Mapping) else {}
        expected = number(evaluation.get("expected"))
        if expected is None and expect is not None:
            try:
                expected = expect(trial.params)
            except SpaceError:  # a config that the model cannot read
                expected = None
        trials.append(_tuned(trial, why, evaluation, child=child, expected=expected, rate=rate))
    return Arm(name=name, trials=tuple(trials), direction=direction)


def _tuned(
    trial: optuna.trial.FrozenTrial,
    why: Explanation,
    evaluation: Mapping[str, Any],
    *,
    child: str,
    expected: float | None,
    rate: str | None,
) -> TunedTrial:
    done = trial.state == TrialState.COMPLETE
    value = number(why.value) if done else None
    lost = done and value is None
    return TunedTrial(
        number=trial.number,
        child=str(trial.params.get("child", child)),
        config=trial.params,
        value=value,
        state=State.FAILED if lost else STATES[trial.state],
        fold_scores=folds_of(evaluation.get("folds")),
        seconds=None if trial.duration is None else trial.duration.total_seconds(),
        inner_lr=number(trial.params.get(rate)) if rate else None,
        rule="" if why.rule == UNKNOWN else why.rule,
        reason=why.reason,
        expected=expected,
        weights=why.weights,
        error="no finite value" if lost else str(evaluation.get("error") or ""),
    )


def _inner_lr(child: str, model: MetaModel | None) -> str | None:
    """Which parameter is the inner learning rate, if that is known."""
    if model is not None:
        return model.space.inner_lr
    known = child.partition(FROM)[0]  # a name from a file: no start of it is opened
    return children.get(known).space.inner_lr if known in children.names() else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
