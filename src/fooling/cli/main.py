"""Define the console script ``fooling``, from the commands and their help in the modules of this folder.

A command is imported only when it is called. Every public function is a command: ``train_it`` is ``train-it``, and
``group_train_it`` is ``group train-it``. Modules whose names begin with an underscore hold what commands share. The
first paragraph of a function's docstring is the summary of the command; ``Args`` describes its parameters, apart from
those in ``SHARED``. The constant ``PANEL`` of a module is the heading under which ``fooling --help`` lists its
commands. Neither docstrings nor ``PANEL`` change a fingerprint, so a better text reruns nothing.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import operator
import os
import re
import resource
import signal
import sys
import time
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import typer

from fooling import __version__
from fooling.inputs import watched
from fooling.messages import FoolingError, is_lack_of_memory, missing_package, requested_memory, say

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
NO_COMMANDS = ("main",)

#: Set by a shell that asks for completions.
COMPLETION_VARIABLE = "_FOOLING_COMPLETE"

#: Parameters that a shell completes with the keys of a mapping: its module and its name.
COMPLETED = {
    "kind": ("fooling.attacks.settings", "ATTACKS"),
    "figure": ("fooling.figures.catalogue", "FIGURES"),
}


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


def main() -> None:
    """Run the command line."""
    words = [word for word in _typed() if not word.startswith("-")]
    called = " ".join(words[:2] if words[:1] and words[0] in GROUPS else words[:1])
    with _ends_in_a_message(called):
        application(called=called)()


def application(*, called: str) -> typer.Typer:
    """Return the command line: all commands with their summaries, the ``called`` one also with its parameters."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(fooling)
    groups = {"": app}
    for name, command in commands().items():
        group, _, word = name.rpartition(" ")
        if group not in groups:
            groups[group] = typer.Typer(no_args_is_help=True)
            app.add_typer(groups[group], name=group, help=GROUPS[group], rich_help_panel=command.panel)
        run = _runner(name) if name == called else _unloaded
        panel = None if group else command.panel
        groups[group].command(word, help=command.summary, rich_help_panel=panel)(run)
    return app


def _typed() -> list[str]:
    """Return the words after ``fooling``: of this call, or of the line that a shell asks to complete."""
    if COMPLETION_VARIABLE not in os.environ:
        return sys.argv[1:]
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")  # zsh and fish, or bash
    return line.split()[1:]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def fooling(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """How easily are networks fooled? One command for every step of the study; each can be used by hand.

    To begin: fooling fetch-digits, then fooling train --dataset digits.safetensors, then fooling attack evolution
    --classifier classifier.safetensors. Each writes one file; fooling show draws it. See docs/command-line.md.
    """


def function_of(name: str) -> Callable[..., None]:
    """Return the function of the command ``name``; only its module is imported."""
    command = commands()[name]
    function: Callable[..., None] = getattr(importlib.import_module(command.module), command.function)
    return function


def peak_memory_mb() -> int:
    """Return the peak memory of this process so far, in MB of 2**20 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


@contextmanager
def _ends_in_a_message(name: str) -> Iterator[None]:
    """Turn errors that a user can fix, and Ctrl-C, into a message without traceback and an exit status."""
    status, problem = 2, ""
    try:
        yield
    except FoolingError as error:
        problem = str(error)
    except ImportError as error:
        if (missing := missing_package(error)) is None:
            raise
        problem = str(missing)
    except KeyboardInterrupt:
        status, problem = 128 + signal.SIGINT, "interrupted"
    except (MemoryError, RuntimeError, OSError) as error:
        if is_lack_of_memory(error):
            remedy = "ask for less, or close other programs"
            problem = f"not enough memory\n  found: {requested_memory(error)}\n  to fix it: {remedy}"
        elif isinstance(error, OSError) and not _can_print():
            problem = f"standard output cannot be written\n  found: {error}"
        else:
            raise
    if problem:
        say(f"{f'fooling {name}'.strip()}: {problem}")
        raise SystemExit(status)


def _can_print() -> bool:
    """Return whether standard output accepts one more line."""
    try:
        print(flush=True)
    except OSError:
        return False
    return True


def _runner(name: str) -> Callable[..., None]:
    """Return a command's function for Typer: keyword-only parameters are options, the others arguments."""
    function = function_of(name)

    def run(*, quiet: bool, **arguments: Any) -> None:
        started = time.monotonic()
        with _ends_in_a_message(name), _silenced(quiet), watched():
            function(*[arguments.pop(argument) for argument in positional], **arguments)
        if not quiet:
            say(f"fooling {name}: {time.monotonic() - started:.1f} s, peak memory {peak_memory_mb()} MB")

    hints, described = typing.get_type_hints(function), parameters_of(function)
    signature = inspect.signature(function).parameters.values()
    positional = [parameter.name for parameter in signature if parameter.kind is not parameter.KEYWORD_ONLY]
    parameters = []
    for parameter in signature:
        declared = typer.Argument if parameter.name in positional else typer.Option
        completed = _completion(*COMPLETED[parameter.name]) if parameter.name in COMPLETED else None
        help_text = declared(help=described[parameter.name], autocompletion=completed)
        annotation = operator.getitem(cast(Any, Annotated), (hints[parameter.name], help_text))
        parameters.append(parameter.replace(annotation=annotation, kind=inspect.Parameter.KEYWORD_ONLY))
    parameters.append(_QUIET)
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _quiet(*, quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False) -> None:
    """Declare the option that every command has."""


_QUIET = inspect.signature(_quiet, eval_str=True).parameters["quiet"]


@contextmanager
def _silenced(quiet: bool) -> Iterator[None]:
    """Discard standard error in this block if ``quiet``; errors are printed after it."""
    if not quiet:
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        yield


def _completion(module: str, name: str) -> Callable[[], list[str]]:
    """Return a function that lists the keys of a mapping, for completion; the module is imported only then."""

    def keys() -> list[str]:
        return list(getattr(importlib.import_module(module), name))

    return keys


def _unloaded() -> None:
    """Stand in the list of commands for one that is not called."""


if __name__ == "__main__":
    main()
