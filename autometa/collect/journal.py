"""The journal of a collection: one JSON object a line, only ever appended to.

Four kinds of lines: `run` (one for every start: protocol, versions, command), `table` (a digest,
so that an edited table is noticed), `round` (the configs that a round of refinement consists of, so
that they are chosen once) and `trial`. Lines are flushed to the disk (fsync) before the
evaluations count as done. A crash can tear the last line only; a reader skips it and the next
writer cuts it off. Why not the portfolio itself: rewriting Parquet for every result would cost
more than the result.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from autometa.children.evaluation.evaluate import Outcome
from autometa.collect.plan import Key, key
from autometa.errors import InputError, StoreError
from autometa.reading import MAX_TEXT, parse_json, read_bytes
from autometa.space import Config
from autometa.task import CompletedTrial, State

NAME = "journal.jsonl"
MOST_ERROR = 200  # characters of a failure's reason


@dataclass(frozen=True, slots=True)
class Entries:
    """What a journal holds.

    Args:
        runs: The `run` lines, oldest first, each with `seconds`: when its last result came in.
        digests: Table name -> digest of the rows that were used.
        trials: Evaluation -> its result, in the order of arrival.
        torn: Whether the last line was incomplete.
        rounds: (child, kind of problem, number of the round) -> its configs.
    """

    runs: list[dict[str, Any]] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    trials: dict[Key, Outcome] = field(default_factory=dict)
    torn: bool = False
    rounds: dict[tuple[str, str, int], list[Config]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Wall time of all runs together, in seconds."""
        return sum(float(run["seconds"]) for run in self.runs)


def read(path: Path) -> Entries:
    """Everything in a journal; nothing where there is no file yet.

    Raises:
        StoreError: a line other than the last is damaged.
    """
    if not path.exists():
        return Entries()
    *lines, tail = read_bytes(path, MAX_TEXT).split(b"\n")
    entries = Entries(torn=bool(tail))
    for number, line in enumerate(lines, start=1):
        try:
            _take(parse_json(line), entries)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise StoreError(
                f"line {number} of {path.name} is damaged ({error})",
                allowed="one JSON object a line; only the last may be torn",
                do="Restore the file, or remove that line: what it held is evaluated again",
            ) from error
    return entries


def _take(line: dict[str, Any], entries: Entries) -> None:
    kind = line.pop("kind")
    if kind == "run":
        entries.runs.append({**line, "seconds": 0.0})
    elif kind == "table":
        entries.digests[line["name"]] = line["digest"]
    elif kind == "round":
        place = (str(line["child"]), str(line["problem"]), int(line["round"]))
        entries.rounds.setdefault(place, [dict(config) for config in line["configs"]])
    elif kind == "trial":
        evaluation = key(line["table"], line["child"], line["config"])
        entries.trials.setdefault(evaluation, _trial(line))
        if entries.runs:
            at = float(line.get("at", 0.0))
            if not math.isfinite(at):
                raise ValueError(f"at = {at}")
            entries.runs[-1]["seconds"] = max(entries.runs[-1]["seconds"], at)
    else:
        raise ValueError(f"kind {kind!r} is unknown")


def _trial(line: Mapping[str, Any]) -> Outcome:
    trial = CompletedTrial(
        config=line["config"],
        value=line["value"],
        state=State[line["state"]],
        fold_scores=tuple(_number(v) for v in line["folds"]),
        seconds=line["seconds"],
        fidelity=line["fidelity"],
        curve=tuple(_number(v) for v in line["curve"]),
    )
    return Outcome(
        trial=trial,
        error=str(line.get("error", "")),
        metrics={str(n): _numbers(folds) for n, folds in line.get("metrics", {}).items()},
        fit_seconds=_number(line.get("fit")),
        predict_seconds=_number(line.get("predict")),
        after={
            int(steps): {str(n): _number(v) for n, v in found.items()}
            for steps, found in line.get("after", {}).items()
        },
    )


def trial_line(table: str, child: str, outcome: Outcome, at: float) -> dict[str, Any]:
    """A result as plain data; `at` is the time since the run's start, in seconds."""
    trial = outcome.trial
    return {
        "kind": "trial",
        "table": table,
        "child": child,
        "config": trial.config,
        "value": trial.value,
        "state": trial.state.name,
        "folds": [_plain(v) for v in trial.fold_scores],
        "seconds": _plain(trial.seconds),
        "fidelity": trial.fidelity,
        "curve": [_plain(v) for v in trial.curve],
        "metrics": {n: [_short(v) for v in folds] for n, folds in outcome.metrics.items()},
        "after": {
            str(steps): {n: _short(v) for n, v in found.items()}
            for steps, found in outcome.after.items()
        },
        "fit": _short(outcome.fit_seconds),
        "predict": _short(outcome.predict_seconds),
        **({"error": outcome.error[:MOST_ERROR]} if outcome.error else {}),
        "at": round(at, 3),
    }


def round_line(child: str, problem: str, number: int, configs: list[Config]) -> dict[str, Any]:
    """The configs of a round as plain data."""
    return {
        "kind": "round",
        "child": child,
        "problem": problem,
        "round": number,
        "configs": configs,
    }


def check(entries: Entries, protocol: Mapping[str, Any], digests: Mapping[str, str]) -> None:
    """That new results may join those of a journal.

    Raises:
        InputError: another protocol, or a table that has changed since.
    """
    for run in entries.runs:
        if run["protocol"] != dict(protocol):
            raise InputError(
                f"the folder holds results under {run['protocol']}, asked for is {dict(protocol)}",
                allowed="one protocol a folder",
                do="Repeat the earlier options, or give another folder",
            )
    for name, digest in digests.items():
        if entries.digests.get(name, digest) != digest:
            raise InputError(
                f"table {name!r} has changed since its first results",
                allowed="the same rows and columns",
                do="Restore the table, rename it, or give another folder",
            )


class Writer:
    """The only writer of a journal, as a context manager.

    Raises:
        StoreError: it cannot be written, or another process is writing it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b", buffering=0)
            try:
                _lock(self._file.fileno(), path)
                self._cut_torn_tail()
            except BaseException:
                self._file.close()
                raise

    def append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write lines; they are on the disk when this returns.

        Raises:
            StoreError: they cannot be written, and none of them is.
        """
        text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
        left = memoryview(text.encode())
        with _writing(self._path):
            if not os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):
                raise FileNotFoundError("another file has taken its place")
            before = self._file.seek(0, os.SEEK_END)
            try:
                while left:
                    left = left[self._file.write(left) :]
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(before)
                raise

    def _cut_torn_tail(self) -> None:
        self._file.seek(0)
        content = self._file.readall()
        self._file.truncate(content.rfind(b"\n") + 1)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}",
            do="Choose a folder that you may write to, with space left; what was there is kept",
        ) from error


def _lock(descriptor: int, path: Path) -> None:
    """Refuse a second writer; the system drops the lock when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise StoreError(
            f"{path.name} is being written by another collection",
            allowed="one collection at a time in a folder",
            do="Wait for it, stop it, or give another folder",
        ) from error


def _plain(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _short(value: float) -> float | None:
    """To six digits, which no number of folds knows better."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _numbers(values: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(map(_number, values))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
