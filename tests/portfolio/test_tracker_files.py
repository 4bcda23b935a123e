"""What trackers' users really write to files, and what is inferred from the values in them."""

from __future__ import annotations

import contextlib
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from autometa.errors import InputError, StoreError
from autometa.portfolio import Portfolio
from autometa.portfolio.importers import ranges
from autometa.portfolio.importers.ranges import is_log, written_distribution
from autometa.space.literals import as_json
from autometa.space.rates import inner_rate
from autometa.task import State

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    LAYERS = CategoricalDistribution([(64,), (64, 32)])  # type: ignore[list-item]
SPACE: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-6, 1.0, log=True),
    "width": IntDistribution(8, 512, log=True),
    "drop": FloatDistribution(0.0, 0.5, step=0.1),
    "act": CategoricalDistribution(["relu", None, True, 3]),
    "layers": LAYERS,
}


def trials() -> list[FrozenTrial]:
    found = []
    for i in range(12):
        state = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)[min(max(i - 9, 0), 2)]
        found.append(
            create_trial(
                state=state,
                value=None if state == TrialState.FAIL else i / 10,
                params={
                    "lr": 10.0 ** (-1 - i % 3),
                    "width": 16 + i,
                    "drop": 0.1 * (i % 2),
                    "act": SPACE["act"].choices[i % 4],  # type: ignore[attr-defined]
                    "layers": LAYERS.choices[i % 2],
                },
                distributions=SPACE,
            )
        )
    return found


