"""The report page in a real Chromium: what its script adds, what stays without it, and that it asks no host."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fooling.images import png_bytes
from fooling.report.drawings import MOST_TABS
from fooling.report.page import Content, page
from fooling.report.pictures import first_of_encodings, galleries, one_label, questions, start_and_end
from fooling.report.story import summarise_experiment
from made_up_claims import claims_of

pytestmark = pytest.mark.slow

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
FIGURES = (
    *("same_label-lenet-a", "search_comparison", "confidence_over_evaluations-direct", "training_curves"),
    *("distances-lenet-a", "distances-lenet-b", "calibration-lenet-a"),
)
PICTURE = png_bytes(np.full((3, 60, 144), 255, np.uint8))
Opened = Callable[..., Page]


@pytest.fixture
def report(tmp_path, claims, information, make_run, make_champions, make_examined) -> Path:
    """A page of two encodings, two classifiers and eight claims."""
    runs = {
        "direct": [make_run(1), make_run(2), make_run(3, classifier="lenet-b")],
        "cppn": [make_run(4, encoding="cppn")],
    }
    first = first_of_encodings(runs)
    wide = png_bytes(np.full((3, 600, 1440), 255, np.uint8))
    content = Content(
        study="made-up",
        threshold=0.9999,
        deviations="docs/deviations.md",
        experiments=[summarise_experiment(make_champions(name), threshold=0.9999) for name in runs],
        same_label=one_label(first, None),
        questions=questions(first, None),
        courses=[start_and_end(run) for run in first.values()],
        galleries=galleries(runs, make_examined()),
        figures=dict.fromkeys(FIGURES, wide),
        claims=claims,
        declared=claims_of(*({"id": name} for name in claims["id"])),
        information=information,
        downloads={"claims.csv": (b"id,verdict", "all claims")},
    )
    path = tmp_path / "index.html"
    path.write_text(page(content), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    """Open the page; whatever it complains about or asks a network for fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(*, at: str = "", **screen: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **screen})
        contexts.append(context)
        shown = context.new_page()
        shown.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or complaints.append(asked.url))
        shown.goto(f"{report.as_uri()}{at}")
        return shown

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def claims_shown(shown: Page) -> list[str]:
    """The names of the claims that are to be seen, from top to bottom."""
    names = shown.locator("table.claims tbody tr").evaluate_all(
        "rows => rows.filter(row => row.offsetParent).map(row => row.id.replace('claim-', ''))"
    )
    return [str(name) for name in names]


def test_the_table_is_searched_and_filtered(opened: Opened) -> None:
    shown = opened()
    assert len(claims_shown(shown)) == 8
    shown.get_by_role("searchbox").fill("on imagenet")
    assert claims_shown(shown) == ["seventh"]
    expect(shown.locator(".filters output")).to_have_text("1 of 8 claims")
    shown.get_by_role("button", name="Reset").click()
    expect(shown.locator(".filters output")).to_have_text("8 of 8 claims")
    shown.locator("select[name=verdict]").select_option("not reproduced")
    assert claims_shown(shown) == ["second"]
    shown.get_by_role("button", name="Reset").click()
    shown.locator("select[name=figure]").select_option("Fig. 4")
    assert claims_shown(shown) == ["first", "reading"]


