"""The learned basis goes over many configs in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from autometa.meta.parts import basis
from autometa.meta.parts.basis import Basis


@pytest.mark.parametrize("budgeted", [False, True])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, budgeted: bool) -> None:
    rng = np.random.default_rng(0)
    widths = [(3 + budgeted, 8), (8, 5)]
    phi = Basis(
        layers=tuple(
            (rng.normal(size=w).astype(np.float32), rng.normal(size=w[1]).astype(np.float32))
            for w in widths
        ),
        budgeted=budgeted,
    )
    unit, fidelity = rng.random((1003, 3)), rng.uniform(0.1, 1.0, 1003)
    whole = [phi(unit), phi(unit, fidelity)]
    assert np.array_equal(whole[0], whole[1]) is not budgeted
    monkeypatch.setattr(basis, "_BLOCK", 48)
    monkeypatch.setattr(basis, "_SHORT", 16)
    assert [s.stop for s in basis._blocks(112)] == [48, 112]
    assert [s.stop for s in basis._blocks(113)] == [48, 96, 113]
    for found, expected in zip([phi(unit), phi(unit, fidelity)], whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert phi(unit[:0]).shape == (0, 6)
