"""Results of an inner suite -> a figure: the measure after each inner step, one line a variant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa.errors import InputError
from autometa.plots import check_figure_name, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def save(content: Mapping[str, Any], path: Path) -> None:
    """Draw and write.

    Raises:
        InputError: a suffix that is not drawn, or a suite without curves.
        StoreError: the file cannot be written.
    """
    check_figure_name(path)
    axes = draw(content)
    if axes is None:
        raise InputError(f"suite {content['suite']!r} has no curves to draw")
    figure = axes.get_figure(root=True)
    assert figure is not None
    save_figure(figure, path)


def draw(content: Mapping[str, Any]) -> Axes | None:
    """The mean over test tasks after 0 ... 20 inner steps; seeds of a variant are averaged.

    Returns:
        The axes; None where the suite has no curves.
    """
    curves: dict[str, list[list[float]]] = {}
    for record in content["records"]:
        if "curve" in record:
            curves.setdefault(record["variant"], []).append(record["curve"])
    if not curves:
        return None
    from matplotlib.figure import Figure

    axes = Figure(figsize=(7.0, 4.0), layout="constrained").subplots()
    for variant, seeds in sorted(curves.items()):
        axes.plot(np.mean(seeds, axis=0), label=variant, linewidth=1.4)
    lower_is_better = any(bar["direction"] == "minimize" for bar in content.get("bars", []))
    measure = content.get("protocol", {}).get("measure", "measure").split(" after")[0]
    axes.set(xlabel="inner steps", ylabel=measure, yscale="log" if lower_is_better else "linear")
    axes.legend(fontsize="small")
    return axes
