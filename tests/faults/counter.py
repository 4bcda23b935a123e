"""Counts the faults that the suite tries, and prints what became of them.

Counts travel with the tests' reports, so that they add up over the processes of a parallel run.
With AUTOMETA_FAULTS_INTO=FILE the table is also written as JSON; kinds that were not tried this
time keep their rows, and every row names its commit.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROPERTY = "autometa-fault"


@dataclass
class Faults:
    """The faults of one test."""

    properties: list[tuple[str, object]] = field(default_factory=list)

    @contextmanager
    def tried(self, kind: str, times: int = 1) -> Iterator[None]:
        """Faults of a kind, survived where the block, which checks that nothing is lost, ends."""
        fine = 0
        try:
            yield
            fine = times
        finally:
            self.properties.append((PROPERTY, [kind, times, fine]))


def table(properties: Iterable[tuple[str, Any]]) -> dict[str, dict[str, int]]:
    """Kind -> how often it was tried and survived, and how often something was lost."""
    counts: dict[str, dict[str, int]] = {}
    for name, value in properties:
        if name == PROPERTY:
            kind, tried, survived = value
            row = counts.setdefault(kind, {"tried": 0, "survived": 0, "lost": 0})
            row["tried"] += tried
            row["survived"] += survived
            row["lost"] += tried - survived
    return dict(sorted(counts.items()))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if getattr(report, "when", "") == "call"
    ]
    counts = table(p for report in reports for p in report.user_properties)
    if not counts:
        return
    total = {key: sum(row[key] for row in counts.values()) for key in ("tried", "survived", "lost")}
    terminalreporter.section("faults tried / survived / lost")
    for kind, row in {**counts, "all": total}.items():
        terminalreporter.write_line(
            f"{kind:<52} {row['tried']:>5} {row['survived']:>5} {row['lost']:>5}"
        )
    if into := os.environ.get("AUTOMETA_FAULTS_INTO"):
        _write(Path(into), counts)


def _write(path: Path, counts: dict[str, dict[str, int]]) -> None:
    rows: dict[str, Any] = json.loads(path.read_text())["faults"] if path.exists() else {}
    commit = _commit()
    rows |= {kind: {**row, "commit": commit} for kind, row in counts.items() if row["tried"]}
    packages = ("optuna", "sqlalchemy", "psycopg", "grpcio", "distributed", "pyarrow")
    content = {
        "faults": dict(sorted(rows.items())),
        "all": {k: sum(row[k] for row in rows.values()) for k in ("tried", "survived", "lost")},
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _commit() -> str:
    here = Path(__file__).parent
    short = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return short.stdout.strip() or "unknown"
