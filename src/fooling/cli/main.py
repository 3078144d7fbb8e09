"""Define the console script ``fooling``: one command per step of the study, imported only when it is called."""

from __future__ import annotations

import importlib
import inspect
import operator
import os
import resource
import signal
import sys
import time
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from fooling import __version__
from fooling.cli.help import GROUPS, commands, parameters_of
from fooling.errors import FoolingError, is_lack_of_memory, missing_package, requested_memory
from fooling.inputs import watched
from fooling.progress import say


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


#: Set by a shell that asks for completions.
COMPLETION_VARIABLE = "_FOOLING_COMPLETE"

#: Parameters that a shell completes with the keys of a mapping: its module and its name.
COMPLETED = {
    "kind": ("fooling.attacks.registry", "ATTACKS"),
    "figure": ("fooling.figures.catalogue", "FIGURES"),
}


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
