"""The explorer: one page that shows the champions of every run, with their confidences and families.

The page needs no server and no network: it loads one small script with the entries of a run and one picture with its
images. A run file stores the images of the start and of the end, and the confidence and the parents of every champion
in between. A replay stores further images. The explorer shows what is stored, and marks where an image is not stored.

::

    index.html            the page, with the list of all runs
    digits/0000.js        entries of the first run: explorer("digits/0000", {"entries": [...]});
    digits/0000.png       its images, COLUMNS in a row
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.evolution.replay import Replay
from fooling.figures.image_grid import shown_classes
from fooling.images import png_bytes
from fooling.messages import ENCODINGS, REMEDY, FoolingError
from fooling.report.pictures import environment

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MOST_BYTES = 14_000_000  # of all files of an explorer
MOST_PIXELS = 64  # of a side of an image; larger images are reduced
COLUMNS = 10  # images in a row of a picture
FAMILY_NUMBERS = ("value", "low", "high", "chance")  # columns of the table `lineage`
SEARCHES = {"map-elites": "evolution", "random-search": "random search", "drift": "drift (unselected)"}


@dataclass(frozen=True, kw_only=True)
class Explored:
    """A run for the explorer: its files, and its line in the list of all runs."""

    facts: Mapping[str, Any]
    entries: bytes  # JSON
    picture: bytes  # PNG

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return len(self.entries) + len(self.picture)


@dataclass(frozen=True, kw_only=True)
class RecordedExperiment:
    """An experiment of a recorded study, of which no images are kept."""

    experiment: str
    encoding: str
    classifiers: tuple[str, ...]
    seeds: tuple[int, ...]
    curves: pd.DataFrame  # of the table `curves`
    family: pd.DataFrame | None  # of the table `lineage`


@dataclass(frozen=True, kw_only=True)
class RecordedStudy:
    """The numbers of a study that was recorded earlier."""

    name: str
    version: str
    recorded: datetime.date
    experiments: tuple[RecordedExperiment, ...]


def stored_images(run: RunRecord, replay: Replay | None) -> dict[int, NDArray[np.uint8]]:
    """Return the stored images (C, H, W) of a run by the number of their individual.

    These are the champions after the start and at the end, and those of the ``replay``, if it found the same champions.
    """
    lineage, classes = run.lineage, range(len(run.class_names))
    entries = [np.flatnonzero(lineage.class_index == index) for index in classes]
    found: dict[int, NDArray[np.uint8]] = {}

    def put(index: int, generation: int, confidence: np.float32, image: NDArray[np.uint8]) -> None:
        """Store an image under the individual that held a cell in a generation, if its confidence is the same."""
        until = entries[index][lineage.generation[entries[index]] <= generation]
        if len(until) and lineage.confidence[until[-1]] == confidence:
            found[int(lineage.individual[until[-1]])] = image

    for index in classes:
        put(index, int(run.history.generations[0]), run.history.confidences[0, index], run.start_images[index])
        found[int(run.individuals[index])] = run.images[index]
    if replay is not None and replay.is_same:
        for row, generation in enumerate(replay.generations.tolist()):
            for index in classes:
                put(index, generation, replay.confidences[row, index], replay.images[row, index])
    return found


def explored_run(run: RunRecord, *, experiment: str, replay: Replay | None = None) -> Explored:
    """Return the files of one run for the explorer.

    If the run has many classes, the entries are those of the classes that a figure shows, and of their ancestors.

    Raises:
        FoolingError: The lineage of the run has no champion of a class at the start.
    """
    classes, lineage = shown_classes([run]), run.lineage
    kept = _kept_entries(run, classes)
    if missing := sorted(set(classes.tolist()) - set(lineage.class_index[lineage.generation == 0].tolist())):
        raise FoolingError(
            f"the lineage of the run on {run.classifier['name']}, seed {run.seed}, is incomplete",
            found=f"no champion of {run.class_names[missing[0]]} in generation 0",
            expected="one of every class",
            remedy=REMEDY,
        )
    individuals = lineage.individual[kept].tolist()
    images = {one: image for one, image in stored_images(run, replay).items() if one in set(individuals)}
    numbers = {one: number for number, one in enumerate(images)}
    rows = [
        [cell, generation, one, _shortest(confidence), *(parent for parent in parents if parent >= 0)]
        for cell, generation, one, confidence, parents in zip(
            lineage.class_index[kept].tolist(),
            lineage.generation[kept].tolist(),
            individuals,
            lineage.confidence[kept],
            lineage.parents[kept].tolist(),
            strict=True,
        )
    ]
    pictures = [_reduced(image) for image in images.values()]
    facts = {
        "experiment": experiment,
        "encoding": ENCODINGS.get(run.encoding, run.encoding),
        "classifier": run.classifier["name"],
        "search": SEARCHES.get(run.search, run.search),
        "seed": run.seed,
        "classes": {int(index): run.class_names[index] for index in classes},
        "of": len(run.class_names),
        "last": int(run.history.generations[-1]),
        "size": pictures[0].shape[1:],
        "images": len(images),
        "replayed": [] if replay is None or not replay.is_same else replay.generations.tolist(),
    }
    return Explored(
        facts=facts,
        entries=_compact({"entries": rows, "images": {str(one): number for one, number in numbers.items()}}),
        picture=_picture(pictures),
    )


def explorer(
    studies: Mapping[str, Sequence[Explored]],
    recorded: Sequence[RecordedStudy] = (),
    *,
    threshold: float,
    home: str | None = None,
    most: int = MOST_BYTES,
) -> dict[str, bytes]:
    """Return the files of the explorer by path.

    If all runs do not fit into ``most`` bytes, it has the first seeds of each experiment, classifier and search, as
    many as fit; the page gives the number of runs that are left out.

    Args:
        studies: Runs of finished studies by the name of the study.
        recorded: Studies that were recorded earlier.
        threshold: Confidence from which a champion counts as fooling.
        home: Address of the page that the explorer links to.
        most: Largest size of all files, in bytes.

    Raises:
        FoolingError: No runs are given, or one seed of each does not fit.
    """
    if not any(studies.values()) and not recorded:
        raise FoolingError("the explorer has no content", found="no runs", expected="runs or a recorded study")
    wholes = {name: _by_place(runs) for name, runs in studies.items()}
    places = max((len(of_place) for whole in wholes.values() for of_place in whole.values()), default=0)
    for seeds in range(places, -1, -1):
        chosen = {
            name: [run for of_place in whole.values() for run in of_place[:seeds]] for name, whole in wholes.items()
        }
        files: dict[str, bytes] = {}
        listed = [_listed(name, runs, files, all_runs=len(studies[name])) for name, runs in chosen.items()]
        listed += map(_listed_record, recorded)
        files["index.html"] = _page(listed, threshold=threshold, home=home)
        size = sum(map(len, files.values()))
        if size <= most and (seeds or not places):
            return files
    raise FoolingError(
        "the explorer is too large",
        found=f"{size / 1e6:.1f} MB or more with one seed of each",
        expected=f"{most / 1e6:.0f} MB",
    )


def _kept_entries(run: RunRecord, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the entries of the lineage that are in ``classes``, or of an ancestor of an individual in them."""
    lineage = run.lineage
    is_kept = np.isin(lineage.class_index, classes)
    if not is_kept.all():
        family = dict(zip(lineage.individual.tolist(), lineage.parents.tolist(), strict=True))
        pending, needed = lineage.individual[is_kept].tolist(), set()
        while pending:
            if (one := pending.pop()) not in needed:
                needed.add(one)
                pending += [parent for parent in family.get(one, ()) if parent >= 0]
        is_kept |= np.isin(lineage.individual, list(needed))
    return np.flatnonzero(is_kept)


