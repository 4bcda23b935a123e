"""FittedMAML: what meta-training learned - where children start and how fast they learn - frozen.

Adapting past the number of steps it was trained for is safe: rates are bounded, gradients are
clipped, and a step whose gradient is not a number does not move.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from autometa._version import __version__
from autometa.errors import InputError, ModelError, StoreError
from autometa.inner import shared_rows, store
from autometa.inner.adapt import Batch, Params, adapt, trajectory
from autometa.inner.copying import judging
from autometa.inner.episodes import Episodes, check_support, stack
from autometa.inner.left_out import called, why
from autometa.inner.losses import LOSSES, LossFunction, loss_function
from autometa.inner.per_task import PerTask
from autometa.inner.rates import MOST_CLIP, SHARED, expand
from autometa.inner.stateless import bind, frozen_copy, predictions
from autometa.limits import whole
from autometa.showing import counted, few

SCHEMA = 1
MOST_STEPS = 10**6
KIND = "autometa-inner"
Measure = Callable[[Tensor, Tensor], Tensor]  # (outputs, targets) of one task -> scalar


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Share of rows whose largest output is the target class.

    Args:
        outputs: (n, classes).
        targets: Class indices, (n,).

    Raises:
        InputError: targets of another shape, or that are no indices.
    """
    if targets.shape != outputs.shape[:-1] or targets.is_floating_point():
        raise InputError(
            f"targets of shape {tuple(targets.shape)} ({targets.dtype}) for outputs of shape "
            f"{tuple(outputs.shape)}",
            allowed="class indices, one for each row of outputs",
            do="Measure what is no such classification with a function of your own",
        )
    return (outputs.argmax(-1) == targets).float().mean()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictor:
    """A child adapted to one task; call it with inputs.

    Args:
        module: The child in evaluation mode (no dropout), whose own parameters are not used.
        params: Adapted parameters.
    """

    module: nn.Module
    params: Params

    def __repr__(self) -> str:
        return f"Predictor({type(self.module).__name__}, {counted(len(self.params), 'parameter')})"

    def __call__(self, inputs: Tensor) -> Tensor:
        """Outputs of the adapted child, without gradients."""
        with torch.no_grad():
            return predictions(self.module, self.params, inputs)

    def to_module(self) -> nn.Module:
        """An ordinary module that holds the adapted parameters; frozen ones are frozen in it.

        It is in evaluation mode and predicts what this does; `train()` is for training it further.
        Batch normalisation goes by the batch at hand in it, too: it has no running statistics.
        """
        module = frozen_copy(self.module, str(next(iter(self.params.values())).device))
        module.load_state_dict({**module.state_dict(), **self.params})
        return module.eval()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedMAML:
    """A start and inner learning rates for a kind of child; made by `MAML.fit` or `load`.

    Args:
        module: The child as a pure function (see `frozen_copy`); only its buffers are used.
        params: The learned start.
        logs: Log inner rates as stored (see `rates`).
        adapted: Names of the parameters that are adapted.
        steps: Inner steps it was trained for: the default of `adapt`.
        clip: Clip of gradient entries in an inner step.
        loss: Name in `LOSSES`, or a function (outputs, targets) -> scalar.
        info: Provenance, JSON-able.
        shared_rows: Names of the parameters whose rows start alike.
    """

    module: nn.Module
    params: Params
    logs: Params
    adapted: tuple[str, ...]
    steps: int
    clip: float
    loss: str | LossFunction
    info: Mapping[str, Any] = field(default_factory=dict)
    shared_rows: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rates = [float(rate) for value in self.logs.values() for rate in value.exp().aminmax()]
        return (
            f"FittedMAML({type(self.module).__name__}: {len(self.adapted)} of "
            f"{counted(len(self.params), 'parameter')} adapted in {counted(self.steps, 'step')}, "
            f"rates {min(rates):.2g} to {max(rates):.2g})"
        )

    @property
    def rates(self) -> dict[str, Tensor]:
        """Parameter name -> inner learning rates (S, ...), positive; S = 1 or one a step."""
        return expand(self.logs, self.adapted)

    def adapt(self, support: Batch, steps: int | None = None) -> Predictor:
        """Train a child on one task; dropout draws from torch's generator in it.

        Args:
            support: Inputs (n, ...) and targets (n, ...).
            steps: Gradient steps; by default as many as in meta-training.

        Raises:
            InputError: negative steps, no support set, or NaN in it.
        """
        steps = _steps(self.steps if steps is None else steps)
        check_support(support)
        for name, part in zip(("inputs", "targets"), support, strict=True):
            if bool(part.isnan().any()):
                raise InputError(f"NaN in the {name} to adapt to", do="Leave those rows out")
        with torch.no_grad():
            rates, loss = self.rates, bind(self.module, self.loss)
            params = adapt(self.params, rates, loss, support, steps, order=1, clip=self.clip)
        return Predictor(module=judging(self.module), params=params)

    def curve(
        self, episodes: Episodes, steps: int, measure: Measure | None = None, *, chunk: int = 100
    ) -> Tensor:
        """How each task's query set is predicted after 0 ... `steps` steps on its support set.

        Args:
            episodes: B tasks, on the device of the model.
            steps: Steps to follow; may be more than it was trained for.
            measure: Loss of the model by default; `accuracy`, or any (outputs, targets) -> scalar.
            chunk: Tasks adapted at once: memory against speed.

        Raises:
            InputError: no episodes, negative steps, a chunk below 1, or a measure that is none.

        Returns:
            (B, steps + 1) on the CPU. A task whose support set holds NaN is named in a warning and
            its row is NaN.
        """
        score = loss_function(self.loss if measure is None else measure, "measure")
        loss, judge = bind(self.module, self.loss), judging(self.module)
        steps, chunk = _steps(steps), whole(chunk, "chunk", low=1)
        stack(episodes)

        def one(sx: Tensor, sy: Tensor, qx: Tensor, qy: Tensor) -> Tensor:
            path = trajectory(self.params, rates, loss, (sx, sy), steps, order=1, clip=self.clip)
            return torch.stack([score(predictions(judge, p, qx), qy) for p in path])

        broken = [
            k for k in range(len(episodes)) if any(bool(p[k].isnan().any()) for p in episodes.parts)
        ]
        for k in broken:
            task = episodes[k : k + 1]
            warnings.warn(f"task {called(task, str(k))}: {why(task, 0.0)}", stacklevel=2)
        with torch.no_grad():
            rates, per_task = self.rates, PerTask(self.module)
            curves = torch.cat([per_task(one, *p.parts).cpu() for p in episodes.chunks(chunk)])
            curves[broken] = torch.nan
            return curves

    def on(self, child: nn.Module) -> FittedMAML:
        """The same start and rates in a child for another number of classes.

        Args:
            child: As the one that was trained but for the number of rows of `shared_rows`.

        Raises:
            ModelError: it differs in more than that.
        """
        module = frozen_copy(child, next(iter(self.params.values())).device)
        params, logs = _rows_like(self.params, self.logs, self.shared_rows, module)
        _take_buffers(module, dict(self.module.named_buffers()))
        return replace(self, module=module, params=params, logs=logs)

    def save(self, folder: str | Path) -> Path:
        """Write safetensors + JSON (see `store`); the child's class is not stored.

        Raises:
            StoreError: the folder cannot be written to, or holds something else, as a checkpoint.
        """
        tensors = {f"params/{k}": v for k, v in self.params.items()}
        tensors |= {f"logs/{k}": v for k, v in self.logs.items()}
        tensors |= {f"buffers/{k}": v for k, v in self.module.named_buffers()}
        named = self.loss if isinstance(self.loss, str) else None
        info = {
            "kind": KIND,
            "schema": SCHEMA,
            "autometa": __version__,
            "adapted": list(self.adapted),
            "steps": self.steps,
            "clip": self.clip,
            "loss": named,
            "shared_rows": list(self.shared_rows),
            "info": dict(self.info),
        }
        return store.save(folder, tensors, info)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        child: nn.Module,
        *,
        loss: LossFunction | None = None,
        device: str | torch.device = "cpu",
    ) -> FittedMAML:
        """Read what `save` wrote, into the architecture of `child`.

        Where the rows of its head start alike (`shared_rows`), the child may have another number of
        classes than the one that was trained.

        Raises:
            StoreError: absent, damaged, newer, or not such a folder.
            InputError: no such device or loss.
            ModelError: `child` has other parameters or other buffers (frozen parts in evaluation
                mode have running statistics), or a loss function must be given and is not.
        """
        tensors, info = store.load(folder, KIND, SCHEMA)
        module = frozen_copy(child, device)
        parts: dict[str, dict[str, Tensor]] = {"params": {}, "logs": {}}
        for name, value in tensors.items():
            part, _, key = name.partition("/")
            parts.setdefault(part, {})[key] = value.to(device)
        shared, buffers = _shared(folder, info), parts.pop("buffers", None)
        _check(folder, parts, info)
        params, logs = _rows_like(parts["params"], parts["logs"], shared, module)
        _take_buffers(module, buffers)
        trained: Any = loss or info.get("loss")
        if trained is None:
            raise ModelError(
                f"{folder} was trained with a loss function of yours", do="Pass it as loss="
            )
        loss_function(trained)
        return cls(
            module=module,
            params=params,
            logs=logs,
            shared_rows=shared,
            adapted=tuple(info["adapted"]),
            steps=info["steps"],
            clip=info["clip"],
            loss=trained,
            info=info["info"],
        )


