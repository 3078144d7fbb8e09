"""Restore published studies: their files from the store, as many as can be had, and the records of these."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from fooling.errors import FoolingError
from fooling.study.resolved import Study
from sharing import provenance
from sharing.commands import dvc, dvc_json, git
from sharing.provenance import listed
from sharing.publishing import refuse_during_a_run, refuse_unreachable_store, store
from sharing.studies import metrics_of, pack_of, published, results_of, stages_of, study_in

UNSAVED = "without confirmation"  # what DVC says of files that it would have to overwrite


def restore(configfile: Path | None) -> str:
    """Restore the study in ``configfile``, or all that have been published; what is there now, in words.

    Raises :class:`FoolingError` where nothing has been published, where files here would be lost, and, after all others
    are restored, where files are missing or damaged in the store.
    """
    refuse_during_a_run()
    studies = _studies(configfile)
    stages = [stage for study in studies for stage in stages_of(study)]
    _bring(stages)
    _bring_metrics(studies)
    lost = _bring_single_files(stages)
    taken_up = [provenance.take_up(pack_of(study.name)) for study in studies]
    restored = "\n".join(f"the study {study.name}: {len(results_of(study))} files" for study in studies)
    if lost:
        raise FoolingError(
            f"{len(lost)} files are missing or damaged in the store {store()}",
            found=listed(lost, shown=50),
            expected=f"all others are restored:\n{restored}",
            remedy="`make study` makes them again; whoever has them may `make publish` once more."
            " Is the store elsewhere? See docs/sharing.md",
        )
    return f"{restored}\n{sum(taken_up)} records were taken up"


def _studies(configfile: Path | None) -> list[Study]:
    declared = published()["studies"]
    if not declared:
        raise FoolingError("no study has been published here", found="none in config/published.yaml")
    if configfile is None:
        return [study_in(Path(path)) for path in declared.values()]
    study = study_in(configfile)
    if study.name not in declared:
        raise FoolingError(
            f"the study {study.name} has not been published", expected="one of " + ", ".join(sorted(declared))
        )
    return [study]


def _bring(stages: list[str]) -> None:
    """Everything that is whole in the store; what stands in the way is never overwritten."""
    refuse_unreachable_store()
    with suppress(FoolingError):  # what is missing or damaged is found out afterwards, file by file
        dvc("fetch", *stages)
    try:
        dvc("checkout", "--allow-missing", *stages)
    except FoolingError as error:
        if UNSAVED in str(error):
            raise FoolingError(
                "files here have not been published and would be lost",
                found=listed(_files_in(str(error))),
                remedy="publish them, or move them elsewhere",
            ) from None


def _files_in(text: str) -> list[str]:
    """The files of this folder that a message names, each on a line of its own."""
    lines = [line.strip() for line in text.splitlines()]
    here = f"{Path.cwd()}{os.sep}"  # other lines may be too long for a path
    return [os.path.relpath(line) for line in lines if line.startswith(here) and Path(line).is_file()]


def _bring_metrics(studies: list[Study]) -> None:
    """What git keeps of the studies, where it was deleted."""
    for path in (metrics_of(study.name) for study in studies):
        if not path.exists() and git("ls-files", "--", str(path)):
            git("checkout", "--quiet", "--", str(path))


def _bring_single_files(stages: list[str]) -> list[str]:
    """Restore the whole files of folders in which others are damaged; the files and folders that cannot be had."""
    state = dvc_json("data", "status", "--granular")
    damaged = set(state.get("not_in_cache", []))
    there = [name for name in state.get("uncommitted", {}).get("deleted", []) if name not in damaged]
    single = [name for name in there if not name.endswith("/")]
    if single:
        dvc("checkout", *single)
    return sorted({name.rstrip("/") for name in damaged | set(_outputs_missing(stages))})


def _outputs_missing(stages: list[str]) -> list[str]:
    """Outputs of these stages that do not lie here at all."""
    entries = [entry for told in dvc_json("status", *stages).values() for entry in told if isinstance(entry, dict)]
    return [name for entry in entries for name in entry.get("changed outs", {}) if not Path(name).exists()]
