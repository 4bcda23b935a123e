"""What code produced a number: commit and versions, kept with every cell."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path

from autometa.versions import versions_of

_PACKAGES = (
    "optuna",
    "torch",
    "scikit-learn",
    "numpy",
    "scipy",
    "onnxruntime",
    "cmaes",
    "gymnasium",
    "ortools",
)


@lru_cache(maxsize=1)
def commit() -> str:
    """Commit of the checkout that autometa runs from, "+" after it if files differ; or "unknown".

    An installed wheel has no commit, wherever it lies; its version is in `versions`.
    """
    here = Path(__file__).parent
    if not _git(here, "ls-files", "--", Path(__file__).name):
        return "unknown"
    head = _git(here, "rev-parse", "--short=12", "HEAD")
    own = (here.parent, here.parent.parent / "benchmarks" / "autometa_benchmarks")
    changed = _git(here, "status", "--porcelain", "--untracked-files=no", "--", *map(str, own))
    return head + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of autometa, Python and the packages that decide a result."""
    return versions_of(_PACKAGES)
