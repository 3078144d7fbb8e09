"""The page of the human study."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_json, require_file, write_folder
from fooling.errors import FoolingError
from fooling.inputs import read_text
from fooling.progress import say
from fooling.survey.assembly import BROWSER_BUILD, LIBRARIES, OWN_SCRIPTS, Library, assemble_page, cards
from fooling.survey.questionnaire import Questionnaire, load_questionnaire

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
