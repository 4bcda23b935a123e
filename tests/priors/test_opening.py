"""One function opens priors: what it reads, what it refuses, and what every door makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from sklearn.linear_model import LogisticRegression

import autometa
from autometa.errors import AutometaError, InputError, StoreError
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.priors.opening import open_prior
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

SPACE = SearchSpace({"C": FloatDistribution(1e-3, 1e3, log=True)})
VALUES = (0.01, 0.1, 1.0, 10.0, 100.0)
QUICK = MetaLearner(seed=0, steps=5)


def history(name: str = "t", best: float = 1.0) -> TaskHistory:
    return TaskHistory(
        task=Task(name=name, space=SPACE, direction="maximize"),
        raw=[[c] for c in VALUES],  # type: ignore[arg-type]
        values=[-abs(c - best) for c in VALUES],  # type: ignore[arg-type]
    )


def study(name: str = "mine", **options: Any) -> optuna.Study:
    made = optuna.create_study(study_name=name, direction="maximize", **options)
    for c in VALUES:
        made.add_trial(
            optuna.trial.create_trial(
                params={"C": c}, distributions=dict(SPACE.distributions), value=-abs(c - 1.0)
            )
        )
    return made


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a prior of every kind; only read."""
    path = tmp_path_factory.mktemp("priors")
    Portfolio([history()]).save(path / "past")
    study(storage=f"sqlite:///{path / 'tuning.db'}")
    backend = optuna.storages.journal.JournalFileBackend(str(path / "tuning.log"))
    study(storage=optuna.storages.JournalStorage(backend))
    QUICK.fit(Portfolio([history()])).save(path / "model")
    study().trials_dataframe().to_csv(path / "trials.csv", index=False)
    rows = [{"C": c, "value": -abs(c - 1.0), "task": "t"} for c in VALUES]
    pd.DataFrame(rows).to_parquet(path / "trials.parquet")
    (path / "empty").mkdir()
    return path


KINDS: dict[str, Callable[[Path], Any]] = {
    "folder": lambda p: p / "past",
    "folder as text, with a slash": lambda p: f"{p / 'past'}/",
    "database": lambda p: f"sqlite:///{p / 'tuning.db'}",
    "database file": lambda p: str(p / "tuning.db"),
    "journal": lambda p: f"journal:///{p / 'tuning.log'}",
    "journal file": lambda p: p / "tuning.log",
    "model": lambda p: p / "model",
    "CSV": lambda p: p / "trials.csv",
    "Parquet": lambda p: str(p / "trials.parquet"),
    "study": lambda p: study(),
    "storage": lambda p: study(storage=optuna.storages.InMemoryStorage())._storage,
    "portfolio": lambda p: Portfolio([history()]),
    "fitted model": lambda p: QUICK.fit(Portfolio([history()])),
    "list": lambda p: [Portfolio([history("u")]), p / "tuning.db", study("other"), p / "past"],
}


