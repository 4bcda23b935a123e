"""What all figures share: axes, colours, labels, files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autometa.errors import InputError, StoreError
from autometa.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Hues that colour-blind readers tell apart, mid-toned for light and for dark pages.
WARM = "#d9730d"
COLD = "#3b82c4"
OTHER = "#8a8f98"
SHADES = (WARM, COLD, "#2f9e77", "#b05fb0", "#a08a1f", "#c94f5d", "#5b6fd6", "#7a8b4a")

_DASHES = ("-", ":", "--")
_WIDTH, _HEIGHT = 4.6, 3.0  # inches

FIGURE_KINDS = (".svg", ".png", ".pdf")


def check_figure_name(path: Path) -> None:
    """Refuse a file name that no figure can be saved under, before any work is done for it.

    Raises:
        InputError: another suffix.
    """
    if path.suffix not in FIGURE_KINDS:
        raise InputError(
            f"figure {path.name!r}", allowed="a name ending in " + ", ".join(FIGURE_KINDS)
        )


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure; an SVG carries no date, so that the same data give the same file.

    Raises:
        InputError: a suffix that is not drawn.
        StoreError: the file cannot be written.
    """
    check_figure_name(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    drawn = BytesIO()
    figure.savefig(
        drawn,
        format=path.suffix.removeprefix("."),
        bbox_inches="tight",
        metadata={"Date": None} if path.suffix == ".svg" else None,
    )
    try:
        write_whole(path, drawn.getvalue())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error


def axes(ax: Axes | None) -> Axes:
    """The user's axes, or those of a new figure."""
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained").add_subplot()
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, linewidth=0.6)
    return ax


def style(i: int) -> dict[str, Any]:
    """Colour and dashes of line number i: colours first, then dashes."""
    return {"color": SHADES[i % len(SHADES)], "linestyle": _DASHES[i // len(SHADES) % 3]}


def legend_below(ax: Axes) -> None:
    """A legend under the axes, its names taken as they are and not as formulas.

    A figure of ours grows by it; on a figure of the user's it may hang over.
    """
    whole = ax.get_figure(root=True)
    if whole is not None and whole.get_layout_engine() is not None and len(whole.axes) == 1:
        rows = -(-len(ax.get_legend_handles_labels()[1]) // 2)
        whole.set_figheight(_HEIGHT + 0.19 * rows)
        legend = whole.legend(loc="outside lower center", ncols=2, fontsize="small", frameon=False)
    else:
        legend = ax.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize="small"
        )
    for text in legend.get_texts():
        text.set_parse_math(False)


def count_trials(ax: Axes) -> None:
    """An x axis of whole trials."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("trials")


def name_rows(ax: Axes, names: list[str]) -> None:
    """Names at 0, 1, ... down the y axis."""
    ax.set_yticks(range(len(names)), [short(name) for name in names], fontsize="small")
    for text in ax.get_yticklabels():
        text.set_parse_math(False)
    ax.invert_yaxis()


def say(ax: Axes, text: str) -> None:
    """A sentence where there is nothing to draw."""
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, style="italic")


def title(ax: Axes, text: str) -> None:
    """A title, taken as it is and not as a formula."""
    ax.set_title(text, fontsize="medium", parse_math=False)


def label(text: str) -> str:
    """A name as words, cut where it is long, safe from matplotlib's formulas."""
    return short(text.replace("_", " "), 36).replace("$", r"\$")


def short(name: str, limit: int = 22) -> str:
    """A long name cut."""
    return name if len(name) <= limit else name[: limit - 1] + "…"
