"""Studies as people really have them: odd choices, odd trials, choices that grew, small ones."""

from __future__ import annotations

import enum
import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

from autometa.errors import SpaceError
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import State

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")

X = FloatDistribution(0.0, 1.0)


class Loss(enum.Enum):
    L1 = 1
    L2 = 2


def of(*rows: Mapping[str, Any], name: str = "s", **distributions: Any) -> optuna.Study:
    """A study with one COMPLETE trial a row."""
    study = optuna.create_study(study_name=name)
    for i, row in enumerate(rows):
        params = {k: v for k, v in row.items() if k != "value"}
        study.add_trial(
            create_trial(
                value=float(row.get("value", i)),
                params=params,
                distributions={k: {"x": X, **distributions}[k] for k in params},
            )
        )
    return study


def configs(portfolio: Portfolio, k: int = 0) -> list[dict[str, Any]]:
    return [t.config for t in portfolio.histories[k]]


def told(portfolio: Portfolio, k: int = 0) -> Any:
    return portfolio.provenance["studies"][k]


# Choices ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "texts"),
    [
        ([[64], [64, 32]], ["[64]", "[64, 32]"]),
        ([(64,), (64, 32)], ["[64]", "[64, 32]"]),
        ([{"a": 1, "b": [2]}, {"b": 3}], ['{"a": 1, "b": [2]}', '{"b": 3}']),
        ([math.nan, math.inf, 0.5], ["nan", "inf", 0.5]),
        ([np.int64(3), np.float32(0.5), np.bool_(True)], [3, 0.5, True]),
        ([Loss.L1, Loss.L2], ["Loss.L1", "Loss.L2"]),
        ([dict, json.dumps], ["builtins.dict", "json.dumps"]),
        ([Path("a/b"), {3, 1}], ["a/b", "[1, 3]"]),
    ],
)
def test_any_choice_that_something_tells_apart_is_kept(choices: list[Any], texts: Any) -> None:
    kind = CategoricalDistribution(choices)
    study = optuna.create_study()
    for i in (0, 1, len(choices) - 1):
        trial = create_trial(
            value=1.0, params={"k": choices[0], "x": 0.5}, distributions={"k": kind, "x": X}
        )
        trial.params["k"] = choices[i]
        study.add_trial(trial)
    result = Portfolio.from_studies(study)
    assert result.space.distributions["k"] == CategoricalDistribution(texts)
    assert [c["k"] for c in configs(result)] == [texts[0], texts[1], texts[-1]]
    assert told(result)["left_out"] == []


