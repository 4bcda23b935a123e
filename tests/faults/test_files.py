"""Portfolios, models, journals and studies: killed writers, full disks, folders that refuse."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from autometa.collect import Collection, Protocol, journal
from autometa.errors import AutometaError
from autometa.meta import MetaModel
from autometa.portfolio import Portfolio
from tests.faults.counter import Faults
from tests.faults.killing import Program, later
from tests.faults.programs import collection, environment, prior

slow = pytest.mark.slow

# Kill -9 ----------------------------------------------------------------------------------------


def _kill_writers(folder: Path, kills: int, faults: Faults) -> None:
    rng, safe = random.Random(kills), set[str]()
    with faults.tried("portfolio writer killed", kills):
        for number in range(kills):
            program = Program("write", folder, f"w{number}-").ready()
            later(rng, 0.4)
            safe |= set(program.kill())
            found = {t.name for t in Portfolio.load(folder).tasks} if safe else safe
            assert safe <= found
        Program("write", folder, "last-", 3).end()
        portfolio = Portfolio.load(folder)
        assert safe <= {t.name for t in portfolio.tasks}
        assert {len(h) for h in portfolio.histories} == {10}


def _kill_collectors(folder: Path, kills: int, faults: Faults) -> None:
    rng, whole = random.Random(kills), collection(folder / "whole", Collection, Protocol)
    assert Program("collect", folder / "whole").ready().end() == []
    with faults.tried("collector killed", kills):
        for _ in range(kills):
            program = Program("collect", folder / "cut").ready()
            later(rng, 0.15)
            program.kill()
            journal.read(folder / "cut" / journal.NAME)
        Program("collect", folder / "cut").ready().end()
        lines = (folder / "cut" / journal.NAME).read_text().splitlines()
        trials = [json.loads(line) for line in lines if '"kind": "trial"' in line]
        places = [(t["table"], t["child"], json.dumps(t["config"])) for t in trials]
        assert len(places) == len(set(places)) == 168  # none lost, none twice
        cut = collection(folder / "cut", Collection, Protocol)
        assert [h.values.tolist() for h in cut.portfolio().histories] == [
            h.values.tolist() for h in whole.portfolio().histories
        ]


def _kill_trainers(folder: Path, kills: int, faults: Faults) -> None:
    rng, path = random.Random(kills), folder / "m.model"
    prior().save(folder / "portfolio")
    with faults.tried("meta-training killed", kills):
        for _ in range(kills):
            program = Program("train", folder / "portfolio", path).ready()
            later(rng, 1.0)
            safe = program.kill()
            if safe or path.exists():
                assert MetaModel.load(path).warm_start(1)
            assert len(Portfolio.load(folder / "portfolio")) == 4


def test_killed_writers_lose_nothing(tmp_path: Path, faults: Faults) -> None:
    _kill_writers(tmp_path / "p", 2, faults)


def test_a_killed_collector_loses_nothing(tmp_path: Path, faults: Faults) -> None:
    _kill_collectors(tmp_path, 1, faults)


@slow
@pytest.mark.timeout(900)
def test_many_killed_programs_lose_nothing(tmp_path: Path, faults: Faults) -> None:
    _kill_writers(tmp_path / "p", 15, faults)
    _kill_collectors(tmp_path / "c", 12, faults)
    _kill_trainers(tmp_path, 12, faults)


@slow
def test_two_writers_of_one_portfolio_lose_no_update(tmp_path: Path, faults: Faults) -> None:
    with faults.tried("two writers on one portfolio", 20):
        programs = [Program("write", tmp_path, f"{k}-", 10).ready() for k in "ab"]
        said = {name for p in programs for name in p.end()}
        assert len(said) == 20
        assert {t.name for t in Portfolio.load(tmp_path).tasks} == said


# Full disks -------------------------------------------------------------------------------------


SPACE = {"sqlite": 170_000}  # bytes; its empty tables alone take half of that


def _limit(space: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (space, space))


@pytest.mark.parametrize("what", ["portfolio", "model", "journal", "sqlite", "collection"])
def test_a_full_disk_ends_with_a_message_and_costs_nothing(
    what: str, tmp_path: Path, faults: Faults, model: Path
) -> None:
    """No file of the program may grow beyond some size, as on a disk with no more space."""
    with faults.tried(f"disk full while a {what} is written"):
        process = subprocess.run(
            [sys.executable, "-m", "tests.faults.programs", "fill_up", what, tmp_path, model],
            env=environment(),
            preexec_fn=lambda: _limit(SPACE.get(what, 20_000)),
            capture_output=True,
            text=True,
            check=False,
        )
        said = [json.loads(line) for line in process.stdout.splitlines()]
        assert said, process.stderr
        assert said[-1] == "documented error", process.stderr
        told = said[said.index("ready") + 1 : -1] if "ready" in said else said[:-1]
        (found,) = Program("after_full", what, tmp_path, model).end()  # the next write succeeds
        assert [x for x in found if x != "ready"] == told


# Folders that refuse ----------------------------------------------------------------------------


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path, faults: Faults) -> None:
    place = tmp_path / "file"
    place.write_text("mine")
    with faults.tried("a file where a folder should be", 2):
        with pytest.raises(AutometaError):
            prior().save(place / "portfolio")
        with pytest.raises(AutometaError):
            prior().save(place)
        assert place.read_text() == "mine"


def test_read_only_folders_are_refused(tmp_path: Path, faults: Faults, model: Path) -> None:
    """By a process without root's rights, since nothing is read-only for root."""
    import os

    if os.getuid() != 0:
        tmp_path.chmod(0o555)
    with faults.tried("read-only folder", 4):
        process = subprocess.run(
            [sys.executable, "-m", "tests.faults.programs", "refused", tmp_path, model],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        said = [json.loads(line) for line in process.stdout.splitlines()]
        assert said == ["portfolio", "model", "journal", "collection"], process.stderr
        assert not list(tmp_path.iterdir())


# Torn tails -------------------------------------------------------------------------------------


def test_torn_tails_of_a_collection_are_done_again(tmp_path: Path, faults: Faults) -> None:
    Program("collect", tmp_path).ready().end()
    path = tmp_path / journal.NAME
    whole = path.read_bytes()
    rng = random.Random(0)
    with faults.tried("torn tail of a collection's journal", 5):
        for _ in range(5):
            cut = rng.randrange(len(whole) // 2, len(whole))
            path.write_bytes(whole[:cut])
            lines = whole[:cut].rpartition(b"\n")[0]
            assert len(journal.read(path).trials) == lines.count(b'"kind": "trial"')
        Program("collect", tmp_path).ready().end()
        assert len(journal.read(path).trials) == 168
