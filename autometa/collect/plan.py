"""Which evaluations a collection consists of, and in which order.

Why one design for all tasks: the same configs on every task make tasks comparable point by point.
Why blocks in turn: a collection that is stopped early has the first blocks of every task instead
of every config of the first tasks, so it is a smaller portfolio and not a lopsided one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from autometa.limits import whole
from autometa.space import Config, SearchSpace, Value

BLOCK = 8  # configs of one task and child in a row; the first block has the defaults on top

Key: TypeAlias = tuple[str, str, str]  # table, child, config as canonical JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a config is evaluated; results under different protocols must not be mixed.

    Args:
        folds: Cross-validation folds, 2 or more.
        rows: Tables with more rows are subsampled to this many.
        seed: Decides the design, the subsamples, the folds and the children's randomness.

    Raises:
        InputError: a number is out of range.
    """

    folds: int = 3
    rows: int = 1500
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("folds", 2), ("rows", 20), ("seed", 0)):
            object.__setattr__(self, name, whole(getattr(self, name), name, low=least))


@dataclass(frozen=True, slots=True)
class Batch:
    """Configs of one child to be evaluated on one table, in order."""

    table: str
    child: str
    configs: tuple[Config, ...]

    def after(self, n: int) -> Batch:
        """The same without its first n configs."""
        return Batch(self.table, self.child, self.configs[n:])


def key(table: str, child: str, config: Config) -> Key:
    """What identifies an evaluation within a protocol.

    Floats count to 12 digits: processors differ in the last bit of a logarithm, and a collection
    must go on on another machine.
    """
    return table, child, config_text(config)


def config_text(config: Config) -> str:
    """Canonical JSON of a config; see `key` for what floats count to."""
    rounded = {k: float(f"{v:.12g}") if isinstance(v, float) else v for k, v in config.items()}
    return json.dumps(rounded, sort_keys=True)


def design(
    space: SearchSpace, n: int, seed: int, tuned: Mapping[str, Value] | None = None
) -> list[Config]:
    """The space's defaults, a good config if one is given, then n of a scrambled Sobol sequence.

    The first configs of a longer design are the shorter design, so a collection can be extended.
    A space with fewer than n distinct configs gives fewer.

    Source: Owen, "Scrambling Sobol' and Niederreiter-Xing points" (1998), through scipy.

    Raises:
        InputError: n is negative.
    """
    from scipy.stats import qmc  # 0.3 s that `import autometa.collect.plan` need not pay

    n = whole(n, "configs", low=0)
    chosen = {json.dumps(dict(space.defaults), sort_keys=True): dict(space.defaults)}
    if not space.defaults:
        chosen.clear()
    if tuned:
        chosen[json.dumps(dict(tuned), sort_keys=True)] = dict(tuned)
    wanted = n + len(chosen)
    sequence = qmc.Sobol(len(space.names), scramble=True, seed=np.random.default_rng(seed))
    drawn, size = 0, 64  # powers of two keep the sequence balanced
    while len(chosen) < wanted and drawn < 4 * n + 64:
        for config in space.from_raw(space.place_raw(sequence.random(size))):
            if len(chosen) < wanted:
                chosen.setdefault(json.dumps(config, sort_keys=True), config)
        drawn, size = drawn + size, drawn + size
    return list(chosen.values())


def batches(
    designs: Mapping[tuple[str, str], Sequence[Config]], done: Iterable[Key] = ()
) -> Iterator[Batch]:
    """Everything not done yet: block after block, each over all tables and children.

    Args:
        designs: (table, child) -> its design, in the order in which they are served.
        done: Evaluations that need not be repeated.
    """
    known = set(done)
    longest = max(map(len, designs.values()), default=0)
    starts = [0, *range(BLOCK + 1, longest, BLOCK)]
    for start, stop in zip(starts, [*starts[1:], longest], strict=True):
        for (table, child), configs in designs.items():
            missing = [c for c in configs[start:stop] if key(table, child, c) not in known]
            if missing:
                yield Batch(table, child, tuple(missing))
