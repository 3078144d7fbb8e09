"""A clone restores the published studies, or as many of their files as are intact."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from checkout import SMOKE, differing
from repository import TINY, UP_TO_DATE, Repository, bound_by_rights, stored_object

pytestmark = pytest.mark.slow

DESCRIBING = {"run_info", "report"}
ARCHIVE = "results/smoke/evolution/lenet-a/cppn/seed1.safetensors"


def test_a_clone_restores_everything(published: Repository) -> None:
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
    clone = published.clone("clone")
    clone.run("python", "-m", "dvc", "pull")
    assert UP_TO_DATE in clone.dry_run()
    assert clone.dvc_json("status") == {}


def test_networks_and_archives_can_be_pulled_alone(published: Repository) -> None:
    clone = published.clone("clone")
    clone.run("python", "-m", "dvc", "pull", "classifiers@smoke", "findings@smoke")
    clone.dry_run()  # imports the records of the files that are present
    clone.run("python", "-m", "dvc", "pull")
    assert UP_TO_DATE in clone.dry_run(), "records of files that arrived later are imported, too"


def test_after_a_restore_one_more_seed_reruns_its_runs_and_what_follows(published: Repository) -> None:
    clone = published.clone("clone")
    clone.sharing("restore")
    clone.replace(
        SMOKE,
        "seeds: {first: 1, count: 2}\n  encoding: {kind: cppn}",
        "seeds: {first: 1, count: 3}\n  encoding: {kind: cppn}",
    )
    pending = clone.pending()
    assert {output.rpartition("/")[2].split(".")[0] for output in pending.pop("evolve")} == {"seed3"}
    assert set(pending) == DESCRIBING | {
        *("examine", "tabulate", "trace_lineage", "measure_distances", "stress", "ablate", "summarise_ablation"),
        "probe_boundary",
        *("transfer", "tabulate_ascent", "variance", "compare", "compare_networks", "compare_class_sets"),
        "survey_sample",
        *("claims", "summarise", "draw"),
    }


def test_going_to_another_commit_and_back(pair: tuple[Repository, Repository]) -> None:
    ours, _ = pair
    older = ours.digests("tiny")
    ours.replace(TINY, "generations: 2", "generations: 3")
    ours.publish(TINY)
    newer = ours.digests("tiny")
    ours.run("git", "checkout", "--quiet", "HEAD~2")
    ours.sharing("restore")
    assert UP_TO_DATE in ours.dry_run(TINY)
    assert differing(ours.digests("tiny"), older) == set()
    ours.run("git", "checkout", "--quiet", "main")
    ours.run("python", "-m", "dvc", "checkout")
    assert UP_TO_DATE in ours.dry_run(TINY)
    assert differing(ours.digests("tiny"), newer) == set()


def test_a_damaged_object_is_named_and_all_others_are_restored(published: Repository) -> None:
    damaged = stored_object(published, ARCHIVE)
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    clone = published.clone("clone")
    message = clone.refusal("restore")
    assert ARCHIVE in message
    assert "1 files are missing or damaged" in message
    assert set(published.digests()) - set(clone.digests()) == {ARCHIVE.removeprefix("results/smoke/")}
    pending = clone.pending()
    assert {path.partition(".")[0] for path in pending["evolve"]} == {ARCHIVE.partition(".")[0]}
    assert "train" not in pending


def test_a_missing_object_is_named(published: Repository) -> None:
    stored_object(published, "results/smoke/claims.csv").unlink()
    assert "results/smoke/claims.csv" in published.clone("clone").refusal("restore")


def test_unreadable_objects_are_named_and_all_others_are_restored(
    pair: tuple[Repository, Repository],
) -> None:
    """Files of one folder, and the list of the files of another."""
    ours, _ = pair
    prefix = bound_by_rights()
    if prefix is None:
        pytest.skip("root reads everything here")
    outputs = {
        out["path"]: ours.store / "files/md5" / out["md5"][:2] / out["md5"][2:]
        for stage in yaml.safe_load((ours.folder / "dvc.lock").read_text())["stages"].values()
        for out in stage["outs"]
    }
    closed = {"results/tiny/figures": outputs["results/tiny/figures"]}
    for file in json.loads(outputs["results/tiny/findings"].read_bytes())[1:]:
        name, digest = f"results/tiny/findings/{file['relpath']}", file["md5"]
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


def test_a_file_that_was_never_published_is_not_overwritten(published: Repository) -> None:
    mine = published.folder / ARCHIVE
    mine.unlink()
    mine.write_text("mine alone")
    message = published.refusal("restore")
    assert ARCHIVE in message
    assert mine.read_text() == "mine alone"


def test_a_missing_store_is_reported(published: Repository) -> None:
    clone = published.clone("clone")
    published.store.rename(published.store.with_name("elsewhere"))
    message = clone.refusal("restore")
    assert "fooling-store" in message
    clone.run(
        "python",
        "-m",
        "dvc",
        "remote",
        "modify",
        "--local",
        "store",
        "url",
        str(published.store.with_name("elsewhere")),
    )
    clone.sharing("restore")
    assert UP_TO_DATE in clone.dry_run()


def test_restoring_without_published_studies_is_refused(fresh_checkout, tmp_path) -> None:
    repository = Repository(fresh_checkout.copy(tmp_path / "place/repository").folder)
    repository.run("git", "init", "--quiet", "--initial-branch=main")
    assert "no study has been published" in repository.refusal("restore")
    assert "Everything is up to date" in repository.run("python", "-m", "dvc", "pull")
