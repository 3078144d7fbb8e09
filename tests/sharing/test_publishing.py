"""Publishing refuses studies that could not be restored, and changes nothing then."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from checkout import SMOKE
from repository import TINY, UP_TO_DATE, Repository

pytestmark = pytest.mark.slow

PUBLISH = ("publish", "--configfile", TINY)


def _state(repository: Repository) -> list[bytes | str]:
    """The state that a refused publication must not change."""
    names = (
        "dvc.lock",
        "config/published.yaml",
        "results/tiny/provenance.json.gz",
        "results/tiny/metrics.json",
    )
    files = [(repository.folder / name).read_bytes() for name in names]
    return [*files, repository.run("git", "rev-parse", "HEAD"), repository.run("git", "status", "--porcelain")]


def test_publishing_again_reports_that_nothing_is_new(ours: Repository) -> None:
    before = _state(ours)
    assert "was published already" in ours.sharing(*PUBLISH)
    assert _state(ours) == before


def test_a_study_with_pending_jobs_is_refused(ours: Repository) -> None:
    ours.replace(TINY, "bootstrap_samples: 99", "confidence_level: 0.9")
    ours.commit()
    before = _state(ours)
    message = ours.refusal(*PUBLISH)
    assert "results/tiny/findings/classifiers.csv" in message
    assert f"make study CONFIG={TINY}" in message
    assert _state(ours) == before


def test_a_result_without_a_record_is_refused(ours: Repository) -> None:
    (ours.folder / "results/tiny/figures/mine.png").write_bytes(b"painted by hand")
    assert "results/tiny/figures/mine.png" in ours.refusal(*PUBLISH)


def test_a_lost_record_is_refused(ours: Repository) -> None:
    ours.run("snakemake", "--configfile", TINY, "--cleanup-metadata", "results/tiny/claims.csv")
    assert "results/tiny/claims.csv" in ours.refusal(*PUBLISH)


def test_uncommitted_changes_are_refused(ours: Repository) -> None:
    ours.append("src/fooling/cli/main.py", "# changed")
    (ours.folder / "config/own.yaml").touch()
    message = ours.refusal(*PUBLISH)
    assert "src/fooling/cli/main.py" in message
    assert "config/own.yaml" in message


def test_inputs_that_git_does_not_track_are_refused(published: Repository) -> None:
    """Of the smoke study, which imports a network."""
    published.append(".gitignore", "/config/test/weights.safetensors")
    published.run("git", "rm", "--quiet", "--cached", "config/test/weights.safetensors")
    published.commit("Keep the weights to ourselves")
    assert "config/test/weights.safetensors" in published.refusal("publish", "--configfile", SMOKE)
    (published.folder / SMOKE).rename(published.folder.parent / "outside.yaml")
    published.commit("Keep the settings to ourselves")
    assert "../outside.yaml" in published.refusal("publish", "--configfile", "../outside.yaml")


def test_publishing_during_a_run_is_refused(ours: Repository) -> None:
    (ours.folder / ".snakemake/locks").mkdir(exist_ok=True)
    (ours.folder / ".snakemake/locks/0.input.lock").touch()
    assert "a run is active" in ours.refusal(*PUBLISH)


def test_a_store_that_cannot_be_written_changes_nothing(ours: Repository) -> None:
    ours.run("python", "-m", "dvc", "remote", "modify", "--local", "store", "url", "/proc/store")
    (ours.folder / "results/tiny/report/index.html").unlink()
    ours.make(TINY)  # which leaves a new record
    before = _state(ours)
    assert "/proc/store" in ours.refusal(*PUBLISH)
    assert _state(ours) == before


def test_without_a_name_nothing_is_published(ours: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    nameless = {name: value for name, value in ours.environment().items() if not name.startswith("GIT_")}
    nobody = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true"}
    monkeypatch.setattr(Repository, "environment", lambda self: nameless | nobody)
    ours.append(".gitignore", "/mine")
    before = _state(ours)
    message = ours.refusal(*PUBLISH)
    assert "git does not know your name and e-mail address" in message
    assert "git config user.name" in message
    assert _state(ours) == before


def test_a_commit_hook_that_fails_leaves_nothing_behind(ours: Repository) -> None:
    ours.replace(TINY, "bootstrap_samples: 99", "bootstrap_samples: 100")
    ours.commit()  # of a setting that no result of this study depends on
    before = _state(ours)
    for hook in ("pre-commit", "commit-msg"):
        path = ours.folder / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\necho no study today >&2; echo changed >> dvc.lock; exit 1\n")
        path.chmod(0o755)
        message = ours.refusal(*PUBLISH)
        assert "git rejected the commit" in message
        assert "no study today" in message
        assert _state(ours) == before
        path.unlink()
    assert "is published as commit" in ours.sharing(*PUBLISH)
    assert ours.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_a_rerun_damages_no_stored_object(ours: Repository, link: str) -> None:
    ours.run("python", "-m", "dvc", "config", "--local", "cache.type", link)
    ours.run("python", "-m", "dvc", "checkout", "--relink")
    assert UP_TO_DATE in ours.dry_run(TINY)
    ours.replace(TINY, "bootstrap_samples: 99", "confidence_level: 0.9")
    ours.publish(TINY)
    objects = [path for path in (ours.folder / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
    assert len(objects) > 30
    for path in objects:
        named = path.parent.name + path.name.removesuffix(".dir")
        assert hashlib.md5(path.read_bytes()).hexdigest() == named, path


def test_metrics_and_curves_of_two_commits_can_be_compared(two_versions: Repository) -> None:
    compared = two_versions.dvc_json("metrics", "diff", "HEAD~2")["results/tiny/metrics.json"]
    assert "champions.noise.lenet.map-elites.median_confidence" in compared
    two_versions.run("python", "-m", "dvc", "plots", "diff", "HEAD~2", "--out", "plots")
    page = (two_versions.folder / "plots/index.html").read_text()
    assert "results/tiny/curves/noise.csv" in page
    assert "HEAD~2" in page


def test_the_published_networks_are_artifacts(published: Repository) -> None:
    published.run("python", "-m", "dvc", "get", ".", "results/smoke/classifiers/lenet-a.safetensors", "--out", "mine")
    original = published.folder / "results/smoke/classifiers/lenet-a.safetensors"
    assert Path(published.folder, "mine").read_bytes() == original.read_bytes()
