"""In which space studies are wanted, and by which rules those of other spaces come to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from optuna.distributions import BaseDistribution

from autometa.errors import InputError
from autometa.space import SearchSpace
from autometa.space.rates import as_space
from autometa.space.rules import Rules


@dataclass(frozen=True)
class ImportTarget:
    """In which space studies are wanted.

    Args:
        space: A given one, or None for each study's own.
        inner_lr: The parameter that is the inner learning rate, where the space is their own; None
            finds it by its name, "" is none.
        rules: By which trials of other spaces come to a given one.
        adapts: Whether they do; else trials that do not fit a given space are left out.
    """

    space: SearchSpace | None
    inner_lr: str | None = None
    rules: Rules = field(default_factory=Rules)
    adapts: bool = True

    def check_names(self, names: Sequence[str]) -> None:
        """Refuse an inner learning rate and rules that name no parameter of any study."""
        if self.space is not None:
            self.rules.check(self.space, names)
        elif self.inner_lr and self.inner_lr not in names:
            raise InputError(
                f"inner_lr={self.inner_lr!r}, which no study tunes", allowed=", ".join(names)
            )


def import_target(
    space: SearchSpace | Mapping[str, BaseDistribution] | None, inner_lr: str | None, rules: Rules
) -> ImportTarget:
    """What `Portfolio.from_studies` was asked for.

    Raises:
        InputError: arguments that contradict one another.
    """
    if space is not None and not isinstance(space, SearchSpace):
        named = inner_lr is not None
        space = SearchSpace(space, inner_lr=inner_lr or None) if named else as_space(space)
    elif space is not None and inner_lr not in (None, space.inner_lr or ""):
        raise InputError(
            f"inner_lr={inner_lr!r} for a space whose inner learning rate is {space.inner_lr!r}",
            do="Say it in the space: SearchSpace(..., inner_lr=NAME)",
        )
    if space is None and rules != Rules():
        raise InputError(
            "renamed, choices, defaults or outside without a space to adapt to",
            do="Give the space too",
        )
    return ImportTarget(space, inner_lr, rules)
