from __future__ import annotations

import json
from pathlib import Path

import pytest

from autometa.cli import main
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.tables import load_table
from autometa_benchmarks import loop
from autometa_benchmarks.loop import LoopStep


def step(warm: list[float | None], cold: list[float | None], name: str = "t") -> LoopStep:
    return LoopStep(table=name, prior_tasks=0, version=1, warm=tuple(warm), cold=tuple(cold))


def test_trials_to_the_target() -> None:
    one = step([None, 0.5, 0.995], [0.9, 1.0, 0.2])
    assert one.target == pytest.approx(0.99)
    assert (one.needed(one.warm), one.needed(one.cold)) == (3, 2)
    assert one.needed((0.1, None)) == 3
    below = step([-2.0], [-1.0])
    assert below.target == pytest.approx(-1.01)
    nothing = step([None], [None])
    assert nothing.needed(nothing.warm) == 2


def test_the_fall_from_first_to_last() -> None:
    early = [step([0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0])] * 2
    late = [step([1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0])] * 6
    found = loop.summarise([*early, *late])
    assert found["window"] == 2
    assert (found["warm"]["fall"], found["cold"]["fall"]) == (0.25, 1.0)
    assert found["fall_against_cold"] == {"value": 0.25, "low": 0.25, "high": 0.25}
    assert found["needed"]["warm"] == [4, 4, 1, 1, 1, 1, 1, 1]


def test_a_stream_has_one_table_a_family_in_a_fixed_order() -> None:
    tables = [load_table(f"sklearn:{name}") for name in ("iris", "wine", "breast_cancer")]
    order = [t.name for t in loop.stream(tables, 3)]
    assert sorted(order) == sorted(t.name for t in tables)
    assert [t.name for t in loop.stream(tables[::-1], 2)] == order[:2]
    with pytest.raises(InputError, match="4 tasks"):
        loop.stream(tables, 4)


def test_the_loop_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*tables: str, code: int = 0) -> str:
        words = ["--child", "linear", "--trials", "4", "--into", str(tmp_path / "p")]
        files = ["--results", str(tmp_path / "r.json"), "--plot", str(tmp_path / "r.svg")]
        with pytest.raises(SystemExit) as ended:
            main(["loop", *(f"sklearn:{t}" for t in tables), *words, *files, "-f", "json"])
        assert int(ended.value.code or 0) == code
        out, err = capsys.readouterr()
        return out if code == 0 else err

    first = json.loads(run("iris"))
    with (tmp_path / "p" / loop.JOURNAL).open("a") as journal:
        journal.write('{"torn')
    found = json.loads(run("iris", "wine"))
    assert found["steps"][0] == first["steps"][0]
    assert [s["prior_tasks"] for s in found["steps"]] == [0, 1]
    assert [len(s[arm]) for s in found["steps"] for arm in ("warm", "cold")] == [4] * 4
    portfolio = Portfolio.load(tmp_path / "p")
    assert [t.name for t in portfolio.tasks] == ["iris", "wine"]
    assert all(len(h) <= 4 for h in portfolio.histories)  # the cold arm teaches nothing
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["records"][0]["needed"] == found["needed"]
    assert (tmp_path / "r.svg").exists()
    assert "other tables" in run("wine", code=2)


def test_what_one_more_task_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "bench",
                "refit",
                "synthetic",
                "--evaluations",
                "8",
                "--into",
                str(tmp_path / "r"),
                "-f",
                "json",
            ]
        )
    assert not ended.value.code
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((tmp_path / "r").read_text())
    assert found["tasks"] == 18
    assert len(found["refit_seconds"]) == len(found["fit_seconds"]) == 3
    share = sum(found["fit_seconds"]) / sum(found["refit_seconds"])
    assert found["ratio"] == pytest.approx(share, rel=0.05)  # seconds are rounded
