from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from autometa import cli, meta
from autometa.children import Child, Outcome
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.task import CompletedTrial, State
from autometa.tuning import cross_validator


class Evaluator:
    """Scores configs by a formula; raises KeyboardInterrupt where it is told to."""

    stop_at: int | None = None
    broken: bool | str = False

    def __init__(self) -> None:
        self.calls = 0

    def prepare(self, table: Any, child: Child, **options: Any) -> None:
        pass

    def run(self, child: Child, config: Config, table: Any, **options: Any) -> Outcome:
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        self.calls += 1
        if self.broken:
            failed = CompletedTrial(config=config, value=None, state=State.FAILED)
            error = "out of luck" if self.broken is True else str(self.broken)
            return Outcome(trial=failed, error=error)
        value = 0.9 - 0.2 * float(abs(child.space.encode(config)[0] - 0.4))
        return Outcome(trial=CompletedTrial(config=config, value=value, fold_scores=(value, value)))

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cross_validator, "new_evaluator", Evaluator)
    monkeypatch.setattr(meta, "MetaLearner", partial(meta.MetaLearner, steps=20))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"])
    noise = 0.2 * rng.normal(size=40)  # or else column a would be said to give the label away
    frame["label"] = np.where(frame["a"] + noise > 0, "yes", "no")
    frame.to_csv("table.csv", index=False)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str, table: str = "table.csv") -> tuple[int, str, str]:
        options = ["--target", "label", "--folds", "2"]
        if "--portfolio" not in arguments:
            options += ["--portfolio", "none"]
        if not {"--families", "--child"} & set(arguments):
            options += ["--families", "hist_gradient_boosting"]
        monkeypatch.setattr(sys, "argv", ["autometa", "tune", table, *options, *arguments])
        before = optuna.logging.get_verbosity()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        optuna.logging.set_verbosity(before)
        code = stop.value.code
        assert isinstance(code, int)
        return code, *capsys.readouterr()

    return call


def test_json_has_what_programs_rely_on(run: Any) -> None:
    code, out, _ = run("--families", "svm", "--trials", "4", "--compare-cold", "-f", "json", "-q")
    data = json.loads(out)
    assert code == 0
    assert data["child"] == "svm"
    assert data["direction"] == "maximize"
    assert len(data["warm"]) == len(data["cold"]) == 4
    assert data["best_value"] == data["warm"][-1] == max(data["warm"])
    assert data["best_params"]
    assert data["excluded_tasks"] == []
    assert {"inner_lr", "reasons", "seconds", "own_seconds", "versions"} <= set(data)
    assert Path(data["report"]).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_table_for_people(run: Any) -> None:
    code, out, err = run("--trials", "3", "--compare-cold", "--report", "here.html")
    assert code == 0
    for text in ("warm", "cold", "winner", "inner learning rate", "why it was tried", "here.html"):
        assert text in out
    assert Path("here.html").exists()
    assert "Traceback" not in err


def test_without_cold_there_is_one_arm(run: Any) -> None:
    _, out, err = run("--trials", "2", "-q")
    assert "cold" not in out
    assert err == ""
    assert "starts cold, because there are no prior tasks" in run("--trials", "1")[2]
    data = json.loads(run("--trials", "1", "-f", "json")[1])
    assert "cold" not in data


def test_verbose_prints_a_line_a_trial(run: Any) -> None:
    _, _, err = run("--trials", "3", "-v")
    assert err.count("\nwarm: ") == 3
    assert run("--trials", "3", "-q")[2] == ""


def test_an_interrupt_keeps_what_was_found(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Evaluator, "stop_at", 2)
    code, out, err = run("--trials", "9", "-f", "json", "--learn", "mine", "-q")
    assert code == 130
    assert len(json.loads(out)["warm"]) == 2
    assert "stopped" in err
    assert not Path("mine").exists()


def test_a_study_goes_on_under_its_name(run: Any) -> None:
    options = ("--storage", "sqlite:///s.db", "--study-name", "s", "-f", "json", "-q")
    run("--trials", "2", *options)
    assert len(json.loads(run("--trials", "2", *options)[1])["warm"]) == 4


def test_a_name_of_what_no_storage_keeps_is_said_to_do_nothing(run: Any) -> None:
    code, _, err = run("--trials", "1", "--study-name", "mine")
    assert code == 0
    assert "--study-name mine" in err
    assert "storage" in err


