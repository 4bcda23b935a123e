"""What a family makes of a name: which of its own parameters is meant, if any, or which to ask for.

A name means what the library's documentation says (`aliases`), in any case and with any of the
usual marks between its words, also behind the steps of a pipeline (`clf__max_depth`, `model.eta`)
or a family's usual prefix (`rf_max_depth`). Nothing is taken to be meant because it sounds alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from autometa.priors.aliases import ALIASES, ASKED, OTHERS, PREFIXES
from autometa.space.rules import alike

_TABLES = tuple(f for f in ALIASES if PREFIXES.get(f) != PREFIXES["torch_tabular"])


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """See the module.

    Args:
        own: The family's own parameters that may be meant: none, one, or several to ask for.
        form: The name without what stands before it.
        why: Why it means none, or what each may be; "" where that is plain.
    """

    own: tuple[str, ...] = ()
    form: str = ""
    why: str = ""


def meaning(family: str, name: str, owns: Collection[str]) -> Meaning:
    """What a family makes of a name.

    Args:
        family: Of the prior.
        name: Of a parameter of the user's.
        owns: Names of the family's own parameters.

    >>> meaning("lightgbm", "model.eta", ["learning_rate"]).own
    ('learning_rate',)
    >>> meaning("linear", "ridge__alpha", ["C", "alpha"]).own
    ('C', 'alpha')
    """
    for form in _forms(family, name):
        plain = alike(form)
        for asked, (candidates, why) in ASKED.get(family, {}).items():
            found = tuple(o for o in candidates.split() if o in owns)
            if alike(asked) == plain and found:
                return Meaning(own=found, form=form, why=why)
        for own in owns:
            if alike(own) == plain:
                return Meaning(own=(own,), form=form)
        for other, why in OTHERS.get(family, {}).items():
            if alike(other) == plain:
                return Meaning(form=form, why=why)
        for own, others in ALIASES.get(family, {}).items():
            if own in owns and plain in map(alike, others.split()):
                return Meaning(own=(own,), form=form)
    return Meaning(form=name)


def families_knowing(name: str) -> tuple[str, ...]:
    """Families in whose documentation a name stands, as itself or as an alias."""
    return tuple(family for family, own in ALIASES.items() if meaning(family, name, own).own)


def families_called(name: str) -> tuple[str, ...]:
    """Families that people call by a name: their library's, their class's or a usual prefix.

    >>> families_called("LGBMClassifier"), families_called("rf")
    (('lightgbm',), ('random_forest',))
    """
    plain = re.sub(r"classifier$|regressor$", "", alike(name))
    usual = {family: f"{PREFIXES.get(family, '')} {alike(family)}".split() for family in _TABLES}
    return tuple(family for family, words in usual.items() if plain in words)


def is_prefixed_by(family: str, name: str) -> bool:
    """Whether what stands before a name says that it is of this family."""
    first = re.split(r"__|[./:_]", name)[0].casefold()
    return first in PREFIXES.get(family, "").split()


def _forms(family: str, name: str) -> Iterator[str]:
    """The name, and what is left of it behind steps and prefixes."""
    yield name
    last = re.split(r"__|[./:]", name)[-1]
    if last != name:
        yield last
    first, mark, rest = last.partition("_")
    usual = f"{PREFIXES.get(family, '')} {PREFIXES['']}".split()
    if mark and rest and first.casefold() in usual:
        yield rest
