from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.errors import AutometaError, SpaceError
from autometa.space import Config, SearchSpace, same
from tests import strategies

SPACE = SearchSpace(
    {
        "gamma": FloatDistribution(1e-3, 1e3, log=True),
        "kernel": CategoricalDistribution(["linear", "rbf", "poly"]),
        "degree": IntDistribution(2, 5),
        "shrink": CategoricalDistribution([None, True, 1, "1"]),
        "c": FloatDistribution(0.0, 1.0, step=0.1),
        "rate": FloatDistribution(1e-5, 1.0, log=True),
    },
    conditions={"gamma": ("kernel", ["rbf", "poly"]), "degree": ("kernel", ["poly"])},
    defaults={"kernel": "rbf", "gamma": 1.0, "shrink": None, "c": 0.5, "rate": 0.1},
    inner_lr="rate",
    name="svm",
)
CONFIG: Config = {"kernel": "rbf", "gamma": 1.0, "shrink": True, "c": 0.3, "rate": 0.1}


def assert_same_config(space: SearchSpace, given: Config, back: Config) -> None:
    assert list(given) == list(back)
    for name, value in given.items():
        distribution = space.distributions[name]
        if isinstance(distribution, FloatDistribution) and distribution.step is None:
            span = 0.0 if distribution.log else distribution.high - distribution.low
            assert math.isclose(back[name], value, rel_tol=1e-9, abs_tol=1e-9 * span)  # type: ignore[arg-type]
        else:
            assert back[name] == value
            assert type(back[name]) is type(value)


@given(strategies.spaces(), strategies.seeds)
def test_decode_undoes_encode(space: SearchSpace, seed: int) -> None:
    raw = space.sample_raw(5, np.random.default_rng(seed))
    unit = space.encode_raw(raw)
    assert unit.shape == (5, space.dim)
    assert ((unit >= 0) & (unit <= 1)).all()
    for row, config in zip(unit, space.from_raw(raw), strict=True):
        assert_same_config(space, config, space.decode(row))
        np.testing.assert_array_equal(space.encode(config), row)


