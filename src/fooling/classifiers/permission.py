"""Which Python file a classifier file may run: one that its reader names, unchanged since the classifier was made.

A classifier file holds the name of a Python file, and anyone can write any name into it. So the name in the file is
never followed. The reader names files, and the one with the recorded SHA-256 is run, wherever it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fooling.artifacts import sha256_of
from fooling.classifiers.architectures import content_of, names_a_file
from fooling.classifiers.header import EnsembleOptions, MemberHeader, NetworkHeader
from fooling.contents import checked_header
from fooling.errors import FoolingError

AGAIN = "import the network again, or train it again"


def require_files(architectures: Sequence[str]) -> None:
    """Raise :class:`FoolingError` unless each of ``architectures`` is of the form ``path/to/file.py:function``."""
    for name in architectures:
        if not names_a_file(name) or not name.rpartition(":")[2]:
            raise FoolingError(
                "--architecture names no function of a Python file",
                found=repr(name),
                expected="path/to/file.py:function; other architectures need not be named",
            )


def permitted(network: NetworkHeader, architectures: Sequence[str], *, source: object) -> NetworkHeader:
    """Return ``network``, from the header of ``source``, with every Python file as one of ``architectures`` names it.

    That holds for the members of an ensemble too. Raises :class:`FoolingError` for a file that is not named, or whose
    content is not the recorded one.
    """
    if network.architecture == "ensemble":
        named = [permitted(member, architectures, source=source) for member in _members(network, source)]
        return network.model_copy(update={"options": {"members": [described(member) for member in named]}})
    if not names_a_file(network.architecture):
        return network
    return network.model_copy(update={"architecture": _named_file(network, architectures, source=source)})


def require_recorded(network: NetworkHeader, *, source: object) -> None:
    """Raise :class:`FoolingError` unless the content of every Python file of ``network`` is recorded."""
    if network.architecture == "ensemble":
        for member in _members(network, source):
            require_recorded(member, source=source)
    elif names_a_file(network.architecture) and network.architecture_sha256 is None:
        raise FoolingError(
            f"{source} does not record the content of its Python file",
            found=f"architecture {network.architecture!r} without a SHA-256",
            expected="a SHA-256, as every network has that was imported or trained by this version",
            remedy=AGAIN,
        )


def described(network: NetworkHeader) -> dict[str, Any]:
    """Return what builds a network as it stands in a header, without what says nothing."""
    silent = (("architecture_sha256", None), ("outputs", "logits"))
    return {key: value for key, value in network.model_dump().items() if (key, value) not in silent}


def _members(ensemble: NetworkHeader, source: object) -> tuple[MemberHeader, ...]:
    return checked_header(EnsembleOptions, ensemble.options, source=f"the ensemble in {source}").members


def _named_file(network: NetworkHeader, architectures: Sequence[str], *, source: object) -> str:
    wanted = network.architecture
    require_recorded(network, source=source)
    alike = [name for name in architectures if name.rpartition(":")[2] == wanted.rpartition(":")[2]]
    if not alike:
        raise FoolingError(
            f"{source} needs a Python file that is not named",
            found=f"architecture {wanted!r}; named: {', '.join(architectures) or 'none'}",
            expected="its name from you: no code is run because a classifier file asks for it",
            remedy=f"read the file, and if you trust it add --architecture {wanted}",
        )
    digests = {name: sha256_of(content_of(Path(name.rpartition(":")[0]))) for name in alike}
    for name, digest in digests.items():
        if digest == network.architecture_sha256:
            return name
    raise FoolingError(
        f"{source} was made with a Python file of other content",
        found="\n".join(f"{name}: SHA-256 {digest}" for name, digest in digests.items()),
        expected=f"SHA-256 {network.architecture_sha256}, recorded for {wanted}",
        remedy=f"restore the file as it was, or {AGAIN}",
    )
