"""Results -> tables: rich ones for a terminal, Markdown for a README.

Markdown goes between two marker lines, so that a page is never edited by hand where a file has the
numbers:

    <!-- bench:begin lcbench -->  ...  <!-- bench:end lcbench -->
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autometa.bench.show_judged import judged_markdown
from autometa.bench.summary import FORMAT
from autometa.errors import InputError, StoreError
from autometa.reading import parse_json, read_bytes
from autometa.writing import write_whole

if TYPE_CHECKING:
    from rich.table import Table

MEASURES = {
    "mean_regret": "mean normalised regret",
    "median_regret": "median normalised regret",
    "mean_rank": "average rank",
}


def load(path: Path) -> dict[str, Any]:
    """Results from a file.

    Raises:
        StoreError: the file cannot be read.
        InputError: it holds no results, or those of a newer autometa.
    """
    try:
        results = parse_json(read_bytes(path))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    if not isinstance(results, dict) or not {"suite", "methods", "checkpoints"} <= results.keys():
        raise InputError(
            f"{path} holds no benchmark results", do="Write it with autometa bench run"
        )
    version = results.get("format", 0)
    if isinstance(version, int) and version > FORMAT:
        raise InputError(f"{path} was written by a newer autometa", do="Upgrade autometa")
    try:
        markdown(results, MEASURES)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(
            f"{path} holds results that cannot be shown: {error!r}",
            do="Write them again with autometa bench run",
        ) from error
    return results


def save(results: Mapping[str, Any], path: Path) -> None:
    """Write results, all or nothing.

    Raises:
        StoreError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(results, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error


def title(results: Mapping[str, Any]) -> str:
    """Suite and protocol in one line."""
    prior = results["evaluations"]
    seeds = results["seeds"]
    return (
        f"{results['suite']}: {len(results['tasks'])} {results['ran_on']} tasks, {len(seeds)} "
        f"seed{'s' * (len(seeds) != 1)}, "
        + ("all evaluations" if prior == "all" else f"{prior} evaluations")
        + " a prior task"
    )


def rows(results: Mapping[str, Any], measure: str) -> list[tuple[str, list[str]]]:
    """Method -> formatted numbers at the checkpoints, then milliseconds a suggestion."""
    listed = []
    for name, found in results["methods"].items():
        numbers = found[measure]
        cells = ["-"] * len(results["checkpoints"]) if numbers is None else _cells(numbers, measure)
        spent = found["ms_per_suggestion"]["median"]
        listed.append((name, [*cells, "-" if spent is None else f"{spent:.0f}"]))
    return listed


def _cells(numbers: Iterable[float], measure: str) -> list[str]:
    digits = 2 if measure == "mean_rank" else 3
    return [_number(n, digits) for n in numbers]


def _number(value: float, digits: int) -> str:
    """Fixed digits, but powers of ten for what diverged."""
    return f"{value:.{digits}f}" if abs(value) < 1e4 else f"{value:.1e}"


def terminal_table(results: Mapping[str, Any], measure: str) -> Table:
    """One measure as a rich table; the best of each column in bold."""
    from rich.table import Table

    table = Table(
        title=f"{title(results)}\n{MEASURES[measure]} after k trials", title_justify="left"
    )
    table.add_column("method")
    for checkpoint in results["checkpoints"]:
        table.add_column(str(checkpoint), justify="right")
    table.add_column("ms", justify="right")
    body = rows(results, measure)
    for name, cells in _emphasised(body, "[bold]{}[/bold]"):
        table.add_row(name, *cells)
    return table


def pairs_table(results: Mapping[str, Any]) -> Table | None:
    """The reference against every other method: tasks won, tied, lost and the interval."""
    from rich.table import Table

    paired = results["paired"]
    if not paired or not paired["against"]:
        return None
    table = Table(
        title=f"{paired['reference']} against: tasks won/tied/lost, mean difference [95 %]",
        title_justify="left",
    )
    table.add_column("method")
    for checkpoint in results["checkpoints"]:
        table.add_column(str(checkpoint), justify="right")
    for name, p in paired["against"].items():
        table.add_row(name, *(cell.replace("[", r"\[") for cell in _pair_cells(p, "\n")))
    return table


def _pair_cells(p: Mapping[str, Any], between: str) -> list[str]:
    return [
        f"{win}/{tie}/{loss}{between}{_signed(mean)} [{_signed(low)}, {_signed(high)}]"
        for win, tie, loss, mean, low, high in zip(
            p["win"], p["tie"], p["loss"], p["difference"], p["low"], p["high"], strict=True
        )
    ]


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) < 1e4 else f"{value:+.1e}"


