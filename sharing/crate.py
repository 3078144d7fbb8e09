"""Pack a finished study as an RO-Crate: one ZIP file with code, settings, results and their description.

The description, ``ro-crate-metadata.json``, follows RO-Crate 1.1 and the profiles Workflow RO-Crate 1.0 and Workflow
Run Crate 0.5: the main entity is the Snakefile, and an action describes the run, which used the study file and made
the results. The paths in the crate are those of the repository, so that an unpacked crate can be continued.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import mimetypes
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fooling.artifacts import written_atomically
from fooling.messages import FoolingError
from fooling.study.resolved import Study
from sharing import provenance
from sharing.citation import Author, authors_in, citation, repository_in
from sharing.commands import git
from sharing.publishing import refuse_during_a_run, refuse_pending, refuse_uncommitted, refuse_untracked_inputs
from sharing.records import recorded
from sharing.studies import pack_of, results_of, study_in

if TYPE_CHECKING:
    from rocrate.model import ContextEntity, Entity
    from rocrate.rocrate import ROCrate

FOLDER = Path("deposits")
METADATA = "ro-crate-metadata.json"
SNAKEFILE = "Snakefile"

#: Terms that the context of RO-Crate 1.1 lacks.
TERMS = {"sha256": "https://schema.org/sha256"}
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
FORMAL_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
WORKFLOW_PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"

#: Results that people open first, below the results of the study.
DESCRIBED = {
    "report/index.html": "The report: one page with the claims, figures and numbers of the study",
    "claims.md": "Each claim with its result, confidence interval and verdict",
    "claims.csv": "The same as a table",
    "metrics.json": "Summary numbers, for comparing versions",
    "run-info.json": "How the study was run: machine, packages, duration of each step",
    "provenance.json.gz": "Records by which Snakemake knows that the results are up to date",
}

#: Media types by the end of a file's name, beside those that Python knows. All other files are texts.
MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".safetensors": "application/octet-stream",
    ".gz": "application/gzip",
    ".yaml": "application/yaml",
}

#: Kinds of data sets whose pictures may not be passed on (docs/sharing.md).
NOT_REDISTRIBUTED = ("imagenet",)


@dataclass(frozen=True)
class Packed:
    """A file in the crate, with what describes its bytes."""

    path: str
    size: int
    sha256: str


def crate(configfile: Path, target: Path | None = None) -> str:
    """Pack the study in ``configfile`` into ``target``; return a summary.

    The default target is ``deposits/<study>.zip``. Nothing is written before the study is known to be complete, and the
    file appears only once it is whole. Raises :class:`FoolingError` if the package rocrate is not installed, code or
    settings are not committed, a run is active, results are missing or not up to date, or a result has no record.
    """
    _require_rocrate()
    configfile = Path(os.path.relpath(configfile))
    study = study_in(configfile)
    described = citation()
    refuse_uncommitted(study)
    refuse_during_a_run()
    refuse_pending(study, configfile)
    refuse_untracked_inputs(study, configfile)
    left_out = _not_redistributed(study)
    results = [path for path in results_of(study) if path not in left_out]
    records = provenance.pack(results_of(study))
    target = target or FOLDER / f"{study.name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_atomically(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        code = [_write(archive, name, content, mode) for name, content, mode in _tracked_files()]
        made = [_write(archive, path.as_posix(), path.read_bytes()) for path in results]
        made.append(_write(archive, pack_of(study.name).as_posix(), records))
        metadata, preview = described_crate(
            study,
            configfile=configfile.as_posix(),
            code=code,
            results=made,
            cited=described,
            commit=git("rev-parse", "HEAD").strip(),
            times=run_times([recorded(path) or {} for path in results]),
            left_out=[path.as_posix() for path in left_out],
        )
        _write(archive, METADATA, (json.dumps(metadata, indent=2, ensure_ascii=False) + "\n").encode())
        _write(archive, "ro-crate-preview.html", preview.encode())
    missing = f"; not included, because they may not be passed on: {', '.join(map(str, left_out))}" if left_out else ""
    return (
        f"the study {study.name} is packed in {target}: {len(made)} results, {target.stat().st_size:,} bytes{missing}"
    )


def described_crate(
    study: Study,
    *,
    configfile: str,
    code: Sequence[Packed],
    results: Sequence[Packed],
    cited: Mapping[str, Any],
    commit: str,
    times: tuple[str, str] | None,
    left_out: Sequence[str] = (),
    today: datetime.date | None = None,
) -> tuple[dict[str, Any], str]:
    """Return the description of a crate as JSON-LD, and as a page for people.

    Args:
        study: The study.
        configfile: Its study file, one of ``code``.
        code: The files that git tracks.
        results: The results and data sets.
        cited: The content of ``CITATION.cff``.
        commit: The commit of the code.
        times: Start of the first job and end of the last one, in ISO 8601; None if unknown.
        left_out: Paths of data sets that are not in the crate.
        today: Date of the crate.
    """
    from rocrate.rocrate import ROCrate

    made = ROCrate(gen_preview=True, version="1.1")
    made.metadata.extra_terms.update(TERMS)
    made.name = f"{cited['title']}: the study {study.name}"
    made.description = _description(study, results, left_out)
    made.datePublished = datetime.datetime.combine(
        today or datetime.datetime.now(datetime.UTC).date(), datetime.time(), datetime.UTC
    )
    licence = _add(
        made,
        f"https://spdx.org/licenses/{cited['license']}",
        {"@type": "CreativeWork", "name": cited["license"], "description": f"The {cited['license']} licence"},
    )
    made.license = licence
    creators = [_add_author(made, f"#author-{number}", author) for number, author in enumerate(authors_in(cited), 1)]
    made.creator = creators
    files = {packed.path: packed for packed in code}
    workflow = _add_workflow(made, files[SNAKEFILE], cited, commit, creators, licence)
    settings = _add_file(made, files[configfile], "The study file: all settings of this study", study.results)
    for packed in code:
        if packed.path not in (SNAKEFILE, configfile):
            entity = _add_file(made, packed, None, study.results)
            if packed.path == "README.md":
                entity["about"] = made.root_dataset
    outcome = [_add_file(made, packed, None, study.results) for packed in results]
    _add_parameters(made, workflow, settings, outcome)
    made.root_dataset.append_to("mentions", _add_action(made, study, workflow, settings, outcome, times))
    made.root_dataset["conformsTo"] = [
        _add(made, address, {"@type": ["CreativeWork", "Profile"], "name": name, "version": version})
        for address, (name, version) in PROFILES.items()
    ]
    references = enumerate(cited.get("references", ()), start=1)
    made.root_dataset["citation"] = [_add_reference(made, number, entry) for number, entry in references]
    metadata: dict[str, Any] = made.metadata.generate()
    page: str = made.preview.generate_html()
    return metadata, page


def run_times(records: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Return when the first of these jobs began and the last one ended, in UTC; None if no record has both times."""
    known = [
        (float(record["starttime"]), float(record["endtime"]))
        for record in records
        if record.get("starttime") and record.get("endtime")
    ]
    if not known:
        return None
    first, last = min(start for start, _ in known), max(end for _, end in known)
    started, ended = (datetime.datetime.fromtimestamp(time, datetime.UTC) for time in (first, last))
    return started.isoformat(timespec="seconds"), ended.isoformat(timespec="seconds")


