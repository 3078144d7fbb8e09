"""Transfer between the networks of a data set: who is fooled by images that were evolved on another one."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from fooling.figures.style import in_style
from fooling.figures.transfer_heat_map import draw_heat_map


@in_style
def draw(*, transfer: pd.DataFrame) -> Figure:
    """A heat map of all pairs: a row for each network that images were evolved on, a column for each that sees them."""
    names = {name: name for name in transfer["target"]}
    title = f"Do images of the experiment {transfer['experiment'].iloc[0]} fool other networks?"
    return draw_heat_map(transfer, names=names, title=title, axis="network")
