"""Transfer between the networks of a chain: DNN_i x DNN_j."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from fooling.figures.style import in_style
from fooling.figures.transfer_heat_map import draw_heat_map


@in_style
def draw(*, transfer: pd.DataFrame) -> Figure:
    """A heat map of all pairs: above the diagonal later networks are shown images of earlier ones."""
    numbers = {name: str(number) for number, name in enumerate(dict.fromkeys(transfer["target"]), start=1)}
    title = f"Do images that fooled one network of {next(iter(numbers))}'s chain fool the others?"
    return draw_heat_map(transfer, names=numbers, title=title, axis="DNN")
