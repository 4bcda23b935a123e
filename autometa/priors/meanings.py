"""What a family makes of a name: which of its own parameters is meant, if any, or which to ask for.

A name means what the library's documentation says (`aliases`), in any case and with any of the
usual marks between its words, also behind the steps of a pipeline (`clf__max_depth`, `model.eta`)
or a family's usual prefix (`rf_max_depth`), or as a logarithm to a base that it says
(`log10_eta`). Nothing is taken to be meant because it sounds alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from autometa.priors.aliases import (
    ALIASES,
    ASKED,
    FOREIGN,
    MODELS,
    OTHERS,
    PREFIXES,
    RAN,
    TOGETHER,
)
from autometa.priors.logarithms import logarithm
from autometa.space import Value
from autometa.space.rules import alike

_MARKS = r"__|[./:_]"
_TABLES = tuple(f for f in ALIASES if PREFIXES.get(f) != PREFIXES["torch_tabular"])


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """See the module.

    Args:
        own: The family's own parameters that may be meant: none, one, or several to ask for.
        form: The name without what stands before it.
        why: Why it means none, or what each may be; "" where that is plain.
        base: Of the logarithm that the name is of; None where it is of none.
        about: The family's own parameters that it decides in a form that cannot be read.
    """

    own: tuple[str, ...] = ()
    form: str = ""
    why: str = ""
    base: float | None = None
    about: tuple[str, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether it may be one parameter or none."""
        return len(self.own) == 1 and bool(self.why)


def meaning(family: str, name: str, owns: Collection[str]) -> Meaning:
    """What a family makes of a name.

    >>> meaning("lightgbm", "model.eta", ["learning_rate"]).own
    ('learning_rate',)
    >>> meaning("linear", "alpha", ["C", "alpha"]).own
    ('C', 'alpha')
    >>> meaning("linear", "ridge__alpha", ["C", "alpha"]).own
    ('C',)
    """
    forms = tuple(_forms(family, name))
    for form in forms:
        found = _of_form(family, form, name[: -len(form)], owns)
        if found is not None:
            return found
    for form in forms:
        found = _of_logarithms(family, form, owns) or _of_a_layer(family, form, owns)
        if found is not None:
            return found
    return Meaning(form=name)


def _of_form(family: str, form: str, before: str, owns: Collection[str]) -> Meaning | None:
    plain = alike(form)
    for asked, (candidates, why) in ASKED.get(family, {}).items():
        found = tuple(o for o in candidates.split() if o in owns)
        if alike(asked) == plain and found:
            return _of_model(family, before, Meaning(own=found, form=form, why=why))
    for own in owns:
        if alike(own) == plain:
            return Meaning(own=(own,), form=form)
    for other, why in OTHERS.get(family, {}).items():
        if alike(other) == plain:
            together = TOGETHER.get(family, {}).get(other, "").split()
            return Meaning(form=form, why=why, about=tuple(o for o in together if o in owns))
    for own, others in ALIASES.get(family, {}).items():
        if own in owns and plain in map(alike, others.split()):
            return Meaning(own=(own,), form=form)
    return None


def _of_model(family: str, before: str, asked: Meaning) -> Meaning:
    """What is left to ask where the model's name stands before."""
    for step in reversed(re.split(_MARKS, before)):
        its = MODELS.get(family, {}).get(step.casefold())
        if its is not None:
            own = tuple(o for o in asked.own if o in its.split())
            return replace(asked, own=own, why="" if own else asked.why)
    return asked


def _of_logarithms(family: str, form: str, owns: Collection[str]) -> Meaning | None:
    found = logarithm(form)
    if found is None:
        return None
    rest, base = found
    of = _of_form(family, rest, "", owns)
    if of is None or not of.own:
        return None
    if base is not None:
        return replace(of, base=base)
    why = f"a logarithm of {rest} to which base? Name it log10_{rest} or log2_{rest}, or search"
    return Meaning(form=form, why=f"{why} {rest} itself, with log=True", about=of.own)


def _of_a_layer(family: str, form: str, owns: Collection[str]) -> Meaning | None:
    """Widths of single layers, as in `n_units_l0` and `layer_1_units`."""
    bare = re.sub(r"^(?:l|layer)_?[0-9]+_|_?(?:l|layer)?_?[0-9]+$", "", form)
    of = _of_form(family, bare, "", owns) if bare not in (form, "") else None
    if of is None or of.own != ("width",):
        return None
    why = "of one layer, where prior tasks had one width for all of them (width)"
    return Meaning(form=form, why=why, about=of.own)


def constant(family: str, name: str) -> tuple[Value] | None:
    """The value that a name of the family's library had in all prior tasks; None where it had none.

    >>> constant("xgboost", "clf__booster"), constant("xgboost", "eta")
    (('gbtree',), None)
    """
    known = {alike(ran): value for ran, value in RAN.get(family, {}).items()}
    found = [alike(form) for form in _forms(family, name) if alike(form) in known]
    return (known[found[0]],) if found else None


def is_of_library(family: str, name: str) -> bool:
    """Whether the documentation of a family's library has a name, whatever became of it here.

    >>> is_of_library("xgboost", "max_leaves"), is_of_library("xgboost", "num_leaves")
    (True, False)
    """
    owns = ALIASES.get(family, {})
    found = meaning(family, name, owns)
    if alike(found.form) in map(alike, FOREIGN.get(family, "").split()):
        return False
    return bool(found.own or found.why) or constant(family, name) is not None


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
    first = re.split(_MARKS, name)[0].casefold()
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
