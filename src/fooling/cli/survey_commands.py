"""What the command line says of the commands of the human study, ``fooling survey …``."""

from __future__ import annotations

from fooling.cli.command import Command

SURVEY = "Ask people what they see in the images: choose these, build the questionnaire, analyse the answers."

SURVEY_COMMANDS: dict[str, Command] = {}
