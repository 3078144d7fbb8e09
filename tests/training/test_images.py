"""Pictures read from their folder are, to the bit, the images of a data set file that keeps them all."""

from __future__ import annotations

import dataclasses
import itertools
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.reproducibility import derived_seed, numpy_generator
from fooling.training.images import (
    LONGEST_TEMPORARY_FOLDER,
    Batch,
    KeptImages,
    Schedule,
    ScheduledBatch,
    StreamedImages,
    part_of,
)
from fooling.training.settings import ClassifierSettings, TrainingPart
from fooling.training.training import Training
from streamed_pictures import SIZE, Streamed, begin_and_be_killed, streamed

CPU = torch.device("cpu")
NETWORK = """
from torch import nn

def build(*, input_shape, classes):
    last = nn.Linear(256, classes)
    return nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), last)
"""


@pytest.fixture(scope="module")
def all_kept(tmp_path_factory: pytest.TempPathFactory) -> Streamed:
    return streamed(tmp_path_factory.mktemp("all"), train_pictures=None)


def shown(crop: int | None = 20) -> Iterator[ScheduledBatch]:
    values = {"input": {"crop": crop}, "training": {"iterations": 8, "batch_size": 10}}
    schedule = Schedule(settings=ClassifierSettings.model_validate(values), count=36, shape=(3, SIZE, SIZE))
    return schedule.batches(0)


