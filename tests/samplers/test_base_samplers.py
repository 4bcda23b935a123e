"""The base that nobody chose is Optuna's own sampler, hooks and all, and says nothing of itself."""

from __future__ import annotations

import optuna
import pytest

from autometa.samplers.base_samplers import usual_base


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("objectives", "kind"),
    [(1, optuna.samplers.GPSampler), (2, optuna.samplers.TPESampler)],
)
def test_the_base_that_nobody_chose_warns_of_nothing(objectives: int, kind: type) -> None:
    assert type(usual_base(0, objectives, None)) is kind
