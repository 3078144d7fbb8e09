"""Publish a study: give DVC its results with their records, bring them to the store, and commit what git keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.config import Config  # type: ignore[import-untyped]

from fooling.artifacts import write_bytes
from fooling.errors import FoolingError
from fooling.study.resolved import Study
from sharing import provenance
from sharing.commands import dvc, dvc_json, git, snakemake
from sharing.provenance import listed
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
    """Publish the study in ``configfile``; what was done, in words.

    Raises :class:`FoolingError`, with nothing changed here, where code, settings or other inputs are in no commit,
    where a run is at work or jobs are pending, where a result has no record, where the store cannot be reached, and
    where git refuses the commit: it does not know in whose name, or a hook fails.
    """
    configfile = Path(os.path.relpath(configfile))
    study = study_in(configfile)
    _refuse_unknown_author()
    _refuse_uncommitted(study)
    refuse_during_a_run()
    _refuse_pending(study, configfile)
    _refuse_untracked_inputs(study, configfile)
    content = provenance.pack(results_of(study))
    with _put_back_on_failure(LOCK, PUBLISHED, pack_of(study.name), metrics_of(study.name), _index_of_git()):
        write_bytes(pack_of(study.name), content)
        write_published(with_study(published(), study, configfile))
        dvc("commit", "--force", "--quiet", *stages_of(study))
        push(stages_of(study))
        done = _committed(study)
    provenance.mark_as_known(pack_of(study.name))
    return f"the study {study.name} {done}; its {len(results_of(study))} files are in the store {store()}"


def push(stages: list[str]) -> None:
    """Bring these stages to the store; :class:`FoolingError` unless everything is there afterwards."""
    try:
        dvc("push", "--quiet", *stages)
        missing = dvc_json("status", "--cloud", *stages)
    except FoolingError as error:
        raise FoolingError(
            f"the store {store()} cannot be written", found=error, remedy="see docs/sharing.md: where the store is"
        ) from None
    if missing:
        raise FoolingError(f"the store {store()} lacks files", found=listed(sorted(missing)))


def store() -> str:
    """Where published studies are kept: a folder, or the address of another kind of store."""
    remotes, core = (Config.from_cwd(validate=False).get(section, {}) for section in ("remote", "core"))
    if core.get("remote") not in remotes:
        raise FoolingError("DVC knows no store", remedy="dvc remote add --default store /a/shared/folder")
    return str(remotes[core["remote"]]["url"])


def refuse_unreachable_store() -> None:
    """Raise :class:`FoolingError` where the store is a folder that is not there; DVC would call it empty."""
    if "://" not in store() and not Path(store()).is_dir():
        raise FoolingError(
            "the store cannot be reached",
            found=f"no folder {store()}",
            remedy="dvc remote modify --local store url /where/it/is",
        )


def refuse_during_a_run() -> None:
    """Raise :class:`FoolingError` while Snakemake is at work here, or was killed."""
    if any(provenance.SNAKEMAKE.glob("locks/*")):
        raise FoolingError(
            "a run is at work in this folder, or was killed",
            found="files in .snakemake/locks",
            remedy="wait for its end, or call `make study` to finish it",
        )


def pending_outputs(configfile: Path) -> list[str]:
    """The outputs that Snakemake would make now."""
    rows = [line.split("\t") for line in snakemake("--summary", "--configfile", str(configfile)).splitlines()]
    return [row[0] for row in rows if len(row) == 6 and row[-1] == "update pending"]


@contextmanager
def _put_back_on_failure(*paths: Path) -> Iterator[None]:
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


def _index_of_git() -> Path:
    """The file in which git keeps what is staged."""
    return Path(git("rev-parse", "--git-path", "index").strip())


def _refuse_unknown_author() -> None:
    """Raise :class:`FoolingError` where git does not know in whose name to commit."""
    for role in ("AUTHOR", "COMMITTER"):
        try:
            git("var", f"GIT_{role}_IDENT")
        except FoolingError as error:
            raise FoolingError(
                "git does not know in whose name to commit",
                found=error,
                remedy='git config user.name "Your Name", and git config user.email you@example.org',
            ) from None


def _refuse_uncommitted(study: Study) -> None:
    """Results are published with the commit that made them, so all of its files are to be in it."""
    written_by_publishing = {str(LOCK), str(PUBLISHED), str(metrics_of(study.name))}
    lines = git("status", "--porcelain", "--untracked-files=all").splitlines()
    changed = [line[3:] for line in lines if line[3:] not in written_by_publishing and _is_of_now(line)]
    if changed:
        raise FoolingError(
            "there are changes that no commit holds",
            found=listed(changed),
            remedy="commit them, or add them to .gitignore",
        )


def _is_of_now(line: str) -> bool:
    """Whether a line of the status tells of a change in the folder; not of one that a merge has brought and staged."""
    return not (_is_merging() and line[1] == " ")


def _is_merging() -> bool:
    return Path(git("rev-parse", "--git-path", "MERGE_HEAD").strip()).is_file()


def _refuse_pending(study: Study, configfile: Path) -> None:
    pending = pending_outputs(configfile)
    if pending:
        raise FoolingError(
            f"the study {study.name} is not up to date",
            found=f"{len(pending)} results to be made:\n{listed(pending)}",
            remedy=f"make study CONFIG={configfile}",
        )


def _refuse_untracked_inputs(study: Study, configfile: Path) -> None:
    """Whoever restores the study is to have all that it is made from: results from the store, the rest from git."""
    records = [recorded(path) or {} for path in results_of(study)]
    inputs = {name for record in records for name in record.get("input") or () if Path(name).exists()}
    tracked = set(git("ls-files", "-z").split("\0"))
    kept = {name for name in inputs if name.startswith("results/")}
    missing = sorted((inputs | {str(configfile)}) - kept - tracked)
    if missing:
        raise FoolingError(
            "the study is made from files that git does not keep",
            found=listed(missing),
            remedy="move them into the repository, name them there in the study file, and commit both",
        )


def _committed(study: Study) -> str:
    """Commit what git keeps of the publication; whether there was anything new, in words."""
    kept = [str(path) for path in (LOCK, PUBLISHED, metrics_of(study.name))]
    git("add", "--", *kept)
    if not git("diff", "--cached", "--name-only", "--", *kept):
        return "was published already"
    message = f"Publish the study {study.name}"
    try:
        git("commit", "--quiet", "--message", message, *([] if _is_merging() else ["--", *kept]))
    except FoolingError as error:
        raise FoolingError(
            "git refuses the commit, and nothing is changed here",
            found=error,
            expected=f"a commit of {', '.join(kept)}",
            remedy="settle what the hook or git asks for, and publish again",
        ) from None
    return f"is published as commit {git('rev-parse', '--short', 'HEAD').strip()}"