def test_the_table_is_sorted_up_and_down_with_empty_values_last(opened: Opened) -> None:
    shown = opened()
    head = shown.locator("table.claims thead")
    head.get_by_role("button", name="This study").click()
    up = claims_shown(shown)
    assert (up[-2], up[-1]) == ("first", "seventh")
    expect(head.locator("[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button", name="This study").click()
    down = claims_shown(shown)
    assert down[:2] == ["first", "second"]
    assert down[-1] == "seventh"
    head.get_by_role("button", name="Verdict").click()
    assert claims_shown(shown)[:3] == ["first", "second", "third"]


def test_tabs_show_one_panel_and_move_with_the_arrow_keys(opened: Opened) -> None:
    shown = opened()
    tabs = shown.locator("section[aria-labelledby=why] .tabs")
    expect(tabs.get_by_role("tab")).to_have_text(["lenet-a", "lenet-b"])
    expect(tabs.locator("#tab-distances-lenet-a")).to_be_visible()
    expect(tabs.locator("#tab-distances-lenet-b")).to_be_hidden()
    tabs.get_by_role("tab", name="lenet-a").focus()
    shown.keyboard.press("ArrowRight")
    expect(tabs.get_by_role("tab", name="lenet-b")).to_be_focused()
    expect(tabs.locator("#tab-distances-lenet-a")).to_be_hidden()
    expect(tabs.locator("#tab-distances-lenet-b")).to_be_visible()
    shown.keyboard.press("Home")
    expect(tabs.locator("#tab-distances-lenet-a")).to_be_visible()


def test_the_slider_moves_through_the_generations(opened: Opened, report: Path) -> None:
    shown = opened()
    course = shown.locator("#course-1")
    steps = course.locator(".steps > li")
    expect(steps.nth(0)).to_be_visible()
    expect(steps.nth(1)).to_be_hidden()
    course.get_by_label("Generation").focus()
    shown.keyboard.press("ArrowRight")
    expect(steps.nth(0)).to_be_hidden()
    expect(steps.nth(1)).to_be_visible()


def test_a_guess_opens_the_answer_and_is_counted(opened: Opened) -> None:
    shown = opened()
    questions_shown = shown.locator(".game > li")
    first = questions_shown.nth(0)
    expect(first.locator("details")).to_be_hidden()
    first.get_by_role("button", name=str(first.get_attribute("data-answer")), exact=True).click()
    expect(first.locator("details p")).to_be_visible()
    expect(shown.locator(".score")).to_have_text("You and the network agree on 1 of 1.")
    second = questions_shown.nth(1)
    wrong = second.locator(f".choices button:not(:text-is('{second.get_attribute('data-answer')}'))").first
    wrong.click()
    expect(shown.locator(".score")).to_have_text("You and the network agree on 1 of 2.")
    expect(second.locator(".choices button").first).to_be_disabled()


def test_the_gallery_shows_the_chosen_run(opened: Opened) -> None:
    shown = opened()
    runs = shown.locator("article.run")
    expect(runs.filter(visible=True)).to_have_count(1)
    shown.get_by_label("Classifier").select_option("lenet-b")
    expect(runs.filter(visible=True).locator("h3")).to_have_text("direct on lenet-b, seed 3")
    shown.get_by_label("Experiment").select_option("cppn (CPPN encoding)")
    expect(runs.filter(visible=True).locator("h3")).to_have_text("cppn on lenet-a, seed 4")


def test_an_image_is_enlarged_with_the_keyboard_and_closed_with_escape(opened: Opened) -> None:
    shown = opened()
    image = shown.locator("article.run img.zoom").first
    image.focus()
    shown.keyboard.press("Enter")
    expect(shown.get_by_role("dialog")).to_be_visible()
    expect(shown.locator("dialog img")).to_have_attribute("src", str(image.get_attribute("src")))
    shown.keyboard.press("Escape")
    expect(shown.get_by_role("dialog")).to_be_hidden()
    expect(image).to_be_focused()


def test_a_permalink_opens_the_claim(opened: Opened) -> None:
    shown = opened(at="#claim-second")
    expect(shown.locator("#claim-second details")).to_have_attribute("open", "")
    expect(shown.locator("#claim-second")).to_be_in_viewport()
    shown.locator("select[name=verdict]").select_option("reproduced")
    shown.evaluate("location.hash = '#claim-fourth'")
    expect(shown.locator("#claim-fourth")).to_be_in_viewport()


def test_a_link_to_a_folded_figure_unfolds_it(opened: Opened) -> None:
    shown = opened(at="#figure-training_curves")
    expect(shown.locator("#figure-training_curves")).to_be_visible()


@pytest.mark.parametrize("scripted", [True, False])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(opened: Opened, scripted: bool, scheme: str) -> None:
    shown = opened(**PHONE, java_script_enabled=scripted, color_scheme=scheme)
    if scripted:
        shown.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    width = shown.locator("html").evaluate("page => page.scrollWidth")
    assert width == 390
    beyond = shown.locator("main *").evaluate_all(
        "all => all.filter(one => !one.closest('.scroll, pre, svg, .skip, .hidden')"
        " && one.getBoundingClientRect().right > 391).map(one => one.outerHTML.slice(0, 80))"
    )
    assert beyond == []


def test_without_a_script_everything_is_there(opened: Opened) -> None:
    shown = opened(java_script_enabled=False)
    assert len(claims_shown(shown)) == 8
    for selector in ("article.run", ".tab", ".steps > li", ".game > li"):
        parts = shown.locator(selector)
        expect(parts.filter(visible=True)).to_have_count(parts.count())
    expect(shown.locator(".filters")).to_be_hidden()
    expect(shown.locator(".choose")).to_be_hidden()
    answer = shown.locator(".game details").first
    answer.locator("summary").click()
    expect(answer.locator("p")).to_be_visible()


def test_everything_is_printed(opened: Opened) -> None:
    shown = opened()
    shown.locator("select[name=verdict]").select_option("reproduced")
    shown.emulate_media(media="print")
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(claims_shown(shown)) == 8
    for selector in ("article.run", ".tab", ".steps > li", ".further figure", ".game details p"):
        parts = shown.locator(selector)
        expect(parts.filter(visible=True)).to_have_count(parts.count())
    expect(shown.locator(".contents")).to_be_hidden()


def test_a_dark_page_has_no_white_cards(opened: Opened) -> None:
    shown = opened(color_scheme="dark")
    grounds = shown.locator("main *").evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    assert "rgb(255, 255, 255)" not in grounds
    plot = shown.locator("#figure-search_comparison img")
    plot.scroll_into_view_if_needed()
    pixels = np.asarray(Image.open(io.BytesIO(plot.screenshot())).convert("L"))  # a white figure, inverted
    assert pixels.max() < 60


def test_the_contents_mark_the_section_that_is_read(opened: Opened) -> None:
    shown = opened()
    shown.locator(".contents").get_by_role("link", name="Gallery").click()
    expect(shown.locator(".contents [aria-current]")).to_have_text("Gallery")
    expect(shown.locator(".contents")).to_be_in_viewport()


def test_the_contents_fold_on_a_phone(opened: Opened) -> None:
    shown = opened(**PHONE)
    link = shown.locator(".contents").get_by_role("link", name="Gallery")
    expect(link).to_be_hidden()
    shown.locator(".contents summary").click()
    link.click()
    expect(link).to_be_hidden()
    expect(shown.locator("#gallery")).to_be_in_viewport()


def test_a_file_is_saved_from_the_page(opened: Opened) -> None:
    shown = opened()
    with shown.expect_download() as download:
        shown.get_by_role("link", name="claims.csv").click()
    assert download.value.suggested_filename == "made-up-claims.csv"
    assert Path(download.value.path()).read_bytes() == b"id,verdict"


def test_a_page_of_a_hundred_networks_loads_few_images(browser: Browser, tmp_path: Path, make_run: Any) -> None:
    """What makes such a page open quickly: few tabs, folded figures, and images that are decoded when they are seen."""
    names = [f"net-{number:03d}" for number in range(100)]
    runs = {"direct": [make_run(seed, classifier=name) for name in names for seed in (1, 2)]}
    figures = {f"{figure}-{name}": PICTURE for figure in ("distances", "calibration", "gallery") for name in names}
    content = Content(
        study="made-up",
        threshold=0.9999,
        deviations="docs/deviations.md",
        galleries=galleries(runs, None),
        figures=figures,
        downloads={"claims.csv": (b"id,verdict", "all claims")},
    )
    path = tmp_path / "index.html"
    path.write_text(page(content), encoding="utf-8")
    assert path.stat().st_size < 2e6
    shown = browser.new_page(viewport={"width": 1280, "height": 800})
    shown.goto(path.as_uri())
    images = shown.locator("img")
    assert images.count() > 600
    assert images.evaluate_all("images => images.filter(image => image.loading !== 'lazy').length") == 0
    assert shown.locator("article.run").evaluate_all("runs => runs.filter(run => run.offsetParent).length") == 1
    assert shown.get_by_role("tab").count() == MOST_TABS
    assert shown.locator("details.further[open]").count() == 0
    expect(shown.get_by_text("88 more of distances")).to_be_visible()
    shown.close()
