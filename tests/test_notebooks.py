"""Every notebook runs from top to bottom, and what is committed of its output is fit to be seen."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from autometa.portfolio.store.shipped import embedded_names

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|opt|var|work|Users)/")


def read(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def outputs(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [out for cell in notebook["cells"] for out in cell.get("outputs", [])]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


def shows(notebook: Any) -> list[set[str]]:
    """What kinds of output each cell of code has: printed or displayed; warnings left out."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [
        {out["output_type"] for out in cell["outputs"] if out.get("name") != "stderr"}
        for cell in cells
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_outputs_name_no_machine_and_no_error(path: Path) -> None:
    for out in outputs(read(path)):
        assert out["output_type"] != "error"
        assert out.get("name") != "stderr"
        assert not MACHINE_PATH.search(json.dumps(out))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path) -> None:
    needed = read(path)["metadata"].get("autometa", {}).get("families", [])
    if not embedded_names() or not set(needed) <= set(embedded_names()):
        pytest.skip("this build ships no embedded portfolio of what the notebook tunes")
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    committed = read(path)
    if "AUTOMETA_DATA" in path.read_text(encoding="utf-8") and not os.environ.get("AUTOMETA_DATA"):
        return  # it says that it leaves out what needs the data
    assert shows(notebook) == shows(committed), "run it again and commit its outputs"
