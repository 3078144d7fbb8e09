"""What the command line says of every command. Kept apart from the commands, so that a better help text reruns nothing.

The command ``train-it`` is the function ``train_it`` in the module ``fooling.cli.train_it``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Parameters that mean the same wherever they occur.
SHARED = {
    "name": "Name of the result, as in the study's configuration.",
    "output": "File to write.",
    "settings": "Settings of this step: one JSON object, or a YAML file that holds them.",
    "dataset": "Data set file that a fetch command wrote.",
    "classifier": "Classifier file that `train` or `import-network` wrote.",
    "seed": "Seed of the run: the same seed on the same kind of machine gives the same bytes.",
    "device": "Where to compute: auto (a GPU when there is one), cpu or cuda.",
    "mirror": "Folder in which files are looked for before anything is downloaded.",
    "checkpoints": "Folder for the state of unfinished work; a killed command goes on from there.",
    "runs": "Run files that an evolve command wrote.",
}


@dataclass(frozen=True)
class Command:
    """The help of one command: a summary of one sentence, and one sentence for each parameter not in ``SHARED``."""

    summary: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def help_of(self, parameter: str) -> str:
        """The help text of ``parameter``."""
        return self.parameters.get(parameter) or SHARED[parameter]


#: In the order of the study.
COMMANDS: dict[str, Command] = {
    "fetch-digits": Command("Write the handwritten digits that come with scikit-learn as a data set file."),
    "fetch-shapes": Command("Draw shapes and textures in colour from a seed as a data set file."),
    "fetch-mnist": Command("Fetch MNIST from a mirror folder or by download, verify it, and write a data set file."),
    "train": Command(
        "Train a classifier on a data set; a killed training goes on from its last whole pass over the images.",
        {"output": "Classifier file to write.", "settings": "Architecture, input and training: JSON or a YAML file."},
    ),
    "import-network": Command(
        "Take in a network that someone else has trained: an architecture and a safetensors file of weights.",
        {"output": "Classifier file to write.", "settings": "Architecture, weights and input: JSON or a YAML file."},
    ),
    "evolve-direct": Command(
        "Evolve images pixel by pixel (direct encoding) that a classifier takes for its classes.",
        {
            "output": "Run file to write: the archive of champions with its history and lineage.",
            "random_search": "Also search at random with the same number of evaluations, and write that run here.",
            "drift": "Also let genomes drift without selection as long, and write that run here.",
        },
    ),
    "evolve-cppn": Command(
        "Evolve images painted by small networks (CPPN encoding) that a classifier takes for its classes.",
        {
            "output": "Run file to write: the archive of champions with its history and lineage.",
            "random_search": "Also search at random with the same number of evaluations, and write that run here.",
            "drift": "Also let genomes drift without selection as long, and write that run here.",
        },
    ),
    "draw": Command(
        "Draw one figure, as PNG and PDF.",
        {
            "figure": "Name of the figure, such as gallery.",
            "tables": "A table that it is drawn from, as name=path; files of the same name are stacked.",
            "settings": "Options of the figure: one JSON object, or a YAML file that holds them.",
            "png": "PNG file to write.",
            "pdf": "PDF file to write.",
        },
    ),
    "write-config": Command(
        "Write the default study, the JSON schema and the table of all settings, as the settings classes have them.",
        {"folder": "Folder of the repository."},
    ),
}
