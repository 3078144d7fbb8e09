"""What the commands that list pictures share."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fooling.artifacts import write_table
from fooling.progress import say


def write_manifest(output: Path, manifest: pd.DataFrame) -> None:
    """Write the ``manifest``, and say how much there is."""
    write_table(output, manifest)
    classes = manifest["path"].str.split("/").str[-2].nunique()
    megabytes = manifest["bytes"].sum() / 2**20
    say(f"{output}: {len(manifest):,} pictures of {classes:,} classes, {megabytes:,.1f} MB")
