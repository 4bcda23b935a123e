"""Intermediate values of a running study as curves on one grid of steps, higher is better.

The grid is the steps of the finished trial that reported most often. A trial that reported at other
steps stands, at each step of the grid, at its latest value up to there.

Shapes: m finished trials, l steps.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autometa.constraints import infeasible
from autometa.encoding import Floats
from autometa.storages.per_study import every_trial

MOST = 200  # finished trials that are looked at: the best and the latest ones


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCurves:
    """What finished trials of a study reported.

    Args:
        steps: The grid, increasing, (l,).
        curves: Scores on it, (m, l).
        finals: Final scores, (m,).
        sign: 1 where the study maximises, else -1: scores are values times this.
    """

    steps: Sequence[int]
    curves: Floats
    finals: Floats
    sign: float

    def of(self, reports: Mapping[int, float]) -> Floats:
        """Scores of another trial up to its latest step, (at most l,); may be empty."""
        return _on_grid(reports, self.steps, self.sign)


class CurveReader:
    """Reads the finished trials of one study; each trial once, however often it is asked."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Mapping[int, float], float]] = {}
        self._numbers: frozenset[int] | None = None  # of the trials in the curves
        self._curves: StudyCurves | None = None
        self._lock = threading.Lock()

    def read(self, study: optuna.Study) -> StudyCurves | None:
        """The curves of the COMPLETE trials; None where none has reported a finite value.

        Infeasible ones are no trials to stand beside, nor to beat.
        """
        sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
        complete = every_trial(study, (TrialState.COMPLETE,))
        numbers = frozenset(t.number for t in complete)
        with self._lock:
            if numbers != self._numbers:
                self._curves, self._numbers = self._read(complete, sign), numbers
            return self._curves

    def _read(self, complete: list[FrozenTrial], sign: float) -> StudyCurves | None:
        rows = []
        for trial in complete:
            if trial.number not in self._seen and trial.value is not None:
                self._seen[trial.number] = (_finite(trial.intermediate_values), trial.value)
            reports, value = self._seen.get(trial.number, ({}, np.nan))
            if reports and np.isfinite(value) and not infeasible(trial):
                rows.append((reports, value))
        if not rows:
            return None
        if len(rows) > MOST:
            best = max(rows, key=lambda row: sign * row[1])
            rows = [best, *rows[1 - MOST :]]
        steps = sorted(max(rows, key=lambda row: len(row[0]))[0])
        finals = sign * np.array([value for _, value in rows])
        curves = np.full((len(rows), len(steps)), np.nan)
        for row, (reports, _) in zip(curves, rows, strict=True):
            known = _on_grid(reports, steps, sign)
            row[: len(known)] = known
            row[len(known) :] = known[-1] if len(known) else np.nan
        whole = np.isfinite(curves).all(axis=1)
        if not whole.any():
            return None
        return StudyCurves(steps=steps, curves=curves[whole], finals=finals[whole], sign=sign)


def _finite(reports: Mapping[int, float]) -> dict[int, float]:
    return {s: v for s, v in sorted(reports.items()) if v is not None and np.isfinite(v)}


def _on_grid(reports: Mapping[int, float], steps: Sequence[int], sign: float) -> Floats:
    known = _finite(reports)
    if not known:
        return np.zeros(0)
    own, values = np.array(list(known)), sign * np.array(list(known.values()))
    grid = np.asarray(steps)
    place = np.searchsorted(own, grid[grid <= own[-1]], side="right") - 1
    # A step before the trial's first report takes that one.
    result: Floats = values[np.maximum(place, 0)]
    return result
