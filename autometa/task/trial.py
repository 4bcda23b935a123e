"""CompletedTrial: one config evaluated on one task."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from autometa.errors import RecordError
from autometa.space import Config


class State(IntEnum):
    """How a trial ended. Stored as int8; its name is what files and tables show."""

    COMPLETE = 0
    FAILED = 1
    PRUNED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedTrial:
    """One config evaluated on one task: a row of a TaskHistory.

    `value` is None where the trial failed or was pruned before its first value. `fidelity` is the
    share of the full training budget, in (0, 1]. `curve` has one value a step (epoch), if any.

    Raises:
        RecordError: a COMPLETE trial without a finite value, or a fidelity outside (0, 1].
    """

    config: Config
    value: float | None
    state: State = State.COMPLETE
    fold_scores: tuple[float, ...] = ()
    seconds: float | None = None
    fidelity: float = 1.0
    curve: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        finite = self.value is not None and math.isfinite(self.value)
        if self.state == State.COMPLETE and not finite:
            raise RecordError(
                f"a COMPLETE trial with value {self.value}",
                allowed="a finite value",
                do="Mark the trial FAILED",
            )
        if not 0 < self.fidelity <= 1:
            raise RecordError(
                f"fidelity {self.fidelity}",
                allowed="a share of the full budget, in (0, 1]",
                do="Divide by the full budget",
            )
        if not finite:
            object.__setattr__(self, "value", None)