def pairs_markdown(results: Mapping[str, Any]) -> str:
    """The reference against every other method as a Markdown table; "" where nothing is paired."""
    paired = results.get("paired")
    if not paired or not paired["against"]:
        return ""
    checkpoints = [f"@{c}" for c in results["checkpoints"]]
    lines = [
        f"{paired['reference']} against: tasks won/tied/lost, mean difference [95 %]",
        "",
        "| method | " + " | ".join(checkpoints) + " |",
        "|---" * (1 + len(checkpoints)) + "|",
        *(
            "| " + " | ".join([name, *_pair_cells(p, " ")]) + " |"
            for name, p in paired["against"].items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _emphasised(body: list[tuple[str, list[str]]], mark: str) -> list[tuple[str, list[str]]]:
    """Mark the lowest number of every column but the last (the time)."""
    result = [(name, list(cells)) for name, cells in body]
    width = len(body[0][1]) - 1 if body else 0
    for j in range(width):
        numbers = [float(cells[j]) for _, cells in body if cells[j] != "-"]
        for (_, cells), (_, original) in zip(result, body, strict=True):
            if numbers and original[j] != "-" and float(original[j]) == min(numbers):
                cells[j] = mark.format(original[j])
    return result


def markdown(results: Mapping[str, Any], measures: Iterable[str] = ("mean_regret",)) -> str:
    """Measures as Markdown tables, with a line on where they come from."""
    head = ["method", *(f"@{c}" for c in results["checkpoints"]), "ms"]
    parts = []
    for measure in measures:
        body = _emphasised(rows(results, measure), "**{}**")
        lines = [
            f"{title(results)}; {MEASURES[measure]} after k trials",
            "",
            "| " + " | ".join(head) + " |",
            "|---" + "|---:" * (len(head) - 1) + "|",
            *("| " + " | ".join([name, *cells]) + " |" for name, cells in body),
        ]
        parts.append("\n".join(lines))
    if results.get("by_space"):
        parts.append(_spaces_markdown(results, head[1:-1]))
    if results.get("judged"):
        parts.append(judged_markdown(results))
    return "\n\n".join(parts) + f"\n\n(commit {results['commit']})\n"


def _spaces_markdown(results: Mapping[str, Any], columns: list[str]) -> str:
    lines = [
        "by space: mean of the best value so far, in the metric's own units",
        "",
        "| space | method | " + " | ".join(columns) + " |",
        "|---|---" + "|---:" * len(columns) + "|",
    ]
    for space, found in results["by_space"].items():
        for name in (m for m in results["methods"] if m in found):
            lines.append(
                f"| {space} | {name} | " + " | ".join(_number(v, 4) for v in found[name]) + " |"
            )
    return "\n".join(lines)


def replace_in_page(page: Path, texts: Mapping[str, str]) -> None:
    """Put each text between the markers of its name in a Markdown file.

    Raises:
        InputError: there is no such file, or it has no such markers.
    """
    if not page.exists():
        raise InputError(f"{page} does not exist", allowed="a Markdown file")
    written = page.read_text(encoding="utf-8")
    for name, text in texts.items():
        written = replace_between_markers(written, name, text)
    page.write_text(written, encoding="utf-8")


def replace_between_markers(page: str, name: str, text: str) -> str:
    """The page with the text between its markers of this name.

    Raises:
        InputError: the page has no such markers.
    """
    begin, end = f"<!-- bench:begin {name} -->", f"<!-- bench:end {name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise InputError(f"no markers for {name!r} in the page", allowed=f"{begin} ... {end}")
    return f"{before}{begin}\n{text.rstrip()}\n{end}{after}"
