"""The result of a search with the model in it, and what it was made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autometa.tuning.ensembling import Fitted
from autometa.tuning.leaderboard import rows
from autometa.tuning.result import TuneResult
from autometa.tuning.setting import Setting


def with_model(
    found: TuneResult, made: Fitted | None, score: float | None, setting: Setting
) -> TuneResult:
    """A result with its fitted model, where there is one.

    Args:
        found: The result.
        made: The members, fitted.
        score: Of the ensemble, on held-out rows.
        setting: What was searched.
    """
    from autometa.tuning.model import TunedModel

    if made is None or made.pipeline is None:
        return found
    several = len(made.members) > 1
    found = replace(found, members=made.members, ensemble_score=score if several else None)
    about = {
        "table": found.table,
        "kind": setting.table.kind,
        "metric": found.metric,
        "leaderboard": rows(found.warm, found.members),
        "versions": dict(found.versions),
    }
    return replace(found, fitted=TunedModel(made.pipeline, about, setting.scoring))


def versions() -> Mapping[str, str]:
    """Of all that decides a result."""
    from importlib.metadata import version

    from autometa.collect import result

    return {**result.versions(), "optuna": version("optuna")}
