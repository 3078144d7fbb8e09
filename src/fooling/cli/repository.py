"""Files of the repository that are written by hand: generated files, locks of claims, records of studies, the site."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fooling.artifacts import read_bytes, read_json, read_table, write_folder, write_json, write_text
from fooling.attacks.evolution.record import load_run
from fooling.attacks.evolution.replay import load_replay
from fooling.claims.claim import JUDGING_CODE, Claims, freeze, seeds_of
from fooling.claims.judgements import CLAIMS
from fooling.claims.page import claims_documentation
from fooling.cli.main import commands, function_of, parameters_of
from fooling.figures.declaration import RUN
from fooling.findings.ancestry import LINEAGE
from fooling.findings.audits import AUDIT_SEEDS
from fooling.findings.registry import every_table
from fooling.findings.runs import CHAMPIONS, CURVES, ThresholdSettings
from fooling.fingerprint import fingerprint
from fooling.inputs import parsed_yaml, read_text
from fooling.messages import FoolingError, say
from fooling.report.explorer import Explored, RecordedExperiment, RecordedStudy, explored_run, explorer
from fooling.report.run_info import (
    CLAIMS_FILE,
    LOCK_FILE,
    NUMBERS,
    STUDY_FILE,
    RunInformation,
    read_record,
    small_tables,
    write_record,
)
from fooling.report.site import BESIDE, FinishedStudy, Record, commands_page, sources
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


def build_site(
    *,
    output: Path,
    folder: Path = Path(),
    study: Path | None = None,
    recorded: list[Path] | None = None,
) -> None:
    """Write the pages of the documentation site, with results and the explorer; MkDocs makes the site of them.

    Args:
        output: Folder to write, such as build/site-source.
        folder: Folder of the repository.
        study: Results folder of a finished study, such as results/digits: the site gets its report, its audits and the
            images of its runs.
        recorded: Folder that `record` wrote, such as docs/results/mnist; once for each. Without it: all folders in
            docs/results.
    """
    docs = folder / "docs"
    paths = [path for path in sorted(docs.rglob("*")) if path.is_file()] + [folder / name for name in BESIDE]
    pages = {path.relative_to(folder).as_posix(): read_bytes(path) for path in paths if path.is_file()}
    if f"{docs.name}/index.md" not in pages:
        raise FoolingError(f"{docs} has no start page", expected="index.md", remedy="give --folder of the repository")
    found = [
        _record_in(path) for path in recorded or sorted(path.parent for path in docs.glob("results/*/record.json"))
    ]
    runs: dict[str, list[Explored]] = {}
    shown = None
    if study is not None:
        shown = _finished(study, folder)
        runs[shown.name] = list(_explored(study))
    files = sources(
        pages,
        records=[record for record, _ in found],
        study=shown,
        explorer=explorer(
            runs, [numbers for _, numbers in found], threshold=ThresholdSettings().threshold, home="../index.html"
        ),
        commands=commands_page(
            (command.panel, name, command.summary, _options_of(function_of(name)))
            for name, command in commands().items()
        ),
        is_file=lambda path: (folder / path).exists(),
        repository=_repository_of(folder / "CITATION.cff"),
    )
    write_folder(output, files)
    given = "no finished study" if shown is None else f"the study {shown.name} with {len(runs[shown.name])} runs"
    say(f"{len(files)} files with {len(found)} recorded studies and {given}; written to {output}")


def _options_of(function: Callable[..., None]) -> dict[str, str]:
    """Return the help of a command's arguments and options, by what is typed."""
    kinds = inspect.signature(function).parameters
    return {
        f"--{name.replace('_', '-')}" if kinds[name].kind is inspect.Parameter.KEYWORD_ONLY else name.upper(): words
        for name, words in parameters_of(function).items()
    }


def _record_in(path: Path) -> tuple[Record, RecordedStudy]:
    """Return a record for its page, and its numbers for the explorer."""
    header, claims = read_record(path)
    information = checked_header(RunInformation, read_json(path / "run-info.json"), source=path / "run-info.json")
    experiments = []
    for one in read_json(path / "run-info.json")["experiments"]:
        name = one["experiment"]
        lineage = path / str(LINEAGE.path).format(experiment=name)
        experiments.append(
            RecordedExperiment(
                experiment=name,
                encoding=str(one.get("encoding", "")),
                classifiers=tuple(one["classifiers"]),
                seeds=tuple(one["seeds"]),
                curves=read_table(path / str(CURVES.path).format(experiment=name), CURVES),
                family=read_table(lineage, LINEAGE) if lineage.is_file() else None,
            )
        )
    record = Record(header=header, claims=claims, information=information)
    numbers = RecordedStudy(
        name=header.study, version=header.version, recorded=header.recorded, experiments=tuple(experiments)
    )
    return record, numbers


