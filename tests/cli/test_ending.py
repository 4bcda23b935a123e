"""What a command found is handed over whatever else goes wrong."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from autometa import cli
from autometa.cli.ending import printed, stopped_alike
from autometa.cli.output import check_writable, show_table
from autometa.errors import InputError


class Stdout(StringIO):
    """Takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error


FULL = OSError(errno.ENOSPC, "No space left on device")
GONE = BrokenPipeError(errno.EPIPE, "Broken pipe")


@pytest.mark.parametrize(("error", "said"), [(FULL, ["No space left on device"]), (GONE, [])])
@pytest.mark.parametrize("what", ["table", "text", "nothing yet"])
def test_what_follows_is_done_where_nobody_reads(
    what: str, error: OSError, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Stdout(error))
    lost: list[str] = []
    with printed(lost):
        if what == "table":
            show_table("t", ["a"], [[1]])
        elif what == "text":
            sys.stdout.write("a")
    assert [sentence.rpartition(": ")[2] for sentence in lost] == said


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full", "a file"), OSError(errno.EIO, "")])
def test_other_mistakes_are_no_matter_of_printing(error: OSError) -> None:
    with pytest.raises(OSError, match=str(error.errno)), printed([]):
        raise error


def test_any_command_says_that_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise FULL

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as stop:
        cli.main(["portfolio"])
    assert stop.value.code == 3
    assert capsys.readouterr().err.startswith("error: what belongs on stdout was not written")


@pytest.mark.parametrize("command", ["learn", "bench", "start"])
def test_any_command_is_stopped_by_sigterm(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli, "app", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as stop:
        cli.main([command])
    assert stop.value.code == 130
    assert signal.getsignal(signal.SIGTERM) == before


def test_sigterm_is_what_ctrl_c_is_and_only_for_as_long() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), stopped_alike():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
    done: list[bool] = []

    def elsewhere() -> None:  # where no handler may be set
        with stopped_alike():
            done.append(True)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert done


def test_what_is_no_file_is_refused_before_the_work(tmp_path: Path) -> None:
    for path in (Path("/dev/null"), Path("-"), tmp_path, tmp_path / "no" / "file"):
        with pytest.raises(InputError):
            check_writable(path)
    (tmp_path / "a file").touch()
    with pytest.raises(InputError):
        check_writable(tmp_path / "a file" / "new", new_folder=True)
    check_writable(tmp_path / "no" / "where" / "new", new_folder=True)
    check_writable(tmp_path / "new")