def same(one: Iterator[Batch], other: Iterator[Batch]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return len(pairs) == 8 and all(torch.equal(*two) for batches in pairs for two in zip(*batches, strict=True))


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
@pytest.mark.parametrize("crop", [None, 20])
@pytest.mark.parametrize("workers", [0, 1, 4])
def test_batches_are_those_of_the_kept_images_for_any_number_of_workers(
    all_kept: Streamed, workers: int, crop: int | None
) -> None:
    images, kept = StreamedImages(all_kept.listed(), workers=workers), KeptImages(all_kept.kept)
    assert images.count == kept.count == 36
    assert same(images.batches(shown(crop), CPU), kept.batches(shown(crop), CPU))


def test_a_network_comes_out_the_same(all_kept: Streamed, tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(NETWORK)
    values = {"architecture": f"{path}:build", "input": {"crop": 20}, "training": {"iterations": 9, "batch_size": 10}}
    settings = ClassifierSettings.model_validate(values)

    def trained(images: Any) -> dict[str, torch.Tensor]:
        training = Training(name="net", dataset=all_kept.kept, settings=settings, device=CPU, images=images)
        while not training.is_done:
            training.run_epoch()
        return dict(training.classifier().network.state_dict())

    kept = trained(None)
    for workers in (0, 2):
        streamed_one = trained(StreamedImages(all_kept.listed(), workers=workers))
        assert all(torch.equal(streamed_one[key], value) for key, value in kept.items())


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_changed_is_named(tmp_path: Path, workers: int) -> None:
    files = streamed(tmp_path, train_pictures=1)
    changed = files.pictures / "train/n02099601/03.JPEG"
    changed.write_bytes(changed.read_bytes()[:-1])
    with pytest.raises(FoolingError, match=r"train/n02099601/03\.JPEG differs from the manifest") as refused:
        list(StreamedImages(files.listed(), workers=workers).batches(shown(), CPU))
    assert "Traceback" not in str(refused.value)


def test_a_worker_that_was_killed_is_told(all_kept: Streamed, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, main = all_kept.listed(), os.getpid()

    def killed(index: int) -> np.ndarray:
        assert os.getpid() != main
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    monkeypatch.setattr(listed, "image", killed)
    with pytest.raises(FoolingError, match=r"a worker process that decodes pictures has died(.|\n)*--workers"):
        list(StreamedImages(listed, workers=1).batches(shown(), CPU))


def test_no_worker_outlives_a_killed_training(all_kept: Streamed) -> None:
    context = multiprocessing.get_context("forkserver")  # as later Pythons start processes
    here, there = context.Pipe()
    killed = context.Process(target=begin_and_be_killed, args=(all_kept, list(shown()), there))
    killed.start()
    (worker,) = here.recv()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while _is_running(worker):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("longer", [0, 1])
def test_a_temporary_folder_too_long_for_sockets_is_told(
    all_kept: Streamed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longer: int
) -> None:
    short = tmp_path.parents[-2]  # /tmp, say
    folder = short / ("x" * (LONGEST_TEMPORARY_FOLDER + longer - len(str(short)) - 1))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    folder.mkdir()
    try:
        if longer:
            with pytest.raises(FoolingError, match=rf"too long(.|\n)*found: {len(str(folder))} bytes(.|\n)*TMPDIR"):
                list(StreamedImages(all_kept.listed(), workers=1).batches(shown(), CPU))
        batches = StreamedImages(all_kept.listed(), workers=1 - longer).batches(shown(), CPU)
        assert len(list(batches)) == 8
    finally:
        shutil.rmtree(folder)


def test_pictures_are_labelled_whether_the_file_keeps_them_or_not(tmp_path: Path) -> None:
    files = streamed(tmp_path, train_pictures=2)
    listed = files.listed()
    assert len(files.kept.train_images) == 6
    np.testing.assert_array_equal(listed.labels, np.repeat([0, 1, 2], 12))
    for index in range(36):  # a class is a colour
        assert listed.image(index).mean(axis=(1, 2)).argmax() == listed.labels[index]


SHAPE = (3, 10, 12)


def schedule(*, count: int, batch_size: int, iterations: int, crop: int | None = 9) -> Schedule:
    values = {"seed": 4, "input": {"crop": crop}, "training": {"iterations": iterations, "batch_size": batch_size}}
    return Schedule(settings=ClassifierSettings.model_validate(values), count=count, shape=SHAPE)


def same_images_shown(one: ScheduledBatch, other: ScheduledBatch) -> bool:
    return np.array_equal(one.indices, other.indices) and np.array_equal(one.places, other.places)


sizes = {"count": st.integers(1, 12), "batch_size": st.integers(1, 30), "iterations": st.integers(1, 12)}


@given(**sizes)
def test_the_images_are_permutation_after_permutation(count: int, batch_size: int, iterations: int) -> None:
    shown = schedule(count=count, batch_size=batch_size, iterations=iterations).batches(0)
    found = np.concatenate([batch.indices for batch in shown])
    passes = [numpy_generator(4, "order", number).permutation(count) for number in range(-(-len(found) // count))]
    assert len(found) == iterations * batch_size
    np.testing.assert_array_equal(found, np.concatenate(passes)[: len(found)])


@given(**sizes, start=st.integers(0, 11))
def test_it_goes_on_alike_from_wherever_one_begins(count: int, batch_size: int, iterations: int, start: int) -> None:
    whole = schedule(count=count, batch_size=batch_size, iterations=iterations)
    rest = itertools.islice(whole.batches(0), start, None)
    assert all(itertools.starmap(same_images_shown, zip(rest, whole.batches(start), strict=True)))


@given(**sizes)
def test_a_pass_ends_with_the_batch_that_uses_its_last_image(count: int, batch_size: int, iterations: int) -> None:
    whole = schedule(count=count, batch_size=batch_size, iterations=iterations)
    ends = {min(-(-number * count // batch_size), iterations) for number in range(1, iterations * batch_size + 1)}
    met, iteration = set(), 0
    while iteration < iterations:
        assert whole.begins_pass(iteration)
        iteration = whole.end_of_pass(whole.pass_at(iteration))
        met.add(iteration)
    assert met == ends


def test_crops_are_drawn_anew_in_every_pass_whatever_the_order_of_the_images() -> None:
    batches = list(schedule(count=10, batch_size=4, iterations=6).batches(0))
    for number, of_pass in enumerate((batches[:3], batches[3:5], batches[5:])):
        generator = torch.Generator().manual_seed(derived_seed(4, "crops", number))
        for batch in of_pass:
            drawn = [torch.randint(limit, (4, 1), generator=generator) for limit in (2, 4, 2)]
            np.testing.assert_array_equal(batch.places, torch.cat(drawn, dim=1))


def test_the_parts_of_a_batch_are_the_batch() -> None:
    (batch,) = schedule(count=10, batch_size=6, iterations=1).batches(0)
    parts = [batch.part(number, 3) for number in range(3)]
    assert {len(part.indices) for part in parts} == {2}
    joined = ScheduledBatch(
        np.concatenate([part.indices for part in parts]), 9, np.concatenate([part.places for part in parts])
    )
    assert same_images_shown(joined, batch)


def numbered(labels: np.ndarray) -> Dataset:
    """Training images of one pixel with these labels, each with its own colour."""
    indices = np.arange(len(labels))
    images = np.stack([indices // 65_536, indices // 256 % 256, indices % 256], axis=1)[:, :, None, None]
    images = images.astype(np.uint8)
    parts = {"train_images": images, "train_labels": labels, "test_images": images[:1], "test_labels": labels[:1]}
    return Dataset(name="numbered", class_names=("a", "b", "c"), provenance={}, **parts)


def indices_of(dataset: Dataset) -> list[int]:
    """The number of each training image."""
    colours = dataset.train_images[:, :, 0, 0].astype(np.int64)
    return list(colours @ [65_536, 256, 1])


@given(
    counts=st.tuples(*[st.integers(10, 60)] * 3),
    of=st.integers(1, 5),
    images=st.none() | st.integers(1, 6),
    seed=st.integers(0, 3),
)
def test_parts_are_disjoint_and_even_over_the_classes(
    counts: tuple[int, ...], of: int, images: int | None, seed: int
) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(3), counts))
    whole = numbered(labels)
    found = [
        part_of(whole, TrainingPart(number=number, of=of, images=images, seed=seed)) for number in range(1, of + 1)
    ]
    drawn = [indices_of(part) for part in found]
    together = sorted(itertools.chain(*drawn))
    assert len(set(together)) == len(together)
    for part, indices in zip(found, drawn, strict=True):
        assert indices == sorted(indices)
        assert (part.train_labels == labels[indices]).all()
        numbers = np.bincount(part.train_labels, minlength=3)
        wanted = [count / of for count in counts] if images is None else [images / 3] * 3
        assert (np.abs(numbers - wanted) < 1).all()
    if images is None:
        assert together == list(range(len(labels)))
        assert max(map(len, drawn)) - min(map(len, drawn)) <= 3
    else:
        assert {len(part) for part in drawn} == {images}


def test_parts_follow_their_seed() -> None:
    whole = numbered(np.tile(np.arange(3), 20))
    one, same, other = (indices_of(part_of(whole, TrainingPart(number=2, seed=seed))) for seed in (1, 1, 2))
    assert one == same != other
    assert part_of(whole, None) is whole


@pytest.mark.parametrize(
    ("labels", "part", "message"),
    [
        ([0] * 9 + [1] * 5 + [2] * 9, {"of": 2, "images": 9}, "class b of numbered has too few .*\n  found: 5 images"),
        ([0, 1, 2], {"number": 4, "of": 9}, "part 4 of 9 of numbered has no training images"),
        ([], {}, "part 1 of 2 needs training images"),
    ],
)
def test_parts_that_do_not_fit_are_refused(labels: list[int], part: dict[str, int], message: str) -> None:
    whole = numbered(np.array(labels or [0], dtype=np.int64))
    if not labels:
        whole = dataclasses.replace(whole, train_images=whole.train_images[:0], train_labels=whole.train_labels[:0])
    with pytest.raises(FoolingError, match=message):
        part_of(whole, TrainingPart(**part))
