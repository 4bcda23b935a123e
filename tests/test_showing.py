"""What a session prints of large objects fits a screen, in units that mean what they say."""

from __future__ import annotations

import pytest

import autometa
from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.meta.first_configs import Candidate
from autometa.meta.parts.inner_rate import InnerRate
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory
from autometa.testing.families import Bowls

LARGE = Bowls().portfolio(30, 10)


def test_large_objects_are_shown_in_a_few_lines() -> None:
    model = MetaLearner(seed=0, steps=5).fit(LARGE)
    nothing = MetaLearner().fit(Portfolio(), space=LARGE.space)
    for shown in (LARGE, Portfolio(), LARGE.histories[0], model, nothing):
        text = repr(shown)
        assert text == str(shown)
        assert len(text.splitlines()) <= 12
        assert max(map(len, text.splitlines())) <= 100
        assert "array(" not in text
    assert repr(LARGE).splitlines()[0] == "Portfolio: 30 tasks, 300 trials"
    assert "bowl-1, bowl-2, bowl-3 and 27 more" in repr(LARGE)
    assert repr(model).startswith("MetaModel of 30 prior tasks, 300 trials")
    assert "searches cold" in repr(nothing)
    assert repr([LARGE]).count("\n") < 12


def test_many_spaces_and_markup_are_shown_too() -> None:
    named = Portfolio(
        TaskHistory(
            task=Task(name="<script>", space=s, direction="minimize"),
            raw=LARGE.histories[0].raw,
            values=LARGE.histories[0].values,
        )
        for s in [
            SearchSpace(
                LARGE.space.distributions, conditions=LARGE.space.conditions, name=f"<b>{i}</b>"
            )
            for i in range(40)
        ]
    )
    assert len(repr(named).splitlines()) <= 12
    assert "34 spaces" in repr(named)
    html = named._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<tr>") <= 12


def test_rates_are_shown_as_rates_and_scores_as_scores() -> None:
    rate = InnerRate(mean=-3.0, low=-4.0, high=-2.0)
    assert repr(rate) == "InnerRate(0.001, interval 0.0001 to 0.01)"
    assert rate.interval == pytest.approx((1e-4, 1e-2))
    assert rate.value == pytest.approx(1e-3)
    assert rate.mean == -3.0
    known = Candidate(config={"x": 1}, inner_lr=0.5, expected=0.954, reason="why")
    assert "expected: +0.95 normal scores" in repr(known)
    unknown = Candidate(config={"x": 1}, inner_lr=None, expected=float("nan"), reason="why")
    assert "expected: unknown" in repr(unknown)


def test_a_pruner_takes_the_model() -> None:
    model = MetaLearner(seed=0, steps=5).fit(LARGE)
    assert autometa.MetaPruner(model).note != ""
    assert isinstance(model.pruner(), autometa.MetaPruner)
    with pytest.raises(InputError, match="a prior of type int"):
        autometa.MetaPruner(3)  # type: ignore[arg-type]
