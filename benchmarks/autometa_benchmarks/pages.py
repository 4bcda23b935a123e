"""The pages of results, written anew from the files: tables, the commits of their cells, and age.

    python -m autometa_benchmarks.pages            writes all pages
    python -m autometa_benchmarks.pages --check    says which would change, exit code 1 if any

A cell names the commit that made it. Where the code that it rests on has changed since, the page
says so beside it: nobody has to remember which table is older than which change, and a test fails
until the pages are written anew. What a table rests on is coarse on purpose (folders, see `rests`):
a number may still be right after a change of its folder, but nobody has shown it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from autometa.bench import record_file, show
from autometa_benchmarks import front

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = (
    ROOT / "benchmarks" / "RESULTS.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "docs" / "applications.md",
    ROOT / "README.md",
)
_FRONT = {"front": front.regret, "automl": front.automl}
_BLOCK = re.compile(r"<!-- bench:begin (?P<name>[\w-]+) -->")
_COMMITS = re.compile(r"\(commit [^)]*\)\s*\Z")

_ENGINE = ("autometa/encoding.py", "autometa/meta", "autometa/samplers", "autometa/suggest")
_TRAINS = ("education", "medicine", "tables")  # they train the children that a table is tuned with
_OWN = ("autometa", "greedy-portfolio", "enqueue3")  # methods, by how they begin, that are of ours


def blocks(page: Path) -> list[str]:
    """Names of the results that a page shows, in order."""
    return [found["name"] for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))]


def block(name: str) -> str:
    """What stands between the markers of a results file of this name (without .json)."""
    if name in _FRONT:
        return _FRONT[name](RESULTS)
    path = RESULTS / f"{name}.json"
    if name.startswith("inner-"):
        content = record_file.read(path)
        parts, commits = [record_file.markdown(content)], _of_records(content)
    else:
        results = show.load(path)
        tables = show.markdown(results, ("mean_regret", "median_regret"))
        parts, commits = [tables, show.pairs_markdown(results)], _of_methods(results)
    parts = [_COMMITS.sub("", part).strip() for part in parts]
    return "\n\n".join([*filter(None, parts), *said(name, commits)]) + "\n"


def rests(name: str) -> tuple[str, ...]:
    """Folders and files that decide the numbers of our methods in these results."""
    if name.startswith("inner-"):
        return ("autometa/inner",)
    return (*_ENGINE, "autometa/children") if name in _TRAINS else _ENGINE


@lru_cache
def changed_since(commit: str, paths: tuple[str, ...]) -> bool:
    """Whether any of these differs from what it was; True, too, where nobody can know.

    A commit may be of a branch that is gone, or have had changes that no commit holds (+).
    """
    of_this_line = _git("merge-base", "--is-ancestor", commit, "HEAD")
    return not (of_this_line and _git("diff", "--quiet", commit, "HEAD", "--", *paths))


def _git(*arguments: str) -> bool:
    """Whether git says yes."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.returncode == 0


def write(page: Path) -> bool:
    """Write a page's blocks anew; whether that changed it."""
    before = page.read_text(encoding="utf-8")
    show.replace_in_page(page, {name: block(name) for name in blocks(page)})
    return page.read_text(encoding="utf-8") != before


def old(page: Path) -> Iterator[str]:
    """Names of the blocks that are not what `write` would put there."""
    text = page.read_text(encoding="utf-8")
    for name in blocks(page):
        if show.replace_between_markers(text, name, block(name)) != text:
            yield name


def _of_records(content: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for record in content["records"]:
        if record["commit"] not in found.setdefault(record["variant"], []):
            found[record["variant"]].append(record["commit"])
    return found


def _of_methods(results: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: list(found["commits"]) for name, found in results["methods"].items()}


def said(name: str, commits: Mapping[str, list[str]]) -> Iterator[str]:
    """A line a set of commits: whose cells they made, and whether the code has changed."""
    together: dict[tuple[str, ...], list[str]] = {}
    for method, made in commits.items():
        together.setdefault(tuple(sorted(made)), []).append(method)
    ours = name.startswith("inner-")
    for of, methods in together.items():
        if of == ("published",):
            continue
        whose = "all cells" if len(together) == 1 else ", ".join(methods)
        stale = any(ours or m.startswith(_OWN) for m in methods) and any(
            changed_since(commit, rests(name)) for commit in of
        )
        age = "; the code has changed since" if stale else ""
        yield f"({whose}: commit {', '.join(of)}{age})"


def main(arguments: Sequence[str] = ()) -> int:
    """See the module."""
    if "--check" in arguments:
        found = [f"{page.name}: {name}\n" for page in PAGES for name in old(page)]
        sys.stdout.write("".join(found) or "all pages show what the files hold\n")
        return 1 if found else 0
    for page in PAGES:
        sys.stdout.write(f"{page.name}: {'written' if write(page) else 'as it was'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
