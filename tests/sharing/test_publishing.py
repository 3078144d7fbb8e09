"""Publishing refuses studies that could not be restored, and changes nothing then."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from checkout import SMOKE
from repository import TINY, UP_TO_DATE, Repository

pytestmark = pytest.mark.slow

PUBLISH = ("publish", "--configfile", SMOKE)
PUBLISH_TINY = ("publish", "--configfile", TINY)


def _state(repository: Repository, study: str = "smoke") -> list[bytes | str]:
    """The state that a refused publication must not change."""
    names = (
        "dvc.lock",
        "config/published.yaml",
        f"results/{study}/provenance.json.gz",
        f"results/{study}/metrics.json",
    )
    files = [(repository.folder / name).read_bytes() for name in names]
    return [*files, repository.run("git", "rev-parse", "HEAD"), repository.run("git", "status", "--porcelain")]


def test_publishing_again_reports_that_nothing_is_new(published: Repository) -> None:
    before = _state(published)
    assert "was published already" in published.sharing(*PUBLISH)
    assert _state(published) == before


def test_a_study_with_pending_jobs_is_refused(published: Repository) -> None:
    published.replace(SMOKE, "runs_shown: 2", "runs_shown: 1")
    published.commit()
    before = _state(published)
    message = published.refusal(*PUBLISH)
    assert "results/smoke/figures/gallery-direct.png" in message
    assert f"make study CONFIG={SMOKE}" in message
    assert _state(published) == before


def test_a_result_without_a_record_is_refused(published: Repository) -> None:
    (published.folder / "results/smoke/figures/mine.png").write_bytes(b"painted by hand")
    assert "results/smoke/figures/mine.png" in published.refusal(*PUBLISH)


def test_a_lost_record_is_refused(published: Repository) -> None:
    published.run("snakemake", "--configfile", SMOKE, "--cleanup-metadata", "results/smoke/claims.csv")
    assert "results/smoke/claims.csv" in published.refusal(*PUBLISH)


def test_uncommitted_changes_are_refused(published: Repository) -> None:
    published.append("src/fooling/cli/main.py", "# changed")
    (published.folder / "config/own.yaml").touch()
    message = published.refusal(*PUBLISH)
    assert "src/fooling/cli/main.py" in message
    assert "config/own.yaml" in message


def test_inputs_that_git_does_not_track_are_refused(published: Repository) -> None:
    published.append(".gitignore", "/config/test/weights.safetensors")
    published.run("git", "rm", "--quiet", "--cached", "config/test/weights.safetensors")
    published.commit("Keep the weights to ourselves")
    assert "config/test/weights.safetensors" in published.refusal(*PUBLISH)
    (published.folder / SMOKE).rename(published.folder.parent / "outside.yaml")
    published.commit("Keep the settings to ourselves")
    assert "../outside.yaml" in published.refusal("publish", "--configfile", "../outside.yaml")


def test_publishing_during_a_run_is_refused(published: Repository) -> None:
    (published.folder / ".snakemake/locks").mkdir(exist_ok=True)
    (published.folder / ".snakemake/locks/0.input.lock").touch()
    assert "a run is active" in published.refusal(*PUBLISH)


def test_a_store_that_cannot_be_written_changes_nothing(published: Repository) -> None:
    published.run("python", "-m", "dvc", "remote", "modify", "--local", "store", "url", "/proc/store")
    (published.folder / "results/smoke/claims.md").unlink()
    published.make()
    before = _state(published)
    assert "/proc/store" in published.refusal(*PUBLISH)
    assert _state(published) == before


def test_without_a_name_nothing_is_published(pair: tuple[Repository, Repository], monkeypatch) -> None:
    ours, _ = pair
    nameless = {name: value for name, value in ours.environment().items() if not name.startswith("GIT_")}
    nobody = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true"}
    monkeypatch.setattr(Repository, "environment", lambda self: nameless | nobody)
    ours.append(".gitignore", "/mine")
    before = _state(ours, "tiny")
    message = ours.refusal(*PUBLISH_TINY)
    assert "git does not know your name and e-mail address" in message
    assert "git config user.name" in message
    assert _state(ours, "tiny") == before


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg"])
def test_a_commit_hook_that_fails_leaves_nothing_behind(pair: tuple[Repository, Repository], hook: str) -> None:
    ours, _ = pair
    ours.replace(TINY, "bootstrap_samples: 99", "bootstrap_samples: 100")
    ours.commit()
    ours.make(TINY)
    path = ours.folder / ".git/hooks" / hook
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\necho no study today >&2; echo changed >> dvc.lock; exit 1\n")
    path.chmod(0o755)
    before = _state(ours, "tiny")
    message = ours.refusal(*PUBLISH_TINY)
    assert "git rejected the commit" in message
    assert "no study today" in message
    assert _state(ours, "tiny") == before
    path.unlink()
    assert "is published as commit" in ours.sharing(*PUBLISH_TINY)
    assert ours.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_a_rerun_damages_no_stored_object(pair: tuple[Repository, Repository], link: str) -> None:
    ours, _ = pair
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


def test_metrics_and_curves_of_two_commits_can_be_compared(pair: tuple[Repository, Repository]) -> None:
    ours, _ = pair
    ours.replace(TINY, "generations: 2", "generations: 4")
    ours.publish(TINY)
    compared = ours.dvc_json("metrics", "diff", "HEAD~2")["results/tiny/metrics.json"]
    assert "champions.noise.lenet.map-elites.median_confidence" in compared
    ours.run("python", "-m", "dvc", "plots", "diff", "HEAD~2", "--out", "plots")
    page = (ours.folder / "plots/index.html").read_text()
    assert "results/tiny/curves/noise.csv" in page
    assert "HEAD~2" in page


def test_the_published_networks_are_artifacts(published: Repository) -> None:
    published.run("python", "-m", "dvc", "get", ".", "results/smoke/classifiers/lenet-a.safetensors", "--out", "mine")
    original = published.folder / "results/smoke/classifiers/lenet-a.safetensors"
    assert Path(published.folder, "mine").read_bytes() == original.read_bytes()
