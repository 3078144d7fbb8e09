"""The page of an audit in a real Chromium: on a phone, in the dark, without scripts and without asking any host."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from fooling.auditing.known_images import known_images, probed
from fooling.auditing.running import audit
from fooling.classifiers.wrapped import wrapped

pytestmark = pytest.mark.slow

SCREENS = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit with test images, and a first look at its images."""
    made = tmp_path_factory.mktemp("made")
    generator = np.random.default_rng(0)
    shown = (generator.integers(0, 256, (60, 1, 8, 8), dtype=np.uint8), generator.integers(0, 10, 60))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    audit(network, input_shape=(1, 8, 8), budget=400, threshold=0.5, test_images=shown).save(made / "audit")
    classifier = wrapped(network, name="mine", input_shape=(1, 8, 8))
    probed(classifier, known_images(made / "audit"), source="audit", threshold=0.5).save(made / "probe")
    return made


@pytest.mark.parametrize("page", ["audit", "probe"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_everything_is_readable_without_scripts(browser, folder, page, scheme, screen) -> None:
    context = browser.new_context(color_scheme=scheme, java_script_enabled=True, **SCREENS[screen])
    complaints: list[str] = []
    shown = context.new_page()
    shown.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    shown.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or complaints.append(asked.url))
    shown.goto((folder / page / "index.html").as_uri())
    shown.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager' })")
    shown.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert complaints == []
    width = SCREENS[screen]["viewport"]["width"]
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    ground, ink = (shown.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
    brightness = [sum(map(int, colour.strip("rgb()").split(","))) for colour in (ground, ink)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    assert shown.locator("script").count() == 0
    context.close()
