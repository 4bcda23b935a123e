"""Whatever a user calls a prior, opened: the one function behind every `prior=` and `portfolio=`.

    None, []                   no prior: an empty portfolio
    a Portfolio, a MetaModel   itself
    a study, a storage         finished studies
    a URL                      finished studies: sqlite:///FILE, journal:///FILE, postgresql://...
    a folder                   of a portfolio; `Portfolio.open(FOLDER, create=True)` makes a new one
    a file                     of a model, of studies (sqlite, journal), or a table of trials
    "svm", "embedded:svm"      the shipped tasks of a family; "embedded" where the family is known
    "finetune_image", ...      the shipped tasks of a kind of networks
    a list of these            joined; a study that two of them hold counts once

What is none of these, or is not there, is an error that names what is near: no search starts cold
because a name was misspelt. Nothing is written, and nothing in a file is unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from zipfile import is_zipfile

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage

from autometa.errors import AutometaError, InputError, StoreError, without_passwords
from autometa.meta import MetaModel
from autometa.portfolio import Portfolio
from autometa.portfolio.importers.importing import read_trials, table_kind, understood
from autometa.portfolio.importers.study_names import identity_of, named
from autometa.portfolio.store import folder as store
from autometa.portfolio.store.shipped import embedded_names, shipped_names
from autometa.priors.aliases import ALIASES
from autometa.priors.meanings import families_called
from autometa.priors.near import near_names
from autometa.space import SearchSpace
from autometa.storages.addresses import file_of, scheme_of
from autometa.storages.sources import StudySource
from autometa.task import Direction

if TYPE_CHECKING:
    import pandas as pd

One: TypeAlias = Portfolio | MetaModel | StudySource
PriorSource: TypeAlias = One | Iterable[One] | None

EMBEDDED = "embedded"
ALLOWED = (
    "a family that ships, a portfolio or its folder, a model or its file, a study, a storage or "
    "its URL (sqlite:///FILE), a sqlite or journal file, a table of trials, or a list of these"
)
MAKE = "A new portfolio is made by autometa.Portfolio.open(FOLDER, create=True)"
_SCHEMES = (
    *("sqlite", "journal", "grpc", "postgresql", "postgres", "mysql", "mariadb", "oracle"),
    *("mssql", "cockroachdb", "redis", "rediss"),
)
_LOOKED_AT = 2000  # entries of a folder among which near names are sought


def open_prior(
    prior: PriorSource,
    *,
    shipped: Callable[[str], Portfolio] | None = None,
    space: SearchSpace | None = None,
    direction: Direction | None = None,
) -> Portfolio | MetaModel:
    """What a prior names; see the module.

    Args:
        prior: What the user gave.
        shipped: Reads the shipped tasks of a family; of "" where the user says "embedded" only.
        space: Of the search, and
        direction: its direction: what a table of trials does not say of itself.

    Raises:
        InputError: not a prior, or not enough is known to read it.
        StoreError: there is no such file or folder, or it cannot be read.
        PortfolioError: parts of a list contradict one another.
    """
    if prior is None or isinstance(prior, Portfolio | MetaModel):
        return Portfolio() if prior is None else prior
    if isinstance(prior, str | os.PathLike | BaseStorage | optuna.Study):
        parts: list[Any] = [prior]
    elif isinstance(prior, Mapping) or not isinstance(prior, Iterable) or _is_frame(prior):
        raise _no_prior(prior)
    else:
        parts = list(prior)
    if len(parts) == 1 and isinstance(parts[0], Portfolio | MetaModel):
        return parts[0]
    studies: list[StudySource] = []
    joined = Portfolio()
    for part in parts:
        found = _open(part, shipped or _shipped, space, direction)
        if isinstance(found, MetaModel):
            if len(parts) == 1:
                return found
            raise InputError(
                "a model among several priors",
                allowed="a model alone, or any number of portfolios and studies",
                do="Give the portfolio that the model was fitted on instead",
            )
        if isinstance(found, Portfolio):
            joined = joined.merge(found)
        else:
            studies.append(found)
    return _with_studies(joined, Portfolio.from_studies(studies)) if studies else joined


def open_portfolio(
    prior: PriorSource,
    *,
    names: str | Iterable[str] | None = None,
    space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
) -> Portfolio:
    """As `open_prior`, where only a portfolio is of use.

    Args:
        prior: What the user gave; studies, where one of the next two is given.
        names: As of `Portfolio.from_studies`.
        space: As of `Portfolio.from_studies`.

    Raises:
        InputError: a model; and as `open_prior` or `Portfolio.from_studies`, like all others.
    """
    if isinstance(prior, Portfolio):
        return prior
    if names is not None or space is not None:
        return Portfolio.from_studies(prior, names=names, space=space)  # type: ignore[arg-type]
    found = open_prior(prior)
    if isinstance(found, MetaModel):
        raise InputError(
            "a model where its prior tasks are needed",
            allowed="a portfolio, studies, or a file, folder or URL of such",
            do="A model is looked into with `autometa model inspect FILE`",
        )
    return found


def _with_studies(known: Portfolio, read: Portfolio) -> Portfolio:
    """A portfolio and studies that were just read; these replace what it knows of the same ones."""
    fresh = {identity_of(h.task) for h in read.histories}
    kept = [h for h in known.histories if identity_of(h.task) not in fresh]
    rest = replace(known, histories=tuple(kept))
    arriving = named(read.histories, rest.tasks)
    return rest.merge(replace(read, histories=tuple(arriving)))


def _open(
    part: Any,
    shipped: Callable[[str], Portfolio],
    space: SearchSpace | None,
    direction: Direction | None,
) -> Portfolio | MetaModel | StudySource:
    """One part of a prior; studies are left to be read together with others."""
    if isinstance(part, Portfolio | MetaModel | BaseStorage | optuna.Study):
        return part
    if not isinstance(part, str | os.PathLike):
        raise _no_prior(part)
    text = os.fspath(part)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"prior {text!r}", allowed=ALLOWED)
    if isinstance(part, str):
        if text == EMBEDDED or text.startswith(f"{EMBEDDED}:"):
            return shipped(text.removeprefix(EMBEDDED).removeprefix(":"))
        if text in shipped_names():
            return shipped(_family(text))
        if text in ALIASES and not Path(text).exists():
            return shipped(text)  # a family that this build does not ship: it says which do
    if (scheme := scheme_of(text)) is not None:
        return _checked_url(text, scheme, is_text=isinstance(part, str))
    path = Path(text).expanduser()
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise missing(path, text)
    if is_zipfile(path):
        return MetaModel.load(path)
    if table_kind(path) is not None:
        return _open_table(path, space, direction)
    return path


# Names -------------------------------------------------------------------------------------------


def _shipped(family: str) -> Portfolio:
    if not family:
        raise which_family()
    return Portfolio.embedded(family)


def which_family(candidates: Iterable[str] = ()) -> InputError:
    """The error where "embedded" could be any of several families, all where none is given."""
    names = list(candidates) or embedded_names()
    return InputError(
        f"prior {EMBEDDED!r} where the family of the model is not known",
        allowed=", ".join(repr(f"{EMBEDDED}:{name}") for name in names),
        do="Say which family is tuned",
    )


def _family(name: str) -> str:
    if Path(name).exists():
        raise InputError(
            f"prior {name!r} is a family that ships, and a file or folder here",
            allowed=f"'{EMBEDDED}:{name}' for the family, './{name}' for what is here",
        )
    return name


def _checked_url(url: str, scheme: str, *, is_text: bool) -> str:
    """A URL that may be one of studies.

    Raises:
        InputError: it cannot be; StoreError: its file is not there.
    """
    shown = without_passwords(url)
    if not is_text:
        raise InputError(f"the URL {shown!r} as a path", allowed="a URL as text, not as a Path")
    if scheme.partition("+")[0] not in _SCHEMES or "://" not in url:
        near = get_close_matches(scheme, _SCHEMES, n=2, cutoff=0.7)
        raise InputError(
            f"prior {shown!r} with the scheme {scheme!r}",
            allowed=ALLOWED,
            do=f"Did you mean {' or '.join(f'{n}://' for n in near)}?" if near else "",
        )
    file = file_of(url)
    if file is not None and not file.exists():
        raise missing(file, url)
    return url


def missing(path: Path, given: str) -> StoreError:
    """The error of a file or folder that is not there, with what is near."""
    names = [] if scheme_of(given) else [*shipped_names(), EMBEDDED]
    try:
        around = [entry.name for entry in islice(path.absolute().parent.iterdir(), _LOOKED_AT)]
    except OSError:
        around = []
    called = families_called(path.name) if names else ()
    near = list(dict.fromkeys([*called, *near_names(path.name, [*names, *around])]))
    shown = without_passwords(given) if scheme_of(given) else str(path)
    return StoreError(
        f"there is no file or folder {shown!r}",
        allowed=ALLOWED,
        do=f"Did you mean {', '.join(map(repr, near))}?" if near else MAKE,
    )


def _no_prior(given: Any) -> InputError:
    remedy = "autometa.Portfolio.from_frame reads a data frame" if _is_frame(given) else ""
    return InputError(f"a prior of type {type(given).__name__}", allowed=ALLOWED, do=remedy)


def _is_frame(given: Any) -> bool:
    return hasattr(given, "columns") and hasattr(given, "iloc")


# Folders and files -------------------------------------------------------------------------------


def _open_folder(path: Path) -> Portfolio:
    if store.exists(path):
        return Portfolio.load(path)
    inside = sorted(islice(path.iterdir(), _LOOKED_AT))
    usable = [p for p in inside if store.exists(p) or p.suffix in (".db", ".log")]
    raise StoreError(
        f"{path} is not a portfolio",
        allowed=ALLOWED,
        do=f"It holds {', '.join(p.name for p in usable[:5])}: name one of them, or a list"
        if usable
        else MAKE,
    )


def _open_table(path: Path, space: SearchSpace | None, direction: Direction | None) -> Portfolio:
    """Trials in a CSV or Parquet file: columns as of `Study.trials_dataframe` or plain names."""
    if space is None or direction is None:
        raise InputError(
            f"the table {path.name!r} says neither which space nor which direction its trials had",
            allowed="a table where both are known: with space= and a direction",
            do=f"Read it with autometa.Portfolio.from_frame(pandas.read_csv({path.name!r}), "
            "task=COLUMN, value=COLUMN, direction=..., space=...)",
        )
    frame = _plain(read_trials(path, space), space, is_text=table_kind(path) == "csv")
    tasks = [c for c in ("task", "study", "study_name", "dataset") if c in frame.columns]
    if "value" not in frame.columns:
        raise InputError(
            f"the table {path.name!r} has no column 'value'",
            allowed="columns value and each parameter (or params_NAME); task and state if you like",
            do=f"It has {', '.join(map(str, frame.columns[:12]))}: rename one, or use from_frame",
        )
    if not tasks:
        frame = frame.assign(task=path.name.partition(".")[0])
    try:
        return Portfolio.from_frame(
            frame,
            task=tasks[0] if tasks else "task",
            value="value",
            direction=direction,
            space=space,
            state="state" if "state" in frame.columns else None,
        )
    except AutometaError as error:
        raise InputError(
            f"the table {path.name!r} cannot be read in the space that is searched: {error.given}",
            allowed=error.allowed,
            do="Read it in its own space with Portfolio.from_frame, which is then adapted",
        ) from error


def _plain(frame: pd.DataFrame, space: SearchSpace, *, is_text: bool) -> pd.DataFrame:
    """The frame with its parameters under their own names."""
    prefixed = {f"params_{n}": n for n in space.names if n not in frame.columns}
    renamed = frame.rename(columns=prefixed)
    return understood(renamed, space) if is_text else renamed