def tried(value: float) -> float:
    return -abs(value - 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_door_reads_every_kind(kind: str, here: Path) -> None:
    prior = KINDS[kind](here)

    def objective(trial: optuna.Trial) -> float:
        return tried(trial.suggest_float("C", 1e-3, 1e3, log=True))

    created = autometa.create_study("maximize", prior=prior, space=SPACE, learner=QUICK)
    given = optuna.create_study(direction="maximize")
    autometa.warm_start(given, prior, space=SPACE, learner=QUICK)
    alias = autometa.create_study("maximize", portfolio=prior, space=SPACE, learner=QUICK)
    starts = []
    for made in (created, given, alias):
        assert made.user_attrs["autometa:start"].startswith("starts from ")
        assert not made.trials
        made.optimize(objective, n_trials=1)
        assert made.trials[0].user_attrs["autometa:rule"] == "portfolio"
        starts.append(made.trials[0].params)
    assert starts[0] == starts[1] == starts[2]


@pytest.mark.parametrize("kind", ["folder", "database", "model", "study", "list"])
def test_the_estimator_and_the_sampler_read_them_too(kind: str, here: Path) -> None:
    prior = KINDS[kind](here)
    sampler = autometa.MetaSampler(prior, space=SPACE)
    made = optuna.create_study(direction="maximize", sampler=sampler)
    made.optimize(lambda t: tried(t.suggest_float("C", 1e-3, 1e3, log=True)), n_trials=1)
    assert made.trials[0].user_attrs["autometa:rule"] == "portfolio"
    X, y = [[float(i)] for i in range(12)], [0, 1] * 6
    search = autometa.MetaSearchCV(
        LogisticRegression(), SPACE, prior=prior, n_trials=1, cv=2, random_state=0
    ).fit(X, y)
    assert search.study_.user_attrs["autometa:start"].startswith("starts from ")
    assert search.trials_[0].user_attrs["autometa:rule"] == "portfolio"


def test_home_relative_and_other_ways_to_write_a_path(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.chdir(here)
    for name in ("~/past", "past", "./past/", Path("~/past"), Path("past"), str(here / "past")):
        assert len(open_prior(name)) == 1  # type: ignore[arg-type]
    assert len(open_prior(["past", "./past"])) == 1  # type: ignore[arg-type]
    assert len(open_prior("sqlite:///tuning.db")) == 1  # type: ignore[arg-type]
    assert len(Portfolio.load("~/past")) == 1


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ("pasd", "Did you mean 'past'"),
        (Path("pasd"), "Did you mean 'past'"),
        ("~/pasd", "pasd"),
        ("random_forrest", "Did you mean 'random_forest'"),
        ("embeded", "Did you mean 'embedded'"),
        ("sqlite:///tunning.db", "Did you mean 'tuning.db'"),
        ("journal:///nowhere.log", "no file or folder"),
        ("sqllite:///tuning.db", "Did you mean sqlite://"),
        ("sqlite:/tuning.db", "scheme"),
        (Path("sqlite:///tuning.db"), "as text, not as a Path"),
        ("sqlite://", "empty database"),
        ("http://example.org/x", "scheme 'http'"),
        ("C:/tuning/past", "no file or folder"),
        ("C:\\tuning\\past", "no file or folder"),
        ("mongodb://me:secret@host/db", "mongodb"),
        ("sqlite:///me:secret@host/none.db", "no file or folder"),
        ("", "prior ''"),
        ("   ", "prior '   '"),
        (".", "It holds past, tuning.db"),
        ("empty", "create=True"),
        ("trials.csv", "from_frame"),
        (3, "type int"),
        ({"C": 1.0}, "type dict"),
        ([3], "type int"),
        (["past", "pasd"], "Did you mean 'past'"),
        (pd.DataFrame({"C": [1.0]}), "from_frame"),
        (["past", "model"], "a model among several"),
        ("embedded", "embedded:random_forest"),
        ("embedded:oak", "oak"),
    ],
    ids=str,
)
def test_what_is_no_prior_is_an_error(
    prior: Any, said: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    before = sorted(p.name for p in here.iterdir())
    with pytest.raises(AutometaError) as caught:
        open_prior(prior)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 600
    if said not in ("from_frame", "embedded:random_forest") or not isinstance(prior, str):
        for option in ("prior", "portfolio"):
            if option == "prior" or said != "pasd":  # the earlier name took new folders
                with pytest.raises(AutometaError):
                    autometa.create_study("maximize", space=SPACE, **{option: prior})
        with pytest.raises(AutometaError):
            autometa.warm_start(optuna.create_study(), prior, space=SPACE)
        with pytest.raises(AutometaError):
            autometa.MetaSampler(prior, space=SPACE)
    assert sorted(p.name for p in here.iterdir()) == before


def test_a_family_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named, explicit = open_prior("svm"), open_prior("embedded:svm")
    assert isinstance(named, Portfolio)
    assert isinstance(explicit, Portfolio)
    assert {t.space.name for t in named.tasks} == {"svm"} == {t.space.name for t in explicit.tasks}
    Portfolio([history()]).save("svm")
    with pytest.raises(InputError, match=r"'\./svm' for what is here"):
        open_prior("svm")
    assert len(open_prior("./svm")) == 1  # type: ignore[arg-type]


def test_a_study_that_two_priors_hold_counts_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tuning.db'}"
    made = optuna.create_study(study_name="a", storage=url)
    made.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=3)
    autometa.feed_back(made, tmp_path / "past")
    made.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=2)
    other = optuna.create_study(study_name="a")
    other.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=4)
    joined = open_prior([tmp_path / "past", url, other])
    assert isinstance(joined, Portfolio)
    assert sorted(map(len, joined.histories)) == [4, 5]


def test_tables_of_trials(here: Path, tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_bytes((here / "trials.csv").read_bytes())
    found = open_prior(path, space=SPACE, direction="maximize")
    assert isinstance(found, Portfolio)
    assert [t.name for t in found.tasks] == ["trials"]
    assert found.histories[0].raw.ravel().tolist() == list(VALUES)
    with pytest.raises(InputError, match="says neither"):
        open_prior(path)
    pd.DataFrame({"C": [1.0]}).to_csv(path, index=False)
    with pytest.raises(InputError, match="no column 'value'"):
        open_prior(path, space=SPACE, direction="maximize")
    pd.DataFrame({"C": [1e9], "value": [1.0]}).to_csv(path, index=False)
    with pytest.raises(InputError, match="its own space"):
        open_prior(path, space=SPACE, direction="maximize")


def test_folders_to_be_written_are_no_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    portfolio = Portfolio([history()])
    for name in ("sqlite:///tuning.db", Path("sqlite:///tuning.db"), "postgresql://a:secret@b/c"):
        for write in (
            lambda n: portfolio.save(n),
            lambda n: Portfolio.update(n, lambda old: old),
            lambda n: Portfolio.open(n, create=True),
            lambda n: autometa.feed_back(study(), n),
            lambda n: autometa.FeedBack(n),
        ):
            with pytest.raises(InputError, match="is a URL, not a folder") as caught:
                write(name)
            assert "secret" not in str(caught.value)
    Path("file").touch()
    with pytest.raises(StoreError):
        portfolio.save("file")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    with pytest.raises(StoreError):
        Portfolio.open("new")
    assert len(Portfolio.open("new", create=True)) == 0
    portfolio.save("new")
    assert len(Portfolio.open("new", create=True)) == 1


def test_a_model_is_a_prior_of_one_and_nothing_is_none(here: Path) -> None:
    assert isinstance(open_prior([here / "model"]), MetaModel)
    for nothing in (open_prior(None), open_prior([]), open_prior(())):
        assert isinstance(nothing, Portfolio)
        assert len(nothing) == 0
