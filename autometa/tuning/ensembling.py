"""From the trials of a search to one model: O(x) = sum_i w_i f_i(x) over children of all families.

The weights come from greedy selection on the held-out predictions (`children.ensemble`), by the
metric that was searched. A metric of labels looks only at which share is largest: whatever is added
to a member whose shares are 0 and 1 changes nothing, and what changes a few labels by chance looks
like a gain. So the squared error of the shares (Brier, 1950) is subtracted from such a metric. On
eight development tables (searches of 30 s and random parts of them) balanced accuracy on rows apart
was .0049 above the best untuned default in the mean, .0034 by the metric alone.

Each member is then fitted to all rows, the heaviest first, for as long as there is time: one fit a
member. Averaging the models of the folds instead takes five times the fits and predictions. Single
default configs gain by that in log loss (13 of 20 on five tables), hardly in balanced accuracy (11
better, 2 level, 7 worse) and not in R^2 (none of 4 on one table); a sum of families evens out what
is overconfident anyway.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa import children
from autometa.children import weighing
from autometa.children.ensemble import Member, ensemble_of, select, weighted_sum
from autometa.children.evaluation.evaluate import prepare_to_run
from autometa.children.log_target import on_scale
from autometa.children.prediction import Prediction
from autometa.errors import StoreError, reason
from autometa.threads import one_thread_of_loaded
from autometa.tuning.arms import TunedTrial
from autometa.tuning.growing import expected, grown
from autometa.tuning.held_out import HeldOut
from autometa.tuning.scoring import Scoring
from autometa.tuning.tried_rows import sample

if TYPE_CHECKING:
    from autometa.children.pipeline import TablePipeline
    from autometa.encoding import Floats
    from autometa.tables import Table

CANDIDATES = 25  # best trials among which members are chosen; each family's best and default too
MEMBERS = 10
_ROWS = 10_000  # held-out rows that are enough to choose by
_TRIED = 5  # trials that are tried one after another where the best ones cannot be fitted


@dataclass(frozen=True, slots=True)
class Chosen:
    """Members of an ensemble that are to be fitted.

    Args:
        members: Trials and their weights, which sum to one, the heaviest first.
        score: Of their sum on held-out rows; optimistic, as these rows chose the weights.
    """

    members: tuple[tuple[TunedTrial, float], ...]
    score: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What came of it.

    Args:
        pipeline: Members fitted to all rows, for rows of the table; None where none could be.
        members: Trials and their weights, the heaviest first.
        why: Why these are not those that were chosen, fitted to all rows, or "".
        rows: How many the heaviest learned.
    """

    pipeline: TablePipeline | None
    members: tuple[tuple[TunedTrial, float], ...]
    why: str
    rows: int = 0


def single(best: TunedTrial) -> Chosen:
    """The best trial alone."""
    return Chosen(((best, 1.0),), best.value)


def choose(
    ranked: Sequence[TunedTrial],
    files: Mapping[int, Path],
    held_out: HeldOut,
    scoring: Scoring,
    late: Callable[[], bool] = lambda: False,
) -> Chosen:
    """The ensemble of some trials with the best held-out score; one trial where none is better.

    Args:
        ranked: Trials with values, the best first; one at least.
        files: Place in `ranked` -> file of the trial's held-out predictions.
        held_out: What is true of these rows.
        scoring: What to choose by.
        late: Whether time is up.
    """
    found = dict(_read(ranked, files, held_out))
    if len(found) < 2:
        return single(ranked[0])
    places = list(found)
    rows = _Rows.of(held_out)
    score, error = rows.scorer(scoring, held_out), rows.error(scoring, held_out)
    outputs = [rows.part(found[i]) for i in places]
    weights, reached = select(outputs, lambda o: score(o) - error(o), late=late)
    best = ranked[0].value
    assert best is not None
    order = [int(j) for j in np.argsort(-weights, kind="stable") if weights[j] > 0][:MEMBERS]
    whole = sum(weights[j] for j in order)
    pairs = tuple((ranked[places[j]], float(weights[j] / whole)) for j in order)
    score_of_sum = score(weighted_sum([outputs[j] for j in order], [w for _, w in pairs]))
    if 0 in found:
        # A support vector machine says labels that are better than its shares: it may be alone.
        first = outputs[places.index(0)]
        alone = max(score(first), best) if rows.step == 1 else score(first)
        helps = reached > alone - error(first)
    else:
        helps = score_of_sum > best
    if len(pairs) < 2 or not helps:
        return single(ranked[0])
    return Chosen(pairs, score_of_sum)


