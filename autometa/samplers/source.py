"""The prior that `create_study` is given, and what it says where there is none yet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna

from autometa.errors import InputError
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
        new: Whether it may not be there yet: then it is an empty portfolio, for this reason.
    """

    prior: PriorSource
    given: bool = True
    new: str = ""
    why_empty: str = field(init=False)

    def __post_init__(self) -> None:
        why = self.new or ("the prior holds no tasks" if self.given else "no prior was given")
        object.__setattr__(self, "why_empty", why)

    @staticmethod
    def of(prior: PriorSource, portfolio: PriorSource, storage: object) -> Source:
        """Of the two names of one argument.

        Raises:
            InputError: both are given.
        """
        if portfolio is not UNSET and prior is not None:
            raise InputError("both prior= and portfolio=", allowed="prior=")
        if portfolio is UNSET:
            new = _no_study_yet(prior, storage)
            return Source(prior, given=prior is not None, new=new)
        return Source(portfolio, given=portfolio is not None, new=_new_folder(portfolio))

    def open(self, wish: Wish, own: optuna.Study | None) -> Known:
        """What it names, without the study itself, where that exists.

        Raises:
            InputError, StoreError, PortfolioError: as `known_of`.
        """
        known = known_of(Portfolio() if self.new else self.prior, wish)
        return replace(known, prior=without_study(known.prior, own))


def _new_folder(portfolio: PriorSource) -> str:
    """Why a folder that is not there may be meant all the same; "" where it may not."""
    if not isinstance(portfolio, str | Path) or not str(portfolio).strip():
        return ""
    path = Path(portfolio).expanduser()
    if path.exists() or path.suffix or not path.parent.is_dir() or set(path.name) & set(":\\"):
        return ""
    around = [p.name for p in path.absolute().parent.iterdir()]
    if near_names(path.name, [*around, *shipped_names(), EMBEDDED]):
        return ""
    return f"there is no portfolio {str(portfolio)!r} yet"


def _no_study_yet(prior: PriorSource, storage: object) -> str:
    """Why the study's own storage, given as the prior, holds none yet; "" where it may hold some.

    A search whose prior is all that its storage holds can thus begin with the first study.
    """
    if not isinstance(prior, str) or prior != storage or scheme_of(prior) is None:
        return ""
    file = file_of(prior)
    missing = file is not None and not file.exists()
    return "its storage holds no study yet" if missing else ""
