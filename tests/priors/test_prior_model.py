from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.priors.estimators import nearest_to
from autometa.priors.matched import matched
from autometa.priors.opening import open_prior
from autometa.priors.prior_model import fit_prior, must_help
from autometa.space import SearchSpace
from autometa.space.rules import Rules
from autometa.task import Direction, Task, TaskHistory
from autometa.testing.families import Bowls

OLD = SearchSpace(
    {
        "C": FloatDistribution(1e-3, 1e3, log=True),
        "kernel": CategoricalDistribution(["linear", "rbf"]),
        "gamma": FloatDistribution(0.1, 10.0, log=True),
        "weight": CategoricalDistribution(["none", "balanced"]),
    },
    conditions={"gamma": ("kernel", ["rbf"])},
)
ROWS = np.array(
    [
        [1.0, 0, np.nan, 0],
        [10.0, 1, 0.5, 1],
        [1e3, 1, 2.0, 0],
    ]
)


def old(
    direction: Direction = "maximize", name: str = "t", space: SearchSpace = OLD
) -> TaskHistory:
    task = Task(name=name, space=space, direction=direction, meta_features={"rows": 3.0})
    return TaskHistory(task=task, raw=ROWS, values=np.array([1.0, 2.0, 3.0]))


def adapted(**wanted: BaseDistribution) -> TaskHistory:
    found = matched(Portfolio([old()]), SearchSpace(wanted)).portfolio.histories
    assert len(found) == 1
    return found[0]


def test_the_same_space_is_kept() -> None:
    new = matched(Portfolio([old()]), OLD).portfolio.histories[0]
    assert new.task.space == OLD
    assert np.array_equal(new.raw, ROWS, equal_nan=True)
    assert new.task.meta_features == {"rows": 3.0}


def test_names_match_after_the_step_of_a_pipeline() -> None:
    new = adapted(svc__C=FloatDistribution(1e-3, 1e3, log=True), scale__x=FloatDistribution(0, 1))
    assert new.task.space.names == ("svc__C",)
    assert new.raw.ravel().tolist() == [1.0, 10.0, 1e3]


def test_two_steps_of_one_name_match_nothing() -> None:
    wanted = {"a__C": FloatDistribution(1e-3, 1e3), "b__C": FloatDistribution(1e-3, 1e3)}
    found = matched(Portfolio([old()]), SearchSpace(wanted))
    assert "none of which is searched" in found.why
    assert not len(found.portfolio)


def test_trials_outside_the_new_range_are_left_out() -> None:
    new = adapted(C=FloatDistribution(1e-3, 100.0))
    assert new.raw.ravel().tolist() == [1.0, 10.0]
    assert new.scores.tolist() == [1.0, 2.0]


def test_numbers_become_choices_and_integers() -> None:
    assert adapted(C=CategoricalDistribution([10.0, 5, 1.0])).raw.ravel().tolist() == [2.0, 0.0]
    assert adapted(C=IntDistribution(1, 10)).raw.ravel().tolist() == [1.0, 10.0]


def test_none_is_none() -> None:
    new = adapted(weight=CategoricalDistribution(["balanced", None]))
    assert new.raw.ravel().tolist() == [1.0, 0.0, 1.0]


def test_another_branch_is_left_out_but_an_unused_parameter_is_filled() -> None:
    gamma = FloatDistribution(0.1, 10.0, log=True)
    assert adapted(gamma=gamma).raw.ravel().tolist() == [0.5, 2.0]
    flat = adapted(gamma=gamma, kernel=CategoricalDistribution(["rbf", "linear"]))
    assert flat.task.space.names == ("gamma", "kernel")
    assert flat.raw == pytest.approx(np.array([[1.0, 1.0], [0.5, 0.0], [2.0, 0.0]]))


def test_conditions_of_the_new_space_hold() -> None:
    space = SearchSpace(
        {"kernel": OLD.distributions["kernel"], "C": OLD.distributions["C"]},
        conditions={"C": ("kernel", ["rbf"])},
    )
    new = matched(Portfolio([old()]), space).portfolio.histories[0]
    assert np.array_equal(new.raw, [[0, np.nan], [1, 10.0], [1, 1e3]], equal_nan=True)


def test_directions_are_folded_and_spaces_joined() -> None:
    other = SearchSpace(OLD.distributions, conditions=OLD.conditions, name="other")
    portfolio = Portfolio([old(), old("minimize", space=other), old("minimize", "u", other)])
    new = matched(portfolio, SearchSpace({"C": OLD.distributions["C"]})).portfolio
    assert [h.task.name for h in new.histories] == ["t", "t-2", "u"]
    assert [h.scores.tolist() for h in new.histories][:2] == [[1, 2, 3], [-1, -2, -3]]