def _shared(folder: str | Path, info: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the parameters whose rows start alike; files of old have none."""
    names = info.get("shared_rows", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise StoreError(f"{folder} holds shared_rows that cannot be")
    return tuple(names)


def _rows_like(
    params: Params, logs: Params, shared: tuple[str, ...], child: nn.Module
) -> tuple[Params, Params]:
    """Start and log rates with as many rows as `child` has, where rows start alike.

    Raises:
        ModelError: it has other parameters.
    """
    rows = shared_rows.rows_of(child, shared)
    params, logs = shared_rows.spread(params, rows), shared_rows.spread(logs, rows, axis=1)
    _same(params, dict(child.named_parameters()), "parameters")
    return params, logs


def _same(stored: Params, given: Params, what: str, *, do: str = "") -> None:
    """Refuse a child whose tensors are not those that are stored; names where they differ.

    Raises:
        ModelError: it is one.
    """

    def told(tensors: Params, name: str) -> str:
        return str(tuple(tensors[name].shape)) if name in tensors else "absent"

    other = [
        f"{name!r} is {told(given, name)}, was {told(stored, name)}"
        for name in {**given, **dict(sorted(stored.items()))}
        if told(given, name) != told(stored, name)
    ]
    if other:
        raise ModelError(
            f"a child whose {what} differ from those that were trained: {few(other)}",
            allowed="the architecture that was trained",
            do=do,
        )


def _take_buffers(module: nn.Module, stored: Params | None) -> None:
    """Give `module` the buffers of the child that was trained; files of old have none.

    Raises:
        ModelError: it has others.
    """
    own = dict(module.named_buffers())
    frozen = "Freeze the same parts as for training, in evaluation mode where they were"
    _same(stored or own, own, "buffers", do=frozen)
    for name, value in (stored or {}).items():
        own[name].data = value.to(own[name].dtype)  # one that is expanded cannot be written to


def _check(folder: str | Path, parts: Mapping[str, Params], info: Mapping[str, Any]) -> None:
    """Refuse what would fail only when a child is adapted.

    Raises:
        StoreError: a part is missing, of another kind, or does not fit the others.
    """
    adapted: Any = info.get("adapted")
    params, logs = parts["params"], parts["logs"]
    named = isinstance(adapted, list) and bool(adapted)
    named = named and all(
        isinstance(n, str) and n in params and params[n].is_floating_point() for n in adapted
    )
    numbers = [value for part in parts.values() for value in part.values()]
    good = {
        "tensors": parts.keys() == {"params", "logs"}
        and all(bool(v.isfinite().all()) for v in numbers),
        "adapted": named,
        "rates": named
        and all(v.ndim and len(v) and v.is_floating_point() for v in logs.values())
        and all(_fits_rate(logs, name, params[name]) for name in adapted),
        "steps": type(info.get("steps")) is int and 0 <= info["steps"] <= MOST_STEPS,
        "clip": type(info.get("clip")) in (int, float) and 0 < info["clip"] <= MOST_CLIP,
        "loss": info.get("loss") is None or info["loss"] in list(LOSSES),
        "info": isinstance(info.get("info"), dict),
    }
    wrong = [name for name, fits in good.items() if not fits]
    if wrong:
        raise StoreError(f"{folder} holds {', '.join(wrong)} that cannot be")


def _fits_rate(logs: Params, name: str, value: Tensor) -> bool:
    """Whether there are log rates (S, ...) that `expand` can give to a parameter."""
    if SHARED in logs:
        return logs[SHARED].ndim == 1
    return name in logs and logs[name].shape[1:] in ((), value.shape)


def _steps(steps: int) -> int:
    return whole(steps, "steps", low=0)
