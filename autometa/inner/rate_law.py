"""A law of learning rates: what the best rate of many public training runs says of a new one.

Each family of runs has a curve (`rate_curve`) whose best rate is linear in log10 of the sizes. A
network of no such family is placed between them: between families the best rate depends on the
number of parameters only weakly, and its spread is wide. Where both speak, they are weighed by
their precision; beyond the sizes of a family its own word loses weight with the distance. Small
modules of several kinds, trained shortly, are a family that speaks for the others near its sizes.

What ships is `rate_law.json`, coefficients and facts of the runs, never the runs themselves; the
benchmarks learn it anew from the data (`autometa-benchmarks`, suite rate-law).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from autometa.encoding import Floats
from autometa.errors import StoreError
from autometa.inner.rate_curve import RateCurve, margin
from autometa.reading import parse_json, read_bytes

SIZES = ("parameters", "examples", "batch")
JITTER = 0.15  # decades by which runs of the same sizes differ in their own best rate
FAR = math.log10(30.0)  # decades beyond the sizes seen where nothing is known any more
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
        return np.nan_to_num(gap)

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
        # A fine-tuned network is of a family or of none: what trains from nothing says nothing.
        tuned = any(family.pretrained for family in kin)
        if not tuned and not (kin and all(family.mixed for family in kin)):
            says.append(general.predict(sizes))
        precision = np.array([spread**-2.0 for _, spread in says])
        weights = precision / precision.sum()
        mode = float(weights @ np.array([mode for mode, _ in says]))
        spread = float(precision.sum() ** -0.5)
        low, high = _steepness(kin, general, sizes)
        best = mode - margin(low, high, JITTER)
        lower = best - QUANTILE * spread
        return Prediction(
            log10=max(mode - margin(low, high, max(JITTER, CAUTION * spread)), lower),
            low=lower,
            high=best + QUANTILE * spread,
            spread=spread,
            families=tuple(zip(kin, weights[: len(kin)].tolist(), strict=True)),
            far=self.far(sizes, kin or [f for f in self.families if f.optimizer == optimizer]),
        )

    def far(self, sizes: Floats, families: Iterable[FamilyLaw]) -> tuple[str, ...]:
        """Names of the sizes that lie far beyond those of every one of `families`."""
        nearest = np.min([family.beyond(sizes) for family in families], axis=0)
        return tuple(name for name, gap in zip(SIZES, nearest, strict=True) if gap > FAR)

    def save(self, path: str | Path) -> None:
        """Write as JSON."""
        Path(path).write_text(json.dumps(asdict(self), indent=1) + "\n")


def _steepness(kin: list[FamilyLaw], general: Between, sizes: Floats) -> tuple[float, float]:
    if not kin:
        return general.low, general.high
    seen = np.clip(kin[0].filled(sizes), kin[0].lowest, kin[0].highest)
    low, high = kin[0].curve.steepness(seen[None])
    return float(low[0]), float(high[0])


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
