"""Whose turn it is in a search by time: pairs of family and config, then families' own searches.

The libraries' own defaults come first for as long as pairs are being read, and then have a turn
whenever they have had fewer seconds than the rest: people would use them otherwise, they are the
last thing that a search should lose to, and none of them is far off.

A family's own search has turns only once what prior tasks teach of it has been learned, and none in
a search that is too short for that (`brief`): a fit takes seconds that trials need, and until then
pairs know more. On ten development tables, 30 s, no models fitted before, the ensemble's held-out
score was better by pairs alone on six, level on two and worse on two, with 374 trials instead of
338 and 10 failures instead of 22; on rows apart the two were level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from autometa.space import Config
from autometa.tuning import race
from autometa.tuning.arms import TunedTrial
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
        learn: Family whose own search is due but has not learned from prior tasks; "" where none.
    """

    family: str
    config: Config | None = None
    why: str = ""
    pair: int = -1
    rule: str = "portfolio"
    learn: str = ""


@dataclass
class Contest:
    """See the module.

    Args:
        ranked: Families in the order in which the race tries them.
        learned: What prior tables say of pairs, as soon as it has been read; the race goes on
            until then, and alone where it is None.
        defaults: Family -> its library's own default.
        knows: (family) -> whether its own search has learned from prior tasks.
        brief: Whether the search is too short for that: only pairs are tried where there are some.
    """

    ranked: tuple[str, ...]
    learned: Future[Pairs | None]
    defaults: Mapping[str, Config] = field(default_factory=dict)
    knows: Callable[[str], bool] = lambda family: True
    brief: bool = False
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
        if (behind or not read) and (turn := self._default(pairs, most or {})) is not None:
            return turn
        # A family's own search is for one that has shown what it can do.
        tried = tuple(n for n in self.ranked if best.get(n) is not None) if pairs else ()
        family = race.turn(tried or self.ranked, self.spent, best, share)
        ahead = len(self._seen) < self._own + AHEAD
        first = pairs is not None and (ahead or not tried or self.brief)
        learn = "" if first or self.knows(family) else family
        if pairs is not None and (first or learn):
            pair = pairs.next(self._seen, self._took, most)
            if pair is not None:
                chosen, config = pairs.families[pair], pairs.configs[pair]
                return Turn(family=chosen, config=config, why=pairs.why, pair=pair, learn=learn)
        return Turn(family=family, learn="" if self.knows(family) else family)

    def _default(self, pairs: Pairs | None, most: Mapping[str, float]) -> Turn | None:
        """The next family's default, the cheapest family first; it may be a pair as well.

        One that would not end in time waits; None where all do, or none is left.
        """
        known: dict[object, float] = {}
        places: dict[object, int] = {}
        if pairs is not None:
            every = [_pair(*p) for p in zip(pairs.families, pairs.configs, strict=True)]
            places = {pair: i for i, pair in enumerate(every)}
            known = dict(zip(every, pairs.seconds_here(self._took), strict=True))
        for family, config in self._left.items():
            pair = _pair(family, config)
            if known.get(pair, 0.0) <= most.get(family, float("inf")):
                place = places.get(pair, -1)
                return Turn(
                    family=family, config=config, why=WHY_DEFAULT, pair=place, rule="default"
                )
        return None

    def begin(self, turn: Turn) -> None:
        """A trial is under way: nobody else is to have it."""
        self.spent.setdefault(turn.family, 0.0)
        if turn.pair >= 0:
            self._seen[turn.pair] = None
        if turn.config is not None and self._left.get(turn.family) == turn.config:
            del self._left[turn.family]

    def tell(
        self,
        turn: Turn,
        found: TunedTrial | None,
        seconds: float,
        slow: float = 1.0,
    ) -> None:
        """What came of a trial.

        Args:
            turn: Which.
            found: The trial; None where there is none.
            seconds: That it took, by the clock, with all that is not training.
            slow: Seconds by the clock for a second of the trial.
        """
        self.spent[turn.family] = self.spent.get(turn.family, 0.0) + seconds
        self._seconds[turn.rule == "default"] += seconds
        self._turns += 1
        tried = turn.config if turn.config is not None or found is None else found.config
        if tried is not None and self._left.get(turn.family) == tried:
            del self._left[turn.family]
        if turn.config is None:
            self._own += 1
            return
        if turn.pair >= 0:
            # A config that was tried before is not tried again: another one was.
            own = found is not None and (found.rule, found.reason) == (turn.rule, turn.why)
            self._seen[turn.pair] = found.value if found is not None and own else None
            if found is not None and own and found.seconds is not None:
                self._took[turn.pair] = slow * found.seconds


def _pair(family: str, config: Config) -> tuple[str, frozenset[tuple[str, object]]]:
    """What tells pairs apart."""
    return family, frozenset(config.items())
