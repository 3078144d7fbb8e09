"""Publish a study: copy its results to the store, and commit what git tracks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.config import Config  # type: ignore[import-untyped]

from fooling.artifacts import write_bytes
from fooling.messages import FoolingError
from fooling.study.resolved import Study
from sharing import provenance
from sharing.commands import dvc, dvc_json, git, snakemake
from sharing.provenance import one_per_line
from sharing.records import recorded
from sharing.studies import (
    LOCK,
    PUBLISHED,
    metrics_of,
    pack_of,
    published,
    results_of,
    stages_of,
    study_in,
    with_study,
    write_published,
)


def publish(configfile: Path) -> str:
    """Publish the study in ``configfile``; return a summary.

    Raises :class:`FoolingError`, and changes nothing here, if code, settings or other inputs are not committed, if a
    run is active or jobs are pending, if a result has no record, if the store is not reachable, or if git rejects the
    commit (no author name, or a failed hook).
    """
    configfile = Path(os.path.relpath(configfile))
    study = study_in(configfile)
    _refuse_unknown_author()
    refuse_uncommitted(study)
    refuse_during_a_run()
    refuse_pending(study, configfile)
    refuse_untracked_inputs(study, configfile)
    content = provenance.pack(results_of(study))
    with _restored_on_failure(LOCK, PUBLISHED, pack_of(study.name), metrics_of(study.name), _git_index()):
        write_bytes(pack_of(study.name), content)
        write_published(with_study(published(), study, configfile))
        dvc("commit", "--force", "--quiet", *stages_of(study))
        push(stages_of(study))
        done = _committed(study)
    provenance.mark_as_imported(pack_of(study.name))
    return f"the study {study.name} {done}; its {len(results_of(study))} files are in the store {store()}"


def push(stages: list[str]) -> None:
    """Copy the outputs of these stages to the store.

    Raises :class:`FoolingError` if the store is not writable, or does not hold all of them afterwards.
    """
    try:
        dvc("push", "--quiet", *stages)
        missing = dvc_json("status", "--cloud", *stages)
    except FoolingError as error:
        raise FoolingError(
            f"the store {store()} is not writable", found=error, remedy="see docs/sharing.md: where the store is"
        ) from None
    if missing:
        raise FoolingError(f"files are missing in the store {store()}", found=one_per_line(sorted(missing)))


def store() -> str:
    """Return the folder of the store, or its URL if it is another kind of store.

    Raises :class:`FoolingError` if DVC has no default remote.
    """
    remotes, core = (Config.from_cwd(validate=False).get(section, {}) for section in ("remote", "core"))
    if core.get("remote") not in remotes:
        raise FoolingError("no store is configured", remedy="dvc remote add --default store /a/shared/folder")
    return str(remotes[core["remote"]]["url"])


def refuse_unreachable_store() -> None:
    """Raise :class:`FoolingError` if the store is a folder that does not exist.

    DVC treats such a store as an empty one.
    """
    if "://" not in store() and not Path(store()).is_dir():
        raise FoolingError(
            "the store is not reachable",
            found=f"no folder {store()}",
            remedy="dvc remote modify --local store url /path/to/the/store",
        )


def refuse_during_a_run() -> None:
    """Raise :class:`FoolingError` if Snakemake is running here, or was killed."""
    if any(provenance.SNAKEMAKE.glob("locks/*")):
        raise FoolingError(
            "a run is active in this folder, or was killed",
            found="files in .snakemake/locks",
            remedy="wait until it ends, or finish it with `make study`",
        )


def pending_outputs(configfile: Path) -> list[str]:
    """Return the outputs that Snakemake would make now."""
    rows = [line.split("\t") for line in snakemake("--summary", "--configfile", str(configfile)).splitlines()]
    return [row[0] for row in rows if len(row) == 6 and row[-1] == "update pending"]


@contextmanager
def _restored_on_failure(*paths: Path) -> Iterator[None]:
    """Restore the content of these files if the block fails."""
    before = {path: path.read_bytes() if path.is_file() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                write_bytes(path, content)
        raise


def _git_index() -> Path:
    """Return the path of git's index, which holds the staged changes."""
    return Path(git("rev-parse", "--git-path", "index").strip())


def _refuse_unknown_author() -> None:
    """Raise :class:`FoolingError` if git has no author name and e-mail address."""
    for role in ("AUTHOR", "COMMITTER"):
        try:
            git("var", f"GIT_{role}_IDENT")
        except FoolingError as error:
            raise FoolingError(
                "git does not know your name and e-mail address",
                found=error,
                remedy='git config user.name "Your Name", and git config user.email you@example.org',
            ) from None


def refuse_uncommitted(study: Study) -> None:
    """Raise :class:`FoolingError` if there are uncommitted changes.

    Results are published with the commit that made them, which must contain all of the code and settings.
    """
    written_by_publishing = {str(LOCK), str(PUBLISHED), str(metrics_of(study.name))}
    lines = git("status", "--porcelain", "--untracked-files=all").splitlines()
    changed = [line[3:] for line in lines if line[3:] not in written_by_publishing and _is_local_change(line)]
    if changed:
        raise FoolingError(
            "there are uncommitted changes",
            found=one_per_line(changed),
            remedy="commit them, or add them to .gitignore",
        )


def _is_local_change(line: str) -> bool:
    """Return whether a line of ``git status`` is a change not staged by a merge."""
    return not (_is_merging() and line[1] == " ")


def _is_merging() -> bool:
    return Path(git("rev-parse", "--git-path", "MERGE_HEAD").strip()).is_file()


def refuse_pending(study: Study, configfile: Path) -> None:
    """Raise :class:`FoolingError`, naming them, if results are missing or not up to date."""
    pending = sorted(pending_outputs(configfile), key=lambda name: Path(name).exists())  # missing ones first
    if pending:
        missing = sum(not Path(name).exists() for name in pending)
        raise FoolingError(
            f"the study {study.name} is not up to date",
            found=f"{len(pending)} pending results, {missing} of them missing:\n{one_per_line(pending)}",
            remedy=f"make study CONFIG={configfile}",
        )


def refuse_untracked_inputs(study: Study, configfile: Path) -> None:
    """Raise :class:`FoolingError` if results depend on files that git does not track.

    A restored study must be complete: its results come from the store, all other inputs from git.
    """
    records = [recorded(path) or {} for path in results_of(study)]
    inputs = {name for record in records for name in record.get("input") or () if Path(name).exists()}
    tracked = set(git("ls-files", "-z").split("\0"))
    kept = {name for name in inputs if name.startswith("results/")}
    missing = sorted((inputs | {str(configfile)}) - kept - tracked)
    if missing:
        raise FoolingError(
            "the study is made from files that git does not track",
            found=one_per_line(missing),
            remedy="move them into the repository, change their paths in the study file, and commit both",
        )


def _committed(study: Study) -> str:
    """Commit the files that git tracks; return whether they were new, as text."""
    kept = [str(path) for path in (LOCK, PUBLISHED, metrics_of(study.name)) if path.is_file()]
    git("add", "--", *kept)
    if not git("diff", "--cached", "--name-only", "--", *kept):
        return "was published already"
    message = f"Publish the study {study.name}"
    try:
        git("commit", "--quiet", "--message", message, *([] if _is_merging() else ["--", *kept]))
    except FoolingError as error:
        raise FoolingError(
            "git rejected the commit; nothing was changed here",
            found=error,
            expected=f"a commit of {', '.join(kept)}",
            remedy="fix what git or the hook reports, and publish again",
        ) from None
    return f"is published as commit {git('rev-parse', '--short', 'HEAD').strip()}"
