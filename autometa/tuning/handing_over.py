"""The result of a search with the model in it, and what it was made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from autometa.tuning.arms import Arm
from autometa.tuning.family_models import FamilyModels
from autometa.tuning.finishing import Finished
from autometa.tuning.leaderboard import rows
from autometa.tuning.result import TuneResult
from autometa.tuning.search_spec import SearchSpec
from autometa.versions import OF_MODELS, versions_of

if TYPE_CHECKING:
    from optuna.study import Study

    from autometa.tables import Table


def result_of(
    spec: SearchSpec,
    table: Table,
    models: FamilyModels,
    warm: Arm,
    cold: Arm | None,
    *,
    asked: str,
    seconds: float,
    own_seconds: float,
    studies: Mapping[str, Study],
    notes: tuple[str, ...],
) -> TuneResult:
    """The record of a search, without its model; own seconds are those not spent on trials."""
    first = spec.children[0] if len(spec.children) == 1 else asked
    winner = warm.best.child if warm.best is not None else first
    return TuneResult(
        table=table.name,
        child=winner,
        asked=asked,
        metric=spec.metric,
        warm=warm,
        cold=cold,
        prior_tasks=models.prior_tasks,
        excluded_tasks=models.excluded,
        folds=spec.n_folds,
        rows=len(spec.table),
        seed=spec.seed,
        seconds=seconds,
        own_seconds=own_seconds,
        versions=versions_of((*OF_MODELS, "optuna")),
        study_name=spec.study_name,
        study=studies.get(winner),
        model=models.known.get(winner),
        meta_features=spec.features,
        notes=notes,
        table_notes=table.notes,
    )


def with_model(found: TuneResult, made: Finished | None, spec: SearchSpec) -> TuneResult:
    """A result with its fitted model, where there is one."""
    from autometa.tuning.model import TunedModel

    if made is None or made.fitted.pipeline is None:
        return found
    members = made.fitted.members
    found = replace(
        found,
        child=found.child if found.best is not None else members[0][0].child,
        members=members,
        ensemble_score=made.score if len(members) > 1 else None,
        threshold=made.threshold,
        held_out=made.held_out,
    )
    about = {
        "table": found.table,
        "kind": spec.table.kind,
        "metric": found.metric,
        "leaderboard": rows(found.warm, found.members),
        "versions": dict(found.versions),
    }
    if made.threshold is not None:
        about["threshold"] = made.threshold.to_json()
    return replace(found, fitted=TunedModel(made.fitted.pipeline, about, spec.scoring))
