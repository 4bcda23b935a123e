"""What a search asks of an evaluator, and the judge that evaluates all configs alike."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from autometa.space import Config

if TYPE_CHECKING:
    from autometa.children import Child, Outcome
    from autometa.tables import Table


class Evaluator(Protocol):
    """What evaluates a config; `children.isolated.Evaluator` is one."""

    def prepare(self, table: Table, child: Child) -> None:
        """Get ready; may run in another thread while nothing is evaluated."""

    def run(
        self,
        child: Child,
        config: Config,
        table: Table,
        *,
        folds: int,
        seed: int,
        timeout: float | None,
    ) -> Outcome:
        """As `children.run`."""

    def close(self) -> None:
        """End its process."""


@dataclass
class Judge:
    """Evaluates configs on one table, always on the same folds, and counts the time it takes."""

    evaluator: Evaluator
    table: Table
    folds: int
    seed: int
    timeout: float | None
    seconds: float = 0.0

    def evaluate(self, child: Child, config: Config) -> Outcome:
        """One trial; a child's failure is a result."""
        started = time.perf_counter()
        try:
            return self.evaluator.run(
                child,
                config,
                self.table,
                folds=self.folds,
                seed=self.seed,
                timeout=self.timeout,
            )
        finally:
            self.seconds += time.perf_counter() - started