def test_nothing_in_common_is_said() -> None:
    for wanted, what in (
        ({"depth": IntDistribution(1, 3)}, "none of which is searched"),
        ({"C": FloatDistribution(2e3, 3e3)}, "no trial of the prior"),
    ):
        with pytest.raises(InputError, match=what):
            must_help(fit_prior(Portfolio([old()]), SearchSpace(wanted)))


def test_a_model_takes_the_new_names() -> None:
    model = MetaLearner(steps=5).fit(Portfolio([old()]))
    wanted = {f"svc__{n}": d for n, d in OLD.distributions.items()}
    renamed = fit_prior(model, SearchSpace(wanted)).model
    assert renamed.space.names == tuple(wanted)
    first = renamed.warm_start(1)[0].config
    assert {n.removeprefix("svc__"): v for n, v in first.items()} == model.warm_start(1)[0].config
    with pytest.raises(InputError, match="needs 'kernel', 'weight'"):
        fit_prior(model, SearchSpace({"C": FloatDistribution(1, 2)}))


def test_every_kind_of_prior_is_read(tmp_path: Path) -> None:
    portfolio = Portfolio([old()])
    portfolio.save(tmp_path / "folder")
    model = MetaLearner(steps=5).fit(portfolio)
    model.save(tmp_path / "model")
    url = f"sqlite:///{tmp_path / 'mine.db'}"
    study = optuna.create_study(study_name="mine", storage=url)
    study.add_trial(
        optuna.trial.create_trial(
            params={"C": 1.0}, distributions={"C": FloatDistribution(0, 2)}, value=1.0
        )
    )

    def tasks(prior: Any) -> list[str]:
        read = open_prior(prior)
        assert isinstance(read, Portfolio)
        return [t.name for t in read.tasks]

    assert tasks(None) == []
    assert tasks(portfolio) == tasks(str(tmp_path / "folder")) == ["t"]
    assert tasks(url) == tasks(tmp_path / "mine.db") == tasks(study) == tasks([study]) == ["mine"]
    loaded = open_prior(tmp_path / "model")
    assert isinstance(loaded, MetaModel)
    assert loaded.space == OLD
    with pytest.raises(InputError):
        open_prior(3)  # type: ignore[arg-type]


def test_the_embedded_child_is_the_nearest_one() -> None:
    assert nearest_to(HistGradientBoostingRegressor()) == "hist_gradient_boosting"
    assert nearest_to(make_pipeline(LogisticRegression())) == "linear"
    assert nearest_to(SVC()) == "svm"
    assert nearest_to(ExtraTreesClassifier()) in ("extra_trees", "random_forest")
    with pytest.raises(InputError, match="no embedded prior for Perceptron"):
        nearest_to(Perceptron())


def test_the_start_lies_in_the_ranges_that_are_searched() -> None:
    """Also where all that was good before lies outside of them."""
    space = SearchSpace({"x": FloatDistribution(0.0, 1.0), "n": IntDistribution(1, 100)})
    rng = np.random.default_rng(0)
    raw = np.stack([rng.random(40), rng.integers(1, 101, 40)], axis=1)
    histories = [
        TaskHistory(
            task=Task(name=str(i), space=space, direction="maximize"),
            raw=raw,
            values=raw[:, 0] + i * raw[:, 1] / 100,
        )
        for i in range(3)
    ]
    narrow = SearchSpace({"x": FloatDistribution(0.0, 0.3), "n": IntDistribution(1, 20)})
    model = fit_prior(Portfolio(histories), narrow, learner=MetaLearner(steps=20)).model
    start = model.warm_start(3, within=narrow)
    assert len(start) == 3
    assert all(c.config["x"] <= 0.3 and c.config["n"] <= 20 for c in start)  # type: ignore[operator]
    assert start[0].config["x"] > 0.2  # type: ignore[operator]


# Where the start goes -----------------------------------------------------------------------------


def _start_in(new: dict[str, BaseDistribution], *olds: SearchSpace) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    histories = []
    for number, space in enumerate(olds):
        raw = space.sample_raw(30, rng)
        task = Task(name=f"t{number}", space=space, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=raw.sum(axis=1) * (-1) ** number))
    learner = MetaLearner(steps=5)
    model = fit_prior(Portfolio(histories), SearchSpace(new), learner=learner).model
    return [dict(c.config) for c in model.warm_start(12)]


