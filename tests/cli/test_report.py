from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest

from autometa.cli import main
from autometa.meta import MetaLearner
from autometa.samplers.asking import suggest
from autometa.testing.families import Bowls

RESULTS = Path(__file__).parent.parent.parent / "benchmarks" / "results"
NAME = "<script>bowl</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage with a study, its cold companion and their model."""
    made = tmp_path_factory.mktemp("report")
    family, storage = Bowls(), f"sqlite:///{made / 'studies.db'}"
    model = MetaLearner(seed=0, steps=50).fit(family.portfolio(5, 20))
    model.save(made / "model")
    objective = family.objective(101)
    for name, sampler in (
        (NAME, model.sampler(seed=0)),
        (f"{NAME}-cold", optuna.samplers.RandomSampler(0)),
    ):
        study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", sampler=sampler
        )
        study.optimize(lambda t: objective(suggest(t, family.space)), n_trials=5)
    return made


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["report", *arguments])
    return int(stop.value.code or 0)


def test_a_study_becomes_a_page(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into, storage = tmp_path / "report.html", f"sqlite:///{folder / 'studies.db'}"
    model = str(folder / "model")
    assert run(NAME, "--storage", storage, "--model", model, "-o", str(into), "-f", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(into)}
    page = into.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;bowl" in page
    titles = (
        "Best so far",
        "Trials to the same value",
        "Expected and observed",
        "Weights of prior",
    )
    for title in (*titles, "Importance of parameters", "Prior tasks", "Inner learning rate"):
        assert f'aria-label="{title}' in page
    assert len(page.encode()) < 1_000_000


KINDS = [*sorted(RESULTS.glob("inner-*.json")), RESULTS / "geoalgo-deepar.json"]


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.stem)
def test_results_of_every_kind_have_a_page(path: Path, tmp_path: Path) -> None:
    into = tmp_path / "report.html"
    assert run(str(path), "--output", str(into)) == 0
    page = into.read_text(encoding="utf-8")
    assert json.loads(path.read_text())["suite"] in page
    assert len(page.encode()) < 1_000_000


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        '{"suite": 1}',
        '{"suite": "s", "methods": {"a": 1}, "checkpoints": [1]}',
        '{"suite": "s", "records": [1]}',
        '{"suite": "s", "records": [], "bars": 3}',
    ],
)
def test_other_files_are_refused(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd, into = tmp_path / "odd.json", tmp_path / "report.html"
    odd.write_text(content)
    assert run(str(odd), "-o", str(into)) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not into.exists()


def test_what_cannot_be_read_or_written_is_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage, into = f"sqlite:///{folder / 'studies.db'}", str(tmp_path / "r.html")
    assert run("bowl", "-o", into) == 2
    assert "--storage" in capsys.readouterr().err
    assert run("bowl", "--storage", storage, "-o", into) == 2
    assert "no study 'bowl'" in capsys.readouterr().err
    assert run(NAME, "--storage", storage, "--cold", "other", "-o", into) == 2
    assert run(NAME, "--storage", storage, "--model", into, "-o", into) == 2
    assert run(NAME, "--cold", "other", "-o", into) == 2
    assert run(NAME, "--storage", storage, "-o", str(tmp_path / "no" / "r.html")) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_study_of_any_address(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a path from the working directory and from the root; the other one is said."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tuning.log"
    from autometa.storages.connect import open_storage

    for name in ("mine", "mine-cold"):
        study = optuna.create_study(storage=open_storage(f"{kind}:///tuning.log"), study_name=name)
        study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=2)
    for storage in (f"{kind}:///tuning.log", f"{kind}:///{file}"):
        assert run("mine", "--storage", storage, "-o", "r.html") == 0
        assert "cold" in Path("r.html").read_text(encoding="utf-8")
        capsys.readouterr()
    assert run("mine", "--storage", f"{kind}:///{str(file)[1:]}", "-o", "r.html") == 2
    assert f"{kind}:////" in capsys.readouterr().err
    assert run("mine", "--storage", f"{kind}:///nothing", "-o", "r.html") == 2
    assert not Path("nothing").exists()
    assert run("other", "--storage", f"{kind}:///tuning.log", "-o", "r.html") == 2
    assert "mine, mine-cold" in capsys.readouterr().err
    assert run(f"{kind}:///tuning.log", "-o", "r.html") == 2
    assert "report STUDY --storage" in capsys.readouterr().err
