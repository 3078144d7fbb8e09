"""Restore published studies: their files from the store, as many as can be had, and the records of these."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from fooling.errors import FoolingError
from fooling.inputs import parsed_yaml
from fooling.study.resolved import Study
from sharing import provenance
from sharing.commands import dvc, dvc_json, git
from sharing.provenance import listed
from sharing.publishing import refuse_during_a_run, refuse_unreachable_store, store
from sharing.studies import LOCK, metrics_of, pack_of, published, results_of, stages_of, study_in

UNSAVED = "without confirmation"  # what DVC says of files that it would have to overwrite


def restore(configfile: Path | None) -> str:
    """Restore the study in ``configfile``, or all that have been published; what is there now, in words.

    Raises :class:`FoolingError` where nothing has been published, where files here would be lost, and, after all others
    are restored, where files are missing, damaged or not to be read in the store.
    """
    refuse_during_a_run()
    studies = _studies(configfile)
    stages = [stage for study in studies for stage in stages_of(study)]
    objects = _objects(stages)
    unreadable = {name for name, path in objects.items() if _may_not_be_read(path)}
    _fetch([name for name in objects if name not in unreadable] if unreadable else stages)
    _check_out(stages)
    _bring_metrics(studies)
    lost = _bring_single_files(stages)
    taken_up = [provenance.take_up(pack_of(study.name)) for study in studies]
    restored = "\n".join(f"the study {study.name}: {len(results_of(study))} files" for study in studies)
    if lost:
        raise _lost(lost, {name: objects[name] for name in lost if name in unreadable}, restored)
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


def _objects(stages: list[str]) -> dict[str, Path]:
    """The object of every published file in a store that is a folder, by the path of the file.

    Of a folder whose own object cannot be read it is that one alone. Other kinds of stores give none.
    """
    refuse_unreachable_store()
    if "://" in store() or not LOCK.is_file():
        return {}
    locked = (parsed_yaml(LOCK.read_text(encoding="utf-8"), source=str(LOCK)) or {}).get("stages", {})
    found: dict[str, Path] = {}
    for out in [out for stage in stages for out in locked.get(stage, {}).get("outs", ())]:
        name, digest = out["path"], out.get("md5", "")
        found[name] = _object(digest)
        if digest.endswith(".dir"):
            with suppress(OSError, ValueError):  # it may not be read, is missing or damaged
                files = json.loads(found[name].read_bytes())
                del found[name]
                found |= {f"{name}/{file['relpath']}": _object(file["md5"]) for file in files}
    return found


def _object(digest: str) -> Path:
    return Path(store(), "files", "md5", digest[:2], digest[2:])


def _may_not_be_read(path: Path) -> bool:
    try:
        with path.open("rb"):
            return False
    except OSError as error:
        return isinstance(error, PermissionError)


def _fetch(targets: list[str]) -> None:
    """Bring into DVC's cache what of these stages or files is whole in the store.

    DVC stops at the first object that it may not read, so none of these is among the targets.
    """
    with suppress(FoolingError):  # what is missing or damaged is found out afterwards, file by file
        dvc("fetch", *targets)


def _check_out(stages: list[str]) -> None:
    """Put here what of these stages is in the cache; what stands in the way is never overwritten."""
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
    lost = {name.rstrip("/") for name in damaged | set(_outputs_missing(stages))}
    return sorted(name for name in lost if not any(other.startswith(f"{name}/") for other in lost))


def _outputs_missing(stages: list[str]) -> list[str]:
    """Outputs of these stages that do not lie here at all."""
    entries = [entry for told in dvc_json("status", *stages).values() for entry in told if isinstance(entry, dict)]
    return [name for entry in entries for name in entry.get("changed outs", {}) if not Path(name).exists()]


def _lost(lost: list[str], unreadable: Mapping[str, Path], restored: str) -> FoolingError:
    """What is to be said of files that the store did not give, some of which are there but ``unreadable``."""
    counts = {"are missing or damaged": len(lost) - len(unreadable), "may not be read": len(unreadable)}
    places = {name: f"{name}: no right to read {path}" for name, path in unreadable.items()}
    remedies = {
        "are missing or damaged": "`make study` makes them again; whoever has them may `make publish` once more."
        " Is the store elsewhere? See docs/sharing.md",
        "may not be read": f"have their owner type `chmod -R a+rX {store()}`, and restore again",
    }
    return FoolingError(
        f"{' and '.join(f'{count} files {what}' for what, count in counts.items() if count)} in the store {store()}",
        found=listed([places.get(name, name) for name in lost], shown=50),
        expected=f"all others are restored:\n{restored}",
        remedy="\n".join(remedies[what] for what, count in counts.items() if count),
    )
