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
    "survey simulate": Command(
        "Let simulated participants answer a questionnaire, to try the analysis out; what they answer is marked.",
        {
            "questionnaire": "Questionnaire that `survey sample` wrote.",
            "output": "Folder for a response file of each participant.",
            "settings": "How many participants, and how much people and images differ: JSON or a YAML file.",
        },
    ),
    "survey analyse": Command(
        "Analyse what people answered: accuracy beside chance with intervals, single images, agreement, confidence.",
        {
            "responses": "Folder with the response files, CSV or JSON; those that do not fit are refused and listed.",
            "questionnaire": "Questionnaire that the answers are to, from `survey sample`.",
            "settings": "Rules of exclusion, margin, and how intervals are made: JSON or a YAML file.",
            "files": "Table of all response files, taken or refused and why, to write.",
            "exclusions": "Table of what the rules left out to write.",
            "accuracy": "Table of the accuracy per block and condition to write.",
            "images": "Table of the single images to write.",
            "agreement": "Table of the agreement between people to write.",
            "confidence": "Table of the agreement with the network's confidence to write.",
            "confusion": "Table of what people say of the images of each class to write.",
        },
    ),
    "survey power": Command(
        "Simulate planned studies: how many participants and images it takes to find an effect, or that there is none.",
        {
            "settings": "Effect, margin, sizes, and how much people and images differ: JSON or a YAML file.",
            "table": "Table of the sizes to write.",
            "png": "PNG file of the plot to write.",
            "pdf": "PDF file of the plot to write.",
        },
    ),
}
