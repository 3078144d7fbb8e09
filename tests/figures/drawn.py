"""What a figure shows, read from its axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D


def texts(axes: Axes) -> list[str]:
    """Return the texts that were written on ``axes``, apart from titles and ticks."""
    return [text.get_text() for text in axes.texts]


def titles(figure: Figure) -> list[str]:
    """Return the left title of each panel."""
    return [axes.get_title(loc="left") for axes in figure.axes]


def x_labels(axes: Axes) -> list[str]:
    """Return the labels at the ticks of the x axis."""
    return [label.get_text() for label in axes.get_xticklabels()]


def y_labels(axes: Axes) -> list[str]:
    """Return the labels at the ticks of the y axis."""
    return [label.get_text() for label in axes.get_yticklabels()]


def legend(figure: Figure) -> list[str]:
    """Return the entries of the figure's legend."""
    return [text.get_text() for text in figure.legends[0].get_texts()]


def heading(figure: Figure) -> str:
    """Return the title of the whole figure, on one line: that of its legend, or else its own."""
    titles = [each.get_title().get_text() for each in figure.legends]
    return _on_one_line(titles[0] if titles else figure.get_suptitle())


def note(figure: Figure) -> str:
    """Return the small print below a figure, on one line."""
    return _on_one_line(figure.get_supxlabel())


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\N{NO-BREAK SPACE}", " ")


def lines_by_colour(axes: Axes) -> dict[Any, Line2D]:
    """Return the visible lines with more than two points, by colour."""
    return {line.get_color(): line for line in axes.lines if len(line.get_xdata()) > 2 and line.get_linewidth() > 0}


def lines_by_label(axes: Axes) -> dict[str, Line2D]:
    """Return the lines that have a label."""
    return {str(line.get_label()): line for line in axes.lines if not str(line.get_label()).startswith("_")}


def dots(axes: Axes) -> np.ndarray:
    """Return the points of all collections of ``axes``, as rows of x and y."""
    return np.concatenate([np.asarray(points.get_offsets()) for points in axes.collections])


def shown_images(axes: Axes) -> list[np.ndarray]:
    """Return the pixels of the images on ``axes``, in the order in which they were drawn."""
    return [np.asarray(image.get_array()) for image in axes.images]


def shown_class_names(axes: Axes, names: tuple[str, ...]) -> list[str]:
    """Return those of ``names`` that stand on ``axes``, whatever their line breaks, in the order of drawing."""
    written = [text.replace("\n", " ") for text in texts(axes)]
    return [text for text in written if text in names]
