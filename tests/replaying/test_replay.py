from __future__ import annotations

import errno
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from autometa import replaying
from autometa.errors import InputError, StoreError
from autometa.portfolio import Portfolio
from autometa.priors import opening
from autometa.replaying import Replay, StudyReplay
from autometa.replaying import replay as replay_studies
from autometa.replaying.searching import METHODS, as_recorded
from autometa.replaying.searching import infeasible as infeasible_of
from autometa.replaying.suite import LEAST_TRIALS, StudySuite
from autometa.space import SearchSpace
from autometa.task import State, Task, TaskHistory
from autometa.testing.families import Bowls
from tests.cli.test_learn import run

STUDIES, TRIALS = 4, 24


def fill(path: Path, *, shuffled: bool) -> str:
    """A sqlite file of related studies; shuffled: which config had which value is lost."""
    url, rng = f"sqlite:///{path}", np.random.default_rng(0)
    for history in Bowls().portfolio(STUDIES, TRIALS).histories:
        study = optuna.create_study(study_name=history.task.name, storage=url, direction="maximize")
        space = history.task.space
        values = rng.permutation(history.values) if shuffled else history.values
        study.add_trials(
            [
                create_trial(
                    params=config,
                    distributions={n: space.distributions[n] for n in config},
                    value=float(value),
                )
                for config, value in zip(space.from_raw(history.raw), values, strict=True)
            ]
        )
    return url


def study(name: str, values: list[float], states: list[State] | None = None) -> TaskHistory:
    space = Bowls().space
    raw = space.sample_raw(len(values), np.random.default_rng(len(name)))
    task = Task(name=name, space=space, direction="minimize")
    history = TaskHistory(task=task, raw=raw, values=np.array(values))
    return history if states is None else replace(history, states=np.array(states, np.int8))


def test_related_studies_would_have_helped(tmp_path: Path) -> None:
    url = fill(tmp_path / "mine.db", shuffled=False)
    before = hashlib.sha256((tmp_path / "mine.db").read_bytes()).hexdigest()
    cells: list[str] = []
    found = replay_studies(url, seeds=1, progress=lambda done, total, cell: cells.append(cell.task))
    assert hashlib.sha256((tmp_path / "mine.db").read_bytes()).hexdigest() == before
    assert [p.name for p in tmp_path.iterdir()] == ["mine.db"]
    assert found.helped is True
    assert found.verdict.startswith("It would have helped")
    assert found.trials == TRIALS // 2
    assert len(cells) == STUDIES * (len(METHODS) + 1)
    assert [s.study for s in found.studies] == [f"bowl-{i}" for i in range(1, STUDIES + 1)]
    differences = [s.regret["autometa"] - s.regret["cold-tpe"] for s in found.studies]
    assert np.mean(differences) == pytest.approx(found.against["cold-tpe"]["difference"], abs=1e-4)
    json.dumps(found.to_json(), allow_nan=False)


def test_shuffled_studies_would_not_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "mine.db", shuffled=True)
    figure, into = tmp_path / "replay.svg", tmp_path / "out" / "replay.json"
    words = ("--seeds", 1, "--trials", 8, "--plot", figure, "--into", into, "-f", "json")
    code, out, err = run(capsys, "replay", tmp_path / "mine.db", *words)
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    assert told["helped"] is not True
    assert "would not have helped" in told["verdict"] or "would have hurt" in told["verdict"]
    assert told["trials"] == 8
    assert json.loads(into.read_text()) == told
    assert "autometa is better" in figure.read_text()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Replay:
    """What every replay finds, without work."""
    regret = {"autometa": 0.1, "cold-tpe": 0.3}
    rows = (StudyReplay(study="[mine]", recorded=20, regret=regret, trials_to_match=None),)
    numbers = {"difference": -0.2, "low": -0.3, "high": -0.1, "win": 1, "tie": 0, "loss": 0}
    found = Replay(
        trials=5,
        studies=rows,
        against={"cold-tpe": numbers, "enqueue3-tpe": numbers},
        left_out={"small": "2 COMPLETE trials"},
        results={"methods": dict.fromkeys(regret)},
        infeasible={"[mine]": 3},
    )
    monkeypatch.setattr(replaying, "replay", lambda *a, **k: found)
    monkeypatch.setattr(opening, "open_portfolio", lambda *a, **k: Portfolio())
    return found


