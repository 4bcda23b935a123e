"""Rows that start alike: a classification head that does not know yet which class is which.

Which class of an episode is called 0 is chance, so a head that starts with other weights for class
0 than for class 1 has learned nothing by the difference, and as many classes as it was trained
with is all that it can tell apart. One row that is learned for all of them is better and serves
any number of classes:

    W_c = w for every class c before the first step; the inner steps tell them apart.

One step makes a classifier by mean features of it, as the prototypes of Snell et al. (2017) are;
layers below the head move from the second step on, as before it no row tells them anything. (With
cross entropy w itself changes no prediction: what counts is that the rows do not differ.)

Reference: Ye, Chao: How to Train Your MAML to Excel in Few-Shot Classification, 2022.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from autometa.errors import InputError
from autometa.inner.adapt import Params


def check(child: nn.Module, names: Iterable[str], adapted: Iterable[str]) -> tuple[str, ...]:
    """The names of parameters whose rows are to start alike, as a tuple.

    Raises:
        InputError: one is not adapted (its rows would stay alike for ever), or has no rows.
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    moved = set(adapted)
    shapes = {name: value.shape for name, value in child.named_parameters() if name in moved}
    if wrong := [name for name in names if not shapes.get(name)]:
        usable = [name for name, shape in shapes.items() if shape]
        raise InputError(
            f"rows that start alike: {wrong}",
            allowed=f"parameters with rows that the inner steps adapt: {usable}",
            do="For a classifier give head(child)",
        )
    return names


def one_row(params: Params, names: Iterable[str]) -> dict[str, Tensor]:
    """The same with the mean of the rows of each of `names`, (1, ...), in their place."""
    means = {name: params[name].mean(0, keepdim=True) for name in names}
    return {**params, **means}


def spread(values: Params, rows: Mapping[str, int], axis: int = 0) -> dict[str, Tensor]:
    """The same with so many rows like the first one in each tensor that `rows` names.

    Args:
        values: A start, rows on axis 0, or log rates as stored, (S, ...), on axis 1. What has no
            such axis stays as it is, as one rate of all rows.
        rows: Name -> number of rows.
        axis: Where the rows are.
    """
    return {
        name: value.narrow(axis, 0, 1).expand(
            *value.shape[:axis], rows[name], *value.shape[axis + 1 :]
        )
        if name in rows and value.ndim > axis and value.shape[axis]
        else value
        for name, value in values.items()
    }


def rows_of(child: nn.Module, names: Iterable[str]) -> dict[str, int]:
    """Name -> how many rows the child's parameter has; those that it lacks are left out."""
    shapes = {name: value.shape for name, value in child.named_parameters()}
    return {name: shapes[name][0] for name in names if shapes.get(name)}
