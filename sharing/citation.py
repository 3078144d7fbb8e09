"""Write what is derived from ``CITATION.cff``: Zenodo's metadata, and the links of the notebooks.

``CITATION.cff`` is the one place that names title, version, licence, authors and, once there is one, the address of the
repository (``repository-code``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooling.artifacts import write_text
from fooling.inputs import parsed_json, parsed_yaml, read_text
from fooling.messages import FoolingError

CITATION = Path("CITATION.cff")
ZENODO = Path(".zenodo.json")
NOTEBOOKS = Path("notebooks")

#: Zenodo's metadata that CITATION.cff does not hold.
DESCRIPTION = (
    "A reproducible study of how easily neural networks are fooled: a Snakemake workflow and a Python package. It "
    "trains networks, searches for images that they label with high confidence although people may see nothing in "
    "them, and compares the results with the paper and with random search at the same budget."
)
KEYWORDS = ("neural networks", "fooling images", "adversarial examples", "MAP-Elites", "CPPN", "reproducibility")

#: A line of the cell that installs the package, and the badge above the title.
ADDRESS_LINE = re.compile(r'^REPOSITORY = ".*?"', flags=re.MULTILINE)
BADGE_LINE = re.compile(r"^\[!\[Open in Colab\].*\n\n", flags=re.MULTILINE)
HOSTED = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")


@dataclass(frozen=True)
class Author:
    """A person, or a group that is named as one."""

    name: str  # as in a sentence
    sorted_name: str  # family name first
    is_person: bool
    orcid: str | None = None  # an address
    affiliation: str | None = None


def citation() -> Mapping[str, Any]:
    """Return the content of ``CITATION.cff``.

    Raises :class:`FoolingError` if there is none, or if a key that is used here is missing.
    """
    content = parsed_yaml(read_text(CITATION), source=str(CITATION))
    needed = ("title", "version", "license", "authors")
    missing = [key for key in needed if not isinstance(content, Mapping) or not content.get(key)]
    if missing:
        raise FoolingError(f"{CITATION} is incomplete", found=f"no {', '.join(missing)}", expected=", ".join(needed))
    result: Mapping[str, Any] = content
    return result


def authors_in(content: Mapping[str, Any]) -> list[Author]:
    """Return the authors of a citation or of one of its references."""
    return [_author(entry) for entry in content["authors"]]


def repository_in(content: Mapping[str, Any]) -> str:
    """Return the address of the repository; empty if the citation does not declare one."""
    return str(content.get("repository-code") or "")


def zenodo_metadata(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a deposit of this repository, in the form that Zenodo reads from ``.zenodo.json``."""
    creators = [
        {
            "name": author.sorted_name,
            **({"affiliation": author.affiliation} if author.affiliation else {}),
            **({"orcid": author.orcid.rpartition("/")[2]} if author.orcid else {}),
        }
        for author in authors_in(content)
    ]
    return {
        "title": content["title"],
        "upload_type": "software",
        "description": f"<p>{DESCRIPTION}</p>",
        "creators": creators,
        "access_right": "open",
        "license": content["license"],
        "version": str(content["version"]),
        "language": "eng",
        "keywords": list(KEYWORDS),
        "references": [_reference(entry) for entry in content.get("references", ())],
        "related_identifiers": [
            {"identifier": entry["url"], "relation": "references", "resource_type": "publication-conferencepaper"}
            for entry in content.get("references", ())
            if "url" in entry
        ],
    }


def with_address(notebook: Mapping[str, Any], *, name: str, repository: str) -> dict[str, Any]:
    """Return a notebook whose badge and first cell of code name the repository.

    Without an address there is no badge, and the cell explains how to install the package. A badge needs an address on
    GitHub, because Colab opens notebooks only from there.
    """
    hosted = HOSTED.fullmatch(repository)
    opened = f"https://colab.research.google.com/github/{hosted[1]}/blob/main/{NOTEBOOKS}/{name}" if hosted else ""
    badge = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({opened})\n\n"

    def changed(number: int, text: str) -> str:
        if number == 0:
            return (badge if hosted else "") + BADGE_LINE.sub("", text)
        return ADDRESS_LINE.sub(f'REPOSITORY = "{repository}"', text)

    cells = [
        {**cell, "source": changed(number, "".join(cell["source"])).splitlines(keepends=True)}
        for number, cell in enumerate(notebook["cells"])
    ]
    return {**notebook, "cells": cells}


def describe() -> str:
    """Write Zenodo's metadata and the links of the notebooks from ``CITATION.cff``; return a summary.

    Raises :class:`FoolingError` if ``CITATION.cff`` or a notebook cannot be read.
    """
    content = citation()
    repository = repository_in(content)
    write_text(ZENODO, zenodo_text(content))
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = parsed_json(read_text(path), source=str(path))
        write_text(path, notebook_text(with_address(notebook, name=path.name, repository=repository)))
    links = f"name {repository}" if repository else f"name no address, because {CITATION} has no repository-code"
    return f"{ZENODO} is written; the notebooks {links}"


def zenodo_text(content: Mapping[str, Any]) -> str:
    """Return the text of ``.zenodo.json``."""
    return json.dumps(zenodo_metadata(content), indent=2, ensure_ascii=False) + "\n"


def notebook_text(notebook: Mapping[str, Any]) -> str:
    """Return the text of a notebook file, as Jupyter writes it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _author(entry: Mapping[str, Any]) -> Author:
    """Return an author from an entry of ``CITATION.cff``: of a person, or of an entity with a name."""
    optional = {key: entry.get(key) for key in ("orcid", "affiliation")}
    if "name" in entry:
        return Author(entry["name"], entry["name"], is_person=False, orcid=entry.get("orcid"))
    given, family = entry.get("given-names", ""), entry.get("family-names", "")
    both = [part for part in (family, given) if part]
    return Author(" ".join(reversed(both)), ", ".join(both), is_person=True, **optional)


def _reference(entry: Mapping[str, Any]) -> str:
    names = "; ".join(author.sorted_name for author in authors_in(entry))
    return ". ".join([f"{names} ({entry['year']})", entry["title"], entry["collection-title"], entry["url"]])