def _finished(results: Path, folder: Path) -> FinishedStudy:
    """Return the parts of a finished study that the site shows.

    Raises :class:`FoolingError`, naming the files and the command that makes them, if some of its results are missing.
    """
    command = _command_of(results.name, folder)
    needed = {results / name for name in ("run-info.json", "report/index.html")}
    _require_all(results, needed, command)
    information = checked_header(RunInformation, read_json(results / "run-info.json"), source=results / "run-info.json")
    experiments = [one.experiment for one in information.experiments]
    needed |= {results / str(CHAMPIONS.path).format(experiment=name) for name in experiments}
    needed |= {results / name for name in (CLAIMS_FILE, "metrics.json") if experiments}
    _require_all(results, needed, command)
    audits = results / str(AUDIT_SEEDS.path)
    places = []
    if audits.is_file():
        seeds = read_table(audits, AUDIT_SEEDS)[["network", "seed"]].drop_duplicates()
        places = [f"{network}/seed{seed}" for network, seed in seeds.itertuples(index=False)]
    pages = [f"{place}/{name}" for place in places for name in ("index.html", "audit.json")]
    _require_all(
        results, {results / "audits" / page for page in pages} | {path for path, _ in _runs_of(results)}, command
    )
    return FinishedStudy(
        name=results.name,
        report=read_bytes(results / "report/index.html"),
        audits={page: read_bytes(results / "audits" / page) for page in pages},
        claims=read_table(results / CLAIMS_FILE, CLAIMS) if experiments else None,
        made=f"with version {information.packages.get('fooling', 'unknown')}",
    )


def _command_of(study: str, folder: Path) -> str:
    """Return the command that makes a study: the study files of the repository are searched for its name."""
    if study == default_study().study:
        return "make run"
    files = sorted((folder / "config").rglob("*.yaml"))
    named = [path for path in files if f"study: {study}" in read_text(path).splitlines()]
    return f"make study CONFIG={named[0].relative_to(folder)}" if named else "make study CONFIG=… with its study file"


def _require_all(results: Path, needed: set[Path], command: str) -> None:
    """Raise :class:`FoolingError`, naming them, if some of the ``needed`` files are missing."""
    missing = sorted(path.as_posix() for path in needed if not path.is_file())
    if missing:
        more = [f"and {len(missing) - 10} more"] if len(missing) > 10 else []
        raise FoolingError(
            f"the study in {results} is not finished",
            found="\n".join(f"no {path}" for path in missing[:10]) + "".join(f"\n{line}" for line in more),
            expected="all results of the study",
            remedy=f"finish it with {command}, then build the site again",
        )


def _runs_of(results: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of all runs and controls of a study, each with its experiment."""
    information = checked_header(RunInformation, read_json(results / "run-info.json"), source=results / "run-info.json")
    for one in information.experiments:
        runs = read_table(results / str(CHAMPIONS.path).format(experiment=one.experiment), CHAMPIONS)[
            ["classifier", "experiment", "search", "seed"]
        ].drop_duplicates()
        for classifier, experiment, search, seed in runs.itertuples(index=False):
            path = results / RUN.format(classifier=classifier, experiment=experiment, seed=seed)
            yield path if search == "map-elites" else path.with_suffix(f".{search}.safetensors"), experiment


def _explored(results: Path) -> Iterator[Explored]:
    for path, experiment in _runs_of(results):
        replay = path.with_suffix(".replay.safetensors")
        yield explored_run(
            load_run(path), experiment=experiment, replay=load_replay(replay) if replay.is_file() else None
        )


def _repository_of(citation: Path) -> str | None:
    """Return the address of the repository that the citation file declares, if any."""
    if not citation.is_file():
        return None
    declared = parsed_yaml(read_text(citation), source=str(citation))
    address = declared.get("repository-code") if isinstance(declared, Mapping) else None
    return str(address).rstrip("/") if address else None
