"""extrapolate_lr: the rate for the size that counts, from a study of small runs.

The curve of `rate_curve` is fitted to the study's own trials, its best rate linear in log10 of the
sizes that are named. How far the prediction moves as sizes of the study are left out is its doubt;
beyond the largest of them it grows with the distance, twice as fast as that of the shipped law.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.inner.rate_curve import RateCurve, Runs, fit_curve, margin
from autometa.inner.rate_law import FAR, JITTER, QUANTILE
from autometa.space.rates import inner_rate

LEAST_RUNS, LEAST_SIZES, FOLDS = 20, 3, 8
_DRIFT = 0.3  # decades of rate for each decade of size beyond those of the study
_UNKNOWN = 0.5  # decades: too few runs to leave any out


@dataclass(frozen=True, slots=True, kw_only=True)
class Extrapolation:
    """A learning rate for sizes that were not run.

    Args:
        rate: Where expected loss is least, which lies below the middle of the interval.
        interval: Where the best rate lies with 80 % probability.
        slopes: Size -> change of log10 of the best rate for ten times that size.
        runs: How many trials it rests on.
        beyond: Decades by which the sizes asked for lie outside those of the study, together.
        far: Whether one lies outside by more than a factor of 30.
    """

    rate: float
    interval: tuple[float, float]
    slopes: Mapping[str, float]
    runs: int
    beyond: float
    far: bool

    def __str__(self) -> str:
        low, high = self.interval
        laws = ", ".join(f"{name}^{slope:.2f}" for name, slope in self.slopes.items())
        lines = [
            f"learning rate  {self.rate:.2g}",
            f"80 % interval  {low:.2g} to {high:.2g}",
            f"rests on       {self.runs} runs; the best rate goes as {laws}",
        ]
        if self.far:
            lines.append("Far from the study's own sizes: beyond a factor of 30.")
        return "\n".join(lines)


def extrapolate_lr(
    study: optuna.Study, at: Mapping[str, float], *, rate: str | None = None
) -> Extrapolation:
    """The learning rate for the sizes `at`, from trials at other sizes.

    Args:
        study: Its trials have the rate as a log-scaled parameter, and each size as a parameter or
            as a user attribute. Failed trials with a rate count as the worst; the others that are
            not complete do not count.
        at: Size -> its value in the run that counts, such as {"n_params": 1e9, "n_tokens": 2e10}.
        rate: Name of the rate; None finds it by its name.

    Returns:
        The rate, its interval and how it changes with the sizes.

    Raises:
        InputError: no size, or one that is not positive or that some trials lack; no such rate, or
            one among the sizes; fewer than 20 runs or 3 sizes; all values equal; several
            objectives.

    Example:
        >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        >>> for width in (16, 32, 64, 128):
        ...     for k in range(9):
        ...         trial = study.ask()
        ...         trial.set_user_attr("width", width)
        ...         lr = trial.suggest_float("lr", 1e-4, 1.0, log=True)
        ...         _ = study.tell(trial, 1 + (math.log10(lr) + math.log10(width)) ** 2)
        >>> found = extrapolate_lr(study, {"width": 512})
        >>> 5e-4 < found.rate < 3e-3
        True
    """
    if not isinstance(study, optuna.Study):
        raise InputError(f"a {type(study).__name__}", allowed="an optuna.Study")
    if len(study.directions) != 1:
        raise InputError(f"a study with {len(study.directions)} objectives", allowed="one")
    names = _sizes(at)
    trials = [t for t in study.get_trials(deepcopy=False) if _counts(t)]
    found = _rate(trials, rate)
    if found in names:
        raise InputError(f"the rate {found!r} among the sizes", do="Leave it out of at=")
    runs = _runs(trials, names, found, study.direction)
    curve = fit_curve(runs)
    asked = np.log10(np.array([at[name] for name in names], dtype=float))
    lowest, highest = runs.sizes.min(axis=0), runs.sizes.max(axis=0)
    beyond = np.abs(asked - np.clip(asked, lowest, highest))
    drift = _DRIFT * float(np.linalg.norm(beyond))
    spread = math.hypot(JITTER, _doubt(runs, curve, asked[None]), drift)
    steep = curve.steepness(np.clip(asked, lowest, highest)[None])
    low, high = float(steep[0][0]), float(steep[1][0])
    mode = float(curve.mode(asked[None])[0])
    best = mode - margin(low, high, JITTER)
    lower = best - QUANTILE * spread
    return Extrapolation(
        rate=10.0 ** max(mode - margin(low, high, max(JITTER, spread)), lower),
        interval=(10.0**lower, 10.0 ** (best + QUANTILE * spread)),
        slopes=dict(zip(names, curve.slopes, strict=True)),
        runs=len(runs),
        beyond=float(beyond.sum()),
        far=bool((beyond > FAR).any()),
    )


def _doubt(runs: Runs, curve: RateCurve, asked: Floats) -> float:
    """Standard deviation of the mode at `asked` by the jackknife over sizes (Quenouille, 1956)."""
    names = np.unique(runs.group)
    fold = np.arange(len(names)) % min(FOLDS, len(names))
    of_run = fold[np.searchsorted(names, runs.group)]
    kept = [of_run != k for k in np.unique(fold)]
    modes = np.array([fit_curve(runs.part(k), curve).mode(asked)[0] for k in kept if k.sum() >= 20])
    return math.sqrt((len(modes) - 1) * float(modes.var())) if len(modes) else _UNKNOWN


def _sizes(at: Mapping[str, float]) -> tuple[str, ...]:
    if not isinstance(at, Mapping) or not at:
        raise InputError(f"at={at!r}", allowed='sizes by name, such as {"n_params": 1e9}')
    for name, value in at.items():
        if not _is_size(value):
            raise InputError(f"{name}={value!r}", allowed="a positive number")
    return tuple(at)


def _is_size(value: Any) -> bool:
    number = isinstance(value, Real) and not isinstance(value, bool)
    return number and 0 < value <= sys.float_info.max  # an integer may be beyond all floats


def _counts(trial: FrozenTrial) -> bool:
    return trial.state in (TrialState.COMPLETE, TrialState.FAIL)


def _rate(trials: list[FrozenTrial], given: str | None) -> str:
    """The name of the rate.

    Raises:
        InputError: there is none, or no complete trial has the one that was given.
    """
    known = {n: d for t in trials for n, d in t.distributions.items()}
    name = inner_rate(known) if given is None else given
    if name is None or name not in known:
        raise InputError(
            "a study without a learning rate" if given is None else f"rate={given!r}",
            allowed=f"one of {', '.join(known) or 'its parameters, and it has none'}",
            do="Name the parameter with rate=",
        )
    return name


def _runs(
    trials: list[FrozenTrial], names: tuple[str, ...], rate: str, direction: StudyDirection
) -> Runs:
    """The trials that have a rate and all sizes; failed ones are as bad as the worst.

    Raises:
        InputError: too few of them, or one lacks a size.
    """
    sign = 1.0 if direction == StudyDirection.MINIMIZE else -1.0
    rows, losses = [], []
    for trial in trials:
        given = {**trial.user_attrs, **trial.params}
        failed = trial.state == TrialState.FAIL
        missing = [name for name in names if not _is_size(given.get(name))]
        if not _is_size(given.get(rate)) or (failed and missing):
            continue  # a trial that failed before it had them
        if missing:
            raise InputError(
                f"trial {trial.number} with {missing[0]}={given.get(missing[0])!r}",
                allowed="a positive number, as a parameter or as a user attribute",
            )
        rows.append([float(given[name]) for name in (rate, *names)])
        losses.append(math.nan if failed or trial.value is None else sign * trial.value)
    loss, table = np.array(losses), np.log10(np.array(rows).reshape(len(rows), 1 + len(names)))
    finite = np.isfinite(loss)
    kinds = len(np.unique(table[:, 1:], axis=0))
    if finite.sum() < LEAST_RUNS or kinds < LEAST_SIZES:
        raise InputError(
            f"{int(finite.sum())} runs of {kinds} sizes",
            allowed=f"{LEAST_RUNS} runs and {LEAST_SIZES} sizes or more",
            do="Run more small ones first",
        )
    if np.ptp(loss[finite]) == 0:
        raise InputError("runs whose values are all the same", do="Say a value that rates change")
    if sign > 0 and (loss[finite] > 0).all():
        loss = np.log(loss)  # losses: differences count alike on this scale
    loss = np.where(finite, loss, loss[finite].max())
    group = np.unique(table[:, 1:], axis=0, return_inverse=True)[1].reshape(-1)
    return Runs(
        log_rate=table[:, 0],
        sizes=table[:, 1:],
        others=np.empty((len(loss), 0)),
        loss=loss,
        group=group.astype(float),
    )