def _read(
    ranked: Sequence[TunedTrial], files: Mapping[int, Path], held_out: HeldOut
) -> list[tuple[int, Floats]]:
    """Outputs of the candidates: class probabilities (n, c), or values (n,)."""
    firsts = {trial.child: i for i, trial in reversed(list(enumerate(ranked)))}
    defaults = (i for i, trial in enumerate(ranked) if trial.rule == "default")
    places = sorted({*range(min(CANDIDATES, len(ranked))), *firsts.values(), *defaults})
    found: list[tuple[int, Floats]] = []
    for place in places:
        try:
            said = held_out.read(files[place])
        except (KeyError, StoreError):  # of a trial that came too late for the folder, or before it
            continue
        if said.finite:
            found.append((place, said.labels if said.shares is None else said.shares))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The held-out rows to choose by: every `step`-th of each fold."""

    sizes: tuple[int, ...]
    step: int

    @staticmethod
    def of(held_out: HeldOut) -> _Rows:
        sizes = tuple(map(len, held_out.truths))
        return _Rows(sizes, -(-sum(sizes) // _ROWS))

    def part(self, outputs: Floats) -> Floats:
        ends = np.cumsum(self.sizes)[:-1]
        return np.concatenate([part[:: self.step] for part in np.split(outputs, ends)])

    def scorer(self, scoring: Scoring, held_out: HeldOut) -> Callable[[Floats], float]:
        """Mean score over the folds; minus infinity where it is not defined."""
        truths = tuple(truth[:: self.step] for truth in held_out.truths)
        weights = held_out.weights and tuple(w[:: self.step] for w in held_out.weights)
        fewer = HeldOut(truths, held_out.labels, weights)

        def score(outputs: Floats) -> float:
            said = Prediction.of_shares(outputs) if outputs.ndim == 2 else Prediction(outputs)
            return scoring.mean(fewer, said)

        return score

    def error(self, scoring: Scoring, held_out: HeldOut) -> Callable[[Floats], float]:
        """Squared error of shares (n, c), for a metric of labels; 0 for any other.

        Classes weigh alike, but for accuracy, where rows do. A scorer of the user's own may have
        another scale: it is left alone.
        """
        known = scoring.scorer is None or scoring.coded
        if not (known and scoring.of_labels and len(held_out.labels)):
            return lambda outputs: 0.0
        truth = np.concatenate([part[:: self.step] for part in held_out.truths])
        weight = np.ones(len(truth))
        if held_out.weights is not None:
            weight = np.concatenate([part[:: self.step] for part in held_out.weights])
        if scoring.standard.name != "accuracy":
            of_class = np.bincount(truth, weights=weight)
            weight = weight / np.where(of_class > 0, of_class, 1.0)[truth]
        weight = weight / weight.sum()
        true = np.eye(len(held_out.labels))[truth]
        return lambda outputs: float(weight @ ((outputs - true) ** 2).sum(axis=1))


def said_by(
    members: Sequence[tuple[TunedTrial, float]],
    file: Callable[[TunedTrial], Path],
    held_out: HeldOut,
) -> Prediction | None:
    """What a weighted sum of trials says of the held-out rows; None where that is not known."""
    try:
        parts = [(held_out.read(file(trial)), weight) for trial, weight in members]
    except (KeyError, StoreError):
        return None
    if len(parts) < 2:
        return parts[0][0] if parts else None
    if parts[0][0].shares is None:
        return Prediction(weighted_sum([p.labels for p, _ in parts], [w for _, w in parts]))
    shares = [(part.shares, w) for part, w in parts if part.shares is not None]
    return Prediction.of_shares(weighted_sum([s for s, _ in shares], [w for _, w in shares]))


# Fitting -----------------------------------------------------------------------------------------


def fit(
    chosen: Chosen,
    ranked: Sequence[TunedTrial],
    table: Table,
    seed: int,
    *,
    tried: int | None = None,
    seconds: Callable[[TunedTrial], float] = lambda trial: 0.0,
    left: Callable[[], float] = lambda: np.inf,
) -> Fitted:
    """The members, fitted to all rows, as one pipeline for the rows of the table.

    Where the trials were of fewer rows and time is short, to as many as can be, see `growing`.

    Args:
        chosen: What to fit; at least the first is.
        ranked: Trials to fall back on where that fails, the best first.
        table: All rows.
        seed: Of the children.
        tried: Rows that the trials were tried on; all by default.
        seconds: What fitting a trial's config to these will take.
        left: Seconds that are left.
    """
    fitted: list[tuple[TunedTrial, float, Any]] = []
    problems: list[str] = []
    tried, part, pace = tried or len(table), table, 1.0

    def add(trial: TunedTrial, weight: float) -> None:
        nonlocal part, pace
        of_trial = partial(_fitted, trial, seed=seed)
        try:
            found = grown(of_trial, part, tried, pace * seconds(trial), left, seed)
        except Exception as error:  # a library's own; MemoryError too
            problems.append(f"trial {trial.number} of {trial.child}: {reason(error)}")
            return
        if not fitted and found.rows < len(table):
            part = sample(table, found.rows, seed)
            said = f"the model is fitted to {len(part):,} of {len(table):,} rows"
            problems.append(f"{said}, all there was time for")
        if found.rows > tried:  # else a library's import may be all that took time
            pace *= max(1.0, found.pace)
        fitted.append((trial, weight, found.made))

    for trial, weight in chosen.members:
        if not fitted or expected(pace * seconds(trial), len(part) / tried) <= left():
            add(trial, weight)
        else:
            problems.append("some members of the ensemble were left out, as time was up")
    begun = {id(trial) for trial, _ in chosen.members}
    for trial in ranked[:_TRIED]:
        if not fitted and id(trial) not in begun:
            add(trial, 1.0)
    why = "; ".join(dict.fromkeys(problems))
    if not fitted:
        return Fitted(None, (), why)
    whole = sum(weight for _, weight, _ in fitted)
    models = [Member(t.number, dict(t.config), w / whole, model) for t, w, model in fitted]
    members = tuple((trial, weight / whole) for trial, weight, _ in fitted)
    return Fitted(pipeline_of(models, table), members, why, len(part))


def pipeline_of(members: Sequence[Member], table: Table) -> TablePipeline:
    """Members that are fitted to prepared rows, behind the door that reads a table's own rows."""
    from autometa.children.pipeline import TablePipeline

    labelled = table.kind == "classification"
    whole = TablePipeline(
        [("ensemble", ensemble_of(members, np.arange(table.schema.classes) if labelled else None))],
        numeric=table.schema.numeric,
        categorical=table.schema.categorical,
        labelled=labelled,
        reading=None if table.reading is None else table.reading.to_json(),
    )
    return whole.fit(table.X, table.y)


def _fitted(trial: TunedTrial, table: Table, seed: int) -> Any:
    """Preparation and model of a trial's config, fitted to a table's rows and class numbers."""
    from sklearn.pipeline import Pipeline

    from autometa.children.preparation import as_matrices, preparer

    child = on_scale(children.get(trial.child, table.kind), table.scale)
    prepare_to_run(child)  # its library is loaded, or its threads would not be limited
    model = child.model(child.space.check(trial.config), table.schema, seed)
    prepare = preparer(child.preparation, table.schema)
    with (
        one_thread_of_loaded(),  # as it was tried: several wait for one another on a busy machine
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        as_matrices(),
    ):
        warnings.simplefilter("ignore")  # not converging is an ordinary property of a config
        rows = prepare.fit_transform(table.X, table.labels)
        model = weighing.fit(model, rows, table.labels, table.weights)
    return Pipeline([("prepare", prepare), ("model", model)])
