"""Where the files of a study lie, by which names DVC keeps them, and which studies have been published."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from fooling.artifacts import NOT_BIT_IDENTICAL, sha256_of, write_text
from fooling.errors import FoolingError
from fooling.inputs import parsed_yaml, read_text
from fooling.settings import parse_exponents
from fooling.study.resolved import Study, resolved_study

PUBLISHED = Path("config/published.yaml")
LOCK = Path("dvc.lock")

HEADER = """\
# The studies that have been published, and their data sets, each with the study file that makes it. `dvc.yaml` has the
# same stages for all of them. `make publish` adds what is new; see docs/sharing.md.
"""
PICTURE_KINDS = ("folder", "imagenet")  # of data sets whose pictures are listed
SECTIONS = ("studies", "datasets", "pictures", "retraining", "ascent", "survey")


def study_in(configfile: Path) -> Study:
    """The study in a study file; :class:`FoolingError` for a missing file or a refused setting."""
    values = parsed_yaml(read_text(configfile), source=str(configfile))
    return resolved_study(parse_exponents(values), source=str(configfile))


def results_of(study: Study) -> list[Path]:
    """Every result of ``study`` that is there, its data sets among them.

    Left out are the pack of its records, and the page that asks people, which is built anew from the questionnaire.
    """
    page = Path(study.results, "survey", "page")
    files = (path for path in Path(study.results).rglob("*") if path.is_file() and page not in path.parents)
    own = sorted(path for path in files if path != pack_of(study.name))
    shared = [path for name in study.datasets for path in _dataset_files(study, name) if path.is_file()]
    return shared + own


def checksums(results: Path) -> dict[str, str]:
    """Return the SHA-256 of every result below this folder by its path, without run times and the report."""
    files = {path.relative_to(results).as_posix(): path for path in results.rglob("*") if path.is_file()}
    return {
        name: sha256_of(path.read_bytes())
        for name, path in sorted(files.items())
        if not any(fnmatch(name, pattern) for pattern in NOT_BIT_IDENTICAL)
    }


def pack_of(study: str) -> Path:
    """The file in which the records of a study are kept."""
    return Path("results", study, "provenance.json.gz")


def metrics_of(study: str) -> Path:
    """The file of a study that git keeps, not DVC."""
    return Path("results", study, "metrics.json")


def stages_of(study: Study) -> list[str]:
    """The names of a study's stages in ``dvc.yaml``."""
    return [f"{stage}@{name}" for stage, names in _entries(study).items() for name in names] + [
        f"{stage}@{study.name}" for stage in ("classifiers", "evolution", "findings")
    ]


def published() -> dict[str, dict[str, str]]:
    """The published studies, data sets, lists of pictures and studies that have more to them, each with its file."""
    return published_in(PUBLISHED.read_text(encoding="utf-8")) if PUBLISHED.is_file() else published_in("")


def published_in(text: str) -> dict[str, dict[str, str]]:
    """The same, from the text of the file."""
    content = parsed_yaml(text, source=str(PUBLISHED)) or {}
    if not isinstance(content, Mapping) or not set(content) <= set(SECTIONS):
        raise FoolingError(f"{PUBLISHED} has a wrong form", found=content, expected="the keys " + ", ".join(SECTIONS))
    for section, files in content.items():
        if files is not None and not (
            isinstance(files, Mapping) and all(isinstance(text, str) for item in files.items() for text in item)
        ):
            raise FoolingError(f"{PUBLISHED} has a wrong form", found=f"{section}: {files}", expected="name: file")
    return {section: dict(content.get(section) or {}) for section in SECTIONS}


def with_study(declared: Mapping[str, Mapping[str, str]], study: Study, configfile: Path) -> dict[str, dict[str, str]]:
    """``declared`` with this study added; :class:`FoolingError` where another file makes a study of its name."""
    known = declared["studies"].get(study.name, str(configfile))
    if known != str(configfile):
        raise FoolingError(
            f"the study {study.name} has been published from another file",
            found=str(configfile),
            expected=known,
            remedy=f"give the study another name, or correct {PUBLISHED}",
        )
    added = {"studies": [study.name], **_entries(study)}
    return {
        section: {**dict.fromkeys(added.get(section, ()), str(configfile)), **declared[section]} for section in SECTIONS
    }


def write_published(declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the file of published studies."""
    ordered = {section: dict(sorted(declared[section].items())) for section in SECTIONS}
    write_text(PUBLISHED, HEADER + yaml.safe_dump(ordered, sort_keys=False, default_flow_style=False))


def _entries(study: Study) -> dict[str, list[str]]:
    return {
        "datasets": list(study.datasets),
        "pictures": [name for name, dataset in study.datasets.items() if dataset.kind in PICTURE_KINDS],
        "retraining": [study.name] if study.chains else [],
        "ascent": [study.name] if study.attacks else [],
        "survey": [study.name] if study.survey else [],
    }


def _dataset_files(study: Study, name: str) -> list[Path]:
    return [Path(f"results/datasets/{name}.safetensors"), Path(f"results/datasets/{name}.pictures.csv")]
