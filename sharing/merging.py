"""Merge what two people have published, during a ``git merge``.

base ──► ours   ─┐
  └────► theirs ─┴──► stage changed by one side: the version of that side
                      stage changed by both:     the files of both; for a file that both have changed, ours
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fooling.artifacts import sha256_of, write_bytes, write_text, written_atomically
from fooling.inputs import parsed_yaml
from fooling.messages import FoolingError
from sharing import provenance
from sharing.commands import dvc, git
from sharing.provenance import one_per_line
from sharing.publishing import push, store
from sharing.restoring import restore
from sharing.studies import (
    LOCK,
    PUBLISHED,
    SECTIONS,
    metrics_of,
    pack_of,
    published,
    published_in,
    results_of,
    study_in,
    write_published,
)

Stages = Mapping[str, Any]

REGENERATED = ("provenance.json.gz", "metrics.json")  # from the results of both sides


@dataclass(frozen=True)
class Sides:
    """The commits of a merge; ``base`` is None without a common ancestor."""

    base: str | None
    ours: str
    theirs: str


def merge() -> str:
    """Merge the published studies of both sides; return a summary.

    Raises :class:`FoolingError` if no merge is in progress, or if other files are in conflict.
    """
    sides = _sides()
    _refuse_other_conflicts()
    ours, theirs = (_stages_at(commit) for commit in (sides.ours, sides.theirs))
    base = _stages_at(sides.base) if sides.base else {}
    both = sorted(name for name in ours.keys() & theirs.keys() if _both_changed(base, ours, theirs, name))
    write_published(_merged_declarations(sides))
    write_text(LOCK, yaml.safe_dump({"schema": "2.0", "stages": _merged_stages(base, ours, theirs)}, sort_keys=False))
    _resolve_metrics(sides)
    restore(None)
    kept = _add_files_of(sides, both) if both else []
    git("add", "--", str(LOCK), str(PUBLISHED), *(str(path) for path in _metrics() if path.is_file()))
    return _summary(both, kept)


def _sides() -> Sides:
    if not Path(git("rev-parse", "--git-path", "MERGE_HEAD").strip()).is_file():
        raise FoolingError("no merge is in progress", remedy="git merge --no-commit OTHER_BRANCH")
    try:
        base = git("merge-base", "HEAD", "MERGE_HEAD").strip()
    except FoolingError:
        base = None
    return Sides(base=base, ours="HEAD", theirs="MERGE_HEAD")


def _refuse_other_conflicts() -> None:
    resolved_here = {str(LOCK), str(PUBLISHED)}
    conflicts = git("diff", "--name-only", "--diff-filter=U").split()
    others = [name for name in conflicts if name not in resolved_here and not name.endswith("/metrics.json")]
    if others:
        raise FoolingError(
            "other files are in conflict", found=one_per_line(others), remedy="resolve these first, and `git add` them"
        )


def _at(commit: str, path: Path) -> str:
    """Return the text of a file in a commit; empty if the commit has no such file."""
    try:
        return git("show", f"{commit}:{path}")
    except FoolingError:
        return ""


def _stages_at(commit: str) -> Stages:
    content = parsed_yaml(_at(commit, LOCK), source=f"{LOCK} of {commit}") or {}
    stages: Stages = content.get("stages", {})
    return stages


def _merged_declarations(sides: Sides) -> dict[str, dict[str, str]]:
    """Return the published studies of both sides; ours for a name that both declare."""
    ours, theirs = (published_in(_at(commit, PUBLISHED)) for commit in (sides.ours, sides.theirs))
    return {section: theirs[section] | ours[section] for section in SECTIONS}


def _outputs(stage: Mapping[str, Any] | None) -> Any:
    return None if stage is None else stage.get("outs")


def _both_changed(base: Stages, ours: Stages, theirs: Stages, name: str) -> bool:
    before = _outputs(base.get(name))
    return len({str(before), str(_outputs(ours[name])), str(_outputs(theirs[name]))}) == 3 or (
        before is None and _outputs(ours[name]) != _outputs(theirs[name])
    )


def _merged_stages(base: Stages, ours: Stages, theirs: Stages) -> dict[str, Any]:
    """Return each stage from the side that changed it; ours if both did."""
    changed = {name for name in theirs if _outputs(theirs[name]) != _outputs(base.get(name))}
    unchanged_here = {name for name in changed if _outputs(ours.get(name)) == _outputs(base.get(name))}
    return {
        name: theirs[name] if name in unchanged_here or name not in ours else ours[name] for name in {**ours, **theirs}
    }


def _metrics() -> list[Path]:
    return [metrics_of(study) for study in published()["studies"]]


def _resolve_metrics(sides: Sides) -> None:
    """Resolve conflicts in metrics as ours; the next run regenerates them."""
    for path in _metrics():
        text = _at(sides.ours, path) or _at(sides.theirs, path)
        if text and str(path) in git("diff", "--name-only", "--diff-filter=U").split():
            write_text(path, text)


def _add_files_of(sides: Sides, stages: list[str]) -> list[str]:
    """Add the files of the other side to the stages that both have changed.

    Returns the files that both have changed, of which ours were kept.
    """
    kept: list[str] = []
    with _restored(sides.theirs, stages) as theirs, _restored(sides.base, stages) as base:
        for path in sorted(path.relative_to(theirs) for path in (theirs / "results").rglob("*") if path.is_file()):
            here, other, before = path, theirs / path, base / path
            if not here.is_file() or (_same(here, before) and not _same(other, before)):
                with written_atomically(here) as temporary:  # because `here` may be a link to a stored object
                    shutil.copyfile(other, temporary)
            elif not _same(here, other) and not _same(other, before) and path.name not in REGENERATED:
                kept.append(str(path))
        for study in _studies_of(stages):
            _merge_records(study, theirs)
    dvc("commit", "--force", "--quiet", *stages)
    push(stages)
    return kept


def _merge_records(study: str, theirs: Path) -> None:
    """Import the other side's records of files that are here; pack all records."""
    pack = pack_of(study)
    provenance.import_records(theirs / pack)
    write_bytes(pack, provenance.pack(results_of(study_in(Path(published()["studies"][study])))))
    provenance.mark_as_imported(pack)


def _studies_of(stages: list[str]) -> list[str]:
    return [name for stage in stages for kind, _, name in [stage.partition("@")] if kind == "findings"]


@contextmanager
def _restored(commit: str | None, stages: list[str]) -> Iterator[Path]:
    """Yield a temporary folder with these stages of a commit.

    Without a commit the folder does not exist.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "commit")
        if commit is None:
            yield folder
            return
        git("worktree", "add", "--quiet", "--detach", str(folder), commit)
        try:
            dvc("config", "--local", "cache.dir", dvc("cache", "dir").strip(), folder=folder)
            dvc("remote", "add", "--local", "--default", "--force", "here", store(), folder=folder)
            dvc("pull", "--quiet", "--allow-missing", *stages, folder=folder)
            yield folder
        finally:
            git("worktree", "remove", "--force", str(folder))


def _same(first: Path, second: Path) -> bool:
    return second.is_file() and sha256_of(first.read_bytes()) == sha256_of(second.read_bytes())


def _summary(both: list[str], kept: list[str]) -> str:
    lines = ["both sides are merged: the files of both are here"]
    if kept:
        lines.append(f"changed by both, ours kept:\n{one_per_line(kept)}")
    lines.append("continue with `git commit`")
    for study in _studies_of(both):
        config = published()["studies"][study]
        lines.append(f"then `make study CONFIG={config}` and `make publish CONFIG={config}`")
    return "\n".join(lines)
