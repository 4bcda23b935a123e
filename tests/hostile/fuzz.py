"""Hostile inputs for every reader, counted: `python -m tests.hostile.fuzz --into FILE`.

An input may be read, or refused with one of autometa's own errors; anything else is a crash: other
errors, the end of the process, a reader that does not come back, and more memory than allowed (the
reading process has a limit, so that an allocation without bounds ends as a MemoryError). With
`--atheris N` the same readers are also driven by coverage (libFuzzer), each in its own process.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zlib import crc32

import numpy as np
import optuna

from autometa.bench.provenance import commit, versions
from autometa.errors import AutometaError
from tests.hostile.readers import Reader, readers

MEMORY = 2 * 2**30
"""Bytes of address space that reading one input may add to what the process holds."""
PATIENCE = 30
"""Seconds after which a reader counts as hanging."""


class HangError(BaseException):
    """A reader took longer than PATIENCE; no reader may catch it."""


def outcome(reader: Reader, data: bytes) -> str:
    """ "loads", "error" (a documented one), or what crashed."""
    folder = Path(mkdtemp(prefix="autometa-fuzz-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.read(data, folder)
    except AutometaError:
        return "error"
    except (Exception, HangError) as error:
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return "loads"


@contextmanager
def limits(memory: int = MEMORY, patience: int = PATIENCE) -> Iterator[None]:
    """Bound this process's memory, and its time from one `signal.alarm` to the next."""

    def hang(number: int, frame: Any) -> None:
        raise HangError(f"more than {patience} s")

    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    previous = signal.signal(signal.SIGALRM, hang)
    resource.setrlimit(resource.RLIMIT_AS, (held + memory, before[1]))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
        resource.setrlimit(resource.RLIMIT_AS, before)


def run(reader: Reader, inputs: int, seed: int, first: int) -> None:
    """Read changed inputs from number `first` on; two lines on stdout each: started, outcome."""
    with limits():
        for number in range(first, inputs):
            rng = np.random.default_rng([seed, crc32(reader.name.encode()), number])
            _say(number, reader, reader.hostile(rng))


def run_by_coverage(reader: Reader, inputs: int, seed: int) -> None:
    """The same with atheris, which ends the process when it is done."""
    import atheris

    seen = itertools.count()
    corpus = Path(mkdtemp(prefix="autometa-corpus-"))
    (corpus / "valid").write_bytes(reader.valid)
    for number in range(50):
        (corpus / str(number)).write_bytes(reader.hostile(np.random.default_rng([seed, number])))
    options = [f"-runs={inputs}", f"-seed={seed + 1}", "-max_len=65536", "-rss_limit_mb=6000"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: _say(next(seen), reader, data))
    with limits():
        atheris.Fuzz()


def _say(number: int, reader: Reader, data: bytes) -> None:
    sys.stdout.write(f"{number}\tstarted\n")
    sys.stdout.flush()  # so that the parent knows what ended this process
    signal.alarm(PATIENCE)
    found = outcome(reader, data)
    signal.alarm(0)
    sys.stdout.write(f"{number}\t{json.dumps(found)}\n")


