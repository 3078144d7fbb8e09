"""Turn gradient ascents into tables, and compare how soon they and the searches reach the threshold."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fooling.artifacts import read_table, read_tables, write_tables
from fooling.ascent.record import AscentRecord, load_ascent
from fooling.errors import FoolingError
from fooling.findings.ascent import (
    ASCENT,
    ASCENT_CURVES,
    ASCENT_EVALUATIONS,
    ASCENT_SWEEPS,
    ASCENT_TIMES,
    SEARCHES,
    AscentComparisonSettings,
    curves_of_ascents,
    curves_of_searches,
    evaluations_table,
    images_table,
    sweeps_table,
    times_of_ascents,
)
from fooling.findings.tables import HISTORY, TIMES
from fooling.progress import say
from fooling.settings import read_settings


def tabulate_ascent(
    ascents: list[Path],
    *,
    history: list[Path],
    times: list[Path],
    settings: str,
    images: Path,
    ascent_times: Path,
    curves: list[Path],
    evaluations: Path,
    pilots: list[str] | None = None,
    sweeps: Path | None = None,
) -> None:
    """Write the images of all ``ascents``, and how soon they and the searches came how far.

    Args:
        history: Tables of history, from `tabulate`; give the option once for each.
        times: Tables of times to the threshold, from `tabulate`; give the option once for each.
        images: Table of the climbs' images to write.
        ascent_times: Table of the climbs' evaluations to the threshold to write.
        curves: Table of confidences over evaluations on one classifier, of climbs and searches, to write; once for each
            classifier, in the order of their names.
        evaluations: Table of median evaluations to the threshold to write.
        pilots: Gradient ascents on pilot networks, as sweep=path; give the option once for each.
        sweeps: Table of the settings that were tried on pilot networks to write.
    """
    checked = read_settings(AscentComparisonSettings, settings)
    records = [load_ascent(path) for path in ascents]
    climbs = times_of_ascents(records, threshold=checked.threshold)
    searches = read_tables(times, TIMES)
    searched = searches.loc[searches["search"].isin(SEARCHES), ASCENT_TIMES.names]
    compared = pd.concat([climbs, searched], ignore_index=True)
    summary = evaluations_table(compared, settings=checked)
    over_time = [curves_of_ascents(records), *(curves_of_searches(read_table(path, HISTORY)) for path in history)]
    classifiers = sorted({record.classifier["name"] for record in records})
    if len(curves) != len(classifiers):
        found, expected = f"{len(curves)} tables", f"one for each of {', '.join(classifiers)}"
        raise FoolingError("--curves do not fit the climbs", found=found, expected=expected)
    by_classifier = pd.concat(over_time, ignore_index=True).groupby("classifier")
    shown = images_table(records)
    tried = sweeps_table(read_pilots(pilots or []), threshold=checked.threshold)
    write_tables(
        (images, shown, ASCENT),
        (ascent_times, climbs, ASCENT_TIMES),
        *((path, by_classifier.get_group(name), ASCENT_CURVES) for path, name in zip(curves, classifiers, strict=True)),
        (evaluations, summary, ASCENT_EVALUATIONS),
        *([] if sweeps is None else [(sweeps, tried, ASCENT_SWEEPS)]),
    )
    medians = climbs[climbs["target"] == "median"].groupby("experiment", sort=False)["reached"]
    told = ", ".join(f"{name} in {int(there.sum())} of {len(there)}" for name, there in medians)
    say(f"climbs that brought the median class to {checked.threshold}: {told}; written to {images}")


def read_pilots(named: list[str]) -> dict[str, list[AscentRecord]]:
    """The records of every sweep, from texts such as ``tuned=some/file.safetensors``."""
    found: dict[str, list[AscentRecord]] = {}
    for text in named:
        sweep, separator, path = text.partition("=")
        if not (sweep and separator and path):
            raise FoolingError("--pilots is not sweep=path", found=text, expected="tuned=some/file.safetensors")
        found.setdefault(sweep, []).append(load_ascent(Path(path)))
    return found
