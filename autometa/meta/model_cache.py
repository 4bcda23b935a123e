"""Fitted meta-models that are kept between calls: a fit takes seconds, reading one milliseconds.

    AUTOMETA_CACHE, or the user's folder for caches / models / KEY.model

The key holds everything that decides a fit: the prior tasks, the space, the part of it that is
searched, the learner and the code that fits. So nothing in the folder is ever out of date, and all
of it may be deleted at any time. A file is a model like any other (`store`: no pickle, checked in
full); one that is damaged, or of another space or of other tasks than its name says, is fitted
anew. Where the folder cannot be written, nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from autometa._version import __version__
from autometa.errors import AutometaError
from autometa.meta.model import MetaModel
from autometa.meta.training_set import TAUGHT_BY

if TYPE_CHECKING:
    from autometa.meta.learner import MetaLearner
    from autometa.meta.spaces.candidates import Part
    from autometa.portfolio import Portfolio
    from autometa.space import SearchSpace

MOST_MODELS = 100
"""Models that are kept; those that were not used for longest go first."""


def cache_folder() -> Path:
    """Where autometa keeps what it can make anew: AUTOMETA_CACHE, or the system's place for it."""
    if asked := os.environ.get("AUTOMETA_CACHE"):
        return Path(asked).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "autometa" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "autometa"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "autometa"


def fitted(
    learner: MetaLearner, portfolio: Portfolio, space: SearchSpace, part: Part | None = None
) -> MetaModel:
    """The model of a portfolio: read where it was fitted before, else fitted and kept.

    Args:
        learner: Fits.
        portfolio: The prior tasks.
        space: Of these.
        part: As of `MetaLearner.fit`.
    """
    path = model_file(learner, portfolio, space, part)
    found = read(path)
    if found is not None and _is_of(found, portfolio, space):
        return found
    return _kept(path, learner.fit(portfolio, space=space, part=part))


def read_or_make(path: Path | None, make: Callable[[], MetaModel]) -> MetaModel:
    """A model of the cache, made where it is not there or damaged."""
    if (found := read(path)) is not None:
        return found
    return _kept(path, make())


def _kept(path: Path | None, model: MetaModel) -> MetaModel:
    if path is not None:
        with suppress(AutometaError, OSError):
            model.save(path)
            _forget(path.parent)
    return model


def _is_of(model: MetaModel, portfolio: Portfolio, space: SearchSpace) -> bool:
    """Whether a model can be the one that its file's name says."""
    return model.space == space and {t.name for t in portfolio.tasks}.issuperset(model.tasks)


def read(path: Path | None) -> MetaModel | None:
    """A model of the cache; None where it is not there, or damaged."""
    with suppress(AutometaError, OSError):
        if path is not None and path.is_file():
            found = MetaModel.load(path)
            os.utime(path)  # used just now
            return found
    return None


def model_file(
    learner: MetaLearner, portfolio: Portfolio, space: SearchSpace, part: Part | None = None
) -> Path | None:
    """Where the model of a portfolio is kept; None where it has no home."""
    with suppress(RuntimeError):  # a user without a home
        key = _key(learner, portfolio, space, part)
        return cache_folder() / "models" / f"{key}.model"
    return None


def _key(learner: MetaLearner, portfolio: Portfolio, space: SearchSpace, part: Part | None) -> str:
    found = hashlib.sha256(f"{__version__} {_code()} {learner!r} {_versions()}".encode())
    found.update(json.dumps(space.to_json(), sort_keys=True).encode())
    if part is not None and (part.numbers or part.choices):
        found.update(repr((sorted(part.numbers.items()), sorted(part.choices.items()))).encode())
    for history in portfolio.histories:
        task = history.task
        about = (task.name, task.direction, task.metric, task.family, sorted(task.info.items()))
        features = sorted(task.meta_features.items())
        found.update(repr((about, features, task.space.names)).encode())
        for name in TAUGHT_BY:
            column = getattr(history, name)
            found.update(f"{name}{column.shape}".encode() + column.tobytes())
    found.update(repr((sorted(portfolio.provenance.items()), portfolio.licence)).encode())
    return found.hexdigest()[:32]


@cache
def _code() -> str:
    """The source of what fits and what the fit is kept in."""
    import autometa.meta

    found = hashlib.sha256()
    for root in map(Path, autometa.meta.__path__):
        for file in sorted(root.rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()


@cache
def _versions() -> str:
    from importlib.metadata import version

    return " ".join(version(name) for name in ("numpy", "torch", "scipy", "scikit-learn"))


def _forget(folder: Path) -> None:
    """Delete the models that were not used for longest, where there are too many."""
    files = sorted(folder.glob("*.model"), key=lambda f: f.stat().st_mtime, reverse=True)
    for file in files[MOST_MODELS:]:
        if time.time() - file.stat().st_mtime > 60.0:  # not one that another call just wrote
            file.unlink(missing_ok=True)
