from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import threadpoolctl

from autometa import children
from autometa.children import weighing
from autometa.children.evaluation.held_out import write_predictions
from autometa.children.evaluation.isolated import Evaluator
from autometa.children.prediction import Prediction
from autometa.tables import Table
from autometa.tuning import ensembling
from autometa.tuning.arms import TunedTrial
from autometa.tuning.held_out import HeldOut
from autometa.tuning.predictions import keep_best
from autometa.tuning.scoring import Scoring

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(90, 3)), columns=list("abc"))
NUMBERS = Table(name="n", X=X, y=X["a"] + 0.5 * pd.Series(RNG.normal(size=90)))
CLASSES = Table(name="c", X=X, y=pd.Series(np.where(NUMBERS.y > 0, "yes", "no")))


def trial(number: int, value: float, child: str = "linear", kind: str = "regression") -> TunedTrial:
    config = children.get(child, kind).space.defaults  # type: ignore[arg-type]
    return TunedTrial(number=number, child=child, config=dict(config), value=value, seconds=1.0)


def candidates(
    outputs: list[np.ndarray], folder: Path, held_out: HeldOut, scoring: Scoring
) -> tuple[list[TunedTrial], dict[int, Path]]:
    files = {}
    values = []
    for i, output in enumerate(outputs):
        files[i] = folder / f"{i}.npy"
        write_predictions(held_out.split(Prediction(output)), files[i])
        values.append(float(np.mean(scoring.by_fold(held_out, Prediction(output)))))
    order = np.argsort(values)[::-1]
    ranked = [trial(int(i), values[i]) for i in order]
    return ranked, {place: files[int(i)] for place, i in enumerate(order)}


def test_errors_that_cancel_are_found_and_never_worse_than_the_best(tmp_path: Path) -> None:
    held_out, scoring = HeldOut.of(NUMBERS, 3, 0), Scoring.of(None, "regression")
    truth, error = np.concatenate(held_out.truths), np.tile([1.0, -1.0], 45)
    outputs = [truth + error, truth - 1.1 * error, truth + 9.0]
    ranked, files = candidates(outputs, tmp_path, held_out, scoring)
    chosen = ensembling.choose(ranked, files, held_out, scoring)
    assert [t.number for t, _ in chosen.members] == [0, 1]
    assert sum(w for _, w in chosen.members) == pytest.approx(1.0)
    assert chosen.score is not None
    assert ranked[0].value is not None
    assert chosen.score > ranked[0].value
    files[0].write_bytes(b"damaged")
    del files[1]
    assert ensembling.choose(ranked, files, held_out, scoring).members == ((ranked[0], 1.0),)
    late = ensembling.choose(ranked, files, held_out, scoring, late=lambda: True)
    assert late.members == ((ranked[0], 1.0),)


