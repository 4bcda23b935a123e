"""extrapolate_lr: what small runs say of a size that was not run."""

from __future__ import annotations

import math
import pickle
from typing import Any, Literal

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from autometa.errors import InputError
from autometa.inner import Extrapolation, extrapolate_lr

LR = FloatDistribution(1e-6, 1.0, log=True)
WIDTHS = (16, 32, 64, 128)


def loss(log_rate: float, width: float) -> float:
    """Best at log10 rate = -1 - log10 width; flat below, a cliff above."""
    off = log_rate + 1 + math.log10(width)
    return 3.0 - 0.3 * math.log10(width) + (0.2 * off**2 if off < 0 else 1 - math.exp(-3 * off**2))


def study(
    *,
    direction: Literal["minimize", "maximize"] = "minimize",
    sizes: tuple[float, ...] = WIDTHS,
    name: str = "lr",
    n: int = 10,
) -> optuna.Study:
    made = optuna.create_study(direction=direction)
    rng = np.random.default_rng(0)
    for width in sizes:
        for log_rate in rng.uniform(-4.5, -1.0, n):
            value = loss(log_rate, width) + 0.01 * rng.normal()
            made.add_trial(
                create_trial(
                    params={name: 10**log_rate},
                    distributions={name: LR},
                    user_attrs={"width": width},
                    value=value if direction == "minimize" else -value,
                )
            )
    return made


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_law_of_small_runs_is_found(direction: Literal["minimize", "maximize"]) -> None:
    found = extrapolate_lr(study(direction=direction), {"width": 512})
    low, high = (math.log10(end) for end in found.interval)
    truth = -1 - math.log10(512)
    assert low < truth < high
    assert abs(math.log10(found.rate) - truth) < 0.35
    assert found.rate < 10 ** ((low + high) / 2) or found.rate == pytest.approx(10**low)
    assert found.slopes["width"] == pytest.approx(-1, abs=0.3)
    assert (found.runs, found.far) == (40, False)
    assert found.beyond == pytest.approx(math.log10(4))
    assert "width^-" in str(found)
    assert pickle.loads(pickle.dumps(found)) == found


def test_doubt_grows_with_the_distance() -> None:
    known = study()
    widths = [
        math.log10(e.interval[1] / e.interval[0])
        for e in (extrapolate_lr(known, {"width": w}) for w in (64, 512, 128 * 31))
    ]
    assert widths == sorted(widths)
    assert len(set(widths)) == 3
    assert not extrapolate_lr(known, {"width": 128 * 29}).far
    far = extrapolate_lr(known, {"width": 128 * 31})
    assert far.far
    assert "factor of 30" in str(far)
    assert extrapolate_lr(known, {"width": 16 / 31}).far


def test_a_size_may_be_a_parameter_and_the_rate_have_another_name() -> None:
    made = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        width = trial.suggest_int("width", 16, 128, log=True)
        return loss(math.log10(trial.suggest_float("step", 1e-5, 0.1, log=True)), width)

    made.optimize(objective, n_trials=60)
    with pytest.raises(InputError, match=r"without a learning rate.*step"):
        extrapolate_lr(made, {"width": 512})
    found = extrapolate_lr(made, {"width": 512}, rate="step")
    assert found.interval[0] < 10 ** (-1 - math.log10(512)) < found.interval[1]


def test_diverged_runs_count_as_bad_and_pruned_ones_do_not_count() -> None:
    clean, dirty = study(), study()
    for width in WIDTHS:
        for log_rate in (-0.9, -0.5, -0.1):
            dirty.add_trial(_trial(log_rate, width, TrialState.FAIL))
            dirty.add_trial(_trial(-3.0, width, TrialState.PRUNED))
    dirty.add_trial(create_trial(state=TrialState.FAIL))  # failed before it had a rate
    found = extrapolate_lr(dirty, {"width": 512})
    assert found.runs == 40 + 12
    assert found.rate == pytest.approx(extrapolate_lr(clean, {"width": 512}).rate, rel=0.5)


def _trial(log_rate: float, width: float, state: TrialState) -> optuna.trial.FrozenTrial:
    return create_trial(
        params={"lr": 10**log_rate},
        distributions={"lr": LR},
        user_attrs={"width": width},
        state=state,
    )


def test_the_study_stays_as_it_is() -> None:
    known = study()
    before = known.get_trials()
    first = extrapolate_lr(known, {"width": 512})
    assert known.get_trials() == before
    assert extrapolate_lr(known, {"width": 512}) == first
    assert isinstance(first, Extrapolation)


@pytest.mark.parametrize(
    ("known", "at", "message"),
    [
        (study(), {}, "at="),
        (study(), {"width": 0}, "width=0"),
        (study(), {"width": math.nan}, "width=nan"),
        (study(), {"width": True}, "width=True"),
        (study(), {"width": "512"}, "width='512'"),
        (study(), {"depth": 3}, "trial 0 with depth=None"),
        (study(sizes=(16, 32)), {"width": 64}, "20 runs of 2 sizes"),
        (study(n=3), {"width": 64}, "12 runs of 4 sizes"),
        (study(name="beta"), {"width": 64}, "without a learning rate"),
        (optuna.create_study(), {"width": 64}, "without a learning rate"),
        (optuna.create_study(directions=["minimize"] * 2), {"width": 64}, "2 objectives"),
        ("study.db", {"width": 64}, "a str"),
    ],
)
def test_bad_input(known: Any, at: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        extrapolate_lr(known, at)


@pytest.mark.parametrize("at", [{"lr": 0.1}, {"width": 64, "lr": 0.1}])
def test_the_rate_is_no_size(at: dict[str, float]) -> None:
    with pytest.raises(InputError, match="the rate 'lr' among the sizes"):
        extrapolate_lr(study(), at)


@pytest.mark.parametrize("value", [0.0, 0.7, -3.0])
def test_runs_that_all_came_out_alike_say_nothing_of_rates(value: float) -> None:
    made = optuna.create_study()
    for trial in study().trials:
        made.add_trial(
            create_trial(
                params=trial.params,
                distributions=trial.distributions,
                user_attrs=trial.user_attrs,
                value=value,
            )
        )
    with pytest.raises(InputError, match="values are all the same"):
        extrapolate_lr(made, {"width": 512})


def test_a_rate_that_no_trial_has() -> None:
    with pytest.raises(InputError, match=r"rate='eta'.*one of lr"):
        extrapolate_lr(study(), {"width": 64}, rate="eta")
