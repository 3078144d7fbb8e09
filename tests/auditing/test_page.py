"""The page of an audit: small with many large images, without hosts and scripts, and honest about what is missing."""

from __future__ import annotations

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from fooling.auditing.audit import AuditResult, SearchResult, SingleImages
from fooling.auditing.further_attacks import FurtherAttacks
from fooling.auditing.page import audit_page
from fooling.auditing.real_images import RealResult, Refused
from fooling.auditing.settings import AuditSettings

CLASSES = 1000


def made_up(*, side: int = 224, classes: int = CLASSES) -> AuditResult:
    """An audit that found noise, which cannot be compressed, and flat images, which can."""
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (60, 3, side, side), dtype=np.uint8)
    flat = np.broadcast_to(generator.integers(0, 256, (60, 3, 1, 1), dtype=np.uint8), noise.shape)
    searches = []
    for name, images in (("random-search-cppn", flat), ("evolution-cppn", flat), ("evolution-direct", noise)):
        log_odds = generator.normal(0, 5, classes)
        sure = (1 / (1 + np.exp(-log_odds))).astype(np.float32)
        searches.append(
            SearchResult(
                name=name,
                title=f"Search {name}",
                control="random-search-cppn" if name == "evolution-cppn" else "",
                classes=np.arange(classes),
                images=images[np.arange(classes) % 60],
                confidences=sure,
                log_odds=log_odds,
                evaluations=np.array([200, 400]),
                history=np.stack([sure / 2, sure]),
            )
        )
    return AuditResult(
        name="made-up",
        class_names=tuple(f"class {number}, also called another thing" for number in range(classes)),
        input_shape=(3, side, side),
        scores="logits",
        settings=AuditSettings(threshold=0.9),
        single=(SingleImages(kind="noise images", images=1000, median_confidence=0.1, fooling=0),),
        searches=tuple(searches),
        real=None,
        other_preprocessing=None,
        further=FurtherAttacks(small="needs real images", universal="needs real images", labels="needs a budget"),
        remarks=(),
        provenance={},
    )


@pytest.fixture(scope="module")
def large() -> tuple[AuditResult, str]:
    result = made_up()
    return result, audit_page(result)


def test_a_page_with_a_thousand_classes_of_noise_is_below_five_megabytes(large) -> None:
    assert len(large[1].encode()) < 5_000_000


def test_it_says_how_many_images_are_left_out(large) -> None:
    for name in ("random-search-cppn", "evolution-cppn", "evolution-direct"):
        section = re.search(rf'<h3 id="{name}">.*?</section>', large[1], re.DOTALL)
        assert section is not None
        shown = section[0].count("<img")
        assert f"{CLASSES - shown:,} images are not on this page" in section[0]
        assert f"<code>images/{name}/</code>" in section[0]
        assert 1 <= shown <= 40
        assert (shown == 40) == (name != "evolution-direct")


def test_the_images_on_it_are_lossless_and_the_most_confident_ones(large) -> None:
    result, page = large
    section = re.search(r'<h3 id="evolution-direct">.*?</section>', page, re.DOTALL)
    assert section is not None
    uris = re.findall(r'<img class="zoom" loading="lazy" src="data:image/webp;base64,([^"]+)"', section[0])
    search = result.search("evolution-direct")
    expected = sorted(np.argsort(-search.log_odds)[: len(uris)])
    for uri, index in zip(uris, expected, strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri))))
        np.testing.assert_array_equal(np.moveaxis(pixels, -1, 0), search.images[index])


def test_images_too_large_for_the_page_are_left_out() -> None:
    page = audit_page(made_up(side=1000, classes=3))
    assert len(page.encode()) < 5_000_000
    section = re.search(r'<h3 id="evolution-direct">.*?</section>', page, re.DOTALL)
    assert section is not None
    assert "<img" not in section[0]
    assert "3 images are not on this page" in section[0]


def test_it_needs_no_host_and_no_script(large) -> None:
    _, page = large
    assert "<script" not in page
    assert re.search(r"https?:|//[a-z]", re.sub(r"base64,[^\"]+", "", page)) is None
    assert "default-src 'none'" in page


def test_each_link_leads_to_a_section(large) -> None:
    _, page = large
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{target}"' in page


def test_without_test_images_it_says_that_they_are_missing(large) -> None:
    section = large[1].partition('id="test-images"')[2].partition("<h2")[0]
    assert "unknown" in section
    assert "--test-images" in section
    assert "<table" not in section


def test_test_images_and_remarks_are_shown() -> None:
    real = RealResult(
        source="pictures",
        images=60,
        error=0.25,
        calibration_error=0.0125,
        right=45,
        right_at_threshold=0.5,
        wrong=15,
        wrong_at_threshold=0.2,
        refused=(
            Refused(rate=0.01, confidence=None, fooled=None),
            Refused(
                rate=0.05,
                confidence=0.99944,
                fooled={"random-search-cppn": 0, "evolution-cppn": 2, "evolution-direct": 1},
            ),
        ),
    )
    result = dataclasses.replace(made_up(side=8, classes=3), real=real, remarks=("made-up: odd scores",))
    page = audit_page(result).replace("\N{NO-BREAK SPACE}", " ")
    section = page.partition('id="test-images"')[2].partition("<h2")[0]
    assert "25 % of 60 images (pictures)" in section
    assert "1.25 %" in section
    assert (
        "50 % of the 45 images that the network classifies correctly, 20 % of the 15 that it misclassifies" in section
    )
    assert "1 % refused<small>too few test images" in section
    assert "5 % refused<small>below a confidence of 99.9440 %" in section
    assert section.count(">unknown<") == 3
    assert [f">{count} of 3<" in section for count in range(4)] == [True, True, True, False]
    assert "made-up: odd scores" in page.partition('id="remarks"')[2]
    assert "Read <a" in page
    assert "Read <a" not in audit_page(dataclasses.replace(result, remarks=()))