@given(strategies.spaces(), strategies.seeds)
def test_what_is_sampled_is_valid(space: SearchSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = space.sample_raw(8, rng)
    np.testing.assert_array_equal(space.check_raw(raw), raw)
    np.testing.assert_array_equal(~np.isnan(raw), space.active_raw(raw))
    for config in space.from_raw(raw):
        assert space.check(config) == config
        assert space.active(config) == tuple(config)
        for name, value in config.items():
            assert space.distributions[name]._contains(
                space.distributions[name].to_internal_repr(value)
            )
    np.testing.assert_array_equal(space.to_raw(space.from_raw(raw)), raw)


@given(strategies.spaces(), st.integers(0, 2**32 - 1))
def test_any_unit_vector_decodes_to_a_valid_config(space: SearchSpace, seed: int) -> None:
    unit = np.random.default_rng(seed).uniform(size=space.dim)
    config = space.decode(unit)
    assert space.check(config) == config


@given(strategies.spaces(), strategies.seeds)
def test_ends_of_the_unit_cube_are_the_bounds(space: SearchSpace, seed: int) -> None:
    for end in (np.zeros((1, len(space.names))), np.full((1, len(space.names)), 1 - 1e-12)):
        raw = space.place_raw(end)
        np.testing.assert_array_equal(space.check_raw(raw), raw)


@given(strategies.spaces())
def test_survives_json(space: SearchSpace) -> None:
    text = json.dumps(space.to_json(), allow_nan=False)
    back = SearchSpace.from_json(json.loads(text))
    assert back == space
    assert hash(back) == hash(space)
    assert back.names == space.names
    assert back.conditions == space.conditions
    for name, distribution in space.distributions.items():
        if isinstance(distribution, CategoricalDistribution):
            choices = back.distributions[name].choices  # type: ignore[attr-defined]
            assert [type(c) for c in choices] == [type(c) for c in distribution.choices]


def test_defaults_and_role_survive_json() -> None:
    back = SearchSpace.from_json(json.loads(json.dumps(SPACE.to_json())))
    assert back == SPACE
    assert back.defaults == SPACE.defaults
    assert back.inner_lr == "rate"
    assert back.name == "svm"


def test_integers_and_choices_are_sampled_evenly() -> None:
    space = SearchSpace({"n": IntDistribution(1, 4), "k": CategoricalDistribution(["a", "b"])})
    raw = space.sample_raw(8000, np.random.default_rng(0))
    counts = np.bincount(raw[:, 0].astype(int))[1:]
    assert counts.min() > 1800
    assert abs(raw[:, 1].mean() - 0.5) < 0.03


def test_logarithms_are_sampled_evenly() -> None:
    raw = SPACE.sample_raw(4000, np.random.default_rng(0))
    rate = raw[:, SPACE.names.index("rate")]
    assert abs((np.log10(rate) < -2.5).mean() - 0.5) < 0.03


def test_parents_come_first_whatever_the_order() -> None:
    assert SPACE.names == ("kernel", "gamma", "degree", "shrink", "c", "rate")
    assert SPACE.active({"kernel": "linear"}) == ("kernel", "shrink", "c", "rate")


def test_a_grandchild_is_inactive_where_its_parent_is() -> None:
    space = SearchSpace(
        {
            "a": CategoricalDistribution([0, 1]),
            "b": IntDistribution(0, 1),
            "c": FloatDistribution(0, 1),
        },
        conditions={"b": ("a", [1]), "c": ("b", [1])},
    )
    assert space.check({"a": 0}) == {"a": 0}
    assert space.check({"a": 1, "b": 0}) == {"a": 1, "b": 0}
    assert space.active({"a": 0, "b": 1}) == ("a",)
    with pytest.raises(SpaceError, match="'c' is missing"):
        space.check({"a": 1, "b": 1})


def test_order_of_parameters_is_part_of_identity() -> None:
    a, b = IntDistribution(0, 1), IntDistribution(0, 2)
    assert SearchSpace({"a": a, "b": b}) != SearchSpace({"b": b, "a": a})
    assert SearchSpace({"a": a}) != SearchSpace({"a": a}, name="other")
    assert SearchSpace({"a": a}) != {"a": a}


def test_equal_looking_choices_stay_apart() -> None:
    for value in (None, True, 1, "1"):
        back = SPACE.decode(SPACE.encode({**CONFIG, "shrink": value}))
        assert back["shrink"] == value
        assert type(back["shrink"]) is type(value)
    assert same(np.bool_(True), True)
    assert same(np.int64(1), 1)
    assert same(1.0, 1)
    assert not same(True, 1)
    assert not same("1", 1)


def test_numpy_values_become_python_values() -> None:
    checked = SPACE.check(
        {**CONFIG, "c": np.float32(0.3), "gamma": np.float64(1.0), "shrink": np.bool_(True)}  # type: ignore[dict-item]
    )
    assert checked == CONFIG
    assert {type(v) for v in checked.values()} == {str, float, bool}


BAD_CONFIGS: list[tuple[Any, str]] = [
    ({**CONFIG, "depth": 3}, "unknown parameter 'depth'"),
    ({k: v for k, v in CONFIG.items() if k != "rate"}, "'rate' is missing"),
    ({**CONFIG, "degree": 3}, "inactive here"),
    ({**CONFIG, "kernel": "sigmoid"}, "one of 'linear', 'rbf', 'poly'"),
    ({**CONFIG, "kernel": ["rbf"]}, "one of 'linear'"),
    ({**CONFIG, "gamma": 1e4}, "from 0.001 to 1000"),
    ({**CONFIG, "gamma": math.nan}, "'gamma' = nan"),
    ({**CONFIG, "gamma": math.inf}, "'gamma' = inf"),
    ({**CONFIG, "gamma": 10**400}, "from 0.001 to 1000"),
    ({**CONFIG, "gamma": "1.0"}, "a number"),
    ({**CONFIG, "gamma": True}, "a number"),
    ({**CONFIG, "gamma": None}, "a number"),
    ({**CONFIG, "c": 0.35}, "in steps of 0.1"),
    ({**CONFIG, "kernel": "poly", "degree": 2.5}, "an integer from 2 to 5"),
    ([("kernel", "rbf")], "a config of type list"),
]


@pytest.mark.parametrize(("config", "message"), BAD_CONFIGS)
def test_a_bad_config_is_named(config: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message) as caught:
        SPACE.check(config)
    assert "allowed:" in str(caught.value)


def _space(**changes: Any) -> SearchSpace:
    fields: dict[str, Any] = {
        "distributions": {
            "k": CategoricalDistribution(["a", "b"]),
            "x": FloatDistribution(0, 1),
            "n": IntDistribution(1, 3),
        },
        **changes,
    }
    return SearchSpace(fields.pop("distributions"), **fields)


BAD_SPACES: list[tuple[dict[str, Any], str]] = [
    ({"distributions": {}}, "empty space"),
    ({"distributions": None}, "empty space"),
    ({"distributions": ["x"]}, r"a space \(\['x'\]\)"),
    ({"distributions": {"x": (0, 1)}}, "optuna.distributions"),
    ({"distributions": {"": FloatDistribution(0, 1)}}, "non-empty string"),
    ({"distributions": {"x": FloatDistribution(0, math.inf)}}, "finite bounds"),
    ({"distributions": {"x": FloatDistribution(math.nan, 1)}}, "finite bounds"),
    ({"distributions": {"n": IntDistribution(0, 2**60)}}, "Narrow the range"),
    ({"distributions": {"x": FloatDistribution(1e9, 2e9, step=1e-6)}}, "Narrow the range"),
    ({"distributions": {"k": CategoricalDistribution([1, 1.0])}}, "twice"),
    ({"distributions": {"k": CategoricalDistribution([math.nan])}}, "finite floats"),
    ({"conditions": {"x": ("nobody", ["a"])}}, "'nobody'"),
    ({"conditions": {"y": ("k", ["a"])}}, "'y'"),
    ({"conditions": {"x": ("k", ["c"])}}, "one of 'a', 'b'"),
    ({"conditions": {"x": ("k", [])}}, "parent name|values"),
    ({"conditions": {"x": ("k", "a")}}, "values"),
    ({"conditions": {"x": "k"}}, "values"),
    ({"conditions": {"x": ("x", [1])}}, "its own parent"),
    ({"conditions": {"n": ("x", [1])}}, "continuous"),
    ({"conditions": {"k": ("n", [1]), "n": ("k", ["a"])}}, "circle"),
    ({"inner_lr": "x"}, "log=True"),
    ({"inner_lr": "lr"}, "log=True"),
    ({"defaults": {"k": "a"}}, "'x' is missing"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_SPACES)
def test_a_bad_space_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message) as caught:
        _space(**changes)
    assert isinstance(caught.value, AutometaError)
    assert isinstance(caught.value, ValueError)


def test_an_optuna_choice_of_another_type_is_refused() -> None:
    with pytest.warns(UserWarning, match="persistent storage"):
        distribution = CategoricalDistribution([(1, 2), (3, 4)])  # type: ignore[list-item]
    with pytest.raises(SpaceError, match="Name other objects by a text"):
        SearchSpace({"k": distribution})


NAN = math.nan
BAD_RAW: list[tuple[Any, str]] = [
    ([[1, 1.0, NAN, 0, 0.3]], r"shape \(1, 5\)"),
    ([1.0], "shape"),
    ([["rbf", 1.0, NAN, 0, 0.3, 0.1]], "not numeric"),
    ([[1, 1.0, NAN, 0, 0.3, 0.1], [NAN, NAN, NAN, 0, 0.3, 0.1]], "'kernel' is missing .* row 1"),
    ([[1, NAN, NAN, 0, 0.3, 0.1]], "'gamma' is missing where it is active in row 0"),
    ([[0, 1.0, NAN, 0, 0.3, 0.1]], "'gamma' is given where it is inactive"),
    ([[1, 1e4, NAN, 0, 0.3, 0.1]], r"'gamma' \(10000\) is out of range"),
    ([[3, NAN, NAN, 0, 0.3, 0.1]], r"'kernel' \(3\) is out of range"),
    ([[0.5, NAN, NAN, 0, 0.3, 0.1]], r"'kernel' \(0.5\) is out of range"),
    ([[1, 1.0, NAN, 0, 0.35, 0.1]], "'c' .* steps of 0.1"),
    ([[2, 1.0, 2.5, 0, 0.3, 0.1]], "'degree' .* an integer"),
    ([[1, math.inf, NAN, 0, 0.3, 0.1]], "'gamma' .* out of range"),
]


@pytest.mark.parametrize(("raw", "message"), BAD_RAW)
def test_bad_raw_rows_are_named(raw: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        SPACE.check_raw(raw)


def test_check_raw_keeps_the_given_matrix() -> None:
    raw = SPACE.to_raw([{**CONFIG, "c": 0.1 + 0.2}])
    raw[0, SPACE.names.index("c")] = 0.1 + 0.2
    checked = SPACE.check_raw(raw)
    assert raw[0, SPACE.names.index("c")] == 0.1 + 0.2
    assert checked[0, SPACE.names.index("c")] == 0.3


def test_a_stepped_parent_is_recognised_before_it_is_rounded() -> None:
    space = SearchSpace(
        {"p": FloatDistribution(0.0, 1.0, step=0.1), "x": FloatDistribution(0, 1)},
        conditions={"x": ("p", [0.3])},
    )
    checked = space.check_raw([[0.1 + 0.2, 0.5]])
    assert space.from_raw(checked) == [{"p": 0.3, "x": 0.5}]


@pytest.mark.parametrize("unit", [[0.0], [[0.0] * SPACE.dim], [math.nan] * SPACE.dim])
def test_decode_refuses_what_is_no_unit_vector(unit: Any) -> None:
    with pytest.raises(SpaceError, match="unit vector"):
        SPACE.decode(unit)


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        None,
        {"distributions": {"x": {"name": "Nothing", "attributes": {}}}},
        {"distributions": {"x": {"name": "FloatDistribution", "attributes": {"low": 1}}}},
        {"distributions": {"x": 3}},
        {"distributions": {}},
        {"distributions": SPACE.to_json()["distributions"], "conditions": {"gamma": 3}},
        {"distributions": SPACE.to_json()["distributions"], "conditions": [1]},
    ],
)
def test_what_is_no_space_is_refused(data: Any) -> None:
    with pytest.raises(SpaceError):
        SearchSpace.from_json(data)


def test_inactive_parameters_sit_in_the_middle_with_their_flag_down() -> None:
    unit = SPACE.encode({"kernel": "linear", "shrink": None, "c": 0.3, "rate": 0.1})
    assert unit[SPACE.slices["gamma"]] == 0.5
    assert unit[SPACE.flags["gamma"]] == 0.0
    active = SPACE.encode(CONFIG)
    assert active[SPACE.slices["gamma"]] == pytest.approx(0.5)
    assert active[SPACE.flags["gamma"]] == 1.0
