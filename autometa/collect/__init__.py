"""Collect: evaluate children on tables and keep the results as a portfolio.

How the modules fit together: `sources` reads tables, `plan` says which evaluations there are and
in which order, `workers` runs them, `journal` keeps each result the moment it is there, `result`
turns the journal into a portfolio. Stopping is safe at any time (kill -9 included): the next run
does only what is missing, and a portfolio can be written of what is there.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from autometa import children
from autometa.collect import journal, plan, result, workers
from autometa.collect.plan import Protocol
from autometa.collect.sources import load_tables
from autometa.errors import InputError
from autometa.limits import seconds, whole
from autometa.portfolio import Portfolio
from autometa.task import State

if TYPE_CHECKING:
    from autometa.space import Config
    from autometa.tables import Table

__all__ = ["Collection", "Progress", "Protocol", "Report", "load_tables"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a collection is: evaluations in all, done (earlier runs included) and failed."""

    total: int
    done: int
    failed: int
    fresh: int  # done in this run
    seconds: float  # since this run's start

    @property
    def rate(self) -> float:
        """Evaluations per second in this run."""
        return self.fresh / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds left at this run's rate; None before the first result."""
        return (self.total - self.done) / self.rate if self.fresh else None


Report: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Which children are to be evaluated on which tables, under which protocol, into which folder.

    Args:
        tables: The tables, names unique.
        folder: Holds the journal, and the portfolio once it is saved.
        children: Children as `children.get` takes them; all that ship by default.
        configs: Quasi-random configs a child, beside its defaults.
        protocol: Folds, row cap and seed.

    Raises:
        InputError: an unknown child, no table, two tables of one name, or configs out of range.
    """

    tables: tuple[Table, ...]
    folder: Path
    children: tuple[str, ...] = ()
    configs: int = 64
    protocol: Protocol = field(default_factory=Protocol)

    def __post_init__(self) -> None:
        given = tuple(self.children) or children.names()
        object.__setattr__(self, "configs", whole(self.configs, "configs", low=0))
        object.__setattr__(self, "children", tuple(children.get(name).name for name in given))
        names = [table.name for table in self.tables]
        if not names or len(set(names)) != len(names):
            raise InputError(f"tables {names}", allowed="at least one, every name once")
        for name, table in product(self.children, self.tables):
            children.get(name).refuse(table)
        _ = self.designs

    @cached_property
    def designs(self) -> dict[str, list[Config]]:
        """Child name -> its configs, defaults first; the same on every table."""
        return {
            name: plan.design(children.get(name).space, self.configs, self.protocol.seed)
            for name in self.children
        }

    @cached_property
    def capped(self) -> dict[str, Table]:
        """Table name -> the table with at most `protocol.rows` rows, drawn by seed and name."""
        cap, seed = self.protocol.rows, self.protocol.seed
        return {
            t.name: t.subsample(cap, np.random.default_rng([seed, zlib.crc32(t.name.encode())]))
            for t in self.tables
        }

    @property
    def entries(self) -> journal.Entries:
        """What the journal holds now."""
        return journal.read(self.folder / journal.NAME)

    def run(
        self,
        *,
        timeout: float | None = 20.0,
        processes: int | None = None,
        scheduler: str | None = None,
        report: Report = lambda progress: None,
        command: str = "",
    ) -> None:
        """Evaluate what is missing; every result is in the journal before it counts.

        Args:
            timeout: Seconds for one evaluation (all folds); beyond it the trial is FAILED.
            processes: Worker processes; one a core by default. 1 without a scheduler runs in this
                process, and so does everything where Dask is not installed.
            scheduler: Address of a running Dask scheduler.
            report: Called after every batch.
            command: Noted in the journal.

        Raises:
            InputError: a number out of range, or the folder holds results under another protocol
                or of other tables.
            StoreError: the journal is damaged, or another process is writing it.
        """
        timeout = seconds(timeout, "timeout")
        processes = None if processes is None else whole(processes, "workers", low=1)
        protocol = asdict(self.protocol)
        digests = {name: digest(table) for name, table in self.capped.items()}
        with journal.Writer(self.folder / journal.NAME) as writer:
            entries = self.entries
            journal.check(entries, protocol, digests)
            work = list(plan.batches(list(self.capped), self.designs, entries.trials))
            if not work:
                return
            writer.append(
                [
                    {
                        "kind": "run",
                        "protocol": protocol,
                        "timeout": timeout,
                        "configs": self.configs,
                        "versions": result.versions(),
                        "command": command,
                        "started": datetime.now(UTC).isoformat(timespec="seconds"),
                    },
                    *(
                        {"kind": "table", "name": name, "digest": value}
                        for name, value in digests.items()
                        if name not in entries.digests
                    ),
                ]
            )
            with self._workers(timeout, processes, scheduler) as run:
                missing = sum(len(batch.configs) for batch in work)
                self._keep(run(work), missing, entries, writer, report)

    def _workers(
        self, timeout: float | None, processes: int | None, scheduler: str | None
    ) -> AbstractContextManager[workers.Run]:
        count = processes or os.cpu_count() or 1
        if scheduler is None and (count == 1 or not workers.has_dask()):
            return nullcontext(workers.serial(self.capped, self.protocol, timeout))
        return workers.on_dask(
            self.capped, self.protocol, timeout, workers=count, scheduler=scheduler
        )

    def _keep(
        self,
        outcomes: Iterator[workers.Outcome],
        missing: int,
        entries: journal.Entries,
        writer: journal.Writer,
        report: Report,
    ) -> None:
        """Results into the journal as they come."""
        started, fresh = time.monotonic(), 0
        wanted = {
            plan.key(t.name, c, config)
            for t in self.tables
            for c, configs in self.designs.items()
            for config in configs
        }
        failed = sum(
            trial.state == State.FAILED for k, trial in entries.trials.items() if k in wanted
        )
        total = len(wanted)
        for batch, trials in outcomes:
            elapsed = time.monotonic() - started
            writer.append(journal.trial_line(batch.table, batch.child, t, elapsed) for t in trials)
            fresh += len(trials)
            failed += sum(trial.state == State.FAILED for trial in trials)
            done = total - missing + fresh
            report(Progress(total=total, done=done, failed=failed, fresh=fresh, seconds=elapsed))

    def portfolio(self, *, licence: str = "") -> Portfolio:
        """What the journal holds of these tables and children, finished or not.

        Args:
            licence: Terms of the results.

        Raises:
            InputError: there is no result yet.
        """
        entries = self.entries
        if not entries.trials:
            raise InputError(
                f"no results in {self.folder.name}", do="Run the collection, then write it"
            )
        provenance = {
            "protocol": asdict(self.protocol),
            "configs": self.configs,
            "children": list(self.children),
            "seconds": round(entries.seconds, 1),
            "runs": entries.runs,
        }
        found = result.histories(entries, self.tables, self.designs)
        return Portfolio(found, provenance=provenance, licence=licence)


def digest(table: Table) -> str:
    """Identifies a table's content: changes with any cell, name or order."""
    import pandas as pd

    frame = table.X.assign(**{"\0target": table.y.to_numpy()})
    hashed = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    columns = "\0".join(map(str, frame.columns)).encode()
    return hashlib.sha256(columns + hashed.tobytes()).hexdigest()[:16]
