"""Publish a study, restore published studies, and merge two versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fooling.artifacts import write_bytes
from fooling.messages import FoolingError, say
from sharing import provenance
from sharing.citation import describe
from sharing.conversion import convert
from sharing.crate import crate
from sharing.merging import merge
from sharing.publishing import publish
from sharing.restoring import restore
from sharing.studies import checksums, pack_of, results_of, study_in

DEFAULT = Path("config/config.yaml")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Config = Annotated[Path, typer.Option(help="Study file.")]
AnyConfig = Annotated[Path | None, typer.Option(help="Study file; default: all published studies.")]


@app.command("pack")
def pack_command(configfile: Config = DEFAULT) -> None:
    """Pack the records of a study into one file: the last step of DVC's pipeline."""
    with _without_traceback("pack"):
        study = study_in(configfile)
        write_bytes(pack_of(study.name), provenance.pack(results_of(study)))
        provenance.mark_as_imported(pack_of(study.name))
        say(f"the records of the study {study.name} are in {pack_of(study.name)}")


@app.command("publish")
def publish_command(configfile: Config = DEFAULT) -> None:
    """Copy an up-to-date study to the store, and commit a reference to it."""
    with _without_traceback("publish"):
        say(publish(configfile))


@app.command("restore")
def restore_command(configfile: AnyConfig = None) -> None:
    """Fetch published studies, so that you can continue from them."""
    with _without_traceback("restore"):
        say(restore(configfile))


@app.command("merge")
def merge_command() -> None:
    """Combine what both sides of a `git merge` have published."""
    with _without_traceback("merge"):
        say(merge())


@app.command("convert")
def convert_command() -> None:
    """Convert records without fingerprints, so that unchanged results are kept."""
    with _without_traceback("convert"):
        say(convert())


@app.command("crate")
def crate_command(
    configfile: Config = DEFAULT,
    file: Annotated[Path | None, typer.Option(help="ZIP file to write; default: deposits/<study>.zip.")] = None,
) -> None:
    """Pack a finished study, with its code and a description, into one file for an archive such as Zenodo."""
    with _without_traceback("crate"):
        say(crate(configfile, file))


@app.command("describe")
def describe_command() -> None:
    """Write Zenodo's metadata and the links of the notebooks from CITATION.cff."""
    with _without_traceback("describe"):
        say(describe())


@app.command("checksums")
def checksums_command(configfile: Config = DEFAULT) -> None:
    """Print the SHA-256 of every result of a study.

    The same seed on the same kind of machine gives the same bits.
    """
    with _without_traceback("checksums"):
        results = Path(study_in(configfile).results)
        print(*(f"{digest}  {results / name}" for name, digest in checksums(results).items()), sep="\n")


@contextmanager
def _without_traceback(command: str) -> Iterator[None]:
    """Turn a :class:`FoolingError` into a message and exit status 2."""
    try:
        yield
    except FoolingError as error:
        say(f"sharing {command}: {error}")
        raise typer.Exit(2) from None


app()