@pytest.mark.parametrize("kind", ["sqlite", "journal", "memory"])
def test_lists_are_the_same_in_every_storage_and_in_a_saved_portfolio(
    kind: str, tmp_path: Path
) -> None:
    storage: Any = None
    if kind == "sqlite":
        storage = RDBStorage(f"sqlite:///{tmp_path / 's.db'}")
    elif kind == "journal":
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "s.log")))
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))

    def objective(trial: optuna.Trial) -> float:
        layers = trial.suggest_categorical("layers", [(64,), (64, 32), math.nan])  # type: ignore[list-item]
        return trial.suggest_float("x", 0.0, 1.0) + (layers != (64,))

    study.optimize(objective, n_trials=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # who made the choices was warned, who reads them is not
        result = Portfolio.from_studies(study if kind == "memory" else storage)
    assert result.space.distributions["layers"] == CategoricalDistribution(
        ["[64]", "[64, 32]", "nan"]
    )
    result.save(tmp_path / "p")
    assert not Portfolio.load(tmp_path / "p").diff(result)
    space = SearchSpace({"x": X, "layers": CategoricalDistribution(["(64,)", "[64, 32]"])})
    assert len(result.adapt(space).portfolio.histories[0]) == sum(
        c["layers"] != "nan" for c in configs(result)
    )


@pytest.mark.parametrize(
    "choices",
    [
        [lambda: 1, lambda: 2],
        [object(), 1],
        [[object()], 1],
        ["x" * 10, {"deep": json.loads("[" * 40 + "]" * 40)}],
    ],
)
def test_what_nothing_tells_apart_costs_its_parameter_not_the_study(choices: list[Any]) -> None:
    kind = CategoricalDistribution(choices)
    odd = of(*({"x": i / 4, "k": choices[-1]} for i in range(4)), k=kind)
    sound = of({"x": 0.5}, name="sound")
    result = Portfolio.from_studies([odd, sound])
    assert [h.task.name for h in result.histories] == ["s", "sound"]
    assert result.space.names == ("x",)
    assert told(result)["left_out"] == ["k"]
    assert "no name that lasts" in told(result)["left_out_why"]["k"]
    adapted = Portfolio.from_studies([odd, sound], space={"x": X})
    assert [len(h) for h in adapted.histories] == [4, 1]
    alone = of({"k": choices[-1]}, k=kind)
    with pytest.raises(SpaceError, match="no parameter that a space can hold"):
        Portfolio.from_studies(alone)
    assert len(Portfolio.from_studies([sound]).histories) == 1


def test_a_parameter_of_two_kinds_is_read_as_most_trials_have_it() -> None:
    study = of(*({"x": i / 8, "n": i} for i in range(8)), n=IntDistribution(0, 9))
    for given, value in (
        (FloatDistribution(0.0, 9.0, log=False), 2.5),
        (CategoricalDistribution(["a"]), "a"),
        (FloatDistribution(0.1, 9.0, log=True), 3.0),
    ):
        study._storage.create_new_trial(
            study._study_id,
            create_trial(
                value=1.0, params={"x": 0.5, "n": value}, distributions={"x": X, "n": given}
            ),
        )
    result = Portfolio.from_studies(study)
    assert result.space.distributions["n"] == IntDistribution(0, 9)
    assert len(result.histories[0]) == 9
    assert told(result)["skipped"] == {"COMPLETE: parameter 'n' is out of range": 2}


# Trials -------------------------------------------------------------------------------------------

KIND = CategoricalDistribution(["a", "b"])
N = IntDistribution(1, 3)


def rows(n: int = 20) -> list[dict[str, Any]]:
    """Trials of x, kind, z where kind is "b", and u_i for i below n."""
    result = []
    for i in range(n):
        row: dict[str, Any] = {"x": i / n, "kind": "ab"[i % 2]}
        if row["kind"] == "b":
            row["z"] = i / n
        row["n"] = 1 + i % 3
        row |= {f"u_{k}": 0.5 for k in range(row["n"])}
        result.append(row)
    return result


ALL: dict[str, Any] = {"kind": KIND, "z": X, "n": N, "u_0": X, "u_1": X, "u_2": X}


def lacks(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {k: v for k, v in row.items() if k not in names}


@pytest.mark.parametrize(
    ("places", "change"),
    [
        ([0], lambda row: {}),
        ([19], lambda row: {}),
        ([3, 8, 11], lambda row: {}),
        ([7], lacks("z", "n", "u_0", "u_1", "u_2")),  # an early return
        ([7], lambda row: {"x": 0.5}),
        ([5, 6], lacks("u_0")),
        ([5], lacks("z")),
        ([4], lambda row: {**row, "z": 0.5}),
        ([4, 9, 14], lacks("x")),
        ([9], lacks("n")),
        (range(8), lambda row: {}),  # even many of them say nothing
    ],
)
def test_few_odd_trials_are_dropped_and_counted(places: Any, change: Any) -> None:
    given = [change(r) if i in places else r for i, r in enumerate(rows())]
    result = Portfolio.from_studies(of(*given, **ALL))
    assert set(result.space.names) == {"x", *ALL}
    assert result.space.conditions == {
        "z": ("kind", ("b",)),
        "u_1": ("n", (2, 3)),
        "u_2": ("n", (3,)),
    }
    assert configs(result) == [r for i, r in enumerate(given) if i not in places]
    assert sum(told(result)["skipped"].values()) == len(places)
    assert all(k.startswith("COMPLETE: ") for k in told(result)["skipped"])


@pytest.mark.parametrize("name", ["x", "kind"])
def test_a_parameter_added_half_way_drops_the_trials_before(name: str) -> None:
    given = [{"x": i / 20, "kind": "ab"[i % 2], "y": 0.5} for i in range(20)]
    late = [lacks(name)(r) if i < 10 else r for i, r in enumerate(given)]
    result = Portfolio.from_studies(of(*late, kind=KIND, y=X))
    assert set(result.space.names) == {"x", "kind", "y"}
    assert len(result.histories[0]) == 10
    early = [lacks(name)(r) if i < 14 else r for i, r in enumerate(given)]
    result = Portfolio.from_studies(of(*early, kind=KIND, y=X))
    assert told(result)["left_out"] == [name]  # most trials know nothing of it
    assert len(result.histories[0]) == 20


def test_a_condition_on_a_number_does_not_cost_the_trials_on_one_side() -> None:
    given = [{"x": x, **({"y": 0.5} if x > 0.3 else {})} for x in np.linspace(1, 0, 20).tolist()]
    result = Portfolio.from_studies(of(*given, y=X))
    assert told(result)["left_out"] == ["y"]
    assert len(result.histories[0]) == 20


def test_odd_trials_are_dropped_where_a_space_is_given_too() -> None:
    given = [{"x": i / 20, "y": 0.25} for i in range(20)]
    given[3], given[7] = {}, {"x": 0.5}
    study = of(*given, y=X)
    result = Portfolio.from_studies(study, space={"x": X, "y": X, "new": X})
    assert len(result.histories[0]) == 18
    assert told(result)["skipped"] == {
        "COMPLETE: no parameters": 1,
        "COMPLETE: parameter 'y' is missing": 1,
    }
    stated = Portfolio.from_studies(study, space={"x": X, "y": X}, defaults={"y": 0.75})
    assert [c["y"] for c in configs(stated)].count(0.75) == 1


# Constraints --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "fails"),
    [
        ({"constraints": [-1.0, 0.0]}, False),
        ({"constraints": [-1.0, 0.1]}, True),
        ({"constraints:memory": 0.1}, True),
        ({"constraints": "no list"}, False),
        ({}, False),
    ],
)
def test_an_infeasible_trial_failed(attributes: dict[str, Any], fails: bool) -> None:
    study = of({"x": 0.25})
    for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL):
        value = None if state is TrialState.FAIL else 2.0
        study.add_trial(
            create_trial(
                value=value,
                state=state,
                params={"x": 0.5},
                distributions={"x": X},
                system_attrs=attributes,
            )
        )
    result = Portfolio.from_studies(study)
    F = State.FAILED
    expected = [F, F, F] if fails else [State.COMPLETE, State.PRUNED, F]
    assert result.histories[0].states.tolist() == [State.COMPLETE, *expected]
    assert told(result)["infeasible"] == (2 if fails else 0)
    assert told(result)["not_finite"] == 0