@pytest.mark.usefixtures("made")
def test_what_is_read_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.db"
    mine.write_text("studies")
    (tmp_path / "link.svg").symlink_to(mine)
    for storage in (mine, f"sqlite:///{mine}", f"journal:///{mine}"):
        for words in (("--into", mine), ("--plot", tmp_path / "link.svg")):
            code, out, err = run(capsys, "replay", storage, *words)
            assert (code, out) == (2, "")
            assert "which this command also uses" in err
    figure = tmp_path / "same.svg"
    assert run(capsys, "replay", mine, "--into", figure, "--plot", figure)[0] == 2
    assert mine.read_text() == "studies"


def test_results_are_shown_whatever_cannot_be_written(
    made: Replay,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("autometa.bench.show.write_whole", full)
    monkeypatch.setattr("autometa.replaying.figure.save_replay", full)
    words = ("--into", tmp_path / "r.json", "--plot", tmp_path / "r.svg")
    code, out, err = run(capsys, "replay", "mine.db", *words)
    assert code == 3
    assert made.verdict in out
    assert err.count("No space left") == 2
    assert "error: the results" in err
    assert "error: the figure" in err


@pytest.mark.usefixtures("made")
def test_the_table_names_every_study(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "replay", "mine.db")
    assert code == 0
    assert "[mine]" in out
    assert "It would have helped. Over the first 5 trials" in out
    assert "small left out: 2 COMPLETE trials" in err
    assert "3 trials are infeasible and count as failed: 3 of [mine]" in err


def test_infeasible_trials_are_counted_by_study() -> None:
    made = optuna.create_study(study_name="mine")
    for i in range(4):
        made.add_trial(
            create_trial(
                params={"x": i / 4},
                distributions={"x": FloatDistribution(0.0, 1.0)},
                value=float(i),
                system_attrs={"constraints": [i - 1.5]},
            )
        )
    portfolio = Portfolio.from_studies(made)
    assert infeasible_of(portfolio) == {"mine": 2}
    assert portfolio.histories[0].states.tolist() == [State.COMPLETE] * 2 + [State.FAILED] * 2
    assert infeasible_of(Portfolio()) == {}


@pytest.mark.parametrize(
    ("low", "high", "helped", "words"),
    [
        (-0.2, -0.1, True, "would have helped"),
        (-0.1, 0.1, None, "would not have helped"),
        (0.1, 0.2, False, "would have hurt"),
    ],
)
def test_the_interval_decides(low: float, high: float, helped: bool | None, words: str) -> None:
    numbers = {"difference": (low + high) / 2, "low": low, "high": high, "win": 0}
    level = {**numbers, "high": 0.1}
    found = Replay(
        trials=5,
        studies=(),
        against={"cold-tpe": numbers, "enqueue3-tpe": level},
        left_out={},
        results={},
    )
    assert found.helped is helped
    assert words in found.verdict
    assert ("about as much" in found.verdict) == (helped is True)


def test_a_study_is_never_in_its_own_prior() -> None:
    values = [float(i) for i in range(12)]
    portfolio = Portfolio([study("a", values), study("b/0", values), study("b/1", values)])
    relatives = Portfolio(
        TaskHistory(
            task=Task(name=h.task.name, space=h.task.space, direction="minimize", family="b"),
            raw=h.raw,
            values=h.values,
        )
        if h.task.name != "a"
        else h
        for h in portfolio.histories
    )
    suite = StudySuite(relatives)
    assert [t.name for t in suite.prior("a", None, 0).tasks] == ["b/0", "b/1"]
    assert [t.name for t in suite.prior("b/0", None, 0).tasks] == ["a"]


def test_objectives_of_other_studies_teach_only_the_same_objective() -> None:
    def part(name: str, k: int) -> TaskHistory:
        one = study(f"{name}/{k}", [float(i * (1 - 2 * k)) for i in range(LEAST_TRIALS)])
        task = replace(one.task, family=name, metric=f"value/{k}", info={"objective": k})
        return replace(one, task=task)

    both = [part(name, k) for name in "ab" for k in range(2)]
    alone = study("alone", [float(i) for i in range(LEAST_TRIALS)])
    suite = StudySuite(Portfolio([*both, alone]))
    assert {t.name for t in suite.prior("a/0", None, 0).tasks} == {"b/0", "alone"}
    assert "several objectives" in suite.left_out["alone"]


def test_only_full_trainings_can_be_asked() -> None:
    values = [float(i) for i in range(LEAST_TRIALS)] + [0.5, np.nan]
    states = [State.COMPLETE] * LEAST_TRIALS + [State.PRUNED, State.FAILED]
    suite = StudySuite(Portfolio([study("a", values, states), study("bb", values, states)]))
    pool = suite.objective(suite.by_name["a"])
    assert pool.values.tolist()[:-1] == values[:-2]  # type: ignore[union-attr]
    assert np.isnan(pool.values[-1])  # type: ignore[union-attr]
    assert (
        suite.reference(suite.by_name["a"]).best,
        len(suite.prior("a", None, 0).histories[0]),
    ) == (
        0.0,
        len(values),
    )


def test_the_recorded_order_is_kept() -> None:
    suite = StudySuite(Portfolio([study(n, list(np.arange(12.0))) for n in ("a", "bb")]))
    task = suite.by_name["a"].task
    start = as_recorded(suite).prepare(Portfolio(), task.space, 0)(task, 0)
    assert list(start.enqueue) == task.space.from_raw(suite.histories["a"].raw)


def test_too_few_studies_are_said_with_the_reasons() -> None:
    many = [float(i) for i in range(12)]
    portfolio = Portfolio([study("a", many), study("few", [1.0, 2.0]), study("same", [1.0] * 12)])
    with pytest.raises(InputError) as raised:
        replay_studies(portfolio)
    for part in (
        "only 1 of the studies can be replayed",
        "'few': 2 COMPLETE trials",
        "the same value",
        "least 3",
    ):
        assert part in str(raised.value)
    alone = TaskHistory(
        task=Task(
            name="alone",
            space=SearchSpace({"x": FloatDistribution(0, 1)}),
            direction="minimize",
        ),
        raw=np.linspace(0, 1, 12)[:, None],
        values=np.array(many),
    )
    assert "no other study" in StudySuite(Portfolio([alone, study("a", many)])).left_out["alone"]


def test_of_many_studies_some_are_drawn_and_all_are_known() -> None:
    suite = StudySuite(Bowls().portfolio(9, 12), most=3)
    assert [t.name for t in suite.tasks] == ["bowl-1", "bowl-5", "bowl-9"]
    assert len(suite.prior("bowl-5", None, 0)) == 8
    assert set(suite.left_out.values()) == {"3 of 9 studies were drawn"}


def test_bad_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portfolio = Bowls().portfolio(3, 12)
    for options in ({"seeds": 0}, {"trials": 0}, {"trials": 13}, {"studies": 2}):
        with pytest.raises(InputError):
            replay_studies(portfolio, **options)  # type: ignore[arg-type]
    other = SearchSpace({"x": FloatDistribution(0, 1)})
    twin = Task(name="bowl-1", space=other, direction="minimize")
    twice = Portfolio([*portfolio.histories, TaskHistory(task=twin, raw=[[0.0]], values=[0.0])])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="same name"):
        replay_studies(twice)
    with pytest.raises((InputError, StoreError)):
        replay_studies(tmp_path / "nowhere.db")
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    begun = optuna.create_study(study_name="begun", storage=empty)
    begun.add_trial(create_trial(state=TrialState.FAIL))
    figure = tmp_path / "replay.doc"
    for words in ((empty,), (empty, "--plot", figure), (tmp_path / "nowhere.db",)):
        code, out, err = run(capsys, "replay", *words, "--into", tmp_path / "out.json")
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
    assert not (tmp_path / "out.json").exists()


