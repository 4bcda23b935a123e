"""A law of learning rates: what the best rate of many public training runs says of a new one.

Each family of runs has a curve (`rate_curve`) whose best rate is linear in log10 of the sizes. A
network of no such family is placed between them: between families the best rate depends on the
number of parameters only weakly, and its spread is wide. Where both speak, they are weighed by
their precision; beyond the sizes of a family its own word loses weight with the distance. Small
modules of several kinds, trained shortly, are a family that speaks for the others at its sizes, and
the less the farther from them.

What ships is `rate_law.json`, coefficients and facts of the runs, never the runs themselves; the
benchmarks learn it anew from the data (`autometa-benchmarks`, suite rate-law).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import StoreError
from autometa.inner.rate_curve import RateCurve, margin
from autometa.reading import parse_json, read_bytes

SIZES = ("parameters", "examples", "batch")
JITTER = 0.15  # decades by which runs of the same sizes differ in their own best rate
FAR = math.log10(30.0)  # decades beyond the sizes seen where nothing is known any more
STRETCH = 0.5  # decades beyond its sizes up to which a family goes before the mixed one
DRIFT = 0.15  # decades of rate for each decade of size beyond those seen
CAUTION = 1.2  # times the spread that a rate stays below the mode for: errors have wide tails
COVERAGE, QUANTILE = 0.8, 1.2816
_FILE = Path(__file__).with_name("rate_law.json")
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyLaw:
    """What one family of runs says.

    Args:
        name: Short.
        about: What was trained, in a line.
        optimizer: "adam" (AdamW too) or "sgd".
        pretrained: Whether the runs fine-tune.
        example: What one example is.
        curve: The law.
        lowest: log10 of the smallest `SIZES` seen.
        highest: log10 of the largest.
        spread: Standard deviation of its error on sizes left out, decades.
        runs: How many it rests on.
        groups: Of how many sizes or data sets.
        source: Where they were published.
        licence: Of the runs.
        mixed: Whether its networks are of many kinds, so that it stands for what lies between
            families where no other one speaks.
    """

    name: str
    about: str
    optimizer: str
    pretrained: bool
    example: str
    curve: RateCurve
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    spread: float
    runs: int
    groups: int
    source: str
    licence: str
    mixed: bool = False

    def filled(self, sizes: Floats) -> Floats:
        """The sizes (k,) with those that are not known (NaN) at the centre of the family."""
        return np.asarray(np.where(np.isnan(sizes), np.asarray(self.curve.centre), sizes))

    def beyond(self, sizes: Floats) -> Floats:
        """Decades by which each known size (k,) lies outside those seen; 0 where unknown."""
        gap: Floats = np.abs(sizes - np.clip(sizes, self.lowest, self.highest))
        return np.where(self.recorded, np.nan_to_num(gap), 0.0)

    @property
    def recorded(self) -> NDArray[np.bool_]:
        """Which sizes (k,) the source of the runs tells: not all say how much was seen."""
        return np.asarray(self.highest) > 0.0

    def predict(self, sizes: Floats) -> tuple[float, float]:
        """Mode and standard deviation of log10 of the best rate."""
        unknown = np.isnan(sizes)
        reach = np.asarray(self.curve.best[1:])[unknown]  # by one standard deviation of that size
        variance = self.spread**2 + float(reach @ reach)
        variance += float(((DRIFT * self.beyond(sizes)) ** 2).sum())
        return float(self.curve.mode(self.filled(sizes))[0]), math.sqrt(variance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """What all families of one optimiser say of a network of none of them.

    Args:
        optimizer: As in `FamilyLaw`.
        rate: log10 of the best rate at a million parameters and a batch of 100.
        by_parameters: Its change for ten times as many parameters.
        by_batch: Its change for a batch ten times as large.
        spread: Standard deviation over families, decades.
        low: Steepness below the best rate, eq. (1) of `rate_curve`.
        high: Steepness above.
    """

    optimizer: str
    rate: float
    by_parameters: float
    by_batch: float
    spread: float
    low: float
    high: float

    def predict(self, sizes: Floats) -> tuple[float, float]:
        """Mode and standard deviation of log10 of the best rate."""
        offset = np.nan_to_num(sizes - np.array([6.0, 0.0, 2.0]))
        mode = self.rate + self.by_parameters * offset[0] + self.by_batch * offset[2]
        return float(mode), self.spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the law says of one training run.

    Args:
        log10: Of the rate where expected loss is least.
        low: log10 of the lower end of the 80 % interval of the best rate.
        high: Of its upper end.
        spread: Standard deviation of the best rate, decades.
        families: Those it rests on, with their weights; what is left rests on all of them.
        far: Sizes that lie beyond everything seen by more than a factor of 30.
    """

    log10: float
    low: float
    high: float
    spread: float
    families: tuple[tuple[FamilyLaw, float], ...]
    far: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLaw:
    """The families and what lies between them.

    Args:
        families: One or more.
        between: One an optimiser.
    """

    families: tuple[FamilyLaw, ...]
    between: tuple[Between, ...]

    def predict(self, sizes: Floats, *, optimizer: str, names: Iterable[str] = ()) -> Prediction:
        """The rate for a run of these sizes.

        Args:
            sizes: log10 of `SIZES`, (3,); NaN where unknown.
            optimizer: "adam" or "sgd".
            names: Families that it may belong to.
        """
        kin = [f for f in self.families if f.name in names and f.optimizer == optimizer]
        general = next(b for b in self.between if b.optimizer == optimizer)
        says = [family.predict(sizes) for family in kin]
        shares = _shares(kin, sizes)
        # A fine-tuned network is of a family or of none: what trains from nothing says nothing.
        if not any(family.pretrained for family in kin):
            says.append(self._general(general, sizes))
            mixed = [s for f, s in zip(kin, shares, strict=True) if f.mixed]
            own = [s for f, s in zip(kin, shares, strict=True) if not f.mixed]
            shares.append(1.0 - max(mixed, default=0.0) * (1.0 - max(own, default=0.0)))
        modes, spreads = np.array(says).T
        precision = np.array(shares) * spreads**-2.0
        weights = precision / precision.sum()
        mode = float(weights @ modes)
        spread = float(precision.sum() ** -0.5)
        wide = spread
        if any(0.0 < share < 1.0 for share in shares):  # nobody knows which of them is right
            wide = math.hypot(spread, math.sqrt(float(weights @ (modes - mode) ** 2)))
        low, high = _steepness(kin, shares, general, sizes)
        best = mode - margin(low, high, JITTER)
        lower = best - QUANTILE * wide
        return Prediction(
            log10=max(mode - margin(low, high, max(JITTER, CAUTION * spread)), lower),
            low=lower,
            high=best + QUANTILE * wide,
            spread=wide,
            families=tuple(p for p in zip(kin, weights.tolist(), strict=False) if p[1] > 0.0),
            far=self.far(sizes, kin or [f for f in self.families if f.optimizer == optimizer]),
        )

    def _general(self, general: Between, sizes: Floats) -> tuple[float, float]:
        """What all families say; less sure with the distance from every one of them."""
        whole = [f for f in self.families if f.optimizer == general.optimizer and not f.pretrained]
        gap = _nearest(whole, sizes)
        mode, spread = general.predict(sizes)
        return mode, math.hypot(spread, *(DRIFT * gap).tolist())

    def far(self, sizes: Floats, families: Iterable[FamilyLaw]) -> tuple[str, ...]:
        """Names of the sizes that lie far beyond those of every one of `families`."""
        nearest = _nearest(families, sizes)
        return tuple(name for name, gap in zip(SIZES, nearest, strict=True) if gap > FAR)

    def save(self, path: str | Path) -> None:
        """Write as JSON."""
        Path(path).write_text(json.dumps(asdict(self), indent=1) + "\n")


