from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autometa.bench.split import places, prior_tasks
from autometa.bench.suites.synthetic import Synthetic

FAMILIES = st.dictionaries(st.text(min_size=1, max_size=4), st.sampled_from("abcdefgh"), min_size=1)


@given(FAMILIES, st.integers(0, 3), st.integers(1, 3))
def test_no_family_lies_in_two_folds(families: dict[str, str], test: int, folds: int) -> None:
    placed = places(families, salt="s", test=test, folds=folds)
    homes: dict[str, set[str]] = {}
    for name, (_, fold) in placed.items():
        homes.setdefault(families[name], set()).add(fold)
    assert all(len(home) == 1 for home in homes.values())


@given(FAMILIES, st.integers(0, 3))
def test_each_held_out_family_is_tested_on_once(families: dict[str, str], test: int) -> None:
    placed = places(families, salt="s", test=test, folds=2)
    tested = [families[n] for n, (split, _) in placed.items() if split == "test"]
    assert len(tested) == len(set(tested)) == min(test, len(set(families.values())))
    assert all(n in placed for n in families if families[n] not in tested)


@given(FAMILIES)
def test_the_split_does_not_depend_on_the_order(families: dict[str, str]) -> None:
    one_each = {family: family for family in families.values()}
    backwards = dict(reversed(one_each.items()))
    options = {"salt": "s", "test": 2, "folds": 1}
    tested = [
        {n for n, (split, _) in places(f, **options).items() if split == "test"}  # type: ignore[arg-type]
        for f in (one_each, backwards)
    ]
    assert tested[0] == tested[1]


def test_a_prior_holds_only_development_tasks_of_other_folds(suite: Synthetic) -> None:
    for fold in {t.fold for t in suite.tasks}:
        known = prior_tasks(suite.tasks, fold)
        assert known
        assert all(t.split == "development" and t.fold != fold for t in known)
