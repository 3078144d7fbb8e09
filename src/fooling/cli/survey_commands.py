"""What the command line says of the commands of the human study, ``fooling survey …``."""

from __future__ import annotations

from fooling.cli.command import Command

SURVEY = "Ask people what they see in the images: choose these, build the questionnaire, analyse the answers."

SURVEY_COMMANDS: dict[str, Command] = {
    "survey sample": Command(
        "Draw the images that people are shown, by a rule that looks at none, and write the questionnaire.",
        {
            "study": "Name of the study.",
            "runs": "A run whose champions and random images may be shown, as experiment=path; once for each.",
            "ascents": "Files of gradient ascents on the same network, from `ascend`; once for each.",
            "settings": "How many images, trials and options there are: JSON or a YAML file.",
            "output": "Questionnaire to write, as JSON; its images go to the folder `stimuli` beside it.",
        },
    ),
    "survey build": Command(
        "Build the page on which people are asked: a folder to be hosted, and one file that needs no network.",
        {
            "questionnaire": "Questionnaire that `survey sample` wrote, with the folder `stimuli` beside it.",
            "packages": "Folder of npm packages, `node_modules`; `make survey` installs them.",
            "output": "Folder to write.",
        },
    ),
}
