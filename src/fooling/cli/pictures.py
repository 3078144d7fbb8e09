"""What the commands that list pictures share."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from fooling.artifacts import write_table
from fooling.datasets.manifest import MANIFEST
from fooling.datasets.sources import counted
from fooling.progress import say


def write_manifest(output: Path, manifest: pd.DataFrame, passed_over: Counter[str]) -> None:
    """Write the ``manifest``, and say how much there is, and how many files are no pictures."""
    write_table(output, manifest, MANIFEST)
    classes = manifest["path"].str.split("/").str[-2].nunique()
    megabytes = manifest["bytes"].sum() / 2**20
    say(f"{output}: {len(manifest):,} pictures of {classes:,} classes, {megabytes:,.1f} MB")
    if passed_over:
        say(f"{passed_over.total():,} files passed over, which have no ending of a picture: {counted(passed_over)}")
