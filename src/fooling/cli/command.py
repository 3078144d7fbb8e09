"""The help of one command, and of the parameters that many commands share."""

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
    "architecture": "Python file of your own that builds a classifier's network, as path/to/file.py:function; once for "
    "each. A classifier file alone never makes a Python file run.",
    "seed": "Seed of the run: the same seed on the same kind of machine gives the same bytes.",
    "device": "Where to compute: auto (a GPU when there is one), cpu or cuda.",
    "mirror": "Folder in which files are looked for that are not here, before anything is downloaded.",
    "threads": "How many threads read at once; the result is the same for any number.",
    "checkpoints": "Folder for the state of unfinished work; a killed command goes on from there.",
    "pictures": "For training.pictures: all, the data set whose folder they lie in: JSON or a YAML file.",
    "manifest": "For training.pictures: all, the manifest of these pictures that a list command wrote.",
    "workers": "How many processes decode such pictures; the result is the same for any number.",
    "runs": "Run files that an evolve command wrote.",
    "ascents": "Files of gradient ascents that `ascend` wrote.",
}


@dataclass(frozen=True)
class Command:
    """The help of one command: a summary of one sentence, and one sentence for each parameter not in ``SHARED``."""

    summary: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def help_of(self, parameter: str) -> str:
        """The help text of ``parameter``."""
        return self.parameters.get(parameter) or SHARED[parameter]