# Beside another prior ----------------------------------------------------------------------------


def test_own_studies_overtake_a_prior_that_misleads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "mine.db", shuffled=False)
    flipped = [
        replace(h, values=-h.values, task=replace(h.task, name=f"far-{h.task.name}"))
        for h in Bowls().portfolio(STUDIES, TRIALS).histories
    ]
    Portfolio(flipped).save(tmp_path / "other")
    words = ("--seeds", 1, "--trials", 6, "--prior", tmp_path / "other", "-f", "json")
    code, out, err = run(capsys, "replay", tmp_path / "mine.db", *words)
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    assert told["overtaken"] is True
    assert f"Your own studies have overtaken {tmp_path / 'other'}" in told["verdict"]
    assert {f"{tmp_path / 'other'}-{m}" for m in ("alone", "and-own")} <= told["against"].keys()


@pytest.mark.parametrize(
    ("low", "high", "overtaken", "words"),
    [
        (-0.2, -0.1, True, "have overtaken svm"),
        (-0.1, 0.1, None, "and svm know about as much"),
        (0.1, 0.2, False, "have not overtaken svm yet"),
    ],
)
def test_overtaken_is_what_the_interval_says(
    low: float, high: float, overtaken: bool | None, words: str
) -> None:
    numbers = {"difference": (low + high) / 2, "low": low, "high": high, "win": 0}
    both = {**numbers, "difference": 0.1, "low": 0.05, "high": 0.2}
    found = Replay(
        trials=5,
        studies=(),
        against={
            "cold-tpe": numbers,
            "enqueue3-tpe": numbers,
            "svm-alone": numbers,
            "svm-and-own": both,
        },
        left_out={},
        results={},
        beside="svm",
    )
    assert found.overtaken is overtaken
    assert words in found.verdict
    assert "both together are better still (-0.100)" in found.verdict
    assert replace(found, beside="").overtaken is None


