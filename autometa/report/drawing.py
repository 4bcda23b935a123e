"""Figures as inline SVG that takes its ink from the page, so that it reads well in light and dark.

matplotlib's black becomes `currentColor`, its white papers are left out, and its text stays text in
the page's own font.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figure(ax: Axes) -> str:
    """An axes as an HTML figure; titles on one page must differ."""
    return f"<figure>{_svg(ax)}</figure>"


def _svg(ax: Axes) -> str:
    """The figure of an axes as inline SVG that takes its ink from the page."""
    import matplotlib

    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes has no figure")
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
        legend = axes.get_legend()
        if legend is not None:
            legend.get_frame().set_visible(False)
    salt = ax.get_title()  # ids of two figures on one page must differ
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'^(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'^(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)  # figure_1, axes_1, ...: not referred to
    svg = re.sub(r"#0{6}\b", "currentColor", svg)
    label = escape(ax.get_title(), quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
