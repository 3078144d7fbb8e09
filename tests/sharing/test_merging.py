"""Two people publish, and git merges: no file is lost, and outdated results are known."""

from __future__ import annotations

import pytest

from checkout import SMOKE
from repository import AUDITS_ALONE, TINY, TINY_STUDY, UP_TO_DATE, Repository

pytestmark = pytest.mark.slow


def _merge(ours: Repository, theirs: Repository) -> list[str]:
    """Begin to merge the commit of the others; return the files in conflict."""
    ours.run("git", "fetch", "--quiet", str(theirs.folder), "main:theirs")
    ours.run("bash", "-c", "git merge --no-commit theirs || true")
    return ours.run("git", "diff", "--name-only", "--diff-filter=U").split()


def test_different_studies(ours: Repository, theirs: Repository) -> None:
    """One side adds a study of audits alone, the other one with a data set: each has entries that the other lacks."""
    for repository, name, settings in ((ours, "first", AUDITS_ALONE), (theirs, "second", TINY_STUDY)):
        (repository.folder / f"config/{name}.yaml").write_text(settings.format(name=name))
        repository.publish(f"config/{name}.yaml")
    assert "dvc.lock" in _merge(ours, theirs)
    assert "both sides are merged" in ours.sharing("merge")
    ours.run("git", "commit", "--quiet", "--no-edit")
    assert ours.run("git", "status", "--porcelain") == ""
    clone = ours.clone("clone")
    clone.sharing("restore")
    for name, whose in (("first", ours), ("second", theirs), ("tiny", theirs)):
        assert UP_TO_DATE in clone.dry_run(f"config/{name}.yaml")
        assert clone.digests(name) == whose.digests(name)


def test_two_seeds_of_one_study(ours: Repository, theirs: Repository) -> None:
    ours.replace(TINY, "seeds: {first: 1, count: 1}", "seeds: {first: 1, count: 2}")
    ours.publish(TINY)
    theirs.replace(TINY, "seeds: {first: 1, count: 1}", "seeds: {first: 3, count: 1}")
    theirs.publish(TINY)
    assert set(_merge(ours, theirs)) >= {TINY, "dvc.lock"}
    assert TINY in ours.refusal("merge"), "conflicts in settings are resolved by hand"
    ours.run("git", "checkout", "--ours", TINY)
    ours.replace(TINY, "seeds: {first: 1, count: 2}", "seeds: {first: 1, count: 3}")
    ours.run("git", "add", TINY)
    told = ours.sharing("merge")
    assert f"make study CONFIG={TINY}" in told
    ours.run("git", "commit", "--quiet", "--no-edit")
    clone = ours.clone("clone")
    clone.sharing("restore")
    for repository in (ours, clone):
        archives = sorted(
            path.name for path in repository.folder.glob("results/tiny/evolution/lenet/noise/seed?.safetensors")
        )
        assert archives == ["seed1.safetensors", "seed2.safetensors", "seed3.safetensors"]
        assert "evolve" not in repository.dry_run(TINY)
        assert "tabulate" in repository.dry_run(TINY)
    ours.make(TINY)
    assert "is published as commit" in ours.sharing("publish", "--configfile", TINY)
    for seed, whose in ((2, ours), (3, theirs)):
        name = f"evolution/lenet/noise/seed{seed}.safetensors"
        assert ours.digests("tiny")[name] == whose.digests("tiny")[name]


def test_without_a_merge_the_command_is_refused(ours: Repository) -> None:
    assert "no merge is in progress" in ours.refusal("merge")


def test_a_name_published_from_another_file_is_refused(ours: Repository) -> None:
    ours.run("git", "mv", TINY, "config/other.yaml")
    ours.commit()
    assert TINY in ours.refusal("publish", "--configfile", "config/other.yaml")
    assert SMOKE not in ours.run("cat", "config/published.yaml")