def _require_rocrate() -> None:
    try:
        import rocrate  # noqa: F401
    except ImportError:
        raise FoolingError(
            "a deposit needs the package rocrate", found="not installed", remedy="pip install 'fooling[deposit]'"
        ) from None


def _tracked_files() -> Iterator[tuple[str, bytes, int]]:
    """Yield path, content and mode of each file of the commit, without tests and the results of other studies."""
    listed = ["git", "archive", "--format=tar", "HEAD", "--", ".", ":(exclude)results", ":(exclude)tests"]
    content = subprocess.run(listed, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            if file := archive.extractfile(member) if member.isfile() else None:
                yield member.name, file.read(), 0o755 if member.mode & 0o100 else 0o644


def _write(archive: zipfile.ZipFile, name: str, content: bytes, mode: int = 0o644) -> Packed:
    """Write a file with a fixed date, so that the same files give the same archive."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, mode << 16
    archive.writestr(entry, content)
    return Packed(name, len(content), hashlib.sha256(content).hexdigest())


def _not_redistributed(study: Study) -> list[Path]:
    """Return the data sets of this study whose pictures may not be passed on."""
    kept = [name for name, data_set in study.datasets.items() if data_set.kind in NOT_REDISTRIBUTED]
    return [path for path in results_of(study) if path.parent == Path("results/datasets") and path.stem in kept]


def _description(study: Study, results: Sequence[Packed], left_out: Sequence[str]) -> str:
    missing = f" The data sets {', '.join(left_out)} may not be passed on and are not included." if left_out else ""
    return (
        f"The study {study.name}: its code, its settings and its {len(results)} results, each with size and SHA-256. "
        f"Open {study.results}/report/index.html for the report. To continue the study, unpack this archive, install "
        f"the package as README.md describes, and run Snakemake with the study file.{missing}"
    )


def _add(made: ROCrate, identifier: str, properties: dict[str, Any]) -> ContextEntity:
    from rocrate.model import ContextEntity

    return made.add(ContextEntity(made, identifier, properties=properties))


def _add_author(made: ROCrate, identifier: str, author: Author) -> ContextEntity:
    kind = "Person" if author.is_person else "Organization"
    affiliation = {"affiliation": author.affiliation} if author.affiliation else {}
    return _add(made, author.orcid or identifier, {"@type": kind, "name": author.name, **affiliation})


def _add_reference(made: ROCrate, number: int, entry: Mapping[str, Any]) -> ContextEntity:
    described = {"@type": "ScholarlyArticle", "name": entry["title"], "datePublished": str(entry["year"])}
    reference = _add(made, entry["url"], described)
    reference["author"] = [
        _add_author(made, f"#reference-{number}-author-{place}", author)
        for place, author in enumerate(authors_in(entry), start=1)
    ]
    return reference


def _add_workflow(
    made: ROCrate, packed: Packed, cited: Mapping[str, Any], commit: str, creators: list[Any], licence: Any
) -> Entity:
    workflow = made.add_workflow(dest_path=packed.path, main=True, lang="snakemake", properties=_sized(packed))
    workflow["name"] = cited["title"]
    workflow["description"] = "All steps of a study, from data sets to the report; its rules are in rules/"
    workflow["version"] = f"{cited['version']}+{commit[:12]}"
    workflow["creator"], workflow["license"] = creators, licence
    workflow["conformsTo"] = _add(
        made, WORKFLOW_PROFILE, {"@type": "CreativeWork", "name": "ComputationalWorkflow", "version": "1.0-RELEASE"}
    )
    if repository := repository_in(cited):
        workflow["codeRepository"] = repository
    return workflow


def _add_parameters(made: ROCrate, workflow: Entity, settings: Entity, outcome: Sequence[Entity]) -> None:
    """Describe the input and the output of the workflow, of which the study file and the results are examples."""
    profile = _add(
        made, FORMAL_PARAMETER, {"@type": "CreativeWork", "name": "FormalParameter", "version": "1.0-RELEASE"}
    )
    common = {"@type": "FormalParameter", "additionalType": "File", "conformsTo": {"@id": profile.id}}
    given = _add(
        made,
        "#study-file",
        {**common, "name": "configfile", "description": "All settings of a study", "valueRequired": True},
    )
    results = _add(
        made,
        "#results",
        {**common, "name": "results", "description": "Networks, images, tables, figures and the report"},
    )
    workflow["input"], workflow["output"] = given, results
    settings["exampleOfWork"] = given
    given["workExample"] = settings
    for entity in outcome:
        entity["exampleOfWork"] = results
    results["workExample"] = list(outcome)


def _add_action(
    made: ROCrate,
    study: Study,
    workflow: Entity,
    settings: Entity,
    outcome: Sequence[Entity],
    times: tuple[str, str] | None,
) -> ContextEntity:
    action = _add(
        made,
        f"#run-of-{study.name}",
        {
            "@type": "CreateAction",
            "name": f"The run of the study {study.name}",
            "description": "From the first job to the last one; interrupted runs and reruns count as one",
            "actionStatus": "http://schema.org/CompletedActionStatus",
            **(dict(zip(("startTime", "endTime"), times, strict=True)) if times else {}),
        },
    )
    action["instrument"], action["object"], action["result"] = workflow, settings, list(outcome)
    return action


def _add_file(made: ROCrate, packed: Packed, description: str | None, results: str) -> Entity:
    inside = packed.path.removeprefix(f"{results}/")
    description = description or DESCRIBED.get(inside if inside != packed.path else "")
    properties = {**_sized(packed), "name": packed.path, **({"description": description} if description else {})}
    return made.add_file(dest_path=packed.path, properties=properties)


def _sized(packed: Packed) -> dict[str, Any]:
    media_type = MEDIA_TYPES.get(Path(packed.path).suffix) or mimetypes.guess_type(packed.path)[0] or "text/plain"
    return {"contentSize": str(packed.size), "sha256": packed.sha256, "encodingFormat": media_type}
