"""Restore published studies from the store, with the records of their files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from fooling.inputs import parsed_yaml
from fooling.messages import FoolingError
from fooling.study.resolved import Study
from sharing import provenance
from sharing.commands import dvc, dvc_json, git
from sharing.provenance import one_per_line
from sharing.publishing import refuse_during_a_run, refuse_unreachable_store, store
from sharing.studies import LOCK, metrics_of, pack_of, published_studies, results_of, stages_of, study_in

UNSAVED = "without confirmation"  # in DVC's message about files that it would have to overwrite


def restore(configfile: Path | None) -> str:
    """Restore one study or, by default, all published ones; return a summary.

    Raises :class:`FoolingError` if nothing has been published, or if files here would be lost. If files are missing,
    damaged or not readable in the store, raises it after all other files are restored.
    """
    refuse_during_a_run()
    studies = _studies(configfile)
    stages = [stage for study in studies for stage in stages_of(study)]
    objects = _objects(stages)
    unreadable = {name for name, path in objects.items() if _lacks_permission(path)}
    _fetch([name for name in objects if name not in unreadable] if unreadable else stages)
    _check_out(stages)
    _restore_metrics(studies)
    lost = _restore_single_files(stages)
    imported = sum(provenance.import_records(pack_of(study.name)) for study in studies)
    restored = "\n".join(f"the study {study.name}: {len(results_of(study))} files" for study in studies)
    if lost:
        raise _loss(lost, {name: objects[name] for name in lost if name in unreadable}, restored)
    return f"{restored}\n{imported} records imported"


def _studies(configfile: Path | None) -> list[Study]:
    declared = published_studies()
    if not declared:
        raise FoolingError("no study has been published", found="none in config/published.yaml")
    if configfile is None:
        return [study_in(Path(path)) for path in declared.values()]
    study = study_in(configfile)
    if study.name not in declared:
        raise FoolingError(
            f"the study {study.name} has not been published", expected="one of " + ", ".join(sorted(declared))
        )
    return [study]


def _objects(stages: list[str]) -> dict[str, Path]:
    """Return the store's object of every published file, by the file's path.

    A folder whose own object is not readable is a single entry. Empty if the store is not a folder.
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
            with suppress(OSError, ValueError):  # not readable, missing or damaged
                files = json.loads(found[name].read_bytes())
                del found[name]
                found |= {f"{name}/{file['relpath']}": _object(file["md5"]) for file in files}
    return found


def _object(digest: str) -> Path:
    return Path(store(), "files", "md5", digest[:2], digest[2:])


def _lacks_permission(path: Path) -> bool:
    """Return whether a file exists that you may not read."""
    try:
        with path.open("rb"):
            return False
    except OSError as error:
        return isinstance(error, PermissionError)


def _fetch(targets: list[str]) -> None:
    """Fetch the intact ones of these stages or files into DVC's cache.

    DVC stops at the first object without read permission, so ``targets`` must not contain any.
    """
    with suppress(FoolingError):  # missing and damaged files are determined later, one by one
        dvc("fetch", *targets)


def _check_out(stages: list[str]) -> None:
    """Check out what the cache has of these stages; never overwrite unpublished files."""
    try:
        dvc("checkout", "--allow-missing", *stages)
    except FoolingError as error:
        if UNSAVED in str(error):
            raise FoolingError(
                "files here have not been published and would be lost",
                found=one_per_line(_files_in(str(error))),
                remedy="publish them, or move them elsewhere",
            ) from None


def _files_in(text: str) -> list[str]:
    """Return the files of this folder that a message names, each on its own line."""
    lines = [line.strip() for line in text.splitlines()]
    here = f"{Path.cwd()}{os.sep}"  # tested first, because other lines may be too long for a path
    return [os.path.relpath(line) for line in lines if line.startswith(here) and Path(line).is_file()]


def _restore_metrics(studies: list[Study]) -> None:
    """Restore deleted metrics, which git tracks."""
    for path in (metrics_of(study.name) for study in studies):
        if not path.exists() and git("ls-files", "--", str(path)):
            git("checkout", "--quiet", "--", str(path))


def _restore_single_files(stages: list[str]) -> list[str]:
    """Restore the intact files of folders in which others are damaged.

    Returns the files and folders that could not be restored.
    """
    state = dvc_json("data", "status", "--granular")
    damaged = set(state.get("not_in_cache", []))
    intact = [name for name in state.get("uncommitted", {}).get("deleted", []) if name not in damaged]
    single = [name for name in intact if not name.endswith("/")]
    if single:
        dvc("checkout", *single)
    lost = {name.rstrip("/") for name in damaged | set(_missing_outputs(stages))}
    return sorted(name for name in lost if not any(other.startswith(f"{name}/") for other in lost))


def _missing_outputs(stages: list[str]) -> list[str]:
    """Return the outputs of these stages that do not exist here."""
    changes = dvc_json("status", *stages).values()
    entries = [entry for changed in changes for entry in changed if isinstance(entry, dict)]
    return [name for entry in entries for name in entry.get("changed outs", {}) if not Path(name).exists()]


def _loss(lost: list[str], unreadable: Mapping[str, Path], restored: str) -> FoolingError:
    """Return the error for files that were not restored.

    Those in ``unreadable`` exist in the store, but you have no permission to read them.
    """
    counts = {"are missing or damaged": len(lost) - len(unreadable), "are not readable": len(unreadable)}
    places = {name: f"{name}: no permission to read {path}" for name, path in unreadable.items()}
    remedies = {
        "are missing or damaged": "`make study` makes them again, or somebody who has them runs `make publish` again."
        " If the store is in another place, see docs/sharing.md",
        "are not readable": f"ask their owner to run `chmod -R a+rX {store()}`, and restore again",
    }
    return FoolingError(
        f"{' and '.join(f'{count} files {what}' for what, count in counts.items() if count)} in the store {store()}",
        found=one_per_line([places.get(name, name) for name in lost], shown=50),
        expected=f"all files; all others are restored:\n{restored}",
        remedy="\n".join(remedies[what] for what, count in counts.items() if count),
    )
