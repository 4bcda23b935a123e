"""Whose turn it is in a search by time: pairs of family and config, then families' own searches.

The libraries' own defaults come first for as long as pairs are being read, and then have a turn
whenever they have had fewer seconds than the rest: people would use them otherwise, they are the
last thing that a search should lose to, and none of them is far off.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from autometa.space import Config
from autometa.tuning import race
from autometa.tuning.pairs import Pairs

START = 3
"""Trials by what was learned, before a family's default is tried."""
WHY_DEFAULT = "the library's own default, so that the search is never behind it"
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
        rule: What proposed the config.
    """

    family: str
    config: Config | None = None
    why: str = ""
    pair: int = -1
    rule: str = "portfolio"


@dataclass
class Contest:
    """See the module.

    Args:
        ranked: Families in the order in which the race tries them.
        learned: What prior tables say of pairs, as soon as it has been read; the race goes on
            until then, and alone where it is None.
        defaults: Family -> its library's own default.
    """

    ranked: tuple[str, ...]
    learned: Future[Pairs | None]
    defaults: Mapping[str, Config] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds that each family that was tried has had."""

    def __post_init__(self) -> None:
        self._seen: dict[int, float | None] = {}
        self._took: dict[int, float] = {}
        self._own = self._turns = 0
        self._seconds = {True: 0.0, False: 0.0}  # of defaults, and of the rest
        self._left = {name: self.defaults[name] for name in self.ranked if name in self.defaults}

    def next(
        self,
        best: Mapping[str, float | None],
        share: float,
        most: Mapping[str, float] | None = None,
    ) -> Turn:
        """The next trial.

        Args:
            best: Best score of each family that was tried, higher is better.
            share: Of the time, from 0 to 1, that is over.
            most: Family -> seconds that its next trial may take.
        """
        read = self.learned.done()
        pairs = self.learned.result() if read else None
        behind = self._turns >= START and self._seconds[True] <= self._seconds[False]
        if self._left and (behind or not read):
            return self._default(pairs)
        if pairs is not None and len(self._seen) < self._own + AHEAD:
            pair = pairs.next(self._seen, self._took, most)
            if pair is not None:
                family, config = pairs.families[pair], pairs.configs[pair]
                return Turn(family=family, config=config, why=pairs.why, pair=pair)
        return Turn(family=race.turn(self.ranked, self.spent, best, share))

    def _default(self, pairs: Pairs | None) -> Turn:
        """The next family's default, the cheapest family first; it may be a pair as well."""
        family, config = next(iter(self._left.items()))
        known = [] if pairs is None else zip(pairs.families, pairs.configs, strict=True)
        pair = next((i for i, other in enumerate(known) if other == (family, config)), -1)
        return Turn(family=family, config=config, why=WHY_DEFAULT, pair=pair, rule="default")

    def tell(
        self,
        turn: Turn,
        score: float | None,
        seconds: float,
        config: Config | None = None,
        own: float | None = None,
    ) -> None:
        """What came of a trial.

        Args:
            turn: Which.
            score: Higher is better; None where there is none.
            seconds: That it took, by the clock.
            config: Which was tried, where the family's own search decided.
            own: The seconds of training alone, where they are known.
        """
        self.spent[turn.family] = self.spent.get(turn.family, 0.0) + seconds
        self._seconds[turn.rule == "default"] += seconds
        self._turns += 1
        tried = config if turn.config is None else turn.config
        if tried is not None and self._left.get(turn.family) == tried:
            del self._left[turn.family]
        if turn.config is None:
            self._own += 1
            return
        if turn.pair >= 0:
            self._seen[turn.pair] = score
            if own is not None:
                self._took[turn.pair] = own