# Choices that grew --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lists", "union", "found"),
    [
        ([[1, 2], [1, 2, 3]], [1, 2, 3], [[1, 2], [1, 2, 3]]),
        ([[2, 1], [2, 3], [3, 4]], [2, 1, 3, 4], [[2, 1], [2, 3], [3, 4]]),
        ([["256", "512"], [256, 1024]], [256, "512", 1024], [[256, "512"], [256, 1024]]),
        ([["True", "False"], [True, False]], [True, False], [[True, False], [True, False]]),
        ([[None, "a"], ["None", "b"]], [None, "a", "b"], [[None, "a"], [None, "b"]]),
        ([[(1, 2), (3,)], ["(1, 2)"]], ["[1, 2]", "[3]"], [["[1, 2]", "[3]"], ["[1, 2]"]]),
        ([[0.1, 1.0], ["0.1", "1"]], [0.1, 1.0], [[0.1, 1.0], [0.1, 1.0]]),
    ],
)
def test_choices_that_grew_or_changed_their_type_are_one_space(
    lists: Sequence[list[Any]], union: list[Any], found: list[list[Any]]
) -> None:
    studies = [
        of(*({"k": c} for c in choices), name=f"s{i}", k=CategoricalDistribution(choices))
        for i, choices in enumerate(lists)
    ]
    result = Portfolio.from_studies(studies)
    assert result.space.distributions["k"] == CategoricalDistribution(union)
    assert [[c["k"] for c in configs(result, k)] for k in range(len(lists))] == found
    space = SearchSpace({"k": CategoricalDistribution(union)})
    for study, expected in zip(studies, found, strict=True):  # the same where a space is given
        assert [c["k"] for c in configs(Portfolio.from_studies(study, space=space))] == expected


def test_choices_of_one_study_are_never_one() -> None:
    both = CategoricalDistribution([1, "1"])
    result = Portfolio.from_studies(
        [of({"k": 1}, {"k": "1"}, k=both), of({"k": 1}, name="b", k=CategoricalDistribution([1]))]
    )
    assert [c["k"] for c in configs(result)] == [1, "1"]
    assert result.space.distributions["k"] == both


def test_categories_without_a_common_choice_are_other_spaces() -> None:
    made = [
        of({"k": c}, name=c, k=CategoricalDistribution([c, c.upper()])) for c in ("a", "b", "A")
    ]
    assert len(Portfolio.from_studies(made).spaces) == 2


# Small conditional studies ------------------------------------------------------------------------


