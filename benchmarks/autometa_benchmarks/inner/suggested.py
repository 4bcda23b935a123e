"""Suite inner-suggested-rate: one training at the suggested rate beside ten trainings of a sweep.

Each of twelve small modules trains for a fixed budget (AdamW, a warm-up of a twentieth, then a
cosine to zero) at ten rates half a decade apart, at 1e-3, at the rate of `suggest_lr` for the
module and its data, and at that after a probe of one batch. Regret is the share of the
sweep's gain that a rate leaves: (loss - best of the sweep) / (loss untrained - best), held out.

The same once more with rates that are held constant: the suggestion, a third and a tenth of it, and
1e-3, beside a sweep of constant rates.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autometa.errors import InputError
from autometa.inner.rate_suggestion import RateSuggestion, suggest_lr
from autometa_benchmarks.inner.small_modules import Data, loss
from autometa_benchmarks.inner.small_problems import TEST, Problem

RATES = tuple(float(10.0**k) for k in np.linspace(-5.0, -0.5, 10))
DEFAULT, WITHIN = 1e-3, 0.05
ALL = "all-modules"
SHARES = {"held": 1.0, "a third held": 1 / 3, "a tenth held": 0.1}
"""Of the suggestion, where rates do not change."""
_WARM_UP, _LEVEL, _WORST = 0.05, 0.01, 2.0
NAMES = tuple(problem.name for problem in TEST)
PROTOCOL = {
    "training": "AdamW, decay .01, warm-up of a twentieth, cosine to zero; 200 or 300 updates",
    "sweep": "1e-5 to .32, half a decade apart; the best one by the very loss that is reported",
    "regret": "(held-out loss - best of the sweep) / (loss untrained - best of it), at most 2",
    "constant": "the same at rates that do not change, beside a sweep of such",
    "level": "at most a hundredth of the gain behind",
    "suggested": "told the module, samples and batch size; `probed`: and one batch",
}


def facts() -> dict[str, Any]:
    """Protocol and bars, for the results file."""
    asked = ("within 5 %", "level with 1e-3 or better")
    bars = [
        {
            "variant": ALL,
            "part": "count",
            "measure": f"suggested {what}",
            "direction": "maximize",
            "bar": 10,
        }
        for what in asked
    ]
    return {"protocol": PROTOCOL, "bars": bars}


def run(name: str, seed: int, *, data: Path | None) -> dict[str, Any]:
    """Train one module at all rates, a record for `record_file.add_records`.

    Args:
        name: In `NAMES`.
        seed: Of the start and of the batches.
        data: Root of the public data; None = AUTOMETA_DATA.

    Raises:
        InputError: an unknown name, or the data are not there.
    """
    problem = next((p for p in TEST if p.name == name), None)
    if problem is None:
        raise InputError(f"module {name!r}", allowed=", ".join(NAMES))
    content = problem.data(data)
    losses = [trained(problem, content, seed, rate) for rate in RATES]
    untrained, best = trained(problem, content, seed, None), min(losses)
    said = {
        "suggested": suggestion(problem, content, seed, probe=False),
        "probed": suggestion(problem, content, seed, probe=True),
    }
    reached = {who: trained(problem, content, seed, found) for who, found in said.items()}
    reached["1e-3"] = trained(problem, content, seed, DEFAULT)

    def lost(value: float, best: float) -> dict[str, float | None]:
        return {"mean": min((value - best) / (untrained - best), _WORST), "ci95": None}

    def held(rate: float | RateSuggestion, share: float = 1.0) -> float:
        return trained(problem, content, seed, rate, held=share)

    steady = [held(rate) for rate in RATES]
    constant = {who: held(said["suggested"], share) for who, share in SHARES.items()}
    constant["1e-3 held"] = held(DEFAULT)
    return {
        "variant": name,
        "seed": seed,
        "parameters": sum(p.numel() for p in problem.build(1.0).parameters()),
        "untrained": untrained,
        "sweep": [_number(value) for value in losses],
        "best_rate": RATES[int(np.argmin(losses))],
        "rates": {who: found.rate for who, found in said.items()},
        "intervals": {who: list(found.interval) for who, found in said.items()},
        "loss": {who: _number(value) for who, value in reached.items()},
        "regret": {who: lost(value, best) for who, value in reached.items()}
        | {who: lost(value, min(steady)) for who, value in constant.items()},
    }


def together(records: list[dict[str, Any]]) -> dict[str, Any]:
    """How many of the modules reach what is asked, each a mean over its seeds."""
    names = sorted({record["variant"] for record in records} - {ALL})

    def lost(who: str) -> np.ndarray[Any, Any]:
        return np.array(
            [
                np.mean([r["regret"][who]["mean"] for r in records if r["variant"] == name])
                for name in names
            ]
        )

    default, methods = lost("1e-3"), ("suggested", "probed", "1e-3", *SHARES, "1e-3 held")
    counts = {f"{who} within 5 %": int((lost(who) <= WITHIN).sum()) for who in methods}
    counts |= {
        f"{who} level with 1e-3 or better": int((lost(who) <= default + _LEVEL).sum())
        for who in methods[:2]
    }
    return {
        "variant": ALL,
        "seed": 0,
        "modules": len(names),
        "count": {what: {"mean": value, "ci95": None} for what, value in counts.items()},
        "regret": {who: {"mean": float(lost(who).mean()), "ci95": None} for who in methods},
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def start(problem: Problem, seed: int) -> torch.nn.Module:
    """The module before training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return problem.build(1.0)


def trained(
    problem: Problem,
    data: Data,
    seed: int,
    rate: float | RateSuggestion | None,
    *,
    held: float | None = None,
) -> float:
    """Held-out loss after the budget; infinite where training diverged.

    Args:
        problem: What is trained.
        data: As its `data` gives.
        seed: Of the start and of the batches.
        rate: Peak rate; a suggestion for its groups; None does not train.
        held: Share of the rate that is held constant; None lets it rise and fall.
    """
    module, (x, y, test_x, test_y) = start(problem, seed), data
    rng = np.random.default_rng([seed, 1])
    if rate is not None:
        groups = (
            rate.param_groups(module)
            if isinstance(rate, RateSuggestion)
            else [{"params": list(module.parameters()), "lr": rate}]
        )
        optimizer = torch.optim.AdamW(groups)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: _height(step, problem.steps) if held is None else held
        )
        for _ in range(problem.steps):
            rows = torch.from_numpy(rng.integers(len(x), size=problem.batch))
            optimizer.zero_grad()
            value = loss(module, (x[rows], y[rows]))
            if not bool(torch.isfinite(value)):
                return math.inf
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            scheduler.step()
    module.eval()
    with torch.no_grad():
        return float(loss(module, (test_x, test_y)))


def _height(step: int, steps: int) -> float:
    warm = max(1, round(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / (steps - warm)))


def suggestion(problem: Problem, data: Data, seed: int, *, probe: bool) -> RateSuggestion:
    """What `suggest_lr` says, told what a user knows."""
    x, y, *_ = data
    rows = torch.from_numpy(np.random.default_rng([seed, 2]).integers(len(x), size=problem.batch))
    return suggest_lr(
        start(problem, seed),
        samples=problem.steps * problem.batch,
        batch_size=problem.batch,
        probe=(loss, (x[rows], y[rows])) if probe else None,
    )
