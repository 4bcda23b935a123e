"""A password in a storage's URL reaches no output and no file, whatever goes wrong."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from autometa.cli import collect, main
from autometa.errors import told, without_passwords

SECRET = "s3cr3t"
URLS = (
    f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/db",  # nobody listens
    f"postgresql+psycopg://me:{SECRET}p@{SECRET}w@127.0.0.1:1/db",  # an "@" that was not escaped
    f"postgresql+psycopg://me:{SECRET}%40{SECRET}@127.0.0.1:port/db",
    f"nonsense://me:{SECRET}@127.0.0.1/db",
    f"postgresql+psycopg://127.0.0.1:1/db?user=me&password={SECRET}",
)
COMMANDS = (
    ["tune", "sklearn:iris", "--portfolio", "none", "--storage", "URL", "--learn", "folder"],
    ["explain", "study", "--storage", "URL"],
    ["learn", "URL", "--into", "folder"],
    ["learn", "URL"],  # an option is missing
    ["explain", "study", "URL", "--storage", "URL"],  # a word too many
    ["tune", "URL"],
    ["collect", "URL", "--into", "folder"],
    ["portfolio", "inspect", "URL"],
    ["URL"],
)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_tells_or_keeps_a_password(
    command: list[str],
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("psycopg", reason="pip install 'autometa[distributed]'")
    monkeypatch.chdir(tmp_path)
    words = [url if word == "URL" else word for word in command]
    monkeypatch.setattr(sys, "argv", ["autometa", *words])
    with caplog.at_level(logging.DEBUG), pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    said = capfd.readouterr()
    assert said.err
    kept = [p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file()]
    assert not [t for t in (said.out, said.err, caplog.text, *kept) if SECRET in t]
    assert not [p for p in tmp_path.rglob("*") if SECRET in p.name]


def test_a_mistake_of_ours_is_shown_without_passwords(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from autometa import cli

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(URLS[0])

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(SystemExit) as ended:
        main([])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "ZeroDivisionError: postgresql+psycopg://me:***@127.0.0.1:1/db" in said
    assert SECRET not in said


def test_a_recorded_command_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "collect", *URLS, f"tls://me:{SECRET}@host"])
    assert SECRET not in collect._command()


def test_parts_of_a_torn_password_are_found_with_its_url() -> None:
    url = "mysql://me:p4ss@w0rd:x@host/db"
    assert without_passwords("no host w0rd:x or p4ss", url) == "no host ***:x or ***"
    assert told(ValueError("bad w0rd\nand more"), url) == "ValueError: bad ***"
    assert told(ValueError()) == "ValueError"