def of_the_callback(*, distributions: bool = True) -> pd.DataFrame:
    """The runs that Optuna's MLflow callback makes, as `mlflow.search_runs` shows them."""
    rows: list[dict[str, Any]] = []
    for trial in trials():
        row = {
            "run_id": f"r{len(rows)}",
            "experiment_id": "0",
            "status": "FINISHED",
            **{f"params.{k}": str(v) for k, v in trial.params.items()},
            "metrics.value": trial.value,
            "tags.state": trial.state.name,
        }
        if distributions:
            row |= {f"tags.{k}_distribution": str(d) for k, d in trial.distributions.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def write(frame: pd.DataFrame, folder: Path, form: str) -> Path:
    path = folder / f"runs.{'csv' if form == 'csv' else 'json'}"
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "lines":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_json(path, **({} if form == "columns" else {"orient": form}))  # type: ignore[call-overload]
    return path


FORMS = ["csv", "records", "lines", "columns"]


@pytest.mark.parametrize("form", FORMS)
def test_runs_of_optunas_callback_have_its_states_and_distributions(
    form: str, tmp_path: Path
) -> None:
    path = write(of_the_callback(), tmp_path, form)
    result = Portfolio.from_mlflow(path, metric="value", direction="maximize")
    found = dict(result.space.distributions)
    assert found.pop("layers") == CategoricalDistribution(["[64]", "[64, 32]"])
    assert found == {k: d for k, d in SPACE.items() if k != "layers"}
    assert result.space.inner_lr == "lr"
    (history,) = result.histories
    assert history.states.tolist() == [*[State.COMPLETE] * 10, State.PRUNED, State.FAILED]
    expected = [{**t.params, "layers": json.dumps(list(t.params["layers"]))} for t in trials()]
    assert [t.config for t in history] == [pytest.approx(e) for e in expected]


def test_without_the_tags_the_values_must_do(tmp_path: Path) -> None:
    path = write(of_the_callback(distributions=False), tmp_path, "csv")
    space = Portfolio.from_mlflow(path, metric="value", direction="maximize").space
    assert space.distributions["lr"] == FloatDistribution(1e-3, 0.1, log=True)
    assert space.distributions["width"] == IntDistribution(16, 27)
    assert space.distributions["layers"] == CategoricalDistribution(["(64, 32)", "(64,)"])


@pytest.mark.parametrize("i", [0, 5, 9])
@pytest.mark.parametrize("gap", ["parent", "cell", "value"])
def test_one_odd_run_outvotes_nobody(gap: str, i: int, tmp_path: Path) -> None:
    frame = of_the_callback(distributions=False)
    columns = [str(c) for c in frame if str(c).startswith("params.")]
    if gap == "parent":
        frame.loc[i, columns] = None
    elif gap == "cell":
        frame.loc[i, "params.width"] = None
    else:
        frame.loc[i, "metrics.value"] = None
    path = write(frame, tmp_path, "csv")
    result = Portfolio.from_mlflow(path, metric="value", direction="maximize")
    assert set(result.space.names) == set(SPACE)
    assert result.space.conditions == {}
    assert len(result.histories[0]) == (12 if gap == "value" else 11)


@pytest.mark.parametrize("name", [0, 7, 7.0, "7", "a b", "007"])
def test_any_id_names_a_task(name: Any, tmp_path: Path) -> None:
    runs = [
        {
            "info": {"experiment_id": name, "status": "FINISHED"},
            "data": {"params": {"x": str(i)}, "metrics": {"m": i}},
        }
        for i in range(3)
    ]
    path = tmp_path / "r.json"
    path.write_text(json.dumps(runs))
    result = Portfolio.from_mlflow(path, metric="m", direction="maximize")
    assert [t.name for t in result.tasks] == [str(name).removesuffix(".0")]
    records = [{"state": "finished", "config": {"x": i, "data": name}, "m": i} for i in range(3)]
    path.write_text(json.dumps(records))
    result = Portfolio.from_wandb(path, metric="m", direction="maximize", task="data")
    assert [t.name for t in result.tasks] == [str(name).removesuffix(".0")]


@pytest.mark.parametrize(
    ("header", "twice"),
    [
        ("layer,layer.1,acc", None),
        ("layer.1,layer,acc", None),
        ("layer,layer,acc", "layer"),
        ("layer,acc,acc", "acc"),
    ],
)
def test_a_column_is_doubled_by_its_own_name_only(
    header: str, twice: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"{header}\n1,2,3\n4,5,6\n")

    def read() -> Portfolio:
        names = [n for n in dict.fromkeys(header.split(",")) if n != "acc"]
        return Portfolio.from_wandb(path, metric="acc", direction="maximize", params=names)

    if twice is None:
        assert set(read().space.names) == {"layer", "layer.1"}
    else:
        with pytest.raises(InputError, match=f"column '{twice}' comes twice"):
            read()


# Weights & Biases ---------------------------------------------------------------------------------

RUNS = [
    ({"acc": 0.5, "_runtime": 30, "loss": math.nan}, {"lr": 0.1, "opt": {"kind": "adam"}}),
    ({"acc": 0.7, "_runtime": 40}, {"lr": 0.01, "opt": {"kind": "sgd"}, "note": 'it\'s "quoted"'}),
    ({"_runtime": 1}, {"lr": 0.001, "opt": {"kind": "adam"}, "_wandb": {"cli": "1"}}),
]


def guide_frame(**more: Any) -> pd.DataFrame:
    """The frame that W&B's guide makes of runs."""
    return pd.DataFrame(
        {
            "summary": [s for s, _ in RUNS],
            "config": [c for _, c in RUNS],
            "name": [f"run-{i}" for i in range(len(RUNS))],
            **more,
        }
    )


@pytest.mark.parametrize("form", [*FORMS, "texts"])
@pytest.mark.parametrize("states", [False, True])
def test_the_frame_of_wandbs_guide_is_read(form: str, states: bool, tmp_path: Path) -> None:
    frame = guide_frame(**({"state": ["finished", "finished", "crashed"]} if states else {}))
    if form == "texts":
        for part in ("summary", "config"):
            frame[part] = frame[part].map(json.dumps)
    path = write(frame, tmp_path, "records" if form == "texts" else form)
    result = Portfolio.from_wandb(path, metric="acc", direction="maximize")
    assert set(result.space.names) == {"lr", "opt.kind"}
    (history,) = result.histories
    assert history.states.tolist() == [State.COMPLETE, State.COMPLETE, State.FAILED]
    assert [t.config for t in history] == [
        {"lr": 0.1, "opt.kind": "adam"},
        {"lr": 0.01, "opt.kind": "sgd"},
        {"lr": 0.001, "opt.kind": "adam"},
    ]
    said = f"{path.name} has no states: runs with a value have finished"
    assert (said in result.provenance["notes"]) is not states


def test_a_flat_table_without_states_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"Name": ["a", "b", "c"], "lr": [0.1, 0.2, 0.3], "acc": [1.0, None, 0.5]})
    path = write(frame.assign(Runtime=["1m 30s", "0:00:10", "5"]), tmp_path, "csv")
    result = Portfolio.from_wandb(path, metric="acc", direction="maximize", params=["lr"])
    assert result.histories[0].states.tolist() == [State.COMPLETE, State.FAILED, State.COMPLETE]
    flat = write(frame, tmp_path, "records")
    result = Portfolio.from_wandb(flat, metric="acc", direction="maximize", params=["lr"])
    assert len(result.histories[0]) == 3


