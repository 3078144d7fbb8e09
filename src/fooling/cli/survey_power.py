"""Simulate planned studies: how many participants and images it takes to find an effect, or that there is none."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_bytes, write_table
from fooling.figures.style import as_pdf, as_png
from fooling.figures.survey_power import draw
from fooling.progress import say
from fooling.settings import read_settings
from fooling.survey.power import POWER, PowerSettings, power_table


def survey_power(*, settings: str = "{}", table: Path, png: Path, pdf: Path) -> None:
    """Simulate studies of every size that the settings name, and write what share of them finds what is there.

    Args:
        settings: Effect, margin, sizes, and how much people and images differ: JSON or a YAML file.
        table: Table of the sizes to write.
        png: PNG file of the plot to write.
        pdf: PDF file of the plot to write.
    """
    found = power_table(read_settings(PowerSettings, settings))
    drawn = draw(survey_power=found)
    write_table(table, found, POWER)
    write_bytes(png, as_png(drawn))
    write_bytes(pdf, as_pdf(drawn))
    say(f"{len(found)} sizes of a study simulated; written to {table}, {png} and {pdf}")
