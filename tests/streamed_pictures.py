"""Small pictures in folders as ImageNet has them, with their manifest and the data set file that keeps some of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fooling.artifacts import read_table
from fooling.cli.data_sets import fetch_imagenet, list_imagenet
from fooling.cli.training import _listed_pictures
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.datasets.pictures import MANIFEST, ListedPictures
from fooling.training.images import ScheduledBatch, StreamedImages

WNIDS = ("n01440764", "n02099601", "n03028079")
SIZE = 24


@dataclass(frozen=True)
class Streamed:
    """The files, and the settings of the data set as JSON."""

    pictures: Path
    manifest: Path
    dataset: Path
    settings: str

    @property
    def kept(self) -> Dataset:
        """The data set."""
        return load_dataset(self.dataset)

    def listed(self) -> ListedPictures:
        """All its training pictures."""
        return _listed_pictures(self.settings, self.manifest, dataset=self.kept, mirror=None)

    @property
    def paths(self) -> list[str]:
        """The paths of all pictures."""
        return list(read_table(self.manifest, MANIFEST)["path"])


def streamed(folder: Path, *, train_pictures: int | None) -> Streamed:
    """Twelve training and four test pictures of each of three classes, of which the file keeps ``train_pictures``."""
    made = Streamed(folder / "ILSVRC2012", folder / "manifest.csv", folder / "set.safetensors", "")
    generator = np.random.default_rng(0)
    for part, count in (("train", 12), ("val", 4)):
        for place, wnid in enumerate(WNIDS):
            (made.pictures / part / wnid).mkdir(parents=True)
            for number in range(count):
                levels = generator.integers(0, 120, (30, 36, 3)).astype(np.uint8)
                levels[..., place] += 120  # a class is a colour
                Image.fromarray(levels).save(made.pictures / part / wnid / f"{number:02}.JPEG", quality=90)
    lines = "".join(f"{place},{wnid},class {place}\n" for place, wnid in enumerate(WNIDS))
    (folder / "classes.csv").write_text("index,wnid,name\n" + lines)
    places = {"path": str(made.pictures), "class_list": str(folder / "classes.csv")}
    settings = json.dumps({"kind": "imagenet", **places, "size": SIZE, "train_pictures": train_pictures})
    list_imagenet(settings=settings, output=made.manifest)
    fetch_imagenet(settings=settings, manifest=made.manifest, output=made.dataset, name="set")
    return Streamed(made.pictures, made.manifest, made.dataset, json.dumps({"dataset": json.loads(settings)}))


def begin_and_be_killed(files: Streamed, shown: Sequence[ScheduledBatch], told: Connection) -> None:
    """Take the first batch from a process that decodes, tell that process's number, and be killed."""
    batches = StreamedImages(files.listed(), workers=1).batches(iter(shown), torch.device("cpu"))
    next(batches)
    told.send([worker.pid for worker in multiprocessing.active_children()])
    os.kill(os.getpid(), signal.SIGKILL)