def test_learn_writes_a_portfolio(run: Any) -> None:
    code, out, _ = run("--trials", "3", "--learn", "mine", "--families", "svm")
    assert code == 0
    assert "mine" in out
    assert [t.name for t in Portfolio.load("mine").tasks] == ["table"]


def test_another_metric_of_a_table_is_learned_beside(run: Any) -> None:
    for metric in ("roc_auc", "accuracy", "roc_auc"):
        options = ("--trials", "3", "--learn", "mine", "--families", "svm", "--metric", metric)
        assert run(*options)[0] == 0
    found = {t.name: (t.metric, len(h)) for h in Portfolio.load("mine").histories for t in [h.task]}
    assert found == {"table": ("roc_auc", 3), "table-2": ("accuracy", 3)}


def test_the_folder_of_a_portfolio_starts_the_search_of_another_table(run: Any) -> None:
    frame = pd.read_csv("table.csv")
    other = frame.assign(a=frame["b"] ** 3, b=np.cos(3 * frame["a"]))
    other.to_csv("other.csv", index=False)
    assert run("--trials", "6", "--learn", "mine", "--families", "svm", table="other.csv")[0] == 0
    options = ("--trials", "2", "--families", "svm", "-f", "json", "-q")
    code, out, err = run("--portfolio", "mine", *options)
    assert code == 0, err
    warm = json.loads(out)
    assert warm["prior_tasks"] == 1
    # The same table is a relative of itself, which must not teach.
    code, out, err = run("--portfolio", "mine", *options, table="other.csv")
    assert code == 0, err
    assert json.loads(out)["prior_tasks"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--families", "oak"), "oak"),
        (("--metric", "r2"), "metric 'r2'"),
        (("--target", "nothing"), "nothing"),
        (("--trials", "0"), "n_trials"),
        (("--report", "no/where.html"), "cannot be written"),
        (("--save", "no/model.skops"), "cannot be written"),
        (("--storage", "nonsense://x"), "storage"),
        (("--workers", "2", "--study-name", "s", "--storage", "sqlite:///no/s.db"), "be opened"),
        (("--workers", "2", "--study-name", "s", "--storage", "nonsense://x"), "be opened"),
        (("--total", "--trials", "2"), "total without storage and study_name"),
        (("--total", "--storage", "sqlite:///s.db", "--study-name", "s"), "without n_trials"),
        (("--portfolio", "nowhere"), "nowhere"),
        (("--portfolio", "none", "--portfolio", "embedded"), "none together with others"),
    ],
)
def test_bad_input_ends_with_2_and_writes_nothing(
    run: Any, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err
    assert sorted(p.name for p in Path.cwd().iterdir()) == ["table.csv"]


def test_a_missing_file_is_said(run: Any) -> None:
    code, _, err = run(table="nothing.csv")
    assert code == 2
    assert "nothing.csv" in err


def test_a_search_without_success_is_a_failure(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Evaluator, "broken", True)
    code, out, err = run("--trials", "2", "-f", "json", "-q")
    assert code == 1
    assert json.loads(out)["warm"] == [None, None]
    assert "no trial succeeded" in err


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_default_that_nothing_has_tested_is_a_model(
    run: Any, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(Evaluator, "broken", "more than 0.1 s")
    shutil.copy("table.csv", "test.csv")
    code, out, err = run(
        *("--time", "0.4", "--save", "m.skops", "--test", "test.csv", "-f", form),
        *("--families", "linear,svm"),
    )
    assert code == 0
    assert "error" not in err
    assert {"m.skops", "autometa-report.html"} <= {p.name for p in Path.cwd().iterdir()}
    said = "before a config was evaluated: the model is linear with its defaults"
    if form == "json":
        data = json.loads(out)
        assert data["best_value"] is None
        assert data["child"] == "linear"
        assert data["test_score"] > 0.5
        assert said in data["search_notes"][-1]
    else:
        assert said in " ".join(err.split())
        assert out.startswith("linear (the best family)")


def test_no_model_is_a_failure(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("autometa.tuning.ensembling._fitted", broken)
    code, _, err = run("--trials", "2", "--save", "m.skops", "-q")
    assert code == 1
    assert "no model could be fitted: trial " in err
    assert not Path("m.skops").exists()


def test_a_model_is_made_tested_saved_and_predicts(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.read_csv("table.csv")
    frame.to_csv("test.csv", index=False)
    options = ("--families", "linear,svm", "--metric", "roc_auc", "--trials", "4")
    code, out, _ = run(*options, "--test", "test.csv", "--save", "m.skops", "-f", "json", "-q")
    data = json.loads(out)
    assert code == 0
    assert data["metric"] == "roc_auc"
    assert data["asked"] == "auto"
    assert data["test_score"] > 0.8
    assert data["model"]["path"] == "m.skops"
    assert {m["child"] for m in data["members"]} <= {"linear", "svm"}

    def predict(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autometa", "predict", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return int(stop.value.code or 0), *capsys.readouterr()

    assert predict("m.skops", "test.csv", "-o", "p.csv", "--proba")[0] == 0
    predicted = pd.read_csv("p.csv")
    assert (predicted["prediction"] == frame["label"]).mean() > 0.8
    assert list(predicted.columns) == ["prediction", "p_no", "p_yes"]
    frame[["b", "a"]].to_parquet("new.parquet")
    code, out, _ = predict("m.skops", "new.parquet")
    assert (code, out.splitlines()[1:]) == (0, list(predicted["prediction"]))
    rows = json.loads(predict("m.skops", "new.parquet", "-f", "json")[1])["predictions"]
    assert [row["prediction"] for row in rows] == list(predicted["prediction"])
    said = predict("m.skops", "new.parquet", "-f", "json", "-o", "p.parquet")[1]
    assert json.loads(said) == {"path": "p.parquet", "rows": 40}
    assert len(pd.read_parquet("p.parquet")) == 40
    assert predict("m.skops", "test.csv", "-o", "p.tsv.gz")[0] == 0
    pd.testing.assert_frame_equal(pd.read_csv("p.tsv.gz", sep="\t"), predicted[["prediction"]])
    assert predict("m.skops", "test.csv", "-o", "plain")[0] == 0
    pd.testing.assert_frame_equal(pd.read_csv("plain"), predicted[["prediction"]])
    frame[["a"]].to_csv("less.csv", index=False)
    frame[:0].to_csv("none.csv", index=False)
    for arguments, message in (
        (("m.skops", "less.csv"), "without the column 'b'"),
        (("table.csv", "test.csv"), "cannot be read"),
        (("none.skops", "test.csv"), "no file"),
        (("m.skops", "test.csv", "-o", "no/p.csv"), "cannot be written"),
        (("m.skops", "test.csv", "-o", "p.xlsx"), "allowed: .csv"),
        (("m.skops", "test.csv", "-o", "p.csv.zip"), "allowed: .csv"),
        (("m.skops", "none.csv"), "no rows to predict"),
    ):
        code, out, err = predict(*arguments)
        assert (code, out) == (2, "")
        assert message in err
        assert "Traceback" not in err


def test_a_test_table_without_the_target_is_refused(run: Any) -> None:
    pd.read_csv("table.csv").drop(columns="label").to_csv("test.csv", index=False)
    code, _, err = run("--trials", "1", "--test", "test.csv")
    assert code == 2
    assert "no column 'label'" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns=["a", "b"]), "test rows without the columns 'a', 'b'"),
        (lambda rows: rows.assign(label=None), "without a row that has a target"),
        (lambda rows: rows[:0], "without a row that has a target"),
        (
            lambda rows: rows.replace({"label": {"yes": "maybe"}}),
            "no row of the table has: 'maybe'",
        ),
    ],
)
def test_test_rows_that_cannot_be_scored_are_refused_before_the_search(
    run: Any, change: Any, message: str
) -> None:
    change(pd.read_csv("table.csv")).to_csv("test.csv", index=False)
    code, out, err = run("--trials", "1", "--test", "test.csv")
    assert (code, out) == (2, "")
    assert message in err


def test_a_share_of_the_rows_is_held_out_and_the_default_scored_beside(run: Any) -> None:
    options = ("--families", "linear", "--trials", "2", "--portfolio", "none")
    code, out, err = run(*options, "--test", "0.25", "-f", "json")
    data = json.loads(out)
    assert code == 0
    assert "10 of 40 rows are held out for the end" in err
    assert data["test_score"] > 0.5
    assert data["default_test_score"] > 0.5
    code, out, _ = run(*options, "--test", "0.25", "-q")
    assert "its score on the test rows: " in out
    assert "; that default's, fitted to the same rows: " in out
    for share in ("1.5", "0", "nan"):
        code, _, err = run(*options, "--test", share)
        assert code == 2
        assert "allowed: one above 0 and below 1" in err


def test_older_options_work_and_say_their_new_names(run: Any) -> None:
    code, out, err = run("--child", "svm", "--timeout", "60", "--trials", "1", "-f", "json")
    assert (code, json.loads(out)["asked"]) == (0, "svm")
    assert "--child is called --families now" in err
    assert "--timeout is called --time now" in err
    assert run("--child", "svm", "--families", "svm")[0] == 2


# What was read, and what could not be written ----------------------------------------------------


def counts(path: str = "counts.csv") -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(160, 2)), columns=["a", "b"])
    frame.assign(label=np.arange(160) % 16).sample(frac=1, random_state=0).to_csv(path)


