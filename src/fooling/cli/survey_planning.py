"""Prepare the human study: simulate participants, compute the power of a plan, and build the page."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_json, require_file, write_bytes, write_folder, write_table, write_text
from fooling.errors import FoolingError
from fooling.figures.style import as_pdf, as_png
from fooling.figures.survey_power import survey_power as draw_survey_power
from fooling.inputs import read_text
from fooling.progress import say
from fooling.settings import read_settings
from fooling.survey.assembly import BROWSER_BUILD, LIBRARIES, OWN_SCRIPTS, Library, assemble_page, cards
from fooling.survey.questionnaire import Questionnaire, load_questionnaire
from fooling.survey.responses import SYNTHETIC_FILES
from fooling.survey.simulation import POWER, PowerSettings, SimulationSettings, power_table, simulated_files

PANEL = "Survey"


def survey_build(*, questionnaire: Path, packages: Path, output: Path) -> None:
    """Build the page of a questionnaire: a folder to host, and one file that works offline.

    Args:
        questionnaire: Questionnaire that `survey sample` wrote, with the folder `stimuli` beside it.
        packages: Folder of npm packages, `node_modules`; `make survey` installs them.
        output: Folder to write.
    """
    _require_own_folder(output)
    checked = load_questionnaire(questionnaire)
    libraries = [_library(packages / name, name) for name in LIBRARIES]
    page = assemble_page(checked, _images(checked, questionnaire.parent), libraries)
    single = f"{checked.study}-survey.html"
    write_folder(output, {**page.files, single: page.single.encode()})
    if not checked.contact:
        say("no contact is set, and the page says so: set survey.contact before you ask people")
    say(f"{len(checked.stimuli)} images to ask about; open {output / single}, or host {output}")


def _require_own_folder(output: Path) -> None:
    """Raise :class:`FoolingError` for a folder with other files: a page replaces the whole content of its folder."""
    if output.is_dir() and any(output.iterdir()) and not (output / OWN_SCRIPTS[0]).is_file():
        raise FoolingError(
            f"{output} contains other files than a page",
            expected="an empty folder, or an earlier page",
            remedy="give another --output",
        )


def _images(questionnaire: Questionnaire, folder: Path) -> dict[str, bytes]:
    """Return the images beside the questionnaire, by their paths in it."""
    files = [card.file for card in cards(questionnaire)]
    for file in files:
        require_file(folder / file)
    return {file: (folder / file).read_bytes() for file in files}


def _library(folder: Path, name: str) -> Library:
    """Read the npm package in ``folder``."""
    if not folder.is_dir():
        raise FoolingError(
            "the page is built with jsPsych, which is not installed",
            found=f"nothing in {folder}",
            expected=f"the npm package {name}",
            remedy="run make survey, which installs it with npm; or npm ci beside the page's package-lock.json",
        )
    described = read_json(folder / "package.json")
    version = described.get("version") if isinstance(described, dict) else None
    return Library(name=name, version=str(version), code=read_text(folder / BROWSER_BUILD))


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