@pytest.mark.parametrize(
    ("name", "content", "error", "remedy"),
    [
        ("r.csv", "config,summary,name\n\"{'a': <Image>}\",{},x\n", InputError, "json.dumps"),
        ("r.csv", f'config,summary\n"{"[" * 5000}",{{}}\n', InputError, "json.dumps"),
        ("r.csv", "lr,acc\n1,2\n", InputError, "params="),
        ("r.csv", "status,params.lr,metrics.acc\nFINISHED,1,2\n", InputError, "from_mlflow"),
        ("r.json", '{"a": 1}', InputError, "orient='records'"),
        ("r.json", '{"state": "finished"}\n[1]\n', InputError, "orient='records'"),
        ("r.json", "lr,acc\n1,2\n", StoreError, "to_csv"),
        ("r.parquet", "PAR1 and more", StoreError, "read_parquet"),
        ("r.jsonl", '{"config": {"lr": 1}, "summary": {"acc": 1}}\n{', StoreError, "to_csv"),
        ("r.json", '[{"config": "{", "summary": {}}]', InputError, "json.dumps"),
    ],
)
def test_refused_files_say_the_line_that_converts_them(
    name: str, content: str, error: type[Exception], remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(error) as caught:
        Portfolio.from_wandb(path, metric="acc", direction="maximize")
    assert remedy in str(caught.value)


# What is inferred ---------------------------------------------------------------------------------


def share_of_log(draw: Any, sets: int = 400) -> float:
    rng = np.random.default_rng(0)
    return float(np.mean([is_log(draw(rng)) for _ in range(sets)]))


@pytest.mark.parametrize("n", [3, 5, 10, 50])
@pytest.mark.parametrize("low", [0.0, 0.01, 0.1])
def test_uniform_draws_are_hardly_ever_taken_for_logarithmic(n: int, low: float) -> None:
    assert share_of_log(lambda rng: rng.uniform(low, 1.0, n)) <= 0.04
    assert share_of_log(lambda rng: rng.integers(1, 1000, n)) <= 0.04


@pytest.mark.parametrize(
    ("n", "decades", "least"), [(50, 2, 0.99), (50, 3, 1.0), (50, 6, 1.0), (20, 3, 0.98)]
)
def test_log_uniform_draws_are_taken_for_logarithmic(n: int, decades: int, least: float) -> None:
    assert share_of_log(lambda rng: 10 ** rng.uniform(-decades, 0, n)) >= least


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([0.1, 0.01, 0.001], True),
        ([16, 32, 64, 128, 256, 512], True),
        ([0.1, 0.2, 0.5, 1.0], False),
        ([0, 0.001, 0.1], False),
        ([-1, 1, 100], False),
        ([5], False),
    ],
)
def test_grids_say_their_scale_too(values: list[float], log: bool) -> None:
    assert is_log(values) is log
    assert is_log(values * 20) is log