def test_what_was_done_to_the_table_is_said(run: Any) -> None:
    counts()
    code, out, err = run("--trials", "1", "--families", "svm", "-f", "json", table="counts.csv")
    data = json.loads(out)
    assert (code, data["metric"]) == (0, "balanced_accuracy")
    for words in ("read as 16 classes", "--kind regression", "left out: 'Unnamed: 0'"):
        assert words in err
        assert any(words in note for note in data["notes"])
    assert run("--trials", "1", "-q", "--families", "svm", table="counts.csv")[2] == ""


@pytest.mark.parametrize(("kind", "metric"), [("regression", "r2"), ("classification", "balanced")])
def test_the_kind_can_be_said(run: Any, kind: str, metric: str) -> None:
    counts()
    options = ("--trials", "1", "--families", "svm", "--kind", kind, "--keep", "Unnamed: 0")
    code, out, err = run(*options, "-f", "json", table="counts.csv")
    assert code == 0
    assert json.loads(out)["metric"].startswith(metric)
    assert "classes;" not in err
    assert "left out" not in err


def test_a_kind_that_does_not_fit_is_refused(run: Any) -> None:
    code, _, err = run("--kind", "regression")
    assert code == 2
    assert "text that is no number ('" in err
    assert run("--kind", "clustering")[0] == 2
    assert run("--keep", "nothing")[0] == 2


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize("broken", ["report", "model", "portfolio"])
def test_results_come_whatever_cannot_be_written(
    run: Any, monkeypatch: pytest.MonkeyPatch, broken: str, output: str
) -> None:
    from autometa import report
    from autometa.tuning import table_feedback
    from autometa.tuning.model import TunedModel

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    module, name = {
        "report": (report, "write_report"),
        "model": (TunedModel, "save"),
        "portfolio": (table_feedback, "learn_from"),
    }[broken]
    monkeypatch.setattr(module, name, full)
    options = (
        "--save-model",
        "m.skops",
        "--learn",
        "mine",
        "--families",
        "linear",
        "--trials",
        "2",
    )
    code, out, err = run(*options, "-f", output)
    assert code == 3
    assert f"error: the {broken} " in err
    assert "No space left on device" in err
    written = {"report": "autometa-report.html", "model": "m.skops", "portfolio": "mine"}
    assert [k for k, path in written.items() if not Path(path).exists()] == [broken]
    if output == "json":
        data = json.loads(out)
        assert data["best_value"] == max(data["warm"])
        assert len(data["not_written"]) == 1
    else:
        assert "winner" in out


