"""The result of a search with the model in it, and what it was made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autometa.tuning.finishing import Finished
from autometa.tuning.leaderboard import rows
from autometa.tuning.result import TuneResult
from autometa.tuning.search_spec import SearchSpec


def with_model(found: TuneResult, made: Finished | None, spec: SearchSpec) -> TuneResult:
    """A result with its fitted model, where there is one.

    Args:
        found: The result.
        made: The model, and what is known of it.
        spec: What was searched.
    """
    from autometa.tuning.model import TunedModel

    if made is None or made.fitted.pipeline is None:
        return found
    members = made.fitted.members
    found = replace(
        found,
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


def versions() -> Mapping[str, str]:
    """Of all that decides a result."""
    from importlib.metadata import version

    from autometa.collect import result

    return {**result.versions(), "optuna": version("optuna")}
