"""What another trial has tried, and whether a config would be the same again."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from autometa.space.values import is_part


@dataclass(frozen=True, slots=True)
class Tried:
    """See the module.

    Args:
        params: What a trial asked for, or will be given.
        unasked: What it had a value for as well, and did not ask for: an objective with branches
            would not ask for it in the same place again.
    """

    params: Mapping[str, Any]
    unasked: Set[str] = frozenset()

    def again(self, config: Mapping[str, Any]) -> bool:
        """Whether a config would be this once more, rounding errors aside.

        >>> Tried({"booster": "gblinear", "rate": 0.1}, {"depth"}).again(
        ...     {"booster": "gblinear", "rate": 0.1, "depth": 3}
        ... )
        True
        """
        if self.unasked:
            config = {n: v for n, v in config.items() if n not in self.unasked}
        return bool(config) and is_part(config, self.params)
