"""The draft of the report in a real Chromium, while figures are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from fooling.report import drawings
from survey.browser import CHROMIUM, launched, required

FIGURES = ("gallery-direct", "gallery-cppn", "same_label-lenet-a", *(f"distances-net{number}" for number in range(30)))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None and not required(), reason="Chromium is not installed"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a draft that loads itself every three seconds, and with one figure."""
    monkeypatch.setattr(drawings, "REFRESH", 3)
    figures = {name: f"{name}.png" for name in FIGURES}
    (tmp_path / "draft.html").write_text(drawings.draft(study="digits", figures=figures, report="index.html"))
    drawn(tmp_path, "gallery-cppn")
    return tmp_path


def drawn(folder: Path, name: str) -> None:
    Image.new("RGB", (1600, 900), "white").save(folder / f"{name}.png")


@pytest.fixture
def page(folder: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = launched(playwright)
        page = browser.new_page(viewport={"width": 390, "height": 800}, java_script_enabled=True)
        page.goto((folder / "draft.html").as_uri())
        yield page
        browser.close()


def wait_for_figures(page: Page, count: int) -> None:
    """Wait until the page shows all but ``count`` of the figures, which are still to come."""
    shown = "[...document.querySelectorAll('.to-come')].filter(one => one.checkVisibility()).length"
    page.wait_for_function(f"document.readyState === 'complete' && {shown} === {count}")


def test_a_figure_appears_once_it_is_drawn_and_the_reader_keeps_the_place(folder: Path, page: Page) -> None:
    wait_for_figures(page, len(FIGURES) - 1)
    page.evaluate("window.scrollTo(0, 600)")
    drawn(folder, "same_label-lenet-a")
    wait_for_figures(page, len(FIGURES) - 2)
    page.wait_for_function("scrollY === 600")


def test_it_fits_a_narrow_screen(page: Page) -> None:
    wait_for_figures(page, len(FIGURES) - 1)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = page.get_by_label("Gallery, cppn").bounding_box()
    assert box is not None
    assert box["width"] <= 390 - 2 * 16
    assert box["height"] == pytest.approx(box["width"] * 900 / 1600, abs=1)
