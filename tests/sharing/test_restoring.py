"""A clone restores the published studies, or as many of their files as are intact."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from checkout import differing
from repository import TINY, UP_TO_DATE, Repository, bound_by_rights, stored_object

pytestmark = pytest.mark.slow

DESCRIBING = {"run_info", "report"}
ARCHIVE = "results/tiny/evolution/lenet/noise/seed1.safetensors"


def test_a_clone_restores_everything(published: Repository) -> None:
    """Of the smoke study: files of every kind."""
    clone = published.clone("clone")
    assert "the study smoke" in clone.sharing("restore")
    assert UP_TO_DATE in clone.dry_run()
    assert differing(clone.digests(), published.digests()) == set()
    assert (clone.folder / "results/smoke/report/index.html").read_bytes() == (
        published.folder / "results/smoke/report/index.html"
    ).read_bytes()
    assert (clone.folder / "logs/smoke/claims.log").is_file()
    assert clone.run("git", "status", "--porcelain") == ""


def test_bare_dvc_pull_is_enough(published: Repository) -> None:
    """For the stages of every kind, which the smoke study has."""
    clone = published.clone("clone")
    clone.run("python", "-m", "dvc", "pull")
    assert UP_TO_DATE in clone.dry_run()
    assert clone.dvc_json("status") == {}


def test_networks_and_archives_can_be_pulled_alone(ours: Repository) -> None:
    clone = ours.clone("clone")
    clone.run("python", "-m", "dvc", "pull", "classifiers@tiny", "findings@tiny")
    clone.dry_run(TINY)  # imports the records of the files that are present
    clone.run("python", "-m", "dvc", "pull")
    assert UP_TO_DATE in clone.dry_run(TINY), "records of files that arrived later are imported, too"


def test_after_a_restore_one_more_seed_reruns_its_runs_and_what_follows(theirs: Repository) -> None:
    """Restored from the store; what follows from a seed in the smoke study: tests/workflow/test_reruns.py."""
    theirs.replace(TINY, "seeds: {first: 1, count: 1}", "seeds: {first: 1, count: 2}")
    pending = theirs.pending(config=TINY)
    assert {output.rpartition("/")[2].split(".")[0] for output in pending.pop("evolve")} == {"seed2"}
    assert set(pending) == DESCRIBING | {
        *("examine", "tabulate", "trace_lineage", "join_lineage", "measure_distances", "stress"),
        *("variance", "compare", "compare_networks", "compare_models", "claims", "summarise", "draw"),
    }


def test_going_to_another_commit_and_back(two_versions: Repository) -> None:
    newer = two_versions.digests("tiny")
    two_versions.run("git", "checkout", "--quiet", "HEAD~2")
    two_versions.sharing("restore")
    assert UP_TO_DATE in two_versions.dry_run(TINY)
    older = two_versions.digests("tiny")
    assert older == Repository(two_versions.folder.with_name("theirs")).digests("tiny")
    assert older != newer
    two_versions.run("git", "checkout", "--quiet", "main")
    two_versions.run("python", "-m", "dvc", "checkout")
    assert UP_TO_DATE in two_versions.dry_run(TINY)
    assert differing(two_versions.digests("tiny"), newer) == set()


def test_a_damaged_object_is_named_and_all_others_are_restored(ours: Repository) -> None:
    damaged = stored_object(ours, ARCHIVE)
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    clone = ours.clone("clone")
    message = clone.refusal("restore")
    assert ARCHIVE in message
    assert "1 files are missing or damaged" in message
    assert set(ours.digests("tiny")) - set(clone.digests("tiny")) == {ARCHIVE.removeprefix("results/tiny/")}
    pending = clone.pending(config=TINY)
    assert {path.partition(".")[0] for path in pending["evolve"]} == {ARCHIVE.partition(".")[0]}
    assert "train" not in pending


def test_a_missing_object_is_named(ours: Repository) -> None:
    stored_object(ours, "results/tiny/claims.csv").unlink()
    assert "results/tiny/claims.csv" in ours.clone("clone").refusal("restore")


def test_unreadable_objects_are_named_and_all_others_are_restored(ours: Repository) -> None:
    """Files of one folder, and the list of the files of another."""
    prefix = bound_by_rights()
    if prefix is None:
        pytest.skip("root reads everything here")
    outputs = {
        out["path"]: ours.store / "files/md5" / out["md5"][:2] / out["md5"][2:]
        for stage in yaml.safe_load((ours.folder / "dvc.lock").read_text())["stages"].values()
        for out in stage["outs"]
    }
    closed = {"results/tiny/figures": outputs["results/tiny/figures"]}
    first, *others = json.loads(outputs["results/tiny/findings"].read_bytes())
    for file in others:
        name, digest = f"results/tiny/findings/{file['relpath']}", file["md5"]
        if digest != first["md5"]:  # files with equal content are one object
            closed[name] = ours.store / "files/md5" / digest[:2] / digest[2:]
    for path in closed.values():
        path.chmod(0)
    (missing := outputs["results/tiny/claims.csv"]).unlink()
    clone = ours.clone("clone")
    message = clone.refusal("restore", prefix=prefix)
    assert f"1 files are missing or damaged and {len(closed)} files are not readable in the store" in message
    for name, path in closed.items():
        assert f"{name}: no permission to read {path}" in message
    lost = {name.removeprefix("results/tiny/") for name in (*closed, "results/tiny/claims.csv")}
    there = {name for name in ours.digests("tiny") if name not in lost and not name.startswith("figures/")}
    assert set(clone.digests("tiny")) == there
    for path in closed.values():
        path.chmod(0o444)
    shutil.copyfile(ours.folder / "results/tiny/claims.csv", missing)
    clone.sharing("restore")
    assert clone.digests("tiny") == ours.digests("tiny")


def test_a_file_that_was_never_published_is_not_overwritten(ours: Repository) -> None:
    mine = ours.folder / ARCHIVE
    mine.unlink()
    mine.write_text("mine alone")
    message = ours.refusal("restore")
    assert ARCHIVE in message
    assert mine.read_text() == "mine alone"


def test_a_missing_store_is_reported(ours: Repository) -> None:
    clone = ours.clone("clone")
    elsewhere = ours.store.rename(ours.store.with_name("elsewhere"))
    assert "fooling-store" in clone.refusal("restore")
    clone.run("python", "-m", "dvc", "remote", "modify", "--local", "store", "url", str(elsewhere))
    clone.sharing("restore")
    assert UP_TO_DATE in clone.dry_run(TINY)


def test_restoring_without_published_studies_is_refused(fresh_checkout, tmp_path) -> None:
    repository = Repository(fresh_checkout.copy(tmp_path / "place/repository").folder)
    repository.run("git", "init", "--quiet", "--initial-branch=main")
    assert "no study has been published" in repository.refusal("restore")
    assert "Everything is up to date" in repository.run("python", "-m", "dvc", "pull")
