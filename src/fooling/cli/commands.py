"""What the command line says of every command. Kept apart from the commands, so that a better help text reruns nothing.

The command ``train-it`` is the function ``train_it`` in the module ``fooling.cli.train_it``, and ``group train-it``,
a command of a group, the function ``group_train_it`` in ``fooling.cli.group_train_it``.
"""

from __future__ import annotations

from fooling.cli.command import Command
from fooling.cli.finding_commands import FINDING_COMMANDS
from fooling.cli.image_commands import IMAGE_COMMANDS
from fooling.cli.network_commands import NETWORK_COMMANDS
from fooling.cli.survey_commands import SURVEY, SURVEY_COMMANDS

#: The groups, each with its summary.
GROUPS = {"survey": SURVEY}

#: In the order of the study.
COMMANDS: dict[str, Command] = {
    **NETWORK_COMMANDS,
    **IMAGE_COMMANDS,
    **FINDING_COMMANDS,
    "draw": Command(
        "Draw one figure, as PNG and PDF.",
        {
            "figure": "Name of the figure, such as gallery.",
            "tables": "A table that it is drawn from, as name=path; files of the same name are stacked.",
            "batches": "Files of runs against the networks of a chain, in its order; give the option once for each.",
            "stimuli": "Stimuli of the human study, as condition=path of the questionnaire.",
            "settings": "Options of the figure: one JSON object, or a YAML file that holds them.",
            "png": "PNG file to write.",
            "pdf": "PDF file to write.",
        },
    ),
    **SURVEY_COMMANDS,
    "write-config": Command(
        "Write the generated files: the default study, the JSON schema, the table of settings and the list of claims.",
        {"folder": "Folder of the repository."},
    ),
    "run-info": Command(
        "Gather how a study was run: machine, package versions, seeds, and the time and memory of every step.",
        {
            "study": "Name of the study.",
            "champions": "Tables of champions, one for each experiment: they tell which runs were made.",
            "classifiers": "Table of the networks.",
            "logs": "Folder with the logs of the jobs, and Snakemake's benchmark files beside them.",
            "output": "JSON file to write.",
        },
    ),
    "report": Command(
        "Show the whole study on one page that needs no other file and no network.",
        {
            "study": "Name of the study.",
            "claims": "Table of the judged claims.",
            "champions": "Tables of champions, one for each experiment to sum up.",
            "examined": "Tables of what other networks and the training images say of the champions.",
            "runs": "A run whose images are shown, as experiment=path.",
            "figures": "PNG files of the figures to show.",
            "run_info": "How the study was run: the file that `run-info` wrote.",
            "deviations": "Page that lists where the study departs from the paper; the report links to it.",
            "threshold": "Confidence from which a champion is counted as fooling the network.",
            "output": "HTML file to write.",
        },
    ),
}
