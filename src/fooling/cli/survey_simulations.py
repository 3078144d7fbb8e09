"""Simulations for the human study: participants, and the power of planned studies."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_bytes, write_table, write_text
from fooling.errors import FoolingError
from fooling.figures.saving import as_pdf, as_png
from fooling.figures.survey_power import survey_power as draw_survey_power
from fooling.progress import say
from fooling.settings import read_settings
from fooling.survey.questionnaire import load_questionnaire
from fooling.survey.responses import SYNTHETIC_FILES
from fooling.survey.simulation import POWER, PowerSettings, SimulationSettings, power_table, simulated_files

PANEL = "Survey"


def survey_simulate(*, questionnaire: Path, settings: str = "{}", output: Path) -> None:
    """Simulate participants who answer a questionnaire, to test the analysis.

    Write one response file for each participant, marked as synthetic.

    Args:
        questionnaire: Questionnaire that `survey sample` wrote.
        output: Folder for a response file of each participant.
        settings: Number of participants, and variation between people and images: JSON or a YAML file.
    """
    checked = read_settings(SimulationSettings, settings)
    asked = load_questionnaire(questionnaire)
    if output.is_dir():
        others = sorted(path.name for path in output.iterdir() if not path.name.startswith(SYNTHETIC_FILES))
        if others:
            raise FoolingError(
                f"{output} contains other files", found=others[0], expected="a folder with simulated answers only"
            )
    for name, text in simulated_files(asked, checked):
        write_text(output / name, text)
    say(f"{checked.participants} simulated participants; written to {output}")


def survey_power(*, settings: str = "{}", table: Path, png: Path, pdf: Path) -> None:
    """Simulate studies of every planned size, and compute how often they find the effect.

    Args:
        settings: Effect, margin, sizes, and variation between people and images: JSON or a YAML file.
        table: Table of the sizes to write.
        png: PNG file of the plot to write.
        pdf: PDF file of the plot to write.
    """
    found = power_table(read_settings(PowerSettings, settings))
    drawn = draw_survey_power(survey_power=found)
    write_table(table, found, POWER)
    write_bytes(png, as_png(drawn))
    write_bytes(pdf, as_pdf(drawn))
    say(f"{len(found)} sizes of a study simulated; written to {table}, {png} and {pdf}")
