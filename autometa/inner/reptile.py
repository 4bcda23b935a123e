"""Reptile: a start learned without any gradient through the inner steps.

    theta <- theta + outer rate * mean over tasks of (adapt(theta) - theta)                   # (1)

The cheapest of the family: memory does not grow with the number of inner steps, and every example
of an episode may be trained on. The inner rate is given, not learned.

Reference: Nichol, Achiam, Schulman: On First-Order Meta-Learning Algorithms, 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from autometa.errors import InputError
from autometa.inner.adapt import adapt
from autometa.inner.episodes import Episodes, EpisodeSource, source
from autometa.inner.fitted import FittedMAML
from autometa.inner.interrupts import between_updates
from autometa.inner.left_out import LeftOut
from autometa.inner.maml import MAML
from autometa.inner.per_task import PerTask
from autometa.inner.rates import LEAST, expand
from autometa.inner.stateless import bind
from autometa.limits import real, whole

LOSS = "*"  # no parameter's name


def fit(
    recipe: MAML,
    tasks: EpisodeSource | Episodes | Sequence[Episodes],
    *,
    iterations: int,
    rate: float = 0.5,
) -> FittedMAML:
    """Learn a start for the child of `recipe`.

    Args:
        recipe: Its child, loss, steps, rates, clip, adapted, vectorised, tasks an iteration, seed
            and device are used.
        tasks: As in `MAML.fit`; support and query sets are both trained on.
        iterations: Outer updates.
        rate: Outer rate in (0, 1] at the start; it falls linearly to zero.

    Raises:
        InputError: an argument is not usable, the recipe learns rates or shares rows.
    """
    if recipe.rule.learned:
        raise InputError(f"rates={recipe.rule.kind!r} for Reptile", allowed='rates="fixed"')
    if recipe.shared_rows:
        raise InputError(f"shared_rows={recipe.shared_rows} for Reptile", allowed="MAML.fit")
    iterations = whole(iterations, "iterations", low=1)
    rate = real(rate, "rate", low=LEAST, high=1)
    draw, learner = source(tasks), recipe.learner()
    fitted = recipe.finish(learner)
    rates, loss = expand(fitted.logs, fitted.adapted), bind(fitted.module, recipe.loss)
    start = dict(fitted.params)

    per_task, left_out, skipped = PerTask(fitted.module, vectorised=recipe.vectorised), LeftOut(), 0
    with torch.no_grad(), torch.random.fork_rng(devices=[]), between_updates() as check:
        torch.manual_seed(recipe.seed)
        for i in range(iterations):
            check()
            episodes = draw(np.random.default_rng([recipe.seed, i]), recipe.outer.tasks)
            episodes = episodes.to(recipe.device)

            def trained(*parts: Tensor) -> dict[str, Tensor]:
                sx, sy, qx, qy = parts
                both = torch.cat([sx, qx]), torch.cat([sy, qy])
                end = adapt(start, rates, loss, both, recipe.steps, order=1, clip=recipe.clip)
                return {**{name: end[name] for name in rates}, LOSS: loss(end, both)}

            ends = per_task(trained, *episodes.parts)
            losses = ends.pop(LOSS)
            sound = losses.isfinite()
            for k in (~sound).nonzero().flatten().tolist():
                left_out.add(episodes[k : k + 1], i, k, float(losses[k]))
            if not bool(sound.any()):
                skipped += 1
                continue
            pull = rate * (1 - i / iterations)
            for name, end in ends.items():
                start[name] = start[name] + pull * (end[sound].mean(0) - start[name])  # eq. (1)
    info = {
        "recipe": recipe.describe(),
        "reptile": {"iterations": iterations, "rate": rate},
        "skipped": skipped,
        "left_out": left_out.counts,
    }
    return replace(fitted, params=start, info=info)