class Counts:
    """What became of the inputs of one reader."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.examples: dict[str, int] = {}

    def add(self, number: int, found: str) -> None:
        """One more input."""
        if found not in ("loads", "error", *self.examples):
            self.examples[found] = number
            sys.stderr.write(f"input {number}: {found}\n")
        self.seen[found if found in ("loads", "error") else "crash"] += 1

    def to_json(self) -> dict[str, Any]:
        """Plain data, with the number of the first input of each kind of crash."""
        return {
            "inputs": self.seen.total(),
            "documented_errors": self.seen["error"],
            "loads": self.seen["loads"],
            "crashes": self.seen["crash"],
            "examples": dict(list(self.examples.items())[:20]),
        }


def count(name: str, inputs: int, seed: int, *, by_coverage: bool) -> Counts:
    """What becomes of many inputs of one reader, in processes of its own."""
    counts = Counts()
    options = ["--only", name, "--inputs", str(inputs), "--seed", str(seed)]
    if by_coverage:
        _listen([*options, "--coverage"], counts)
        return counts
    broken = _listen(options, counts)
    while broken is not None:
        broken = _listen([*options, "--first", str(broken + 1)], counts)
    return counts


def _listen(options: Sequence[str], counts: Counts) -> int | None:
    """Run a process of this module and count what it says; the input that ended it, if one did."""
    command = [sys.executable, "-m", "tests.hostile.fuzz", "--child", *options]
    last: int | None = None
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        words: deque[str] = deque(maxlen=20)
        drain = threading.Thread(target=words.extend, args=(child.stderr,), daemon=True)
        drain.start()
        for line in child.stdout:
            number, found = line.rstrip("\n").split("\t", 1)
            if found == "started":
                last = int(number)
            else:
                last = None
                counts.add(int(number), json.loads(found))
        drain.join()
    if last is not None:
        counts.add(last, f"the process ended with {child.returncode}: {words[-1]!r}")
    elif child.returncode and "--coverage" not in options:  # libFuzzer has codes of its own
        raise SystemExit(f"{command} ended with {child.returncode}: {' '.join(words)}")
    return last


def main() -> None:
    """The run by hand."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all readers together")
    parser.add_argument("--atheris", type=int, default=0, metavar="N", help="driven ones, in all")
    parser.add_argument("--only", default="", help="name of one reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--into", type=Path)
    for hidden in ("--child", "--coverage"):
        parser.add_argument(hidden, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    logging.disable(logging.CRITICAL)
    chosen = [r for r in readers() if asked.only in ("", r.name)]
    if asked.child and asked.coverage:
        run_by_coverage(chosen[0], asked.inputs, asked.seed)
    elif asked.child:
        run(chosen[0], asked.inputs, asked.seed, asked.first)
    else:
        result = everything([r.name for r in chosen], asked)
        sys.stdout.write(json.dumps(result["total"]) + "\n")
        sys.exit(1 if result["total"]["crashes"] else 0)


def everything(names: Sequence[str], asked: argparse.Namespace) -> dict[str, Any]:
    """All readers, as one table; written where asked, after every reader.

    A run that was interrupted goes on from there: same commit, versions, seed and numbers.
    """
    result: dict[str, Any] = {
        "what": "hostile inputs a reader; each is read or refused with a documented error",
        "limits": {"memory_mb": MEMORY >> 20, "seconds": PATIENCE},
        "asked": {"mutations": asked.inputs, "atheris": asked.atheris},
        "seed": asked.seed,
        "commit": commit(),
        "versions": versions(),
    }
    tables: dict[str, dict[str, Any]] = {kind: {} for kind in result["asked"]}
    seconds = 0
    if asked.into is not None and asked.into.exists():
        before = json.loads(asked.into.read_text(encoding="utf-8"))
        if all(before.get(key) == value for key, value in result.items()):
            tables, seconds = {kind: before[kind] for kind in tables}, before["seconds"]
    started = time.monotonic() - seconds
    for kind, name in itertools.product(tables, names):
        wanted = -(-result["asked"][kind] // len(names))
        if wanted and name not in tables[kind]:
            counts = count(name, wanted, asked.seed, by_coverage=kind == "atheris")
            tables[kind][name] = counts.to_json()
        result |= {"total": _total(tables), **tables}
        result["seconds"] = round(time.monotonic() - started)
        if asked.into is not None:
            asked.into.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _total(tables: dict[str, dict[str, Any]]) -> dict[str, int]:
    parts = [part for table in tables.values() for part in table.values()]
    counted = ("inputs", "documented_errors", "loads", "crashes")
    return {key: sum(part[key] for part in parts) for key in counted}


if __name__ == "__main__":
    main()