def conditional(trial: optuna.Trial) -> float:
    model = trial.suggest_categorical("model", ["svm", "forest", "net"])
    x = trial.suggest_float("x", 0.0, 1.0)
    if model == "svm":
        if trial.suggest_categorical("kernel", ["linear", "rbf"]) == "rbf":
            x += trial.suggest_float("gamma", 1e-3, 1.0, log=True)
    elif model == "forest":
        x += trial.suggest_int("depth", 1, 9)
    else:
        for i in range(trial.suggest_int("layers", 1, 3)):
            x += trial.suggest_int(f"units_{i}", 4, 64)
    return x


@pytest.mark.parametrize("n", [2, 4, 8])
def test_small_studies_of_one_conditional_objective_fit_one_space(n: int, tmp_path: Path) -> None:
    for first in range(0, 40, 4):
        made = []
        for seed in range(first, first + 4):
            sampler = optuna.samplers.RandomSampler(seed=seed)
            study = optuna.create_study(study_name=f"s{seed}", sampler=sampler)
            study.optimize(conditional, n_trials=n)
            made.append(study)
        result = Portfolio.from_studies(made)
        assert len(result.space.names) == len({p for s in made for t in s.trials for p in t.params})
        for k, study in enumerate(made):
            assert configs(result, k) == [t.params for t in study.trials]


def test_studies_of_other_objectives_stay_apart() -> None:
    made = [
        of({"x": 0.1, "a": 0.2}, {"x": 0.4, "a": 0.3}, name="one", a=X),
        of({"x": 0.1, "b": 0.2}, {"x": 0.4, "b": 0.3}, name="two", b=X),
        of({"kind": "a"}, {"kind": "b"}, name="three", kind=KIND),
    ]
    assert len(Portfolio.from_studies(made).spaces) == 3


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with warnings.catch_warnings():
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        yield
        optuna.logging.set_verbosity(optuna.logging.INFO)


@pytest.mark.parametrize("name", [5, 0.5, None, True])
def test_a_damaged_journal_with_a_parameter_that_has_no_name_costs_the_trial(
    name: Any, tmp_path: Path
) -> None:
    path = tmp_path / "s.log"
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(study_name="s", storage=storage)
    for _ in range(4):
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    named = [line for line in lines if "param_name" in line]
    named[1]["param_name"] = name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (history,) = Portfolio.from_studies(path).histories
    assert len(history) == 3


def test_a_parameter_that_was_renamed_on_the_way_is_one_parameter() -> None:
    halfway = of({"eta": 0.1, "x": 0.2}, {"rate": 0.3, "x": 0.4}, {"lr": 0.5}, eta=X, rate=X, lr=X)
    space = {"lr": X, "x": X}
    told: dict[str, Any] = {"space": space, "defaults": {"x": 0.0}}
    found = Portfolio.from_studies(halfway, renamed={"eta": "lr", "rate": "lr"}, **told)
    assert configs(found) == [
        {"lr": 0.1, "x": 0.2},
        {"lr": 0.3, "x": 0.4},
        {"lr": 0.5, "x": 0.0},
    ]
    assert [set(t.params) for t in halfway.trials] == [{"eta", "x"}, {"rate", "x"}, {"lr"}]
    by_others = of({"eta": 0.1, "x": 0.2}, {"rate": 0.3, "x": 0.4}, eta=X, rate=X)
    found = Portfolio.from_studies(by_others, renamed={"eta": "lr", "rate": "lr"}, **told)
    assert configs(found)[1] == {"lr": 0.3, "x": 0.4}


def test_two_parameters_of_one_trial_do_not_become_one() -> None:
    both = of({"eta": 0.1}, {"eta": 0.2, "lr": 0.3}, eta=X, lr=X)
    with pytest.raises(SpaceError, match="'lr' and 'eta' of one old space both become 'lr'"):
        Portfolio.from_studies(both, space={"lr": X}, renamed={"eta": "lr"})


def test_a_renamed_choice_list_is_widened_by_what_it_became() -> None:
    kinds: dict[str, Any] = {
        "opt": CategoricalDistribution(["adam", "sgd"]),
        "optimizer": CategoricalDistribution(["sgd", "lion"]),
    }
    study = of({"opt": "adam", "x": 0.1}, {"optimizer": "lion", "x": 0.2}, **kinds)
    space = {"optimizer": CategoricalDistribution(["lion", "adam"]), "x": X}
    found = Portfolio.from_studies(study, space=space, renamed={"opt": "optimizer"})
    assert [c["optimizer"] for c in configs(found)] == ["adam", "lion"]
