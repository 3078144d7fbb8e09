"""Every study can be planned for a cluster: no group of jobs waits for itself."""

from __future__ import annotations

import pytest

from checkout import ROOT, SMOKE, Checkout

#: The studies of the repository, without the one that takes weights from a mirror.
STUDIES = [
    str(path.relative_to(ROOT))
    for path in sorted(ROOT.glob("config/*.yaml"))
    if "\nstudy: " in (text := path.read_text()) and "weights: models/" not in text
]


@pytest.mark.slow
@pytest.mark.parametrize("study", [*STUDIES, SMOKE])
def test_every_study_is_planned_for_a_cluster(study: str, fresh_checkout: Checkout) -> None:
    options = ("--profile", "profiles/slurm", "--dry-run", "--configfile", study)
    assert "This was a dry-run" in fresh_checkout.run("snakemake", *options)
