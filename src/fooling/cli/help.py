"""Find the commands and their help in the modules of this folder.

Every public function is a command: ``train_it`` is ``train-it``, and ``group_train_it`` is ``group train-it``. Modules
whose names begin with an underscore hold what commands share. The first paragraph of a function's docstring is the
summary of the command; ``Args`` describes its parameters, apart from those in ``SHARED``. The constant ``PANEL`` of a
module is the heading under which ``fooling --help`` lists its commands. Neither docstrings nor ``PANEL`` change a
fingerprint, so a better text reruns nothing.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fooling.errors import FoolingError

#: The headings of commands, in the order of the listing.
PANELS = ("Data", "Networks", "Attacks", "Findings", "Report", "Project", "Survey")

#: The groups of commands, each with its summary; each is listed under its own name as heading.
GROUPS = {"survey": "Ask people what they see in the images of a study, and analyse what they answered."}

#: Parameters that mean the same in every command.
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
    "checkpoints": "Folder for checkpoints of unfinished work; a killed command resumes from there.",
    "pictures": "For training.pictures: all, the data set whose folder they lie in: JSON or a YAML file.",
    "manifest": "For training.pictures: all, the manifest of these pictures that a list command wrote.",
    "workers": "How many processes decode such pictures; the result is the same for any number.",
    "runs": "Run files that `attack evolution` wrote.",
    "ascents": "Files of gradient ascents that `attack ascent` wrote.",
}


#: Modules of this folder without commands, besides those that begin with an underscore.
NO_COMMANDS = ("help", "main")


class Command(NamedTuple):
    """Where a command is defined, what it does, and under which heading it is listed."""

    module: str
    function: str
    summary: str
    panel: str

    @property
    def root(self) -> str:
        """Return the name by which :mod:`fooling.fingerprint` knows the command."""
        return f"{self.module}:{self.function}"


@cache
def commands() -> dict[str, Command]:
    """Return all commands by name, by heading and then in alphabetical order, without importing any.

    Raises :class:`FoolingError` if two modules define the same command, or a module of commands has no known heading.
    """
    found: dict[str, Command] = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        statements = ast.parse(path.read_bytes()).body if path.stem not in NO_COMMANDS else []
        for statement in statements:
            if isinstance(statement, ast.FunctionDef) and not statement.name.startswith("_"):
                name = _name_of(statement.name)
                command = Command(
                    module=f"{__package__}.{path.stem}",
                    function=statement.name,
                    summary=_first_paragraph(ast.get_docstring(statement) or ""),
                    panel=_panel_of(statements, module=path.stem),
                )
                if name in found:
                    raise FoolingError(f"two modules define {name}", found=f"{found[name].module}, {command.module}")
                found[name] = command
    return dict(sorted(found.items(), key=lambda each: (PANELS.index(each[1].panel), each[0])))


def parameters_of(function: Callable[..., None]) -> dict[str, str]:
    """Return the help of every parameter of a command's ``function``, by name.

    Raises :class:`FoolingError` for a parameter without help, and for help without a parameter.
    """
    described = dict(_arguments(inspect.getdoc(function) or ""))
    names = list(inspect.signature(function).parameters)
    if unknown := sorted(set(described) - set(names)):
        raise FoolingError(f"{function.__name__} describes unknown parameters", found=", ".join(unknown))
    if missing := [name for name in names if name not in described and name not in SHARED]:
        raise FoolingError(f"{function.__name__} does not describe all parameters", found=", ".join(missing))
    return {name: described.get(name) or SHARED[name] for name in names}


def _panel_of(statements: Sequence[ast.stmt], *, module: str) -> str:
    """Return the value of ``PANEL`` in a module; raise :class:`FoolingError` unless it is one of ``PANELS``."""
    for statement in statements:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "PANEL":
            panel = str(ast.literal_eval(statement.value))
            if panel in PANELS:
                return panel
            raise FoolingError(f"{module} has an unknown PANEL", found=panel, expected=", ".join(PANELS))
    raise FoolingError(f"{module} does not say under which heading its commands are listed", expected="PANEL = …")


def _name_of(function: str) -> str:
    group, _, rest = function.partition("_")
    words = [group, rest] if group in GROUPS and rest else [function]
    return " ".join(words).replace("_", "-")


def _first_paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def _arguments(docstring: str) -> Iterator[tuple[str, str]]:
    """Yield the names and descriptions in the ``Args`` section of a docstring in Google's style."""
    _, _, section = f"\n{docstring}\n".partition("\nArgs:\n")
    section = re.split(r"\n(?=\S)", section, maxsplit=1)[0]
    for entry in re.split(r"\n(?= {4}\S)", section):
        name, colon, text = entry.strip().partition(":")
        if colon:
            yield name, " ".join(text.split())