def _shares(kin: Sequence[FamilyLaw], sizes: Floats) -> list[float]:
    """By how much the word of each family counts.

    A mixed one's fades until it is `FAR` from its sizes. Where it counts, that of a kind of its own
    does up to `STRETCH` beyond the sizes of that kind, and fades over as much again: further off it
    says no more than the small modules of all kinds.
    """
    beyond = [float(family.beyond(sizes).max()) for family in kin]
    mixed = max(
        (1.0 - min(b / FAR, 1.0) for f, b in zip(kin, beyond, strict=True) if f.mixed), default=0.0
    )
    return [
        mixed if f.mixed else 1.0 - mixed * min(max(b / STRETCH - 1.0, 0.0), 1.0)
        for f, b in zip(kin, beyond, strict=True)
    ]


def _nearest(families: Iterable[FamilyLaw], sizes: Floats) -> Floats:
    """Decades from each size (k,) to the nearest family that records it; 0 where none does."""
    gaps = [np.where(f.recorded, f.beyond(sizes), np.inf) for f in families]
    nearest: Floats = np.min(gaps, axis=0)
    return np.where(np.isfinite(nearest), nearest, 0.0)


def _steepness(
    kin: list[FamilyLaw], shares: list[float], general: Between, sizes: Floats
) -> tuple[float, float]:
    """Below and above the best rate; that of a mixed family as far as its word counts."""
    own = [family for family in kin if not family.mixed]
    found = _steep(own[0], sizes) if own else np.array([general.low, general.high])
    for family, share in zip(kin, shares, strict=False):
        if family.mixed:
            found = share * _steep(family, sizes) + (1.0 - share) * found
    return float(found[0]), float(found[1])


def _steep(family: FamilyLaw, sizes: Floats) -> Floats:
    seen = np.clip(family.filled(sizes), family.lowest, family.highest)
    low, high = family.curve.steepness(seen[None])
    return np.array([float(low[0]), float(high[0])])


@cache
def shipped() -> RateLaw:
    """The law that comes with the package.

    Raises:
        StoreError: its file is damaged.
    """
    return load(_FILE)


def load(path: str | Path) -> RateLaw:
    """Read what `RateLaw.save` wrote.

    Raises:
        StoreError: absent or damaged.
    """
    try:
        content: Any = parse_json(read_bytes(Path(path), _MOST_BYTES))
        families = tuple(_family(entry) for entry in content["families"])
        between = tuple(Between(**entry) for entry in content["between"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} holds no law of rates ({error})") from error
    return RateLaw(families=families, between=between)


def _family(entry: dict[str, Any]) -> FamilyLaw:
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    plain["curve"] = RateCurve(**{name: tuple(v) for name, v in entry["curve"].items()})
    return FamilyLaw(**plain)
