"""Collect: evaluate children on tables and keep the results as a portfolio.

How the modules fit together: `sources` reads tables, `plan` says which evaluations there are and
in which order, `workers` runs them, `journal` keeps each result the moment it is there, `refining`
chooses what is evaluated once the design is through, `result` turns the journal into a portfolio.
Stopping is safe at any time (kill -9 included): the next run does only what is missing, and a
portfolio can be written of what is there.
"""

from __future__ import annotations

import os
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from autometa import children
from autometa.children.folds import assign
from autometa.collect import journal, plan, result, workers
from autometa.collect.derived import DERIVED, with_derived
from autometa.collect.identity import digest
from autometa.collect.plan import Protocol
from autometa.collect.refining import refine
from autometa.collect.sources import load_tables
from autometa.errors import InputError
from autometa.limits import seconds, whole
from autometa.portfolio import Portfolio
from autometa.task import State
from autometa.versions import versions_of

if TYPE_CHECKING:
    from autometa.space import Config
    from autometa.tables import Table

__all__ = ["Collection", "Progress", "Protocol", "Report", "digest", "load_tables", "with_derived"]


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


def check_table(table: Table, names: Iterable[str], protocol: Protocol) -> None:
    """Refuse a table that could not be collected, before anything is evaluated.

    Raises:
        InputError: it has fewer rows than folds, or a child cannot learn it.
    """
    assign(table, protocol.folds, protocol.seed)
    for name in names:
        children.get(name).refuse(table)


