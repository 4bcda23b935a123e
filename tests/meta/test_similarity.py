from __future__ import annotations

import numpy as np

from autometa.encoding import Floats
from autometa.meta.prior import HeadPrior
from autometa.meta.similarity import Similarity, head_errors
from autometa.meta.similarity import fit_similarity as fit


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
