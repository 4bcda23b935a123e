"""Suites and methods of other packages, and what is said where there are none."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest
from typer.testing import CliRunner

from autometa.bench import collection, methods, research, run, suites
from autometa.bench.collection import Collection, Listed
from autometa.bench.method import Method
from autometa.bench.methods.cold import RANDOM
from autometa.cli import app, main
from autometa.errors import InputError

HOME = "autometa.bench.suites.synthetic:Synthetic"
THEIRS = Method(name="theirs", about="a method", prepare=RANDOM.prepare, uses_prior=False)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    for cached in (collection.collections, methods._all):
        cached.cache_clear()
    yield
    for cached in (collection.collections, methods._all):
        cached.cache_clear()


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """autometa alone, as its wheel has it."""
    monkeypatch.setattr(research, "PACKAGE", "no_such_package")
    monkeypatch.setattr(collection, "entry_points", lambda group: [])


def announce(monkeypatch: pytest.MonkeyPatch, *found: object) -> None:
    """Packages that are installed beside a plain autometa; an error stands for one that breaks."""
    module = ModuleType("announced")
    for i, what in enumerate(found):
        setattr(module, f"c{i}", what)
    monkeypatch.setitem(sys.modules, "announced", module)
    points = [
        EntryPoint(name=f"c{i}", value=f"announced:c{i}", group=collection.GROUP)
        for i in range(len(found))
    ]
    points.append(EntryPoint(name="gone", value="no_such_module:C", group=collection.GROUP))
    monkeypatch.setattr(research, "PACKAGE", "no_such_package")
    monkeypatch.setattr(collection, "entry_points", lambda group: points)


@pytest.mark.usefixtures("plain")
def test_alone_it_says_what_is_there_and_how_to_get_the_rest() -> None:
    assert suites.names() == ("synthetic",)
    assert {"autometa", "random", "cold-tpe", "cold-gp"} <= set(methods.names())
    for look_up in (suites.load, suites.about, methods.get):
        with pytest.raises(InputError, match=r"synthetic[\s\S]*benchmarks|random[\s\S]*benchmarks"):
            look_up("lcbench")
    shown = CliRunner().invoke(app, ["bench", "list"])
    assert shown.exit_code == 0
    assert "synthetic" in shown.stdout
    assert "pip install ./benchmarks" in shown.stdout
    listed = json.loads(CliRunner().invoke(app, ["bench", "list", "-f", "json"]).stdout)
    assert listed["more"] == research.MORE


@pytest.mark.usefixtures("plain")
def test_alone_it_still_compares() -> None:
    options = {"tasks": ["f01"], "seeds": (0,), "trials": 3}
    assert run("synthetic", ["random"], **options)["methods"]["random"]["complete"]  # type: ignore[arg-type]


def test_with_the_research_nothing_is_missing() -> None:
    assert {"synthetic", "lcbench", "solver"} <= set(suites.names())
    assert {"autometa", "rgpe", "cma-es"} <= set(methods.names())
    listed = json.loads(CliRunner().invoke(app, ["bench", "list", "-f", "json"]).stdout)
    assert listed["more"] == ""


def test_another_package_brings_suites_and_methods(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = Collection(
        name="theirs",
        suites={"ours-too": Listed(home=HOME), "lacking": Listed(home=HOME, needs="no_such")},
        methods=lambda: (THEIRS,),
    )
    announce(monkeypatch, theirs, "no collection")
    assert suites.names() == ("synthetic", "ours-too", "lacking")
    assert "c1" in caplog.text
    assert "no_such_module" in caplog.text
    found = run("ours-too", ["theirs"], tasks=["f01"], seeds=(0,), trials=3, workers=1)
    assert found["methods"]["theirs"]["complete"]
    assert suites.about("lacking") == "(needs no_such)"
    with pytest.raises(InputError, match="pip install no_such"):
        suites.load("lacking")


def test_a_package_that_breaks_takes_nothing_of_ours_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> tuple[Method, ...]:
        raise RuntimeError("a mistake")

    announce(monkeypatch, Collection(name="broken", methods=broken))
    assert methods.get("random") is RANDOM
    assert "random" in methods.names()
    assert "a mistake" in caplog.text


@pytest.mark.parametrize("name", ["synthetic", "twice"])
def test_one_name_belongs_to_one_package(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Collection(name="first", suites={"twice": Listed(home=HOME)})
    second = Collection(name="second", suites={name: Listed(home=HOME)})
    announce(monkeypatch, first, second)
    with pytest.raises(InputError, match=rf"'{name}' of second"):
        suites.names()


@pytest.mark.parametrize("words", ["loop a.csv --into p", "bench inner sinusoid --seeds 3"])
def test_a_command_of_the_research_says_where_it_is(words: str) -> None:
    """In a process of its own: commands are gathered when the command line is imported."""
    import subprocess

    code = (
        "from autometa.bench import research\nresearch.PACKAGE = 'no_such_package'\n"
        f"from autometa.cli import main\nmain({words.split()!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install ./benchmarks" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_suite_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["bench", "lcbemch"])
    assert stop.value.code == 2
    assert "lcbench" in capsys.readouterr().err