def test_the_heaviest_come_first_and_what_is_cut_off_gives_its_weight_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three errors of which the sum, not any pair, is nought; the second is needed most."""
    held_out, scoring = HeldOut.of(NUMBERS, 3, 0), Scoring.of(None, "regression")
    truth, rng = np.concatenate(held_out.truths), np.random.default_rng(3)
    one, two = rng.normal(size=(2, 90))
    outputs = [truth + one, truth - one - 1.2 * two, truth + 1.5 * two]
    ranked, files = candidates(outputs, tmp_path, held_out, scoring)
    every = ensembling.choose(ranked, files, held_out, scoring).members
    weights = [w for _, w in every]
    assert len(every) == 3
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > weights[-1]
    monkeypatch.setattr(ensembling, "MEMBERS", 2)
    first, second = ensembling.choose(ranked, files, held_out, scoring).members
    assert [first[0], second[0]] == [every[0][0], every[1][0]]
    assert first[1] + second[1] == pytest.approx(1.0)
    assert first[1] / second[1] == pytest.approx(weights[0] / weights[1])


def test_what_the_helper_wrote_is_what_a_trial_was_scored_by(tmp_path: Path) -> None:
    """The whole way: another process, a file, and the score of each fold again."""
    with Evaluator() as evaluator:
        for table, name in ((CLASSES, "lightgbm"), (NUMBERS, "mlp")):
            child = children.get(name, table.kind)
            found = evaluator.run(
                child,
                {**child.space.defaults},
                table,
                folds=3,
                seed=4,
                timeout=100.0,
                predictions=tmp_path / f"{name}.npy",
            )
            held_out = HeldOut.of(table, 3, 4)
            scoring = Scoring.of(None, table.kind)  # type: ignore[arg-type]
            again = scoring.by_fold(held_out, held_out.read(tmp_path / f"{name}.npy"))
            assert again == pytest.approx(found.trial.fold_scores, abs=1e-6)


def test_members_that_do_not_fit_into_the_time_or_break_are_left_out() -> None:
    ranked = [trial(0, 0.9), trial(1, 0.8, "k_nearest_neighbors"), trial(2, 0.7, "lightgbm")]
    chosen = ensembling.Chosen(tuple(zip(ranked, (0.5, 0.3, 0.2), strict=True)), 0.95)
    made = ensembling.fit(
        chosen, ranked, NUMBERS, 0, seconds=lambda t: 3.0 - t.number, left=lambda: 1.5
    )
    assert [t.number for t, _ in made.members] == [0, 2]
    assert [w for _, w in made.members] == pytest.approx([0.5 / 0.7, 0.2 / 0.7])
    assert made.pipeline is not None
    inside = made.pipeline.named_steps["ensemble"].members
    assert [m.weight for m in inside] == pytest.approx([0.5 / 0.7, 0.2 / 0.7])
    assert "time was up" in made.why
    broken = replace(ranked[0], config={"solver": "none"})
    made = ensembling.fit(ensembling.single(broken), [broken, ranked[1]], NUMBERS, 0)
    assert [t.number for t, _ in made.members] == [1]
    assert "trial 0 of linear" in made.why
    assert ensembling.fit(ensembling.single(broken), [broken], NUMBERS, 0).pipeline is None


def test_members_are_expected_to_be_as_late_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ranked = [trial(0, 0.9), trial(1, 0.8), trial(2, 0.7)]
    chosen = ensembling.Chosen(tuple(zip(ranked, (0.5, 0.3, 0.2), strict=True)), 0.95)
    clock = [0.0]

    def late(of: TunedTrial, table: Table, seed: int) -> object:
        clock[0] += 2.0 * (len(table) / 30) ** 1.2  # twice of what was expected
        return fit(of, table, seed)

    fit = ensembling._fitted
    monkeypatch.setattr(ensembling, "_fitted", late)
    monkeypatch.setattr(
        "autometa.tuning.growing.time", SimpleNamespace(perf_counter=lambda: clock[0])
    )
    made = ensembling.fit(
        chosen, ranked, NUMBERS, 0, tried=30, seconds=lambda t: 1.0, left=lambda: 20.0 - clock[0]
    )
    assert [t.number for t, _ in made.members] == [0, 1]
    assert clock[0] <= 20.0


@pytest.mark.parametrize("family", ["linear", "hist_gradient_boosting", "mlp"])
def test_members_learn_with_one_thread_as_trials_do(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that wait for one another made a fit of a second last minutes on a busy machine."""
    seen: list[int] = []
    plain = weighing.fit

    def watched(*args: Any) -> Any:
        seen.extend(lib["num_threads"] for lib in threadpoolctl.threadpool_info())
        return plain(*args)

    monkeypatch.setattr(weighing, "fit", watched)
    one = trial(0, 0.9, family)
    with threadpoolctl.threadpool_limits(2):
        before = threadpoolctl.threadpool_info()
        assert ensembling.fit(ensembling.single(one), [one], NUMBERS, 0).pipeline is not None
        after = {lib["filepath"]: lib["num_threads"] for lib in threadpoolctl.threadpool_info()}
    assert set(seen) == {1}
    assert all(after[lib["filepath"]] == lib["num_threads"] for lib in before)