@pytest.mark.parametrize(
    ("name", "choices", "found"),
    [
        ("lr", [0.1, 0.2, 0.3], FloatDistribution(0.1, 0.3, log=True)),
        ("opt.learning_rate", [0.1, 0.2], FloatDistribution(0.1, 0.2, log=True)),
        ("lr", [0.0, 0.2], FloatDistribution(0.0, 0.2)),
        ("beta", [0.1, 0.2, 0.3], FloatDistribution(0.1, 0.3)),
    ],
)
def test_a_learning_rate_is_logarithmic_by_its_name(
    name: str, choices: list[float], found: BaseDistribution
) -> None:
    assert ranges.distribution_of(name, choices) == found


LOG = FloatDistribution(1e-5, 1.0, log=True)


@pytest.mark.parametrize(
    ("names", "rate"),
    [
        (["x", "lr"], "lr"),
        (["learning_rate", "lr_decay"], "learning_rate"),
        (["mlp__learning_rate_init", "mlp__alpha"], "mlp__learning_rate_init"),
        (["model.optimizer.lr", "y"], "model.optimizer.lr"),
        (["eta0", "alpha"], "eta0"),
        (["eta"], "eta"),
        (["LearningRate"], "LearningRate"),
        (["lr", "head_lr"], "lr"),
        (["generator_lr", "critic_lr"], None),
        (["adam_lr", "min_lr"], "adam_lr"),
        (["beta", "slr", "flare"], None),
        (["lr_scheduler"], None),
    ],
)
def test_the_inner_rate_is_known_by_its_name(names: list[str], rate: str | None) -> None:
    assert inner_rate(dict.fromkeys(names, LOG)) == rate
    assert inner_rate({**dict.fromkeys(names, FloatDistribution(0.1, 1.0))}) is None
    study = optuna.create_study()
    study.add_trial(
        create_trial(
            value=1.0, params=dict.fromkeys(names, 0.1), distributions=dict.fromkeys(names, LOG)
        )
    )
    assert Portfolio.from_studies(study).space.inner_lr == rate
    assert Portfolio.from_studies(study, inner_lr=names[0]).space.inner_lr == names[0]
    assert Portfolio.from_studies(study, inner_lr="").space.inner_lr is None


@pytest.mark.parametrize(
    "given",
    [
        FloatDistribution(-1.0, 1e-3),
        FloatDistribution(1e-9, 1.0, log=True),
        FloatDistribution(0, 1, step=0.25),
        IntDistribution(1, 9, step=2),
        IntDistribution(1, 10**6, log=True),
        CategoricalDistribution(["a", "it's", 'q"', "low=1, high=2", None, True, 3, 0.5]),
    ],
)
def test_written_distributions_are_read(given: BaseDistribution) -> None:
    text = optuna.distributions.distribution_to_json(given)
    assert written_distribution("x", text) == given
    assert written_distribution("x", str(given)) == given


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("UniformDistribution(high=1.0, low=0.0)", FloatDistribution(0, 1)),
        ("LogUniformDistribution(high=1.0, low=0.1)", FloatDistribution(0.1, 1, log=True)),
        (
            "DiscreteUniformDistribution(high=1.0, low=0.0, q=0.5)",
            FloatDistribution(0, 1, step=0.5),
        ),
        ("IntUniformDistribution(high=9, low=1, step=2)", IntDistribution(1, 9, step=2)),
        ("IntLogUniformDistribution(high=9, low=1, step=1)", IntDistribution(1, 9, log=True)),
        ("FloatDistribution(high=nan, log=False, low=0.0, step=None)", None),
        ("FloatDistribution(high=0.0, log=False, low=1.0, step=None)", None),
        ("CategoricalDistribution(choices=(<function f at 0x1>,))", None),
        ("CategoricalDistribution(choices=())", None),
        ("__import__('os').system('true')", None),
        ("IntDistribution(" * 5000, None),
        ("", None),
        (None, None),
        ('{"name": "FloatDistribution"}', None),
        ("[1]", None),
    ],
)
def test_written_distributions_of_other_kinds(text: Any, found: Any) -> None:
    assert written_distribution("x", text) == found


