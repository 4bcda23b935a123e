from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autometa.encoding import Floats
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.parts.prior import HeadPrior
from autometa.meta.parts.similarity import Similarity, head_errors
from autometa.meta.parts.similarity import fit_similarity as fit
from autometa.portfolio import Portfolio
from autometa.testing.families import Bowls


def heads(angle: Floats) -> HeadPrior:
    w = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return HeadPrior(mean=w.mean(0), cov=np.eye(2), noise=0.1, heads=w)


def fit_similarity(
    known: list[dict[str, float]], families: list[str], features: list[Floats], prior: HeadPrior
) -> Similarity:
    errors = head_errors(features, prior.heads)
    return fit(known, families, np.arange(len(known)), errors)


def names(n: int) -> list[str]:
    return [str(i) for i in range(n)]


def test_meta_features_that_tell_tasks_apart_are_used() -> None:
    rng = np.random.default_rng(0)
    angle = rng.uniform(0.0, 3.0, size=40)
    features = [rng.standard_normal((20, 2)) for _ in angle]
    similarity = fit_similarity(
        [{"angle": a, "junk": 1.0} for a in angle], names(40), features, heads(angle)
    )
    assert similarity.share > 0.0
    weights = similarity({"angle": 0.1})
    assert abs(weights.sum() - 1.0) < 1e-9
    assert abs(angle[weights.argmax()] - 0.1) < 0.5
    assert np.allclose(similarity(None), 1 / 40)
    assert np.allclose(similarity({"unknown": 3.0}), 1 / 40)


def test_meta_features_that_say_nothing_switch_themselves_off() -> None:
    rng = np.random.default_rng(1)
    angle = rng.uniform(0.0, 3.0, size=40)
    features = [rng.standard_normal((20, 2)) for _ in angle]
    noise = [{f"m{k}": float(v) for k, v in enumerate(rng.standard_normal(12))} for _ in angle]
    similarity = fit_similarity(noise, names(40), features, heads(angle))
    assert similarity.share == 0.0
    assert np.allclose(similarity(noise[0]), 1 / 40)


def test_few_tasks_or_none_in_common_count_for_nothing() -> None:
    angle = np.linspace(0.0, 3.0, 5)
    features = [np.eye(2) for _ in angle]
    alone = [{"a": x} for x in angle]
    assert fit_similarity(alone, names(5), features, heads(angle)).share == 0.0
    wide = np.linspace(0.0, 3.0, 12)
    odd = [{str(i): x} for i, x in enumerate(wide)]
    assert fit_similarity(odd, names(12), [np.eye(2)] * 12, heads(wide)).share == 0.0


def test_relatives_do_not_vouch_for_one_another() -> None:
    # Meta-features know the family, and only the family: no help for a task of a new one.
    rng = np.random.default_rng(2)
    family = np.repeat(np.arange(10), 4)
    angle = rng.uniform(0.0, 3.0, size=10)[family]
    features = [rng.standard_normal((20, 2)) for _ in angle]
    marks = rng.standard_normal((10, 5))
    known = [{f"m{k}": float(v) for k, v in enumerate(marks[i])} for i in family]
    labels = [str(i) for i in family]
    assert fit_similarity(known, names(40), features, heads(angle)).share > 0.0
    assert fit_similarity(known, labels, features, heads(angle)).share == 0.0
    assert fit_similarity(known, ["one"] * 40, features, heads(angle)).share == 0.0


def with_holes(lacking: dict[int, list[str]]) -> tuple[list[dict[str, float]], Similarity]:
    """Forty tasks on an arc that two meta-features tell apart, some of which lack some."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0.0, 3.0, size=40)
    features = [rng.standard_normal((20, 2)) for _ in angle]
    whole = [{"angle": a, "double": 2.0 * a, "junk": 1.0} for a in angle]
    known = [
        {n: v for n, v in m.items() if n not in lacking.get(i, [])} for i, m in enumerate(whole)
    ]
    return whole, fit_similarity(known, names(40), features, heads(angle))


@pytest.mark.parametrize(
    "lacking",
    [
        {7: ["angle", "double", "junk"]},
        {i: ["angle", "double", "junk"] for i in range(0, 40, 3)},
        {i: ["angle"] if i % 2 else ["double"] for i in range(40)},
        {0: ["angle"], 1: ["double"], 2: ["junk"]},
    ],
    ids=["one has none", "a third has none", "each has one of two", "one each"],
)
def test_tasks_without_meta_features_do_not_turn_off_those_of_others(
    lacking: dict[int, list[str]],
) -> None:
    whole, similarity = with_holes(lacking)
    assert set(similarity.names) >= {"angle", "double"}
    assert similarity.share > 0.0
    for new in ({"angle": 0.1}, {"double": 0.2}, {"angle": 0.1, "double": 0.2}):
        weights = similarity(new)
        assert abs(weights.sum() - 1.0) < 1e-9
        assert abs(whole[int(weights.argmax())]["angle"] - 0.1) < 0.5
    asked = similarity({"angle": 0.1, "double": 0.2})
    for task, lost in lacking.items():
        if len(lost) == 3:
            assert asked[task] < asked.max() / 2


def test_what_too_few_tasks_have_does_not_count() -> None:
    _, similarity = with_holes({i: ["double"] for i in range(21)})
    assert "double" not in similarity.names
    assert "angle" in similarity.names


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_meta_feature_that_is_no_number_is_one_that_the_task_lacks(odd: float) -> None:
    _, similarity = with_holes({})
    near = similarity({"angle": 0.1})
    np.testing.assert_array_equal(similarity({"angle": 0.1, "double": odd}), near)
    np.testing.assert_allclose(similarity({"angle": odd}), np.full(40, 1 / 40))


def test_a_model_keeps_what_some_tasks_lack(tmp_path: Path) -> None:
    whole = Bowls().portfolio(10)
    known = [
        replace(h, task=replace(h.task, meta_features={"n": float(i)} if i else {}))
        for i, h in enumerate(whole.histories)
    ]
    learner = MetaLearner(seed=0, steps=30)
    model = learner.fit(Portfolio(known[:9]))
    grown = learner.refit(model, Portfolio(known))
    for fitted, tasks in ((model, 9), (grown, 10)):
        fitted.save(tmp_path / "model")
        loaded = MetaModel.load(tmp_path / "model")
        assert loaded.transfer
        assert loaded.transfer.similarity.names == ("n",)
        values = loaded.transfer.similarity.values[:, 0]
        np.testing.assert_array_equal(values, [np.nan, *range(1, tasks)])
        np.testing.assert_array_equal(
            loaded.task_relevance({"n": 3.0}), fitted.task_relevance({"n": 3.0})
        )
