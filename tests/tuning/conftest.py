from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autometa.children import run
from autometa.children.evaluation.held_out import write_predictions
from autometa.tuning import cross_validator


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials are evaluated in this process."""

    class Here:
        def prepare(self, *what: Any, **options: Any) -> None: ...

        def close(self) -> None: ...

        def run(self, *what: Any, predictions: Path, **options: Any) -> Any:
            found = run(*what, **options)
            write_predictions(found.predictions, predictions)
            return found

    monkeypatch.setattr(cross_validator, "new_evaluator", Here)
