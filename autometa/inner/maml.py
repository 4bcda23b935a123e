"""MAML: learn where children start and how fast they learn, from many small tasks.

    minimise over (theta, log a):  mean over tasks of  loss(adapt(theta, a, support), query)   # (2)

The mother owns theta (the start) and a (the inner learning rates); children adapt on their support
sets; their query losses flow back through the adaptation. One class covers MAML (rates="fixed"),
first-order MAML (order=1), Meta-SGD (rates="parameter"), the per-layer per-step rates of MAML++
(rates="layer_step"), ANIL (adapted=head(child)) and UNICORN-MAML (shared_rows=head(child)).

References: see `adapt` and `shared_rows`; Raghu, Raghu, Bengio, Vinyals: Rapid Learning or Feature
Reuse?, 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from autometa.errors import InputError
from autometa.inner import shared_rows
from autometa.inner.adapt import CLIP, Order, Params, trajectory
from autometa.inner.compiled import Compiled, Objective
from autometa.inner.early import Validation, Watch
from autometa.inner.episodes import Episodes, EpisodeSource, source
from autometa.inner.fitted import FittedMAML
from autometa.inner.losses import LossFunction
from autometa.inner.per_task import PerTask
from autometa.inner.rates import LEAST, MOST_CLIP, RateKind, RateRule
from autometa.inner.stateless import bind, frozen_copy, parameters, trainable
from autometa.inner.training import Learner, Outer, step_weights, train
from autometa.limits import flag, real, whole


@dataclass(frozen=True, slots=True, eq=False)
class MAML:
    """A recipe; `fit` returns what was learned. The child itself is never changed.

    Args:
        child: Any torch module; its present parameters are where meta-training starts. Frozen
            ones (`requires_grad=False`) stay as they are.
        loss: "mse", "cross_entropy" or a function (outputs, targets) -> scalar.
        rates: Kind of inner learning rates (see `RateRule`), or a rule with bounds.
        order: 2, or 1 for the first-order approximation.
        steps: Inner steps in meta-training.
        adapted: Names of the parameters that the inner steps move; all that are not frozen by
            default.
        shared_rows: Names of parameters whose rows start alike, none by default. `head(child)` for
            a classifier: it learns far faster, and serves any number of classes (`FittedMAML.on`).
            What lies below the head then moves from the second step on: with `steps=1` adapt only
            the head.
        clip: Inner gradient entries are clamped to [-clip, clip].
        outer: The mother's own training.
        vectorised: Adapt all tasks of an iteration at once (`vmap`). Where vmap cannot batch the
            child, a warning names the part and tasks are looped over; False never tries.
        compiled: Compile the outer gradient (see `compiled`); several times faster for small
            children, after a minute of compiling. Not together with a multi-step loss.
        seed: Of the episodes and of dropout.
        device: As torch names it, or one of torch's own.

    Raises:
        InputError: an argument is not usable.

    Example:
        >>> import numpy as np
        >>> def lines(rng, n):
        ...     x = torch.from_numpy(rng.normal(size=(n, 8, 1)).astype("float32"))
        ...     y = x * torch.from_numpy(rng.normal(size=(n, 1, 1)).astype("float32"))
        ...     return Episodes(support_x=x, support_y=y, query_x=x, query_y=y)
        >>> fitted = MAML(nn.Linear(1, 1), rates="scalar", steps=1).fit(lines, iterations=30)
        >>> x = torch.ones(4, 1)
        >>> fitted.adapt((x, 2 * x), steps=20)(x).shape
        torch.Size([4, 1])
    """

    child: nn.Module
    loss: str | LossFunction = "mse"
    rates: RateKind | RateRule = "parameter"
    order: Order = 2
    steps: int = 1
    adapted: Sequence[str] | None = None
    shared_rows: Sequence[str] = ()
    clip: float = CLIP
    outer: Outer = field(default_factory=Outer)
    vectorised: bool = True
    compiled: bool = False
    seed: int = 0
    device: str | torch.device = "cpu"

    def __post_init__(self) -> None:
        if not isinstance(self.rates, RateRule):
            object.__setattr__(self, "rates", RateRule(kind=self.rates))
        if not isinstance(self.outer, Outer):
            raise InputError(f"outer={self.outer!r}", allowed="Outer(...)")
        plain = {
            "order": whole(self.order, "order", low=1, high=2),
            "steps": whole(self.steps, "steps", low=1),
            "clip": real(self.clip, "clip", low=LEAST, high=MOST_CLIP),
            "seed": whole(self.seed, "seed", low=0),
            "vectorised": flag(self.vectorised, "vectorised"),
            "compiled": flag(self.compiled, "compiled"),
            "device": str(self.device),  # torch's own devices, too
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        if self.compiled and (self.outer.multi_step > 0 or not self.vectorised):
            raise InputError(
                "compiled=True with a multi-step loss or vectorised=False",
                allowed="outer.multi_step=0 and vectorised=True",
            )
        names = trainable(self.child)
        if not names:
            raise InputError(
                f"a {type(self.child).__name__} without a trainable parameter",
                do="Set requires_grad on those that may change",
            )
        adapted = (self.adapted,) if isinstance(self.adapted, str) else self.adapted
        unknown = [name for name in adapted or () if name not in names]
        if unknown or (adapted is not None and not adapted):
            raise InputError(
                f"parameters to adapt: {unknown or adapted}",
                allowed=f"one or more of {list(names)}; frozen ones stay frozen",
            )
        object.__setattr__(self, "adapted", None if adapted is None else tuple(adapted))
        shared = shared_rows.check(self.child, self.shared_rows, self.adapted or names)
        object.__setattr__(self, "shared_rows", shared)
        bind(self.child, self.loss)

    def fit(
        self,
        tasks: EpisodeSource | Episodes | Sequence[Episodes],
        *,
        iterations: int,
        checkpoint: str | Path | None = None,
        every: int = 1000,
        progress: bool = False,
        validation: Validation | Episodes | None = None,
    ) -> FittedMAML:
        """Meta-train.

        Args:
            tasks: A function (NumPy generator, n) -> n episodes, or stacks of episodes to draw
                from.
            iterations: Outer updates in total, those before a resumption included.
            checkpoint: Folder to save the state in; training goes on from what it holds.
            every: Iterations between two checkpoints. An error or Ctrl-C writes one more, unless
                it comes in the midst of an update or of a look at validation tasks. Ctrl-C waits
                for the end of these; a second one does not.
            progress: Show a progress bar on stderr.
            validation: Tasks kept aside: training stops early where they get no better, and the
                start and the rates that were best on them are returned. Episodes stand for
                `Validation(episodes=...)`, which says how often to look and how long to wait.

        Returns:
            The start and the rates, with provenance in `info`.

        Raises:
            InputError: unusable tasks or device.
            ModelError: the checkpoint belongs to another recipe.
            StoreError: the checkpoint is damaged.
        """
        if isinstance(validation, Episodes):
            validation = Validation(episodes=validation)
        if validation is not None and not isinstance(validation, Validation):
            raise InputError(
                f"validation of type {type(validation).__name__}", allowed="Validation or Episodes"
            )
        if validation is not None and validation.every > iterations:
            raise InputError(
                f"a look at validation tasks every {validation.every} of {iterations} iterations",
                allowed="at least one look",
            )
        with torch.inference_mode(False), torch.enable_grad():
            learner = self.learner(validation)
            train(
                learner,
                source(tasks),
                iterations=iterations,
                checkpoint=checkpoint,
                every=every,
                progress=progress,
            )
            return self.finish(learner)

    def finish(self, learner: Learner) -> FittedMAML:
        """What `learner` has learned so far, detached from it; the best of what was validated."""
        watch, info = learner.watch, {"recipe": self.describe(), **learner.report()}
        params = learner.params if watch is None else watch.part("params", learner.params)
        logs = learner.logs if watch is None else watch.part("logs", learner.logs)
        return self._fitted(frozen_copy(self.child, self.device), params, logs, info)

    def _fitted(
        self, module: nn.Module, params: Params, logs: Params, info: Mapping[str, Any]
    ) -> FittedMAML:
        rows = shared_rows.rows_of(module, self.shared_rows)
        params, logs = shared_rows.spread(params, rows), shared_rows.spread(logs, rows, axis=1)
        return FittedMAML(
            module=module,
            params={name: value.detach().clone() for name, value in params.items()},
            logs={name: value.detach().clone() for name, value in logs.items()},
            shared_rows=tuple(self.shared_rows),
            adapted=tuple(self.adapted or trainable(module)),
            steps=self.steps,
            clip=self.clip,
            loss=self.loss,
            info=info,
        )

    def learner(self, validation: Validation | None = None) -> Learner:
        """The state of meta-training at iteration 0, for `training.train`."""
        module = frozen_copy(self.child, self.device)
        moved = trainable(module)
        params = shared_rows.one_row(parameters(module), self.shared_rows)
        names = tuple(self.adapted or moved)
        return Learner(
            objective=self.objective(module),
            params=params,
            trainable=moved,
            buffers=dict(module.named_buffers()),
            logs=self.rule.logs(params, names, self.steps),
            adapted=names,
            rule=self.rule,
            outer=self.outer,
            seed=self.seed,
            device=str(self.device),
            recipe=self.describe(),
            watch=None if validation is None else self._watch(module, validation),
        )

    def _watch(self, module: nn.Module, validation: Validation) -> Watch:
        tasks = validation.episodes.to(self.device)

        def judge(params: Params, logs: Params) -> float:
            curve = self._fitted(module, params, logs, {}).curve(tasks, self.steps)
            return float(curve[:, -1].mean())

        return Watch(rule=validation, judge=judge)

    def objective(self, module: nn.Module) -> Objective:
        """The outer loss, eq. (2): (params, rates, episodes, progress in [0, 1]) -> scalar."""
        loss = bind(module, self.loss)
        per_task = PerTask(module, vectorised=self.vectorised)
        rows = shared_rows.rows_of(module, self.shared_rows)

        def mean_query_loss(
            params: Params, rates: Params, episodes: Episodes, progress: float
        ) -> Tensor:
            weights = step_weights(self.steps, self.outer.multi_step, progress)
            params = shared_rows.spread(params, rows)

            def one(sx: Tensor, sy: Tensor, qx: Tensor, qy: Tensor) -> Tensor:
                path = trajectory(
                    params,
                    rates,
                    loss,
                    (sx, sy),
                    self.steps,
                    order=self.order,
                    clip=self.clip,
                    guard=False,
                )
                terms = [
                    weight * loss(after, (qx, qy))
                    for weight, after in zip((0.0, *weights), path, strict=True)
                    if weight > 0
                ]
                return torch.stack(terms).sum()

            return per_task(one, *episodes.parts).mean()

        return Compiled(mean_query_loss, self.steps) if self.compiled else mean_query_loss

    @property
    def rule(self) -> RateRule:
        """The rule of the inner rates."""
        return self.rates if isinstance(self.rates, RateRule) else RateRule(kind=self.rates)

    def describe(self) -> dict[str, Any]:
        """The recipe as JSON, without the child."""
        return {
            "loss": self.loss if isinstance(self.loss, str) else "function",
            "rates": asdict(self.rule),
            "order": self.order,
            "steps": self.steps,
            "adapted": list(self.adapted) if self.adapted else None,
            **({"shared_rows": list(self.shared_rows)} if self.shared_rows else {}),
            "clip": self.clip,
            "outer": asdict(self.outer),
            "seed": self.seed,
        }
