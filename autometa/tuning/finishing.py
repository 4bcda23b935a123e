"""The end of a search: its trials become a fitted model, and what is known of that model.

Which members, fitted to all rows for as long as there is time, where labels are cut, and what a
page can show of the held-out predictions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autometa import children
from autometa.tables import Table
from autometa.tuning import ensembling, race
from autometa.tuning.arms import TunedTrial
from autometa.tuning.clock import Clock, refit_seconds
from autometa.tuning.held_out import HeldOut
from autometa.tuning.search_spec import SearchSpec
from autometa.tuning.shown import Shown, shown
from autometa.tuning.thresholds import Threshold, learn_threshold

_LAST = 0.1  # seconds that are left when nothing more is begun


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finished:
    """A model and what is known of it.

    Args:
        fitted: Its members.
        score: Of their sum on held-out rows, which chose the weights; None where not known.
        threshold: Where labels are cut; None where at the most probable class.
        held_out: What a page shows of the held-out predictions.
        notes: What the user should know, in sentences.
    """

    fitted: ensembling.Fitted
    score: float | None
    threshold: Threshold | None = None
    held_out: Shown | None = None
    notes: tuple[str, ...] = ()


def finish(
    ranked: Sequence[TunedTrial],
    file: Callable[[TunedTrial], Path],
    held_out: HeldOut,
    spec: SearchSpec,
    table: Table,
    clock: Clock,
    *,
    slow: float,
    ensemble: bool,
    threshold: bool,
) -> Finished:
    """The model of some trials with values, the best first, one at least, fitted to a table."""
    folds = len(held_out.truths)
    tried = len(spec.table)
    kept = clock.for_fit(refit_seconds(ranked[0], folds, slow, len(table) / tried)) + _LAST
    chosen = ensembling.single(ranked[0])
    if ensemble and len(ranked) > 1:
        chosen = ensembling.choose(
            ranked,
            dict(enumerate(map(file, ranked))),
            held_out,
            spec.scoring,
            late=lambda: clock.left < kept,
        )
    fitted = ensembling.fit(
        chosen,
        ranked,
        table,
        spec.seed,
        tried=tried,
        seconds=lambda trial: refit_seconds(trial, folds, slow),
        left=lambda: clock.left,
    )
    notes = [fitted.why] if fitted.why else []
    said = ensembling.said_by(fitted.members, file, held_out)
    if said is None or fitted.pipeline is None:
        return Finished(fitted=fitted, score=chosen.score, notes=tuple(notes))
    # Of the members that were fitted, on all rows: time may have cost some that were chosen.
    score = spec.scoring.mean(held_out, said)
    cut = None
    if threshold:
        cut = learn_threshold(said, held_out, spec.scoring, late=lambda: clock.left < _LAST)
    if cut is not None:
        fitted.pipeline.steps[-1][1].factors = cut.factors
        notes.append(cut.said(spec.metric, list(held_out.labels)))
    return Finished(
        fitted=fitted,
        score=score if math.isfinite(score) else None,
        threshold=cut,
        held_out=shown(said, held_out),
        notes=tuple(notes),
    )


def untried(
    ranked: Sequence[str], done: Sequence[TunedTrial], table: Table, over: str = "time was up"
) -> tuple[list[TunedTrial], str]:
    """The default to fit where nothing was evaluated in the end, if one may be, and why.

    A family from outside that was too slow is left alone: it might never end, and here nothing
    would stop it. So is whatever failed for another reason.

    Args:
        ranked: Families, the most promising first.
        done: Their trials, none with a value.
        table: What is learned.
        over: What ended the search, in words.
    """
    late = {trial.child for trial in done if too_slow(trial)}
    broken = {trial.child for trial in done} - late
    if broken and not late:
        return [], "no trial succeeded"
    why = f"{over} before a config was evaluated"
    names = [n for n in ranked if n not in broken and (n not in late or race.ships(n))]
    if not names:
        return [], f"{why}: there is no model"
    name = "linear" if "linear" in names else names[0]
    config = dict(children.get(name, table.kind).space.defaults)
    default = TunedTrial(number=-1, child=name, config=config, value=None, rule="default")
    return [default], f"{why}: the model is {name} with its defaults"


def too_slow(trial: TunedTrial) -> bool:
    """Whether a trial was stopped at its limit of time."""
    return trial.value is None and trial.error.startswith("more than")
