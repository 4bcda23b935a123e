"""The closed loop over a stream of tables: do later tasks need fewer trials?

    initialise   an empty portfolio
    train        the meta-model is refitted from its last state (`MetaLearner.refit`)
    adapt        its sampler starts a search on the next table
    feed back    the finished search joins the portfolio
    repeat

Beside each search stands a cold one (Optuna's default sampler, same folds, same number of trials),
of which the loop learns nothing. Measured are the trials until a search reaches 99 % of the best
value that either of the two found; a search that never does counts as one trial more than it had.

A finished table is a line of the folder's journal, so a run that was stopped goes on from there.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autometa import children
from autometa.bench import record_file
from autometa.bench.provenance import commit
from autometa.bench.split import places
from autometa.errors import InputError, StoreError
from autometa.portfolio import Portfolio
from autometa.portfolio.store import folder as store
from autometa.reading import parse_json, read_bytes
from autometa.tables import Table
from autometa.tuning.arms import Arm

JOURNAL, MODEL = "loop.jsonl", "loop.autometa"
SHARE = 0.99
_FOLDS, _ROWS, _TIMEOUT = 3, 1_000, 60.0
_RESAMPLES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStep:
    """One table of the stream.

    Args:
        table: Its name.
        prior_tasks: How many tasks the loop had learned from before.
        version: Of the meta-model.
        warm: Values of the loop's search, trial by trial; None where a trial failed.
        cold: Values of the cold search.
        commit: Of the code that ran.
    """

    table: str
    prior_tasks: int
    version: int
    warm: tuple[float | None, ...]
    cold: tuple[float | None, ...]
    commit: str = "unknown"

    @property
    def target(self) -> float:
        """What both searches have to reach; both metrics of children are maximised."""
        best = max((v for v in (*self.warm, *self.cold) if v is not None), default=math.nan)
        return best - (1.0 - SHARE) * abs(best)

    def needed(self, values: Sequence[float | None]) -> int:
        """Trials of a search until it reached the target; never reached counts as one more."""
        reached = (i + 1 for i, v in enumerate(values) if v is not None and v >= self.target)
        return next(reached, len(values) + 1)


def stream(tables: Sequence[Table], count: int) -> list[Table]:
    """One table of each family, in the order of a hash of the family's name; the first `count`.

    Raises:
        InputError: there are fewer families.
    """
    by_name = {t.name: t for t in tables}
    order = places({t.name: t.family for t in tables}, salt="loop", test=len(tables), folds=1)
    if not 0 < count <= len(order):
        raise InputError(f"{count} tasks", allowed=f"1 to {len(order)}, one of each family")
    return [by_name[name] for name in list(order)[:count]]


def run(
    tables: Sequence[Table],
    folder: Path,
    *,
    child: str,
    trials: int,
    seed: int,
    progress: Callable[[LoopStep, int], None] = lambda step, done: None,
) -> list[LoopStep]:
    """Run what is not finished yet.

    Args:
        tables: In the order in which the loop meets them; larger ones are subsampled.
        folder: Of the portfolio, the model and the journal; made where there is none.
        child: What is tuned.
        trials: Of each search.
        seed: Of the searches and the folds.
        progress: Called after every table with the step and how many are finished.

    Returns:
        A step for each table.

    Raises:
        InputError: an unknown child, or the folder holds a loop over other tables.
        StoreError: the folder cannot be read or written.
    """
    setting = {"child": child, "trials": trials, "seed": seed, "folds": _FOLDS, "rows": _ROWS}
    children.get(child)
    steps = _read(folder, setting)
    if [s.table for s in steps] != [t.name for t in tables[: len(steps)]]:
        raise InputError(
            f"{folder} holds a loop over other tables, the first of them {steps[0].table!r}",
            allowed="the same tables in the same order, or more of them",
            do="Choose another folder",
        )
    for table in tables[len(steps) :]:
        step = _step(table, folder, child=child, trials=trials, seed=seed)
        _append(folder, setting, step)
        steps.append(step)
        progress(step, len(steps))
    return steps


def _step(table: Table, folder: Path, *, child: str, trials: int, seed: int) -> LoopStep:
    from autometa.meta import MetaLearner, MetaModel
    from autometa.tuning.table_feedback import learn_from
    from autometa.tuning.table_priors import gather_each
    from autometa.tuning.tune import tune_table

    rng = np.random.default_rng([seed, zlib.crc32(table.name.encode())])
    part = table.subsample(_ROWS, rng)
    known = Portfolio.load(folder) if store.exists(folder) else Portfolio()
    own = children.get(child)
    prior = gather_each(known, [own], part)[own.name].portfolio
    learner = MetaLearner(seed=seed)
    if (folder / MODEL).exists():
        model = learner.refit(MetaModel.load(folder / MODEL), prior, space=own.space)
    else:
        model = learner.fit(prior, space=own.space)
    model.save(folder / MODEL)
    result = tune_table(
        part,
        families=child,
        n_trials=trials,
        seed=seed,
        trial_timeout=_TIMEOUT,
        folds=_FOLDS,
        portfolio=prior,
        meta_model=model,
        compare_cold=True,
        refit=False,
    )
    learn_from(replace(result, cold=None), part, folder)
    return LoopStep(
        table=table.name,
        prior_tasks=len(model.tasks),
        version=model.lineage.version,
        warm=_values(result.warm),
        cold=_values(result.cold),
        commit=commit(),
    )


def _values(arm: Arm | None) -> tuple[float | None, ...]:
    return tuple(None if t.value is None else round(t.value, 6) for t in arm.trials) if arm else ()


# Journal -----------------------------------------------------------------------------------------


def _read(folder: Path, setting: dict[str, Any]) -> list[LoopStep]:
    path = folder / JOURNAL
    if not path.exists():
        return []
    steps = []
    for line in _whole_lines(path):
        try:
            data: dict[str, Any] = parse_json(line)
            found = data.pop("setting")
            for name in ("warm", "cold"):
                data[name] = tuple(data[name])
            steps.append(LoopStep(**data))
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{path} is damaged: {error}", do="Choose another folder") from error
        if found != setting:
            raise InputError(
                f"{folder} holds a loop with {found}",
                allowed=f"the same as before, not {setting}",
                do="Give the same options, or choose another folder",
            )
    return steps


def _whole_lines(path: Path) -> Iterator[str]:
    """The lines of a journal; one that a stopped process left unfinished is cut off."""
    content = read_bytes(path)
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        path.write_bytes(whole)
    yield from whole.decode("utf-8").splitlines()


def _append(folder: Path, setting: dict[str, Any], step: LoopStep) -> None:
    with (folder / JOURNAL).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"setting": setting, **asdict(step)}, allow_nan=False) + "\n")


# Results -----------------------------------------------------------------------------------------


def summarise(steps: Sequence[LoopStep]) -> dict[str, Any]:
    """Trials to the target at the stream's start and at its end, a quarter of the tables each.

    Returns:
        `warm` and `cold`: mean trials over the first and the last quarter and their ratio `fall`;
        `fall_against_cold`: the ratio of the two falls, with its 95 % bootstrap interval over
        tables; `needed`: trials of every table.
    """
    needed = {
        arm: np.array([s.needed(getattr(s, arm)) for s in steps], dtype=np.float64)
        for arm in ("warm", "cold")
    }
    quarter = max(len(steps) // 4, 1)
    parts: dict[str, dict[str, Any]] = {
        arm: {
            "first": record_file.mean_interval(n[:quarter]),
            "last": record_file.mean_interval(n[-quarter:]),
            "fall": round(float(n[-quarter:].mean() / n[:quarter].mean()), 4),
        }
        for arm, n in needed.items()
    }
    rng = np.random.default_rng(0)
    first, last = (rng.integers(quarter, size=(_RESAMPLES, quarter)) for _ in range(2))
    falls = {
        arm: n[-quarter:][last].mean(axis=1) / n[:quarter][first].mean(axis=1)
        for arm, n in needed.items()
    }
    low, high = np.quantile(falls["warm"] / falls["cold"], [0.025, 0.975])
    return {
        **parts,
        "window": quarter,
        "fall_against_cold": {
            "value": round(parts["warm"]["fall"] / parts["cold"]["fall"], 4),
            "low": round(float(low), 4),
            "high": round(float(high), 4),
        },
        "needed": {arm: n.astype(int).tolist() for arm, n in needed.items()},
    }


def record(steps: Sequence[LoopStep], *, child: str, seed: int) -> dict[str, Any]:
    """One run for the results file of `record_file.add_records`."""
    return {
        "variant": child,
        "seed": seed,
        "commits": sorted({s.commit for s in steps}),
        **summarise(steps),
        "steps": [asdict(s) for s in steps],
    }


def add_records(path: Path, new: Sequence[dict[str, Any]]) -> None:
    """Put records into a results file, each in the place of the one of its child and seed."""
    record_file.add_records(
        path,
        "loop",
        new,
        protocol=(
            f"tables in a fixed order, one a family, at most {_ROWS} rows; {_FOLDS} folds; the "
            f"loop starts empty and learns from its own searches; trials to {SHARE:.0%} of the "
            "best value of either search on the table, one more than were run where never reached"
        ),
    )


def records(path: Path) -> list[dict[str, Any]]:
    """All records of a results file."""
    found: list[dict[str, Any]] = record_file.read(path)["records"]
    return found