Report: TypeAlias = Callable[[Progress], None]
CONFIGS, EACH = 64, 16  # configs of a design beside the stated ones, and of a round


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Which children are to be evaluated on which tables, under which protocol, into which folder.

    Args:
        tables: The tables, names unique.
        folder: Holds the journal, and the portfolio once it is saved.
        children: Children as `children.get` takes them; all that ship by default.
        configs: Quasi-random configs a child, beside its defaults and its tuned config; a number
            for all, or by child with "" for the others. Derived tables take half.
        protocol: Folds, row cap and seed.
        rounds: Rounds of refinement after the design, see `refining`.
        each: Configs of a round, like `configs`.
        prior: Tables that take part in the choice of a round's configs, but for these tables.

    Raises:
        InputError: an unknown child, no table, two tables of one name, configs out of range, or a
            prior that has no say.
    """

    tables: tuple[Table, ...]
    folder: Path
    children: tuple[str, ...] = ()
    configs: int | Mapping[str, int] = CONFIGS
    protocol: Protocol = field(default_factory=Protocol)
    rounds: int = 0
    each: int | Mapping[str, int] = EACH
    prior: Portfolio | None = None

    def __post_init__(self) -> None:
        given = tuple(self.children) or children.names()
        for name, low in (("configs", 0), ("each", 1)):
            object.__setattr__(self, name, _counted(getattr(self, name), name, low))
        object.__setattr__(self, "rounds", whole(self.rounds, "rounds", low=0))
        object.__setattr__(self, "children", tuple(children.get(name).name for name in given))
        names = [table.name for table in self.tables]
        if not names or len(set(names)) != len(names):
            raise InputError(f"tables {names}", allowed="at least one, every name once")
        unknown = {*self._counts, *self._each} - {*self.children, ""}
        if unknown:
            raise InputError(
                f"configs of {', '.join(sorted(unknown))}",
                allowed=f"of the children that are collected: {', '.join(self.children)}",
            )
        for table in self.tables:
            check_table(table, self.children, self.protocol)
        if self.prior is not None:
            object.__setattr__(self, "prior", self.prior.without(names))
            self._check_prior(self.prior)
        _ = self.designs

    def _check_prior(self, prior: Portfolio) -> None:
        if not self.rounds:
            raise InputError("a prior without rounds", allowed="1 round or more: they ask it")
        places = product(self.children, {table.kind for table in self.tables})
        if not any(len(prior.select(children.get(n, k).space).of_kind(str(k))) for n, k in places):
            raise InputError(
                f"a prior of {', '.join(s.name for s in prior.spaces) or 'no tasks'}",
                allowed=f"other tables' histories of {', '.join(self.children)}, in their spaces",
            )

    @property
    def _counts(self) -> Mapping[str, int]:
        assert isinstance(self.configs, Mapping)
        return self.configs

    @property
    def _each(self) -> Mapping[str, int]:
        assert isinstance(self.each, Mapping)
        return self.each

    @cached_property
    def designs(self) -> dict[tuple[str, str], list[Config]]:
        """(table, child) -> its configs, defaults first; the same on every table of a kind."""
        seed, counts = self.protocol.seed, self._counts
        every = {}
        for name, kind in product(self.children, {table.kind for table in self.tables}):
            child = children.get(name, kind)
            count = _of(counts, name, CONFIGS)
            every[name, kind] = plan.design(child.space, count, seed, child.tuned)
        result = {}
        for table, name in product(self.tables, self.children):
            result[table.name, name] = _share(every[name, table.kind], table)
        return result

    def planned(self, entries: journal.Entries) -> dict[tuple[str, str], list[Config]]:
        """(table, child) -> the design and the rounds that the journal knows."""
        result = {place: list(configs) for place, configs in self.designs.items()}
        for table, name in product(self.tables, self.children):
            for number in range(1, self.rounds + 1):
                configs = entries.rounds.get((name, str(table.kind), number), [])
                result[table.name, name] += _share(configs, table)
        return result

    def _chosen(self, entries: journal.Entries, number: int) -> Iterator[dict[str, Any]]:
        """Journal lines of a round's configs, for those that have none yet."""
        planned = self.planned(entries)
        for name, kind in product(self.children, dict.fromkeys(t.kind for t in self.tables)):
            if (name, str(kind), number) in entries.rounds:
                continue
            own = {(t.name, name): planned[t.name, name] for t in self.tables if t.kind == kind}
            space = children.get(name, kind).space
            each = _of(self._each, name, EACH)
            known = result.bare_histories(entries, own, space)
            others = (self.prior or Portfolio()).select(space).of_kind(str(kind)).histories
            found = refine(known, space, each, self.protocol.seed, number, others)
            yield journal.round_line(name, str(kind), number, found)

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
            timeout: Seconds of processor time for one evaluation (all folds); beyond it the trial
                is FAILED with these seconds.
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
            for number in range(self.rounds + 1):
                if number:
                    writer.append(self._chosen(entries, number))
                    entries = self.entries
                work = list(plan.batches(self.planned(entries), entries.trials))
                if not work:
                    continue
                writer.append(self._opening(entries, digests, timeout, command))
                with self._workers(timeout, processes, scheduler) as run:
                    missing = sum(len(batch.configs) for batch in work)
                    self._keep(run(work), missing, entries, writer, report)
                entries = self.entries

    def _opening(
        self,
        entries: journal.Entries,
        digests: Mapping[str, str],
        timeout: float | None,
        command: str,
    ) -> list[dict[str, Any]]:
        """Journal lines of a start."""
        return [
            {
                "kind": "run",
                "protocol": asdict(self.protocol),
                "timeout": timeout,
                "configs": dict(self._counts),
                "versions": versions_of(),
                "command": command,
                "started": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            *(
                {"kind": "table", "name": name, "digest": value}
                for name, value in digests.items()
                if name not in entries.digests
            ),
        ]

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
        outcomes: Iterator[workers.Result],
        missing: int,
        entries: journal.Entries,
        writer: journal.Writer,
        report: Report,
    ) -> None:
        """Results into the journal as they come."""
        started, fresh = time.monotonic(), 0
        wanted = {
            plan.key(table, child, config)
            for (table, child), configs in self.planned(entries).items()
            for config in configs
        }
        failed = sum(
            found.trial.state == State.FAILED for k, found in entries.trials.items() if k in wanted
        )
        total = len(wanted)
        for batch, trials in outcomes:
            elapsed = time.monotonic() - started
            writer.append(journal.trial_line(batch.table, batch.child, t, elapsed) for t in trials)
            fresh += len(trials)
            failed += sum(found.trial.state == State.FAILED for found in trials)
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
            "configs": dict(self._counts),
            "rounds": {f"{c}/{kind}/{r}": len(f) for (c, kind, r), f in entries.rounds.items()},
            "children": list(self.children),
            "seconds": round(entries.seconds, 1),
            "runs": entries.runs,
        }
        found = result.histories(entries, self.tables, self.planned(entries))
        return Portfolio(found, provenance=provenance, licence=licence)

    def failures(self) -> dict[str, Counter[str]]:
        """Child -> why trials of it failed on these tables, each reason with its number."""
        entries, found = self.entries, defaultdict[str, Counter[str]](Counter)
        for (table, child), configs in self.planned(entries).items():
            for config in configs:
                outcome = entries.trials.get(plan.key(table, child, config))
                if outcome is not None and outcome.trial.state == State.FAILED:
                    found[child][outcome.error] += 1
        return found

    def save(self, made: Portfolio) -> Portfolio:
        """Write what was collected into the folder, beside what its portfolio holds already.

        Returns:
            The folder's portfolio, see `result.joined`.

        Raises:
            StoreError: the folder cannot be written, or its portfolio not be read.
        """
        return Portfolio.update(self.folder, lambda old: result.joined(made, old))


def _counted(given: int | Mapping[str, int], name: str, low: int) -> dict[str, int]:
    """Numbers by child, "" for all others."""
    counts = given if isinstance(given, Mapping) else {"": given}
    return {child: whole(count, name, low=low) for child, count in counts.items()}


def _of(counts: Mapping[str, int], child: str, default: int) -> int:
    """A child's number, else that of all others, else the default."""
    return counts.get(child, counts.get("", default))


def _share(configs: list[Config], table: Table) -> list[Config]:
    """The first half of a list for a derived table, all of it for the others."""
    return configs[: (len(configs) + 1) // 2] if DERIVED in table.info else configs
