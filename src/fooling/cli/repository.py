"""Files of the repository that are written by hand: generated files, the lock of the claims, records of studies."""

from __future__ import annotations

import datetime
from pathlib import Path

from fooling.artifacts import read_bytes, read_json, read_table, write_json, write_text
from fooling.claims.claim import JUDGING_CODE, Claims, freeze, seeds_of
from fooling.claims.page import claims_documentation
from fooling.errors import FoolingError
from fooling.findings.registry import every_table
from fooling.fingerprint import fingerprint
from fooling.messages import say
from fooling.report.run_info import (
    CLAIMS_FILE,
    LOCK_FILE,
    NUMBERS,
    STUDY_FILE,
    RunInformation,
    small_tables,
    write_record,
)
from fooling.schemas import checked_header
from fooling.settings import SeedRange, checked_settings, read_settings
from fooling.study.documentation import (
    commented_yaml,
    files_documentation,
    json_schema,
    settings_table,
    tables_documentation,
)
from fooling.study.settings import StudySettings, default_study

PANEL = "Project"

DEFAULT_STUDY_HEADER = """\
# yaml-language-server: $schema=schema.json
# The default study, written by `fooling write-config`. To make a study of your own, copy this file and give it a name.
# Every key is explained where it stands first, and may be left out where it has a default (docs/settings.md).

"""
SETTINGS_PAGE_HEADER = """\
# Settings

Every key of a study file. This page is written by `fooling write-config` from the settings classes themselves.
A file holds a whole study: `config/config.yaml` is the default one, `--configfile` names another.

"""


def write_config(*, folder: Path = Path()) -> None:
    """Write the generated files: the default study, its JSON schema and reference pages.

    The claims are those of ``config/claims.yaml`` below ``folder``.

    Args:
        folder: Folder of the repository.
    """
    claims = read_settings(Claims, str(folder / "config" / "claims.yaml"))
    written = {
        Path("config/config.yaml"): DEFAULT_STUDY_HEADER + commented_yaml(default_study()),
        Path("config/schema.json"): json_schema(StudySettings),
        Path("docs/settings.md"): SETTINGS_PAGE_HEADER + settings_table(StudySettings),
        Path("docs/claims.md"): claims_documentation(claims),
        Path("docs/tables.md"): tables_documentation(every_table()),
        Path("docs/files.md"): files_documentation(),
    }
    for path, text in written.items():
        write_text(folder / path, text)
    say(f"written: {', '.join(map(str, written))}")


def freeze_claims(*, declared: Path, studies: list[Path], first_seed: int, seeds: int, output: Path) -> None:
    """Freeze the claims, and reserve seeds for the runs that test them.

    The reserved seeds are a block that no study uses.

    Args:
        declared: YAML file that declares the claims.
        studies: Study files whose seeds are used already; give the option once for each.
        first_seed: First of the seeds to reserve.
        seeds: How many seeds to reserve.
        output: Lock to write.
    """
    block = checked_settings(SeedRange, {"first": first_seed, "count": seeds}, source="--first-seed, --seeds")
    lock = freeze(
        read_settings(Claims, str(declared)),
        estimands=fingerprint(JUDGING_CODE),
        seeds=block,
        used={seed for study in studies for seed in seeds_of(read_settings(StudySettings, str(study)))},
        today=datetime.datetime.now(tz=datetime.UTC).date(),
    )
    write_json(output, lock.model_dump(mode="json"))
    last = block.first + block.count - 1
    say(f"{len(lock.claims)} claims frozen, seeds {block.first} to {last} reserved; written to {output}")


def record(*, study: Path, results: Path, output: Path, lock: Path | None = None) -> None:
    """Keep the numbers of a finished study in the repository, without its images and archives.

    The record holds the study file, the claims, the metrics, how the study was run, every table that is a CSV file,
    and the checksums of these files. The report of another run shows the recorded claims beside its own.

    Args:
        study: Study file that was run, such as config/mnist.yaml.
        results: Results folder of the study, such as results/mnist.
        output: Folder to write, such as docs/results/mnist; an old record there is replaced.
        lock: Lock under which the claims were judged.
    """
    name = read_settings(StudySettings, str(study)).study
    if name != results.name:
        raise FoolingError(
            f"{results} does not hold the results of {study}",
            found=f"results of {results.name}",
            expected=f"results of {name}",
            remedy="give the study file with which the results were made",
        )
    present = [path.relative_to(results).as_posix() for path in sorted(results.rglob("*.csv"))]
    tables = small_tables(present)
    if missing := [needed for needed in (CLAIMS_FILE, *NUMBERS) if not (results / needed).is_file()]:
        raise FoolingError(
            f"{results} is not the folder of a finished study",
            found=f"no {missing[0]}",
            expected=f"{', '.join((CLAIMS_FILE, *NUMBERS))}",
            remedy=f"finish the study with make study CONFIG={study}",
        )
    rows = sum(len(read_table(results / path, table)) for path, table in tables.items())
    information = checked_header(RunInformation, read_json(results / "run-info.json"), source=results / "run-info.json")
    files = {path: read_bytes(results / path) for path in (*tables, *NUMBERS)}
    files[STUDY_FILE] = read_bytes(study)
    if lock is not None:
        files[LOCK_FILE] = read_bytes(lock)
    header = write_record(
        output, files, study=name, information=information, today=datetime.datetime.now(tz=datetime.UTC).date()
    )
    size = sum(map(len, files.values())) / 1e3
    say(f"{header.study}: {len(tables)} tables with {rows} rows, {size:.0f} kB in all; written to {output}")
