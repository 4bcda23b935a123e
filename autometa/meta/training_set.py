"""TrainingSet: the trials of a portfolio's tasks as the arrays that fitting works on.

Tasks of fewer than three usable trials, or whose trials are all alike, teach nothing about configs
and are left out.

The matrices over all trials are made once and cut into views: a million trials take some 100 MB as
unit configs and 400 MB as basis features, and no second copy of either.

Shapes: T tasks that teach, n_i usable trials of task i, N_i trials of any state, d unit columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.early import Shown, with_early
from autometa.meta.data.noise import fold_noise, score_worth
from autometa.meta.data.sampling import LEAST_TRIALS
from autometa.meta.data.targets import usable
from autometa.meta.parts.basis import Basis
from autometa.meta.parts.reference import common_design, reference_scores
from autometa.portfolio import Portfolio
from autometa.task import State, TaskHistory
from autometa.threads import one_thread


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """See the module; made by `TrainingSet.of`.

    Args:
        histories: Of the tasks that teach, length T.
        rows: Which trials of each are usable, (N_i,) booleans.
    """

    histories: tuple[TaskHistory, ...]
    rows: tuple[NDArray[np.bool_], ...]

    @staticmethod
    def of(portfolio: Portfolio) -> TrainingSet:
        """What a portfolio of one space teaches."""
        taught = [(h, rows) for h in portfolio.histories if _teaches(h, rows := usable(h))]
        return TrainingSet(
            histories=tuple(h for h, _ in taught), rows=tuple(rows for _, rows in taught)
        )

    def __len__(self) -> int:
        return len(self.histories)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the tasks, length T."""
        return tuple(h.task.name for h in self.histories)

    @property
    def families(self) -> tuple[str, ...]:
        """Of the tasks, length T."""
        return tuple(h.task.family for h in self.histories)

    @property
    def meta_features(self) -> tuple[Mapping[str, float], ...]:
        """Of the tasks, length T."""
        return tuple(dict(h.task.meta_features) for h in self.histories)

    @property
    def counts(self) -> tuple[int, ...]:
        """Trials of any state, length T."""
        return tuple(map(len, self.histories))

    @cached_property
    def digests(self) -> tuple[int, ...]:
        """Checksums of all that each task teaches: trials, direction and description, length T."""
        return tuple(map(_digest, self.histories))

    @cached_property
    def every(self) -> list[Floats]:
        """Per task, unit configs of all trials, (N_i, d): views of one matrix."""
        return _split(self._whole, self.counts)

    @cached_property
    def _whole(self) -> Floats:
        """Unit configs of all trials of all tasks, (sum of N_i, d)."""
        space = self.histories[0].task.space
        whole = np.empty((sum(self.counts), space.dim))
        for part, history in zip(_split(whole, self.counts), self.histories, strict=True):
            part[:] = space.encode_raw(history.raw)
        return whole

    @cached_property
    def units(self) -> list[Floats]:
        """Per task, unit configs of the usable trials, (n_i, d)."""
        return _chosen(self.every, self.rows)

    @cached_property
    def scores(self) -> list[Floats]:
        """Per task, values with "higher is better", (n_i,)."""
        return [h.scores[rows] for h, rows in zip(self.histories, self.rows, strict=True)]

    @cached_property
    def targets(self) -> list[Floats]:
        """Per task, what its values are worth among random configs, (n_i,); see `reference`."""
        design = common_design(self.histories[0].task.space)
        pairs = zip(self.units, self.scores, strict=True)
        with one_thread():
            return [reference_scores(unit, scores, design) for unit, scores in pairs]

    @cached_property
    def shown(self) -> list[Shown]:
        """Per task, its usable trials and what was seen before their ends."""
        parts = zip(self.histories, self.rows, self.every, self.units, self.targets, strict=True)
        return [with_early(h, rows, every, unit, z) for h, rows, every, unit, z in parts]

    @property
    def noise(self) -> list[float]:
        """Per task, the noise of its values that folds betray, in squared normal scores."""
        parts = zip(self.histories, self.rows, self.worths, strict=True)
        return [fold_noise(h.fold_scores[rows], worth) for h, rows, worth in parts]

    @property
    def worths(self) -> list[float]:
        """Per task, what one normal score is worth in its metric."""
        return [score_worth(s, z) for s, z in zip(self.scores, self.targets, strict=True)]

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which of all trials of all tasks failed, (sum of N_i,)."""
        return np.concatenate([h.states == State.FAILED for h in self.histories])

    def features(self, basis: Basis) -> tuple[Floats, list[Floats]]:
        """Basis features of all trials, (sum of N_i, p), and per task of the usable, (n_i, p)."""
        with one_thread():
            whole = basis(self._whole)
        return whole, _chosen(_split(whole, self.counts), self.rows)

    def observations(self, basis: Basis, phi: list[Floats]) -> tuple[list[Floats], list[Floats]]:
        """Basis features and normal scores of all that tasks show: (m_i, p) and (m_i,) a task.

        Args:
            basis: The shared basis.
            phi: Its features of the usable trials, as of `features`: all that there is where no
                task shows early values.
        """
        if not basis.budgeted:
            return phi, self.targets
        with one_thread():
            features = [basis(s.unit, s.fidelity) for s in self.shown]
        return features, [s.target for s in self.shown]


TAUGHT_BY = ("raw", "values", "states", "fidelity", "fold_scores", "curves")
"""Arrays of a history that decide what it teaches."""


def _digest(history: TaskHistory) -> int:
    """Checksum of all that a history teaches, no array of it copied."""
    task = history.task
    known = [task.direction, task.family, sorted(task.meta_features.items())]
    found = crc32(json.dumps(known).encode())
    for name in TAUGHT_BY:
        column = getattr(history, name)
        found = crc32(np.ascontiguousarray(column).data, crc32(str(column.shape).encode(), found))
    return found


def _teaches(history: TaskHistory, rows: NDArray[np.bool_]) -> bool:
    return int(rows.sum()) >= LEAST_TRIALS and bool(np.ptp(history.values[rows]) > 0)


def _chosen(parts: Sequence[Floats], rows: Sequence[NDArray[np.bool_]]) -> list[Floats]:
    """Some rows of each part; a view where it is all of them."""
    return [p if chosen.all() else p[chosen] for p, chosen in zip(parts, rows, strict=True)]


def _split(rows: Floats, counts: Sequence[int]) -> list[Floats]:
    return np.split(rows, np.cumsum(counts)[:-1])
