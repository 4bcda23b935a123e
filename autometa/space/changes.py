"""What adapting did to each parameter, as records that print as sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["exact", "renamed", "rescaled", "clipped", "filled", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that happened to a parameter.

    Args:
        kind: What.
        count: To how many values or trials.
        of: Of how many.
        detail: Why, or how.
    """

    kind: Kind
    count: int
    of: int
    detail: str = ""

    def __str__(self) -> str:
        numbers = "" if self.kind in ("exact", "renamed", "rescaled") else f" {self.count} of "
        text = f"{self.kind}{numbers}{self.of if numbers else ''}"
        return f"{text} ({self.detail})" if self.detail else text


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChanges:
    """A parameter of the new space, or one of the old space that has no place in it.

    Args:
        name: In the new space; in the old one where it was removed.
        old: Its name in the old space; None where it was added.
        changes: What happened to it; a single "exact" where nothing did.
    """

    name: str
    old: str | None
    changes: tuple[Change, ...]

    @property
    def exact(self) -> bool:
        """Whether every old value is still the same."""
        return all(c.kind == "exact" for c in self.changes)

    def __str__(self) -> str:
        return f"{self.name}: {'; '.join(map(str, self.changes))}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "old": self.old,
            "changes": [asdict(c) for c in self.changes],
        }
