"""What starting costs, and the shape of the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

import autometa
from autometa._version import __version__
from autometa.cli import main

HEAVY = (
    *("torch", "sklearn", "matplotlib", "pandas", "scipy"),
    *("dask", "distributed", "sqlalchemy", "grpc"),
)
RUN = "from autometa.cli import main\ntry: main({})\nexcept SystemExit: pass"


def loaded(code: str) -> set[str]:
    """Heavy modules that a fresh interpreter has after some code."""
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(result.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import autometa; autometa.__version__",
        "import autometa; autometa.SearchSpace, autometa.Task, autometa.State",
        "import autometa.portfolio",
        RUN.format(["--help"]),
        RUN.format(["portfolio", "--help"]),
        RUN.format(["learn", "--help"]),
    ],
)
def test_starting_loads_nothing_heavy(code: str) -> None:
    assert loaded(code) == set()


@pytest.mark.parametrize("name", ["suggest", "samplers.sampler", "samplers.create"])
def test_a_search_loads_no_storage_no_trees_and_no_pictures(name: str) -> None:
    assert loaded(f"import autometa.{name}") <= {"scipy"}


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert not ended.value.code
    assert capsys.readouterr().out == f"autometa {__version__}\n"
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "portfolio" in capsys.readouterr().out


def test_the_package_knows_its_names() -> None:
    assert autometa.Portfolio.__name__ == "Portfolio"
    assert set(autometa.__all__) <= set(dir(autometa))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = autometa.nothing


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    from autometa import cli

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 130