def test_a_start_keeps_to_ranges_that_some_prior_task_had() -> None:
    """Beyond them nobody can say how good a config is; trees would say, as at the bound."""
    rate = FloatDistribution(1e-3, 1e-1, log=True)
    narrow = SearchSpace({"x__rate": rate, "depth": IntDistribution(2, 6)})
    deep = SearchSpace({"x__rate": rate, "depth": IntDistribution(2, 9)})
    new: dict[str, BaseDistribution] = {
        "rate": FloatDistribution(1e-9, 10.0, log=True),
        "depth": IntDistribution(1, 40, step=3),
    }
    start = _start_in(new, narrow, deep)
    assert len(start) > 5
    assert all(1e-3 <= c["rate"] <= 1e-1 for c in start)
    assert {c["depth"] for c in start} <= {4, 7}
    beside: dict[str, BaseDistribution] = {**new, "depth": IntDistribution(6, 20)}
    assert max(c["depth"] for c in _start_in(beside, narrow)) > 6  # they meet in one value alone
    elsewhere = _start_in({**new, "depth": IntDistribution(20, 30)}, narrow)
    assert {c["depth"] for c in elsewhere} <= set(range(20, 31))


def test_a_start_leaves_open_what_no_prior_task_knows() -> None:
    old = SearchSpace({"x": FloatDistribution(0, 1), "depth": IntDistribution(2, 9)})
    new: dict[str, BaseDistribution] = {
        "x": FloatDistribution(0, 1),
        "kind": CategoricalDistribution(["a", "b"]),
        "own": FloatDistribution(1e-3, 1, log=True),
        "count": IntDistribution(1, 4),
    }
    assert {tuple(c) for c in _start_in(new, old)} == {("x",)}
    assert _start_in({n: new[n] for n in ("kind", "own")}, old) == []


def test_a_start_has_the_one_choice_that_prior_tasks_had() -> None:
    old = SearchSpace({"x": FloatDistribution(0, 1), "kind": CategoricalDistribution(["a", "z"])})
    kinds = CategoricalDistribution(["b", "a", None])
    start = _start_in({"x": FloatDistribution(0, 1), "kind": kinds}, old, old)
    assert {c["kind"] for c in start} == {"a"}
    numbers = SearchSpace({"x": FloatDistribution(0, 1), "n": IntDistribution(1, 9)})
    above: dict[str, BaseDistribution] = {
        "x": FloatDistribution(0, 1),
        "n": CategoricalDistribution([50, 100]),
    }
    assert {c.get("n", 50) for c in _start_in(above, numbers)} <= {50, 100}
    both = {"x": FloatDistribution(0, 1), "kind": CategoricalDistribution(["b", "z", "a"])}
    assert len({c["kind"] for c in _start_in(both, old, old)}) > 1


def test_a_start_counts_the_trials_of_the_tasks_that_teach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autometa.meta.data.sampling.MOST_TASKS", 2)
    past = Bowls().portfolio(5, trials=8)
    fitted = fit_prior(past, past.space, learner=MetaLearner(steps=2))
    assert str(fitted.beginning).startswith("starts from 2 of 5 prior tasks (16 trials;")


def uniform(name: str, *names: str, low: float = 0.0) -> TaskHistory:
    raw = low + np.random.default_rng(len(names)).random((12, len(names)))
    space = SearchSpace({n: FloatDistribution(low, low + 1.0) for n in names}, name=name)
    task = Task(name=name, space=space, direction="maximize")
    return TaskHistory(task=task, raw=raw, values=raw[:, 0])


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ("a b", True),  # all that is searched, and nothing of what only the family knows
        ("a u0", True),
        ("a", True),
        ("u0 u1", False),  # nothing that is searched
    ],
)
def test_what_only_a_family_knows_does_not_make_own_studies_too_different(
    own: str, kept: bool
) -> None:
    unsearched = [f"u{k}" for k in range(8)]
    prior = Portfolio([uniform("family", "a", *unsearched), uniform("own", *own.split())])
    known = SearchSpace({n: FloatDistribution(0.0, 1.0) for n in ("a", "b", *unsearched)})
    found = matched(prior, known, searched=("a", "b"))
    assert [h.task.name for h in found.portfolio.histories] == ["family", *["own"] * kept]


def test_what_is_searched_must_be_known_or_not_clipped() -> None:
    asked = ("a", "b", "c", "d")
    known = SearchSpace({n: FloatDistribution(0.0, 1.0) for n in (*asked, "u")})
    family = uniform("family", *asked, "u")
    for own, kept in ((uniform("own", "a"), False), (uniform("own", "a", "b"), True)):
        found = matched(Portfolio([family, own]), known, searched=asked)
        assert len(found.portfolio) == 1 + kept
    # Two of seven: what it knows beside what is searched counts for it, and among all.
    more = tuple("abcdef")
    known = SearchSpace({n: FloatDistribution(0.0, 1.0) for n in (*more, "u")})
    both = Portfolio([uniform("family", *more, "u"), uniform("own", "a", "u")])
    assert len(matched(both, known, searched=more).portfolio) == 1
    known = SearchSpace({n: FloatDistribution(0.0, 1.0) for n in (*asked, "u")})
    away = uniform("away", "a", "b", low=0.9)
    found = matched(
        Portfolio([family, away]), known, Rules(outside="clip"), widen=False, searched=asked
    )
    assert len(found.portfolio) == 1
