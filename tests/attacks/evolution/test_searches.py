"""The archive against inserting one offspring after the other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fooling.attacks.evolution.searches import Archive
from fooling.classifiers.classifier import log_odds_of
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.settings import DirectSettings

CLASSES, SHAPE = 3, (1, 2, 2)


def _batch(seed: int, count: int, *, first: int) -> dict[str, object]:
    """Coarse logits, so that ties and saturated confidences are frequent."""
    generator = torch.Generator().manual_seed(seed)
    encoding = DirectEncoding(settings=DirectSettings(), image_shape=SHAPE, device=torch.device("cpu"))
    genomes = encoding.random(count, generator)
    return {
        "genomes": genomes,
        "images": encoding.render(genomes),
        "logits": torch.randint(-12, 13, (count, CLASSES), generator=generator).float() * 2,
        "individuals": torch.arange(first, first + count),
        "parents": torch.randint(0, 50, (count, 2), generator=generator),
    }


def _sequential(batches: list[dict[str, object]]) -> list[tuple[float, int]]:
    """Champion by champion, one offspring at a time: (confidence, individual) per class."""
    champions: list[tuple[float, int]] = [(-1.0, -1)] * CLASSES
    for batch in batches:
        confidences = torch.softmax(batch["logits"], dim=1)  # type: ignore[arg-type]
        for row, individual in enumerate(batch["individuals"].tolist()):  # type: ignore[attr-defined]
            for cell in range(CLASSES):
                if float(confidences[row, cell]) > champions[cell][0]:
                    champions[cell] = (float(confidences[row, cell]), individual)
    return champions


@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_equals_inserting_one_after_the_other(seed: int, sizes: list[int]) -> None:
    batches = [_batch(seed + number, size, first=sum(sizes[:number])) for number, size in enumerate(sizes)]
    archive = Archive.of_first(**batches[0])  # type: ignore[arg-type]
    for generation, batch in enumerate(batches[1:], start=1):
        archive.update(**batch, generation=generation)  # type: ignore[arg-type]
    expected = _sequential(batches)
    assert archive.confidences.tolist() == [confidence for confidence, _ in expected]
    assert archive.individuals.tolist() == [individual for _, individual in expected]


@given(seed=st.integers(0, 2**32))
def test_everything_of_a_champion_moves_together(seed: int) -> None:
    first, second = _batch(seed, 6, first=0), _batch(seed + 1, 6, first=6)
    archive = Archive.of_first(**first)  # type: ignore[arg-type]
    archive.update(**second, generation=1)  # type: ignore[arg-type]
    logits = torch.cat((first["logits"], second["logits"]))  # type: ignore[arg-type]
    images = torch.cat((first["images"], second["images"]))  # type: ignore[arg-type]
    parents = torch.cat((first["parents"], second["parents"]))  # type: ignore[arg-type]
    for cell, individual in enumerate(archive.individuals.tolist()):
        assert torch.equal(archive.logits[cell], logits[individual])
        assert torch.equal(archive.images[cell], images[individual])
        assert torch.equal(archive.parents[cell], parents[individual])
        assert int(archive.generations[cell]) == (individual >= 6)
        probabilities = torch.softmax(logits[individual].double(), dim=0).tolist()
        odds = probabilities.pop(cell) / math.fsum(probabilities)
        assert float(archive.log_odds[cell]) == pytest.approx(math.log(odds), rel=1e-9)


def test_genomes_render_to_the_images_beside_them() -> None:
    encoding = DirectEncoding(settings=DirectSettings(), image_shape=SHAPE, device=torch.device("cpu"))
    archive = Archive.of_first(**_batch(1, 9, first=0))  # type: ignore[arg-type]
    archive.update(**_batch(2, 9, first=9), generation=1)  # type: ignore[arg-type]
    assert torch.equal(encoding.render(archive.genomes), archive.images)


def test_a_tie_keeps_the_champion_and_the_first_of_equal_offspring_wins() -> None:
    batch = _batch(0, 4, first=0)
    batch["logits"] = torch.tensor([[2.0, 0, 0], [0, 2, 0], [0, 2, 0], [0, 0, 2]])
    archive = Archive.of_first(**batch)  # type: ignore[arg-type]
    assert archive.individuals.tolist() == [0, 1, 3]
    again = batch | {"individuals": torch.arange(4, 8)}
    assert len(archive.update(**again, generation=1)) == 0  # type: ignore[arg-type]
    assert archive.individuals.tolist() == [0, 1, 3]


def _by_log_odds(batches: list[dict[str, object]]) -> list[int]:
    """The champion of each class: of those with the highest confidence, the first with the highest log-odds."""
    logits = torch.cat([batch["logits"] for batch in batches])  # type: ignore[misc]
    confidences, odds = torch.softmax(logits, dim=1), log_odds_of(logits)
    return [
        max(range(len(logits)), key=lambda row: (float(confidences[row, cell]), float(odds[row, cell]), -row))
        for cell in range(CLASSES)
    ]


@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_ties_can_be_decided_by_log_odds(seed: int, sizes: list[int]) -> None:
    batches = [_batch(seed + number, size, first=sum(sizes[:number])) for number, size in enumerate(sizes)]
    archive = Archive.of_first(**batches[0], by_log_odds=True)  # type: ignore[arg-type]
    for generation, batch in enumerate(batches[1:], start=1):
        before = archive.confidences.clone()
        archive.update(**batch, generation=generation)  # type: ignore[arg-type]
        assert (archive.confidences >= before).all()
    assert archive.individuals.tolist() == _by_log_odds(batches)


def test_by_log_odds_a_champion_at_0_or_1_is_replaced() -> None:
    batch = _batch(0, 1, first=0)
    logits = torch.tensor([[400.0, 0, 200]])
    archive = Archive.of_first(**batch | {"logits": logits}, by_log_odds=True)  # type: ignore[arg-type]
    assert archive.confidences.tolist() == [1, 0, 0]
    better = batch | {"logits": torch.tensor([[450.0, 51, 251]]), "individuals": torch.tensor([1])}
    assert archive.update(**better, generation=1).tolist() == [1, 2]  # type: ignore[arg-type]
    assert archive.confidences.tolist() == [1, 0, 0]


def test_a_saturated_champion_stays() -> None:
    batch = _batch(0, 1, first=0)
    archive = Archive.of_first(**batch | {"logits": torch.tensor([[40.0, 0, 0]])})  # type: ignore[arg-type]
    assert float(archive.confidences[0]) == 1.0
    more_confident = batch | {"logits": torch.tensor([[90.0, 0, 0]]), "individuals": torch.tensor([1])}
    assert 0 not in archive.update(**more_confident, generation=1).tolist()  # type: ignore[arg-type]
    assert float(archive.log_odds[0]) == pytest.approx(40 - np.log(2), rel=1e-12)


@given(seed=st.integers(0, 2**32), cells=st.integers(1, CLASSES))
def test_a_class_without_a_cell_counts_in_the_confidences_alone(seed: int, cells: int) -> None:
    first, second = _batch(seed, 5, first=0), _batch(seed + 1, 5, first=5)
    part = Archive.of_first(**first, classes=cells)  # type: ignore[arg-type]
    whole = Archive.of_first(**first)  # type: ignore[arg-type]
    changed = part.update(**second, generation=1).tolist()  # type: ignore[arg-type]
    everything = whole.update(**second, generation=1).tolist()  # type: ignore[arg-type]
    assert part.classes == cells
    assert changed == [cell for cell in everything if cell < cells]
    assert part.individuals.tolist() == whole.individuals.tolist()[:cells]
    assert part.log_odds.tolist() == whole.log_odds.tolist()[:cells]
    assert part.logits.tolist() == whole.logits.tolist()[:cells]
