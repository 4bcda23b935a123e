"""Rules: what a user says about how an old space became a new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from autometa.errors import SpaceError
from autometa.space.space import SearchSpace
from autometa.space.values import Value, checked_value, listed, same

Outside: TypeAlias = Literal["clip", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How configs of old spaces are read in a new one; nothing of it is required.

    Args:
        renamed: Old parameter name -> new name. Several old names may become one.
        choices: New parameter name -> {old choice: new choice}.
        defaults: New parameter name -> the value that old trials ran with where they do not say.
        outside: What becomes of a number outside its new range: "clip" moves it to the nearest
            allowed value, "drop" drops the trial.
        guess: Also take names, and choices that are text, as renamed where they differ in case,
            underscores, hyphens, dots and spaces only and nothing else could be meant.

    Raises:
        SpaceError: `outside` or a mapping is not one.

    >>> Rules(renamed={"learning_rate": "lr"}, defaults={"epochs": 5}).outside
    'clip'
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Mapping[Value, Value]] = field(default_factory=dict)
    defaults: Mapping[str, Value] = field(default_factory=dict)
    outside: Outside = "clip"
    guess: bool = True

    def __post_init__(self) -> None:
        if self.outside not in get_args(Outside):
            raise SpaceError(f"outside={self.outside!r}", allowed="'clip' or 'drop'")
        for name in ("renamed", "choices", "defaults"):
            given = getattr(self, name)
            if given is None:
                object.__setattr__(self, name, {})
            elif not isinstance(given, Mapping):
                raise SpaceError(f"{name}={given!r}", allowed="a mapping of names")
        for name, choices in self.choices.items():
            if not isinstance(choices, Mapping):
                raise SpaceError(
                    f"choices of {name!r} are {choices!r}", allowed="{old choice: new choice}"
                )

    def check(self, new: SearchSpace, old_names: Iterable[str]) -> None:
        """Refuse rules that speak of what is not there, as misspelt ones do.

        Raises:
            SpaceError: the first rule that cannot apply.
        """
        known = list(dict.fromkeys(old_names))
        turned = {n: o for o, n in self.renamed.items() if o in new.distributions}
        for name in (*self.renamed.values(), *self.choices, *self.defaults):
            if name not in new.distributions:
                raise SpaceError(
                    f"a rule for parameter {name!r}, which the new space does not have",
                    allowed=listed(new.names),
                    do=f"Renaming goes from the old name to the new: {name!r} to {turned[name]!r}"
                    if name in turned
                    else "Correct the name",
                )
        for name in self.renamed:
            if name not in known:
                raise SpaceError(
                    f"parameter {name!r} is said to be renamed, but no old space has it",
                    allowed=listed(known),
                    do="Correct the name",
                )
        for name, value in self.defaults.items():
            checked_value(name, new.distributions[name], value)
        for name, choices in self.choices.items():
            for value in choices.values():
                checked_value(name, new.distributions[name], value)

    def choice(self, name: str, value: Value) -> Value:
        """What an old choice of a parameter is called now; itself where no rule says so."""
        for old, new in self.choices.get(name, {}).items():
            if same(old, value):
                return new
        return value


def alike(name: str) -> str:
    """Equal for names that a guess takes for one another."""
    return "".join(c for c in name.casefold() if c not in "_-. ")
