from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from autometa import MetaLearner, MetaModel, Portfolio, SearchSpace
from autometa.meta import model_cache
from autometa.meta.spaces.candidates import Part
from autometa.task import Task, TaskHistory

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="one")
LEARNER = MetaLearner(seed=0, steps=10)


def portfolio(shift: float = 0.0, space: SearchSpace = SPACE, failed: int = 0) -> Portfolio:
    x = np.linspace(0.0, 1.0, 12)
    values = np.stack([(x - 0.1 * i - shift) ** 2 for i in range(3)])
    values[:, :failed] = np.nan
    return Portfolio(
        TaskHistory(
            task=Task(name=f"t{i}", space=space, direction="minimize"), raw=x[:, None], values=v
        )
        for i, v in enumerate(values)
    )


def never(*_: object, **__: object) -> MetaModel:
    raise AssertionError("it was fitted again")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOMETA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_is_fitted_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model_cache.model_file(LEARNER, portfolio(), SPACE)
    assert path is not None
    first = model_cache.fitted(LEARNER, portfolio(), SPACE)
    assert path.is_file()
    with monkeypatch.context() as patch:
        patch.setattr(MetaLearner, "fit", never)
        again = model_cache.fitted(LEARNER, portfolio(), SPACE)
        assert model_cache.read_or_make(path, never).tasks == first.tasks
    assert again.warm_start(2) == first.warm_start(2)


@pytest.mark.parametrize("content", [b"", b"damaged", b"PK\x05\x06" + b"\0" * 18])
def test_a_damaged_model_is_fitted_again(cache: Path, content: bytes) -> None:
    path = model_cache.model_file(LEARNER, portfolio(), SPACE)
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert model_cache.fitted(LEARNER, portfolio(), SPACE).tasks
    assert model_cache.read(path) is not None


def test_a_model_of_something_else_under_its_name_is_fitted_again(cache: Path) -> None:
    other = SearchSpace({"x": FloatDistribution(0.0, 2.0)}, name="one")
    path = model_cache.model_file(LEARNER, portfolio(), SPACE)
    assert path is not None
    LEARNER.fit(portfolio(space=other)).save(path)
    assert model_cache.fitted(LEARNER, portfolio(), SPACE).space == SPACE
    LEARNER.fit(portfolio()).save(path)
    fewer = portfolio().without("t0")
    path.replace(model_cache.model_file(LEARNER, fewer, SPACE) or path)
    assert model_cache.fitted(LEARNER, fewer, SPACE).tasks == ("t1", "t2")


def test_whatever_decides_a_fit_is_in_the_key(cache: Path) -> None:
    wider = SearchSpace({"x": FloatDistribution(0.0, 2.0)}, name="one")
    narrow = Part(numbers={"x": FloatDistribution(0.0, 0.5)})
    paths = [
        model_cache.model_file(LEARNER, portfolio(), SPACE),
        model_cache.model_file(MetaLearner(seed=1, steps=10), portfolio(), SPACE),
        model_cache.model_file(LEARNER, portfolio(0.1), SPACE),
        model_cache.model_file(LEARNER, portfolio(failed=1), SPACE),
        model_cache.model_file(LEARNER, portfolio().without("t0"), SPACE),
        model_cache.model_file(LEARNER, Portfolio(), wider),
        model_cache.model_file(LEARNER, portfolio(), SPACE, narrow),
        model_cache.model_file(LEARNER, portfolio(), SPACE, Part(choices={"x": 0})),
    ]
    assert len(set(paths)) == len(paths)
    assert model_cache.model_file(LEARNER, portfolio(), SPACE, Part()) == paths[0]


def test_a_part_has_a_model_of_its_own(cache: Path) -> None:
    narrow = Part(numbers={"x": FloatDistribution(0.5, 1.0)})
    model_cache.fitted(LEARNER, portfolio(), SPACE)
    found = model_cache.fitted(LEARNER, portfolio(), SPACE, narrow)
    assert found.warm_start(3) == LEARNER.fit(portfolio(), part=narrow).warm_start(3)
    assert all(c.config["x"] >= 0.5 for c in found.warm_start(3))  # type: ignore[operator]


def test_a_choice_that_is_no_text_survives(cache: Path) -> None:
    space = SearchSpace(
        {"x": FloatDistribution(0.0, 1.0), "c": CategoricalDistribution([None, 1, True, "1"])}
    )
    raw = np.column_stack([np.linspace(0.0, 1.0, 12), np.arange(12.0) % 4])
    known = Portfolio(
        [
            TaskHistory(
                task=Task(name="t", space=space, direction="minimize"), raw=raw, values=raw[:, 0]
            )
        ]
    )
    first = model_cache.fitted(LEARNER, known, space)
    again = model_cache.fitted(LEARNER, known, space)
    assert again.warm_start(3) == first.warm_start(3)


def test_a_cache_that_cannot_be_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("AUTOMETA_CACHE", str(tmp_path / "file"))
    assert model_cache.fitted(LEARNER, portfolio(), SPACE).tasks


def test_a_folder_in_the_place_of_a_model_costs_nothing(cache: Path) -> None:
    path = model_cache.model_file(LEARNER, portfolio(), SPACE)
    assert path is not None
    path.mkdir(parents=True)
    assert model_cache.fitted(LEARNER, portfolio(), SPACE).tasks


def test_several_may_fit_at_once(cache: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: model_cache.fitted(LEARNER, portfolio(), SPACE), range(3)))
    assert len({m.tasks for m in found}) == 1
    assert len(list((cache / "models").iterdir())) == 1


def test_old_models_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_cache, "MOST_MODELS", 1)
    old = cache / "models" / "old.model"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    model_cache.fitted(LEARNER, portfolio(), SPACE)
    assert not old.exists()
    assert len(list(old.parent.iterdir())) == 1