@pytest.mark.parametrize("error", [BrokenPipeError(32, "gone"), OSError(28, "full")])
def test_a_reader_who_left_costs_no_model(
    error: OSError, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr("autometa.cli.tune.show_result", broken)
    options = ("--save", "m.skops", "--learn", "mine", "--families", "linear", "--trials", "2")
    code, _, err = run(*options)
    assert code == (0 if isinstance(error, BrokenPipeError) else 3)
    assert ("error: what belongs on stdout" in err) == (code == 3)
    assert all(Path(p).exists() for p in ("m.skops", "mine", "autometa-report.html"))


def test_a_place_that_cannot_take_the_search_is_said_before_it(run: Any) -> None:
    for options in (("--learn", "table.csv"), ("--save", "/dev/null"), ("--report", "-")):
        code, _, err = run(*options, "--trials", "1")
        assert (code, "warm" in err) == (2, False)


def test_reasons_of_failures_are_counted(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Evaluator, "broken", True)
    _, _, err = run("--trials", "2", "-q")
    assert "no trial succeeded: out of luck (2 trials)" in err


@pytest.mark.parametrize("option", ["--trials", "--folds", "--workers", "--time", "--seed"])
def test_numbers_out_of_range_are_refused_by_name(run: Any, option: str) -> None:
    for wrong in ("-1", "nan", "inf") if option == "--time" else ("-1",):
        code, out, err = run("--families", "svm", "--trials", "1", option, wrong)
        if wrong == "inf":
            assert code == 0
        else:
            assert code == 2
            assert f"{option.strip('-').replace('trials', 'n_trials')} = {wrong}" in err
            assert out == ""


@pytest.mark.parametrize(("time", "said"), [("nan", "time = nan"), ("inf", "neither time nor")])
def test_a_time_that_is_none_is_refused(run: Any, time: str, said: str) -> None:
    code, out, err = run("--families", "svm", "--time", time)
    assert code == 2
    assert said in err
    assert out == ""


def test_a_target_that_no_file_of_a_model_holds_is_refused_before_the_search(run: Any) -> None:
    frame = pd.read_csv("table.csv")
    days = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-02"] * 20)).dt.date
    frame.assign(label=days).to_parquet("days.parquet")
    code, _, err = run("--trials", "1", "--save", "m.skops", table="days.parquet")
    assert code == 2
    assert "labels of type date in a file" in err
    moments = frame.assign(label=pd.to_datetime(days))  # which a file does hold
    moments.to_parquet("days.parquet")
    assert run("--trials", "1", "--save", "m.skops", table="days.parquet")[0] == 0


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        (("--save", "table.csv"), "table.csv"),
        (("--report", "./table.csv"), "table.csv"),
        (("--save", "link.csv"), "table.csv"),
        (("--test", "test.csv", "--save", "test.csv"), "test.csv"),
        (("--save", "m.skops", "--report", "m.skops"), "m.skops"),
        (("--storage", "sqlite:///s.db", "--save", "s.db"), "s.db"),
    ],
)
def test_no_file_that_is_read_is_written_over(run: Any, words: tuple[str, ...], lost: str) -> None:
    for name in ("test.csv", "m.skops", "s.db"):
        shutil.copy("table.csv", name)
    Path("link.csv").symlink_to("table.csv")
    before = Path(lost).read_bytes()
    code, _, err = run("--trials", "1", *words)
    assert code == 2
    assert "which this command also uses" in err
    assert Path(lost).read_bytes() == before
    assert Path("link.csv").is_symlink()


