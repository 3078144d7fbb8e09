"""What the command line says of the commands of the human study, ``fooling survey …``."""

from __future__ import annotations

from fooling.cli.command import Command

SURVEY = "Ask people what they see in the images: choose these, build the questionnaire, analyse the answers."

SURVEY_COMMANDS: dict[str, Command] = {
    "survey build": Command(
        "Build the page on which people are asked: a folder to be hosted, and one file that needs no network.",
        {
            "questionnaire": "Questionnaire that `survey sample` wrote, with the folder `stimuli` beside it.",
            "packages": "Folder of npm packages, `node_modules`; `make survey` installs them.",
            "output": "Folder to write.",
        },
    ),
}
