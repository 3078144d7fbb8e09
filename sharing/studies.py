"""Locate the files of a study, name its DVC stages, and list published studies."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from fooling.artifacts import sha256_of, write_text
from fooling.inputs import parsed_yaml, read_text
from fooling.messages import FoolingError
from fooling.settings import parse_exponents
from fooling.study.resolved import Study, resolved_study

PUBLISHED = Path("config/published.yaml")
LOCK = Path("dvc.lock")

HEADER = """\
# The published studies and data sets, each with its study file. `dvc.yaml` has the same stages for all of them.
# `make publish` adds new ones; see docs/sharing.md.
"""
PICTURE_KINDS = ("folder", "imagenet")  # kinds of data sets with a list of pictures
OF_ATTACKS = ("ascent", "adversarial", "universal", "label_only")  # sections of the studies with attacks of a kind
SECTIONS = ("studies", "datasets", "pictures", "retraining", *OF_ATTACKS, "detectors", "survey", "audits", "rankings")

#: Results that describe the run itself, such as its duration, and so differ between runs with equal findings: patterns
#: below the results folder of a study. All other results are bit-identical.
NOT_BIT_IDENTICAL = ("run-info.json", "report/index.html")


def study_in(configfile: Path) -> Study:
    """Return the study in a study file.

    Raises :class:`FoolingError` for a missing file or an invalid setting.
    """
    values = parsed_yaml(read_text(configfile), source=str(configfile))
    return resolved_study(parse_exponents(values), source=str(configfile))


def results_of(study: Study) -> list[Path]:
    """Return all existing results of ``study``, including its data sets.

    Leaves out the pack of its records, and the page of the human study, which is built from the questionnaire.
    """
    page = Path(study.results, "survey", "page")
    files = (path for path in Path(study.results).rglob("*") if path.is_file() and page not in path.parents)
    own = sorted(path for path in files if path != pack_of(study.name))
    shared = [path for name in study.datasets for path in _dataset_files(study, name) if path.is_file()]
    return shared + own


def checksums(results: Path) -> dict[str, str]:
    """Return the SHA-256 of every result below this folder, by path.

    Leaves out the report and run times, which differ from run to run.
    """
    files = {path.relative_to(results).as_posix(): path for path in results.rglob("*") if path.is_file()}
    return {
        name: sha256_of(path.read_bytes())
        for name, path in sorted(files.items())
        if not any(fnmatch(name, pattern) for pattern in NOT_BIT_IDENTICAL)
    }


def pack_of(study: str) -> Path:
    """Return the file that holds the records of a study."""
    return Path("results", study, "provenance.json.gz")


def metrics_of(study: str) -> Path:
    """Return the metrics of a study: the one result that git tracks, not DVC."""
    return Path("results", study, "metrics.json")


def stages_of(study: Study) -> list[str]:
    """Return the names of a study's stages in ``dvc.yaml``."""
    stages = ("classifiers", "evolution", "findings") if study.experiments else ()
    own = [f"{stage}@{study.name}" for stage in stages]
    return [f"{stage}@{name}" for stage, names in _entries(study).items() for name in names] + own


def published() -> dict[str, dict[str, str]]:
    """Return the content of the file of published studies.

    Each of the ``SECTIONS`` maps the names of studies or data sets to their study files. Without a file all are empty.
    """
    return published_in(PUBLISHED.read_text(encoding="utf-8")) if PUBLISHED.is_file() else published_in("")


def published_studies() -> dict[str, str]:
    """Return the study file of each published study: of those with experiments, and of those of audits alone."""
    declared = published()
    return {**declared["studies"], **declared["rankings"]}


def published_in(text: str) -> dict[str, dict[str, str]]:
    """Return the same from the text of the file.

    Raises :class:`FoolingError` if the text is invalid.
    """
    content = parsed_yaml(text, source=str(PUBLISHED)) or {}
    if not isinstance(content, Mapping) or not set(content) <= set(SECTIONS):
        raise FoolingError(f"{PUBLISHED} is invalid", found=content, expected="the keys " + ", ".join(SECTIONS))
    for section, files in content.items():
        if files is not None and not (
            isinstance(files, Mapping) and all(isinstance(text, str) for item in files.items() for text in item)
        ):
            raise FoolingError(f"{PUBLISHED} is invalid", found=f"{section}: {files}", expected="name: file")
    return {section: dict(content.get(section) or {}) for section in SECTIONS}


def with_study(declared: Mapping[str, Mapping[str, str]], study: Study, configfile: Path) -> dict[str, dict[str, str]]:
    """Return ``declared`` with this study added.

    Raises :class:`FoolingError` if a study of this name was published from another file.
    """
    known = {**declared["studies"], **declared["rankings"]}.get(study.name, str(configfile))
    if known != str(configfile):
        raise FoolingError(
            f"the study {study.name} has been published from another file",
            found=str(configfile),
            expected=known,
            remedy=f"give the study another name, or correct {PUBLISHED}",
        )
    added = {"studies": [study.name] if study.experiments else [], **_entries(study)}
    return {
        section: {**dict.fromkeys(added.get(section, ()), str(configfile)), **declared[section]} for section in SECTIONS
    }


def write_published(declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the file of published studies."""
    ordered = {section: dict(sorted(declared[section].items())) for section in SECTIONS}
    write_text(PUBLISHED, HEADER + yaml.safe_dump(ordered, sort_keys=False, default_flow_style=False))


def _entries(study: Study) -> dict[str, list[str]]:
    attacked = {entry.kind for entry in study.attacks.values()}
    return {
        "datasets": list(study.datasets),
        "pictures": [name for name, dataset in study.datasets.items() if dataset.kind in PICTURE_KINDS],
        "retraining": [study.name] if study.chains else [],
        **{section: [study.name] if section.replace("_", "-") in attacked else [] for section in OF_ATTACKS},
        "detectors": [study.name] if study.settings.detectors else [],
        "survey": [study.name] if study.survey else [],
        "audits": [study.name] if study.audited else [],
        "rankings": [] if study.experiments else [study.name],
    }


def _dataset_files(study: Study, name: str) -> list[Path]:
    return [Path(f"results/datasets/{name}.safetensors"), Path(f"results/datasets/{name}.pictures.csv")]