@pytest.mark.parametrize("command", ["predict", "report"])
def test_neither_do_other_commands(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["m.skops", "table.csv"] if command == "predict" else ["table.csv"]
    before = Path("table.csv").read_bytes()
    monkeypatch.setattr(
        sys, "argv", ["autometa", command, *words, "-o", str(Path.cwd() / "table.csv")]
    )
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "which this command also uses" in capsys.readouterr().err
    assert Path("table.csv").read_bytes() == before


def test_the_table_as_its_own_test_is_said(run: Any) -> None:
    _, _, err = run("--trials", "1", "--test", "./table.csv")
    assert "the test rows are the rows of the table" in err
    shutil.copy("table.csv", "other.csv")
    assert "the test rows are" not in run("--trials", "1", "--test", "other.csv")[2]


@pytest.mark.filterwarnings("default")
def test_what_is_odd_about_test_rows_is_a_note_once_and_nothing_where_quiet(run: Any) -> None:
    frame = pd.read_csv("table.csv")
    frame.assign(more=1, a=frame["a"].mask(frame.index == 3)).astype({"a": object}).assign(
        a=lambda f: f["a"].where(f.index != 5, "oops")
    ).to_csv("test.csv", index=False)
    options = ("--families", "linear", "--trials", "1", "--test", "test.csv")
    code, _, err = run(*options)
    assert code == 0
    assert err.count("not used: column 'more'") == 1
    assert "note: not used: column 'more'" in err
    assert "note: 1 cells of column 'a' are no numbers and taken as missing: 'oops'" in err
    assert "Warning" not in err
    assert run(*options, "-q")[2] == ""


def test_one_prior_is_handed_on_as_it_is() -> None:
    """What ships is then read family by family, as each is needed."""
    from autometa.cli.tune import _sources

    assert _sources(None) == "embedded"
    assert _sources(["none"]) is None
    assert _sources(["a.db"]) == "a.db"
    assert _sources(["a.db", "embedded"]) == ["a.db", "embedded"]