_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda d: st.lists(d) | st.dictionaries(st.text(), d) | st.tuples(d, d),
)


@given(_DATA)
def test_what_python_shows_of_plain_data_is_read(data: Any) -> None:
    assert as_json(repr([data])) == json.loads(json.dumps([data]))


@given(st.text(alphabet="[](){}'\",:\\ aT1.-eE\n"))
def test_other_text_is_an_error_and_nothing_else(text: str) -> None:
    with contextlib.suppress(ValueError):
        as_json(text)


@pytest.mark.parametrize("prefix", ["config/", "parameters/", "hparams/", "params_"])
@pytest.mark.parametrize("form", ["csv", "json", "frame"])
def test_columns_that_say_that_they_are_parameters_need_no_names(
    prefix: str, form: str, tmp_path: Path
) -> None:
    rows = [
        {"trial_id": f"t{i}", f"{prefix}lr": 10.0 ** (-i % 4), f"{prefix}depth": i, "acc": i / 9}
        for i in range(9)
    ]
    frame = pd.DataFrame(rows)
    path = tmp_path / f"runs.{form}"
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "json":
        frame.to_json(path, orient="records")
    given = frame if form == "frame" else path
    found = Portfolio.from_wandb(given, metric="acc", direction="maximize")
    assert set(found.space.names) == {"lr", "depth"}
    assert found.provenance["imported"] == "runs of a tracker's table"
    assert len(found.histories[0]) == 9


def test_optunas_own_table_keeps_its_states(tmp_path: Path) -> None:
    study = optuna.create_study(direction="maximize")
    study.optimize(lambda t: t.suggest_float("lr", 0, 1), n_trials=6)
    study.add_trial(optuna.create_trial(state=optuna.trial.TrialState.FAIL))
    frame = study.trials_dataframe()
    found = Portfolio.from_wandb(frame, metric="value", direction="maximize").histories[0]
    assert found.task.space.names == ("lr",)
    assert found.values.tolist()[:6] == [t.value for t in study.trials[:6]]
    took = [t.duration.total_seconds() for t in study.trials[:6] if t.duration is not None]
    assert found.seconds.tolist()[:6] == pytest.approx(took, abs=1e-5)
    with pytest.raises(InputError, match=r"several levels.*multi_index=False"):
        Portfolio.from_wandb(
            study.trials_dataframe(multi_index=True), metric="value", direction="maximize"
        )


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ({"time_total_s": 2.5, "timestamp": 1700000000}, 2.5),  # Ray Tune
        ({"datetime_start": "2024-05-01 10:00:00", "datetime_complete": "2024-05-01 10:01:00"}, 60),
        ({"created_at": "2024-05-01T10:00:00Z", "_runtime": 7}, 7),
        ({"created_at": "2024-05-01T10:00:00Z", "_runtime": 1e300}, math.nan),
        ({"time_total_s": 2.5}, math.nan),
    ],
)
def test_how_long_runs_took_is_read(times: dict[str, Any], seconds: float) -> None:
    frame = pd.DataFrame([{"config/lr": 0.1 * i, "acc": i / 9, **times} for i in range(9)])
    found = Portfolio.from_wandb(frame, metric="acc", direction="maximize").histories[0]
    np.testing.assert_allclose(found.seconds, seconds)


def test_a_prefix_that_would_hide_a_column_is_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame({"config/lr": [0.1, 0.2], "lr": [1, 2], "acc": [0.5, 0.6]})
    with pytest.raises(InputError, match="does not say which of its columns are parameters"):
        Portfolio.from_wandb(frame, metric="acc", direction="maximize")
