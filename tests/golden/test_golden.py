"""Fits, starts and searches give what they gave, to the last bit."""

from __future__ import annotations

import json

import pytest

from tests.golden.cases import CASES, Case, found, path_of, surroundings


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_nothing_changed_to_the_last_bit(case: Case) -> None:
    held = json.loads(path_of(case).read_text())
    here, there = surroundings(), held["surroundings"]
    if here != there:
        other = ", ".join(k for k in here if here[k] != there.get(k))
        pytest.skip(f"the file was written with another {other}")
    now = json.loads(json.dumps(found(case)))
    assert now == {name: held[name] for name in now}
