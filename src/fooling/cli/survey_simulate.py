"""Let simulated participants answer a questionnaire, to try the analysis out; what they answer is marked."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_text
from fooling.errors import FoolingError
from fooling.progress import say
from fooling.settings import read_settings
from fooling.survey.questionnaire import load_questionnaire
from fooling.survey.responses import SYNTHETIC_FILES
from fooling.survey.simulation import SimulationSettings, simulated_files


def survey_simulate(*, questionnaire: Path, settings: str = "{}", output: Path) -> None:
    """Write one response file for each simulated participant to the folder ``output``, all marked as synthetic.

    Args:
        questionnaire: Questionnaire that `survey sample` wrote.
        output: Folder for a response file of each participant.
        settings: How many participants, and how much people and images differ: JSON or a YAML file.
    """
    checked = read_settings(SimulationSettings, settings)
    asked = load_questionnaire(questionnaire)
    if output.is_dir():
        others = sorted(path.name for path in output.iterdir() if not path.name.startswith(SYNTHETIC_FILES))
        if others:
            raise FoolingError(
                f"{output} holds other files", found=others[0], expected="a folder for simulated answers alone"
            )
    for name, text in simulated_files(asked, checked):
        write_text(output / name, text)
    say(f"{checked.participants} simulated participants; written to {output}")
