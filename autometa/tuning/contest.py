"""Whose turn it is in a search by time: pairs of family and config, then families' own searches."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from autometa.space import Config
from autometa.tuning import race
from autometa.tuning.pairs import Pairs

AHEAD = 12
"""Trials that pairs have ahead of the families' own searches; then the two take turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One trial.

    Args:
        family: Of what.
        config: Of which config; None where the family's own search decides.
        why: The reason of the config.
        pair: Its place among the pairs.
    """

    family: str
    config: Config | None = None
    why: str = ""
    pair: int = -1


@dataclass
class Contest:
    """See the module.

    Args:
        ranked: Families in the order in which the race tries them.
        learned: What prior tables say of pairs, as soon as it has been read; the race goes on
            until then, and alone where it is None.
    """

    ranked: tuple[str, ...]
    learned: Future[Pairs | None]
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds that each family that was tried has had."""

    def __post_init__(self) -> None:
        self._seen: dict[int, float | None] = {}
        self._own = 0

    def next(self, best: Mapping[str, float | None], share: float) -> Turn:
        """The next trial.

        Args:
            best: Best score of each family that was tried, higher is better.
            share: Of the time, from 0 to 1, that is over.
        """
        pairs = self.learned.result() if self.learned.done() else None
        if pairs is not None and len(self._seen) < self._own + AHEAD:
            pair = pairs.next(self._seen)
            if pair is not None:
                family, config = pairs.families[pair], pairs.configs[pair]
                return Turn(family=family, config=config, why=pairs.why, pair=pair)
        return Turn(family=race.turn(self.ranked, self.spent, best, share))

    def tell(self, turn: Turn, score: float | None, seconds: float) -> None:
        """What came of a trial.

        Args:
            turn: Which.
            score: Higher is better; None where there is none.
            seconds: That it took, by the clock.
        """
        self.spent[turn.family] = self.spent.get(turn.family, 0.0) + seconds
        if turn.config is None:
            self._own += 1
        else:
            self._seen[turn.pair] = score