def test_only_so_many_predictions_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autometa.tuning import predictions

    names = [f"{i}.npy" for i in range(6)]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 10)
    monkeypatch.setattr(predictions, "MOST_FILES", 4)
    keep_best(tmp_path, names)
    assert sorted(f.name for f in tmp_path.iterdir()) == names[:4]
    monkeypatch.setattr(predictions, "MOST_BYTES", 25)
    keep_best(tmp_path, ["gone.npy", *names])
    assert sorted(f.name for f in tmp_path.iterdir()) == names[:2]


def hard(labels: np.ndarray) -> Prediction:
    return Prediction.of_shares(np.eye(2)[labels])


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "f1", "matthews_corrcoef"])
def test_a_member_that_is_always_sure_does_not_keep_the_others_out(
    tmp_path: Path, metric: str
) -> None:
    """Half of its weight and half of any other's is still its own label."""
    held_out = HeldOut.of(CLASSES, 3, 0)
    scoring = Scoring.of(metric, "classification", 2)
    truth, rng = np.concatenate(held_out.truths), np.random.default_rng(1)
    sure = hard(np.where(np.arange(90) % 7 == 0, 1 - truth, truth))
    others = []
    for _ in range(2):  # a little less often right, and never sure where they are wrong
        wrong = rng.permutation(90) < 17
        share = np.where(wrong, 0.4, 0.95)
        others.append(
            Prediction.of_shares(
                np.where(np.eye(2)[truth] == 1, share[:, None], 1 - share[:, None])
            )
        )
    ranked, files = [], {}
    for i, said in enumerate([sure, *others]):
        files[i] = tmp_path / f"{i}.npy"
        write_predictions(held_out.split(said), files[i])
        value = float(np.mean(scoring.by_fold(held_out, said)))
        ranked.append(trial(i, value, kind="classification"))
    assert ranked[0].value == max(t.value or 0.0 for t in ranked)
    chosen = ensembling.choose(ranked, files, held_out, scoring)
    assert len(chosen.members) > 1
    parts = [held_out.read(files[t.number]).shares for t, _ in chosen.members]
    weighed = [w * np.asarray(part) for part, (_, w) in zip(parts, chosen.members, strict=True)]
    together = Prediction.of_shares(np.sum(weighed, axis=0))
    found = float(np.mean(scoring.by_fold(held_out, together)))
    assert found == pytest.approx(chosen.score)
    assert found > (ranked[0].value or 0.0)


def test_a_class_without_weight_counts_nothing() -> None:
    labels = np.where(np.arange(len(X)) % 3 == 0, "perhaps", np.asarray(CLASSES.y))
    weights = np.where(labels == "perhaps", 0.0, 1.0)
    table = Table(name="c", X=X, y=pd.Series(labels), weights=weights)
    held_out, scoring = HeldOut.of(table, 3, 0), Scoring.of(None, "classification", 3)
    rows = ensembling._Rows.of(held_out)
    truth = np.concatenate(held_out.truths)
    said = np.where(truth == 1, 0, truth)  # wrong where no weight is
    shares = np.where(np.eye(3)[said] == 1, 0.9, 0.05)
    assert rows.error(scoring, held_out)(shares) == pytest.approx(0.015)


def test_members_are_chosen_by_a_metric_that_raises_now_and_then(tmp_path: Path) -> None:
    held_out = HeldOut.of(NUMBERS, 3, 0)
    truth, error = np.concatenate(held_out.truths), np.tile([1.0, -1.0], 45)
    outputs = [truth + error, truth - 1.1 * error, truth + 9.0]
    ranked, files = candidates(outputs, tmp_path, held_out, Scoring.of(None, "regression"))
    for seed in range(5):
        luck = np.random.default_rng(seed)

        def flaky(true: np.ndarray, said: np.ndarray, luck: np.random.Generator = luck) -> float:
            if luck.random() < 0.1:
                raise RuntimeError("out of luck")
            return -float(np.mean((true - said) ** 2))

        chosen = ensembling.choose(ranked, files, held_out, Scoring.of(flaky, "regression"))
        assert sum(w for _, w in chosen.members) == pytest.approx(1.0)
