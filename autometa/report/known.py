"""What a meta-model knew before the search, as figures of a page."""

from __future__ import annotations

from collections.abc import Mapping

from autometa import plots
from autometa.errors import ModelError, SpaceError
from autometa.meta import MetaModel
from autometa.meta.parts.inner_rate import InnerRate
from autometa.report.drawing import figure
from autometa.tuning.arms import TunedTrial

ANY = "promising configs"


def figures(
    model: MetaModel, meta_features: Mapping[str, float], trials: Mapping[str, TunedTrial]
) -> list[str]:
    """Importance of parameters, map of the prior tasks, inner learning rates.

    Args:
        model: What was learned; one that learned nothing gives no figures.
        meta_features: Of the new task; may be empty.
        trials: Label -> a trial whose inner learning rate is compared with the prediction.
    """
    if model.transfer is None:
        return []
    drawn = [
        figure(plots.plot_param_importances(model)),
        figure(plots.plot_task_map(model, meta_features=meta_features)),
    ]
    predicted = _predicted(model, meta_features, trials)
    if predicted:
        observed = {name: t.inner_lr for name, t in trials.items() if name in predicted}
        known = {name: rate for name, rate in observed.items() if rate is not None}
        drawn.append(figure(plots.plot_inner_lr(predicted, observed=known)))
    return drawn


def _predicted(
    model: MetaModel, meta_features: Mapping[str, float], trials: Mapping[str, TunedTrial]
) -> dict[str, InnerRate]:
    """Predictions for promising configs, and for those that were tried; {} where there is none."""
    try:
        found = {ANY: model.predict_inner_lr(meta_features)}
        for name, trial in trials.items():
            found[name] = model.predict_inner_lr(meta_features, trial.config)
    except (ModelError, SpaceError):  # no inner rate in this space, or a study of another one
        return {}
    return found