def _by_place(runs: Sequence[Explored]) -> dict[tuple[str, ...], list[Explored]]:
    """Return the runs by experiment, classifier and search, evolution first, in the order of their seeds."""
    searches = list(SEARCHES.values())
    found: dict[tuple[str, ...], list[Explored]] = {}
    for run in sorted(runs, key=lambda one: (searches.index(one.facts["search"]), one.facts["seed"])):
        found.setdefault(tuple(str(run.facts[key]) for key in ("experiment", "classifier", "search")), []).append(run)
    return found


def _listed(name: str, runs: Sequence[Explored], files: dict[str, bytes], *, all_runs: int) -> dict[str, Any]:
    """Return the entry of a study in the list of the page, and add its files."""
    listed = []
    for number, run in enumerate(runs):
        key = f"{name}/{number:04}"
        files[f"{key}.js"] = b"explorer(" + _compact(key) + b", " + run.entries + b");\n"
        files[f"{key}.png"] = run.picture
        listed.append({"key": key, **run.facts})
    return {"name": name, "runs": listed, "left_out": all_runs - len(runs)}


def _listed_record(study: RecordedStudy) -> dict[str, Any]:
    """Return the entry of a recorded study in the list of the page."""
    experiments = []
    for one in study.experiments:
        family = [] if one.family is None else one.family.to_dict("records")
        searches = [name for name in ("evolution", "random-search", "drift") if name in one.curves]
        experiments.append(
            {
                "experiment": one.experiment,
                "encoding": ENCODINGS.get(one.encoding, one.encoding),
                "classifiers": one.classifiers,
                "seeds": one.seeds,
                "generations": one.curves["generation"].tolist(),
                "evaluations": one.curves["evaluations"].tolist(),
                "curves": {name: [_number(value) for value in one.curves[name]] for name in searches},
                "family": [
                    {
                        "measure": row["measure"],
                        **{key: _number(row[key]) for key in ("value", "low", "high", "chance")},
                    }
                    for row in family
                ],
            }
        )
    return {
        "name": study.name,
        "recorded": study.recorded.isoformat(),
        "version": study.version,
        "experiments": experiments,
    }


def _page(studies: Sequence[Mapping[str, Any]], *, threshold: float, home: str | None) -> bytes:
    template = environment().get_template("explorer.html")
    # A name of a class cannot end the script element that holds the list.
    listed = _compact({"studies": studies, "threshold": threshold, "columns": COLUMNS}).decode().replace("<", "\\u003c")
    return template.render(listed=listed, home=home).encode()


def _picture(images: Sequence[NDArray[np.uint8]]) -> bytes:
    """Return images (C, H, W) of one size as one PNG file with COLUMNS in a row; white where there is none."""
    channels, height, width = images[0].shape
    rows = -(-len(images) // COLUMNS)
    sheet = np.full((channels, rows * height, COLUMNS * width), 255, np.uint8)
    for number, image in enumerate(images):
        top, left = number // COLUMNS * height, number % COLUMNS * width
        sheet[:, top : top + height, left : left + width] = image
    return png_bytes(sheet)


def _reduced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image (C, H, W) with at most MOST_PIXELS on a side."""
    height, width = image.shape[1:]
    if max(height, width) <= MOST_PIXELS:
        return image
    scale = MOST_PIXELS / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BOX)) for channel in image])


def _shortest(confidence: np.float32) -> float:
    """Return the shortest number that is this one in float32."""
    return float(str(confidence))


def _number(value: float) -> float | None:
    """Return a number for JSON; None for NaN."""
    return None if np.isnan(value) else float(value)


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
