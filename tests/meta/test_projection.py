"""A study's configs as the prior tasks would have seen them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.meta.inference.knowledge import knowledge, no_knowledge
from autometa.meta.learner import MetaLearner
from autometa.meta.parts.basis import Basis
from autometa.meta.parts.kernel import usual_scale
from autometa.meta.parts.projection import Projection, project
from autometa.meta.spaces.candidates import Candidates
from autometa.meta.spaces.links import link
from autometa.meta.spaces.study_space import ObservedSpace, StudySpace, study_space, wider
from autometa.space import Config, SearchSpace
from autometa.testing.families import Bowls, bowl_space
from tests.strategies import seeds

PRIOR = SearchSpace(
    {
        "rate": FloatDistribution(1e-4, 1.0, log=True),
        "depth": IntDistribution(1, 9),
        "kind": CategoricalDistribution(["a", "b", "c"]),
        "momentum": FloatDistribution(0.0, 1.0),
    },
    conditions={"momentum": ("kind", ["b", "c"])},
)


def of(study: dict[str, BaseDistribution], n: int = 40) -> Projection:
    space = study_space(
        PRIOR, ObservedSpace(latest=study, widest=study, lacked=frozenset(PRIOR.names))
    )
    return project(PRIOR, space.space, Candidates(PRIOR).random(n, np.random.default_rng(0)))


def test_values_that_both_have_stay_what_they_are() -> None:
    found = of(
        {
            "rate": FloatDistribution(1e-3, 1e-2, log=True),
            "depth": FloatDistribution(3.0, 5.0),
            "kind": CategoricalDistribution(["c", "a"]),
            "momentum": FloatDistribution(0.5, 3.0),
        }
    )
    configs: list[Config] = [
        {"rate": 2e-3, "depth": 4.0, "kind": "c", "momentum": 0.75},
        {"rate": 1e-3, "depth": 3.0, "kind": "a"},
        {"rate": 1e-2, "depth": 5.0, "kind": "c", "momentum": 2.0},
    ]
    seen = found(np.stack([found.study.encode(c) for c in configs]))
    assert seen.shape == (1, 3, PRIOR.dim)  # nothing is unknown
    back = PRIOR.from_raw(PRIOR.decode_raw(seen[0]))
    assert back[0] == pytest.approx({**configs[0], "depth": 4})
    assert back[1] == pytest.approx({**configs[1], "depth": 3})
    assert back[2] == pytest.approx({**configs[2], "depth": 5, "momentum": 1.0})  # at the bound


def test_what_is_unknown_is_averaged_over_good_configs() -> None:
    found = of({"rate": FloatDistribution(1e-3, 1e-2), "kind": CategoricalDistribution(["b", "z"])})
    unit = np.stack([found.study.encode({"rate": 5e-3, "kind": k}) for k in "bz"])
    seen = found(unit)
    assert len(seen) == len(found.stand_ins) == 8
    kinds = PRIOR.decode_raw(seen.reshape(-1, PRIOR.dim))[:, 2].reshape(8, 2)
    assert (kinds[:, 0] == 1).all()
    assert len(set(kinds[:, 1])) > 1  # "z" is no choice of theirs
    assert len(set(seen[:, 0, PRIOR.slices["depth"].start])) > 1
    rates = PRIOR.decode_raw(seen[:, 0])[:, 0]
    assert np.allclose(rates, 5e-3)
    layers = ((np.ones((PRIOR.dim, 3), np.float32), np.zeros(3, np.float32)),)
    basis = Basis(layers=layers, projection=found)
    assert np.allclose(basis(unit), np.mean([basis.unprojected(s) for s in seen], axis=0))


def test_how_much_is_unknown() -> None:
    one: dict[str, BaseDistribution] = {"rate": FloatDistribution(1e-4, 1.0, log=True)}
    assert of(one).unknown == 0.0
    assert of({**one, "new": FloatDistribution(0.0, 1.0)}).unknown == 0.5
    assert of({"depth": IntDistribution(5, 13)}).unknown == 0.5
    assert of({"depth": IntDistribution(10, 13)}).unknown == 1.0
    assert of({"kind": CategoricalDistribution(["x", "a"])}).unknown == 0.5
    assert of({"new": FloatDistribution(0.0, 1.0)}).unknown == 1.0


@given(seeds, st.booleans(), st.floats(0.2, 1.5))
def test_gradients_are_those_of_the_features(seed: int, log: bool, high: float) -> None:
    rng = np.random.default_rng(seed)
    found = of(
        {
            "rate": FloatDistribution(0.01, 0.5, log=log),
            "depth": FloatDistribution(2.5, 7.5),
            "kind": CategoricalDistribution(["b", "c", "z"]),
            "momentum": FloatDistribution(0.1, high),
            "new": FloatDistribution(0.0, 1.0),
        }
    )
    first = rng.standard_normal((PRIOR.dim, 6)).astype(np.float32)
    basis = Basis(layers=((0.3 * first, np.zeros(6, np.float32)),), projection=found)
    make = Candidates(found.study)
    unit = np.clip(make.random(5, rng), 0.02, 0.98) * make.free(make.random(5, rng)) + (
        make.random(5, rng) * ~make.free(make.random(5, rng))
    )
    unit = make.settle(unit)
    cotangent = rng.standard_normal((5, basis.size))
    slope = basis.vjp(unit, cotangent)
    for name in ("rate", "depth", "momentum", "new"):
        column = found.study.slices[name].start
        step = np.zeros(found.study.dim)
        step[column] = 1e-3
        rise = ((basis(unit + step) - basis(unit - step)) * cotangent).sum(axis=1) / 2e-3
        place = unit[:, column]
        # Beyond the prior's range the basis is flat, with a corner at its bound.
        corner = (1.0 - 0.1) / (high - 0.1) if high >= 1.0 else 2.0
        smooth = np.abs(place - corner) > 2e-3
        if name != "momentum" or smooth.all():
            assert np.allclose(rise, slope[:, column], atol=2e-2 * (1.0 + np.abs(rise).max()))


@pytest.mark.parametrize(
    ("study", "prior"),
    [
        (FloatDistribution(0.1, 0.4), FloatDistribution(0.0, 1.0)),
        (FloatDistribution(0.1, 0.4, log=True), FloatDistribution(0.0, 1.0)),
        (FloatDistribution(0.1, 0.4), FloatDistribution(0.01, 1.0, log=True)),
        (IntDistribution(2, 6), FloatDistribution(0.0, 9.0)),
        (CategoricalDistribution(["u", "v", "w"]), CategoricalDistribution(["w", "v", "u", "t"])),
        (CategoricalDistribution([0.1, 0.5]), FloatDistribution(0.0, 1.0)),
        (IntDistribution(2, 4), CategoricalDistribution([2, 3, 4, "auto"])),
    ],
)
def test_there_and_back_again(study: BaseDistribution, prior: BaseDistribution) -> None:
    found = link(study, prior)
    assert found is not None
    space = SearchSpace({"x": study})
    unit = space.encode_raw(space.sample_raw(20, np.random.default_rng(0)))
    there, known = found.forward(unit)
    assert known.all()
    back, known = found.backward(there)
    assert known.all()
    assert np.allclose(back, unit, atol=1e-9)


@pytest.mark.parametrize(
    ("study", "prior"),
    [
        (CategoricalDistribution(["u"]), CategoricalDistribution(["v"])),
        (CategoricalDistribution(["u"]), FloatDistribution(0.0, 1.0)),
        (FloatDistribution(0.0, 1.0), CategoricalDistribution([True, "auto"])),
    ],
)
def test_kinds_without_a_value_in_common_are_not_linked(
    study: BaseDistribution, prior: BaseDistribution
) -> None:
    assert link(study, prior) is None


def test_length_scales_keep_their_length() -> None:
    found = of(
        {
            "rate": FloatDistribution(1e-2, 1.0, log=True),  # half of four decades
            "depth": IntDistribution(1, 17),  # twice as wide
            "kind": CategoricalDistribution(["c", "z"]),
            "new": FloatDistribution(0.0, 1.0),
        }
    )
    learned = np.arange(1.0, PRIOR.dim + 1) / 10.0
    scales = dict(zip(("rate", "depth", "c", "z", "new"), found.scales(learned), strict=True))
    usual = usual_scale(found.study.dim)
    assert scales == pytest.approx({"rate": 0.2, "depth": 0.1, "c": 0.5, "z": usual, "new": usual})


def test_a_study_of_the_priors_own_space_changes_nothing() -> None:
    model = MetaLearner(seed=0, steps=40).fit(Bowls().portfolio(4, 20))
    assert model.transfer is not None
    shown = ObservedSpace(
        latest=dict(model.space.distributions), widest=dict(model.space.distributions)
    )
    space = study_space(model.space, shown)
    assert space == StudySpace(model.space)
    assert knowledge(model.transfer, model.space, space).transfer is model.transfer


def test_no_knowledge_follows_from_the_space_alone() -> None:
    known = no_knowledge(StudySpace(bowl_space()))
    assert (known.transfer.cold.scales == usual_scale(bowl_space().dim)).all()
    assert not len(known.known)
    assert not known.transfer.prior.heads.any()


# The study's space --------------------------------------------------------------------------------


def test_held_values_and_narrower_ranges_are_a_part() -> None:
    space = StudySpace(PRIOR).holding({"rate": 0.01, "kind": "b", "depth": 99, "unknown": 3})
    rng = np.random.default_rng(0)
    configs = [space.config(u) for u in space.candidates.random(30, rng)]
    assert {c["kind"] for c in configs} == {"b"}
    assert np.allclose([float(c["rate"]) for c in configs], 0.01)  # type: ignore[arg-type]
    assert {c["depth"] for c in configs} == {9}  # the nearest that is allowed


@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 30)), min_size=1, max_size=6))
def test_the_widest_distribution_holds_all(ranges: list[tuple[int, int]]) -> None:
    widest: BaseDistribution = IntDistribution(ranges[0][0], sum(ranges[0]))
    for low, width in ranges:
        widest = wider(widest, IntDistribution(low, low + width))
    assert isinstance(widest, IntDistribution)
    assert widest.low == min(low for low, _ in ranges)
    assert widest.high == max(low + width for low, width in ranges)


def test_a_trial_without_what_all_others_have_is_not_used() -> None:
    distributions: dict[str, BaseDistribution] = {
        "rate": FloatDistribution(1e-3, 1e-2),
        "new": FloatDistribution(0.0, 1.0),
    }
    lacked = frozenset({"depth", "kind"})
    space = study_space(
        PRIOR, ObservedSpace(latest=distributions, widest=distributions, lacked=lacked)
    )
    assert set(space.space.names) == {"rate", "new", "momentum"}
    assert space.project({"rate": 2e-3}) is None
    assert space.project({"other": 1.0}) is None
    row = space.project({"rate": 2e-3, "new": 0.5, "momentum": 0.5})
    assert row is not None
