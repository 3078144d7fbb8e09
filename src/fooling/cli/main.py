"""Define the console script ``fooling``: one command per step of the study, imported only when it is called."""

from __future__ import annotations

import importlib
import inspect
import operator
import resource
import signal
import sys
import time
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, cast

import typer

from fooling import __version__
from fooling.cli.help import GROUPS, commands, parameters_of
from fooling.errors import FoolingError, is_lack_of_memory, requested_memory
from fooling.inputs import watched
from fooling.progress import say


def main() -> None:
    """Run the command line."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    called = " ".join(words[:2] if words[:1] and words[0] in GROUPS else words[:1])
    with _ends_in_a_message(called):
        application(called=called)()


def application(*, called: str) -> typer.Typer:
    """Return the command line: all commands with their summaries, the ``called`` one also with its parameters."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(fooling)
    groups = {"": app}
    for name, command in commands().items():
        group, _, word = name.rpartition(" ")
        if group not in groups:
            groups[group] = typer.Typer(no_args_is_help=True)
            app.add_typer(groups[group], name=group, help=GROUPS[group])
        run = _runner(name) if name == called else _unloaded
        groups[group].command(word, help=command.summary)(run)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def fooling(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """How easily are networks fooled? One command for every step of the study; each can be used by hand."""


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

    def run(**arguments: Any) -> None:
        started = time.monotonic()
        with _ends_in_a_message(name), watched():
            function(*[arguments.pop(argument) for argument in positional], **arguments)
        say(f"fooling {name}: {time.monotonic() - started:.1f} s, peak memory {peak_memory_mb()} MB")

    hints, described = typing.get_type_hints(function), parameters_of(function)
    signature = inspect.signature(function).parameters.values()
    positional = [parameter.name for parameter in signature if parameter.kind is not parameter.KEYWORD_ONLY]
    parameters = []
    for parameter in signature:
        declared = typer.Argument if parameter.name in positional else typer.Option
        help_text = declared(help=described[parameter.name])
        annotation = operator.getitem(cast(Any, Annotated), (hints[parameter.name], help_text))
        parameters.append(parameter.replace(annotation=annotation, kind=inspect.Parameter.KEYWORD_ONLY))
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _unloaded() -> None:
    """Stand in the list of commands for one that is not called."""


if __name__ == "__main__":
    main()