def test_a_prior_that_knows_nothing_of_the_studies_is_said_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "mine.db", shuffled=False)
    for wrong, words in (("svm", "none of"), ("lightgbn", "Did you mean 'lightgbm'")):
        code, _, err = run(capsys, "replay", tmp_path / "mine.db", "--prior", wrong)
        assert code == 2
        assert words in err


def test_another_prior_may_know_more_and_less_than_what_the_studies_tuned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "mine.db", shuffled=False)
    far = Bowls().portfolio(STUDIES, TRIALS)
    wide = SearchSpace(
        {
            **{n: d for n, d in far.space.distributions.items() if n != "depth"},
            "more": FloatDistribution(0.0, 1.0),
        },
        conditions=far.space.conditions,
        inner_lr=far.space.inner_lr,
    )
    other = far.adapt(wide, defaults={"more": 0.5}).portfolio
    Portfolio(
        replace(h, task=replace(h.task, name=f"far-{h.task.name}")) for h in other.histories
    ).save(tmp_path / "other")
    words = ("--seeds", 1, "--trials", 4, "--prior", tmp_path / "other", "-f", "json")
    code, out, err = run(capsys, "replay", tmp_path / "mine.db", *words)
    assert code == 0, err
    assert {f"{tmp_path / 'other'}-{m}" for m in ("alone", "and-own")} <= json.loads(out)[
        "against"
    ].keys()


@pytest.mark.parametrize(
    ("option", "wrong"), [("seeds", "2"), ("seeds", 0), ("studies", 2), ("trials", 2.5)]
)
def test_numbers_of_a_replay_are_whole_numbers_within_limits(
    tmp_path: Path, option: str, wrong: Any
) -> None:
    url = fill(tmp_path / "mine.db", shuffled=False)
    with pytest.raises(InputError, match=f"{option} = .*allowed: an integer from"):
        replay_studies(url, **{option: wrong})
