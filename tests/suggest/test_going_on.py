"""The start goes on as results come: the same improvement, prior tasks weighed by the results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autometa.encoding import Floats
from autometa.meta import MetaModel
from autometa.meta.inference.task_shares import task_shares
from autometa.meta.parts.transfer import Transfer
from autometa.meta.spaces.study_space import StudySpace
from autometa.suggest import Observations, Policy, Setup, suggest
from autometa.suggest.configs import start_config
from autometa.suggest.limits import Limits
from tests.suggest.conftest import BOWLS, drawn, encoded, observed, situation

UNTIL = Policy().start_until
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def transfer(model: MetaModel) -> Transfer:
    assert model.transfer is not None
    return model.transfer


def shares(transfer: Transfer, rows: list[int], scores: Floats) -> Floats:
    """After trials of these configs of the catalogue."""
    unit = transfer.catalogue.unit
    listed = np.arange(len(unit))[:, None] == np.array(rows)
    return task_shares(transfer, unit[rows], scores, listed)


def test_before_three_results_all_prior_tasks_weigh_the_same(transfer: Transfer) -> None:
    for n in range(3):
        found = shares(transfer, [*range(n)], np.arange(float(n)))
        assert np.allclose(found, 1 / len(transfer.catalogue.judges))


@pytest.mark.parametrize("judge", [0, 5])
def test_the_task_that_foresaw_the_results_weighs_most(transfer: Transfer, judge: int) -> None:
    rows = [*range(0, 40, 5)]
    scores = 100.0 + 7.0 * transfer.catalogue.scores[rows, judge]
    found = shares(transfer, rows, scores)
    assert found[judge] > 2 / len(found)
    assert found.sum() == pytest.approx(1.0)


def test_what_is_not_in_the_catalogue_is_foreseen_by_the_heads(transfer: Transfer) -> None:
    unit = encoded(drawn(12))
    listed = np.zeros((len(transfer.catalogue.unit), 12), dtype=bool)
    head = transfer.prior.heads[transfer.catalogue.judges[3]]
    assert task_shares(transfer, unit, transfer.basis(unit) @ head, listed).argmax() == 3


def test_results_against_all_prior_tasks_leave_them_equal(transfer: Transfer) -> None:
    """Those that are right the wrong way round explain nothing."""
    mean = transfer.catalogue.scores.mean(axis=1)
    rows = [int(i) for i in np.argsort(mean)[[0, 1, -2, -1]]]
    found = shares(transfer, rows, -mean[rows])
    assert np.allclose(found, 1 / len(found))


@given(st.floats(1e-3, 1e3), st.floats(-100.0, 100.0))
def test_the_units_of_the_metric_do_not_matter(
    transfer: Transfer, scale: float, offset: float
) -> None:
    rows, scores = [0, 3, 9, 20], np.array([0.1, 0.5, 0.2, 0.9])
    assert np.allclose(
        shares(transfer, rows, scores), shares(transfer, rows, offset + scale * scores), atol=1e-6
    )


def test_the_next_config_improves_most_by_the_tasks_weights(model: MetaModel) -> None:
    setup, space = Setup.of(model), StudySpace(BOWLS.space)
    assert model.transfer is not None
    catalogue = model.transfer.catalogue
    rows, judge = [0, 10, 20, 30, 40, 50], 2
    seen = Observations.of(catalogue.unit[rows], catalogue.scores[rows, judge])
    weights = shares(model.transfer, rows, seen.scores)
    reached = catalogue.regret[rows].min(axis=0)
    mean = np.minimum(catalogue.regret, reached) @ weights
    mean[rows] = np.inf
    found = start_config(setup.knowledge(space), space, seen, RNG)
    assert found is not None
    assert np.allclose(found, catalogue.unit[mean.argmin()])
    # As if all weighed the same, it would be another.
    mean = np.minimum(catalogue.regret, reached).mean(axis=1)
    mean[rows] = np.inf
    assert not np.allclose(found, catalogue.unit[mean.argmin()])


def test_what_is_running_counts_as_tried(model: MetaModel) -> None:
    setup, space = Setup.of(model), StudySpace(BOWLS.space)
    knowledge, seen = setup.knowledge(space), observed(drawn(4))
    running: list[Floats] = []
    for _ in range(5):
        units = np.array(running).reshape(-1, BOWLS.space.dim)
        found = start_config(knowledge, space, replace(seen, running=units), RNG)
        assert found is not None
        assert all(np.abs(found - other).max() > 1e-6 for other in running)
        running.append(found)


def _listed(model: MetaModel, seen: Observations) -> bool:
    assert model.transfer is not None
    known = {c.tobytes() for c in model.transfer.catalogue.unit.round(6)}
    found = suggest(Setup.of(model), situation(11, seen))
    assert found.rule == "transfer"
    return BOWLS.space.encode(found.config).round(6).tobytes() in known


def test_it_goes_on_until_there_are_so_many_results(model: MetaModel) -> None:
    assert _listed(model, observed(drawn(UNTIL - 1)))
    assert not _listed(model, observed(drawn(UNTIL)))


def test_it_knows_nothing_of_failures_and_limits_and_leaves_them_to_others(
    model: MetaModel,
) -> None:
    seen = observed(drawn(UNTIL - 1))
    limits = Limits(unit=seen.unit, values=np.linspace(-1.0, -0.5, len(seen.unit))[:, None])
    assert not _listed(model, replace(seen, failed=encoded(drawn(1, 2))))
    assert not _listed(model, replace(seen, limits=limits))
