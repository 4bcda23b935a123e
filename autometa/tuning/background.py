"""Meta-models that are fitted beside a search, in a process of their own.

Only the first longer search on a machine needs it: from then on the models are in the cache. A fit
takes longer than many a search has; so trials start at once, by pairs of family and config, and a
family whose own search would have the next turn has its model fitted, which takes over when it is
there (`contest`).
The process gets one JSON line a fit and ends with the search, whatever it is at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from autometa.children.evaluation.threads import helper_command, helper_environment
from autometa.meta.model_cache import model_file, read

if TYPE_CHECKING:
    from autometa.meta import MetaModel
    from autometa.portfolio import Portfolio
    from autometa.space import SearchSpace


class BackgroundFits:
    """Fits models one after another; a context manager, leaving it ends the process."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="autometa-")
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: dict[str, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._folder.cleanup()

    def ask(self, name: str, portfolio: Portfolio, space: SearchSpace) -> None:
        """Have a model fitted; the first asked for comes first."""
        from autometa.meta import MetaLearner

        here = Path(self._folder.name)
        portfolio.save(here / name)
        path = model_file(MetaLearner(seed=0), portfolio, space) or here / f"{name}.model"
        if not _writable(path.parent):
            path = here / f"{name}.model"
        line = {"portfolio": str(here / name), "space": space.to_json(), "into": str(path)}
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(line).encode() + b"\n")
            process.stdin.flush()
        except OSError:  # it died: the search stays cold
            return
        self._asked[name] = path

    def ready(self, name: str) -> MetaModel | None:
        """A model that has come in; None before."""
        return read(self._asked.get(name))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                helper_command("autometa.tuning.background"),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=helper_environment(),
                start_new_session=True,
            )
        return self._process


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def main() -> None:
    """Fit what standard input asks for, until it ends."""
    from autometa.meta import MetaLearner
    from autometa.portfolio import Portfolio
    from autometa.space import SearchSpace

    if hasattr(os, "nice"):
        os.nice(10)  # trials come first
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        portfolio = Portfolio.load(asked["portfolio"])
        model = MetaLearner(seed=0).fit(portfolio, space=SearchSpace.from_json(asked["space"]))
        model.save(asked["into"])


if __name__ == "__main__":
    main()
