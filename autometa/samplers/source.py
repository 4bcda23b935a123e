"""The prior that `create_study` is given, and what it says where there is none yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna

from autometa.errors import InputError, NothingFinishedError
from autometa.portfolio import Portfolio
from autometa.portfolio.store.shipped import shipped_names
from autometa.priors.knowing import Known, Wish, known_of
from autometa.priors.near import near_names
from autometa.priors.opening import EMBEDDED, PriorSource
from autometa.priors.own_tasks import without_study
from autometa.storages.addresses import file_of, scheme_of

UNSET: Any = object()


@dataclass(frozen=True)
class Source:
    """See the module.

    Args:
        prior: What the user gave.
        given: Whether anything was given.
        own: Whether it is the study's own storage: a search whose prior is all that its storage
            holds can thus begin with the first study, go on, and have several workers.
        new: Whether it may not be there yet: then it is an empty portfolio.
        why_empty: Why there is nothing to learn from, where there is not.
    """

    prior: PriorSource
    given: bool = True
    own: bool = False
    new: bool = False
    why_empty: str = "the prior holds no tasks"

    @staticmethod
    def of(prior: PriorSource, portfolio: PriorSource, storage: object) -> Source:
        """Of the two names of one argument.

        Raises:
            InputError: both are given.
        """
        if portfolio is not UNSET and prior is not None:
            raise InputError("both prior= and portfolio=", allowed="prior=")
        prior = prior if portfolio is UNSET else portfolio
        if prior is None:
            return Source(None, given=False, why_empty="no prior was given")
        if portfolio is not UNSET:
            if not _new_folder(portfolio):
                return Source(portfolio)
            why = f"there is no portfolio {str(portfolio)!r} yet"
            return Source(portfolio, new=True, why_empty=why)
        if not _is_own(prior, storage):
            return Source(prior)
        why = "its storage holds no study to learn from yet"
        return Source(prior, own=True, new=_is_missing(prior), why_empty=why)

    def open(self, wish: Wish, own: optuna.Study | None) -> Known:
        """What it names, without the study itself, where that exists.

        Raises:
            InputError, StoreError, PortfolioError: as `known_of`.
        """
        try:
            known = known_of(Portfolio() if self.new else self.prior, wish)
        except NothingFinishedError:
            if not self.own:
                raise
            known = known_of(Portfolio(), wish)
        return replace(known, prior=without_study(known.prior, own))


def _new_folder(portfolio: PriorSource) -> bool:
    """Whether a folder is meant that is not there yet."""
    if not isinstance(portfolio, str | Path) or not str(portfolio).strip():
        return False
    path = Path(portfolio).expanduser()
    if path.exists() or path.suffix or not path.parent.is_dir() or set(path.name) & set(":\\"):
        return False
    around = [p.name for p in path.absolute().parent.iterdir()]
    return not near_names(path.name, [*around, *shipped_names(), EMBEDDED])


def _is_own(prior: PriorSource, storage: object) -> bool:
    """Whether a prior is the study's own storage, by its address or as it is."""
    if isinstance(prior, str):
        return prior == storage and scheme_of(prior) is not None
    return prior is storage


def _is_missing(prior: PriorSource) -> bool:
    """Whether the file of a storage is not there yet, or another worker is just making it."""
    file = file_of(prior) if isinstance(prior, str) else None
    return file is not None and not (file.exists() and file.stat().st_size)
