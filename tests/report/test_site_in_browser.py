"""The documentation site of the smoke study: made strictly, opened from its folder in Chromium, asking no host."""

from __future__ import annotations

import importlib.util
import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from checkout import ROOT, Checkout
from fooling.attacks.evolution.record import load_run
from fooling.messages import percent
from made_once import made_once

pytestmark = pytest.mark.slow

MAKE_SITE = ("make", "site", "INSTALLED=Makefile", "INSTALLED_SITE=mkdocs.yml")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
EXPLORER = "explorer/index.html"
FIRST = {"experiment": "direct", "classifier": "lenet-a", "seed": "1"}
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def made(smoke: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A folder in which `make site` has made the site of the smoke study."""
    if importlib.util.find_spec("material") is None:
        pytest.skip("MkDocs is not installed: make site-packages")

    def make(folder: Path) -> None:
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", ":!tests", ":!results"]
        files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
        for path in (path for path in files if (ROOT / path).is_file()):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, folder / path)
        shutil.copytree(smoke.folder / "results/smoke", folder / "results/smoke")
        said = Checkout(folder).run(*MAKE_SITE, "STUDY=smoke")
        assert "Done: open site/index.html" in said
        assert "WARNING" not in said, said

    return Checkout(made_once(tmp_path_factory, "site", make))


@pytest.fixture
def opened(browser: Browser, made: Checkout) -> Iterator[Opened]:
    """Open a page of the site; whatever it complains about or asks a network for fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str, *, at: str = "", **screen: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **screen})
        contexts.append(context)
        context.route(lambda url: not url.startswith(("file:", "data:", "about:")), lambda route: route.abort())
        shown = context.new_page()
        shown.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        local = ("file:", "data:", "about:")
        shown.on("request", lambda asked: asked.url.startswith(local) or complaints.append(asked.url))
        shown.goto(f"{(made.folder / 'site' / path).as_uri()}{at}")
        return shown

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def width_of(shown: Page) -> int:
    return int(shown.evaluate("document.documentElement.scrollWidth"))


def test_no_page_asks_another_host_or_is_wider_than_a_phone(opened: Opened, made: Checkout) -> None:
    site = made.folder / "site"
    pages = sorted(path.relative_to(site).as_posix() for path in site.glob("*.html") if path.name != "404.html")
    assert len(pages) > 40
    shown = opened("index.html", **PHONE)
    for page in pages:
        shown.goto((site / page).as_uri())
        assert width_of(shown) == 390, page


def test_no_file_of_the_site_loads_from_another_host(made: Checkout) -> None:
    loads = re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"'](?:https?:)?//[^\"']*")
    for path in (made.folder / "site").rglob("*.html"):
        found = [tag for tag in loads.findall(path.read_text()) if 'rel="canonical"' not in tag]
        assert found == [], path


def test_the_search_works_in_a_folder(opened: Opened) -> None:
    shown = opened("index.html")
    shown.keyboard.press("/")
    shown.get_by_role("textbox", name="Search").press_sequentially("ghostty")
    result = shown.locator(".md-search-result__link").first
    expect(result).to_contain_text("The command line", timeout=20_000)
    result.click()
    expect(shown.locator("h1")).to_contain_text("The command line")


def test_the_results_lead_to_the_report_the_audits_and_the_explorer(opened: Opened) -> None:
    shown = opened("results.html")
    article = shown.locator("article")
    expect(article).to_contain_text("Recorded on 2026-11-29 with version 0.1.0")
    article.get_by_role("link", name="Audit: lenet/seed1").click()
    expect(shown.locator("h1")).to_contain_text("How easily is lenet fooled?")
    shown.go_back()
    article.get_by_role("link", name="Report", exact=True).click()
    expect(shown.locator("#cite")).to_be_visible()
    shown.go_back()
    article.get_by_role("link", name="Explorer").click()
    shown.get_by_role("link", name="Open the explorer").click()
    expect(shown.locator("#classes li")).to_have_count(10)
    shown.get_by_role("link", name="Documentation").click()
    expect(shown.locator("h1")).to_contain_text("How easily are networks fooled?")


def choose(shown: Page, **values: str) -> None:
    for name, value in values.items():
        shown.locator(f"#choose-{name}").select_option(value)


def confidences(shown: Page) -> list[str]:
    return [str(text) for text in shown.locator("#classes button span.number").all_inner_texts()]


def test_the_explorer_shows_what_the_run_file_holds(opened: Opened, made: Checkout) -> None:
    run = load_run(made.folder / "results/smoke/evolution/lenet-a/direct/seed1.safetensors")
    shown = opened(EXPLORER)
    choose(shown, **FIRST)
    expect(shown.locator("#when")).to_have_text("10 of 10")
    assert confidences(shown) == [percent(float(str(value))) for value in run.confidences]
    slider = shown.get_by_label("Generation", exact=True)
    slider.focus()
    for step, generation in enumerate(range(9, -1, -1), start=2):
        shown.keyboard.press("ArrowLeft")
        row = run.history.confidences[-step]
        assert run.history.generations[-step] == generation
        assert confidences(shown) == [percent(float(str(value))) for value in row]


def test_images_that_are_not_stored_are_marked(opened: Opened) -> None:
    shown = opened(EXPLORER)
    choose(shown, **FIRST, search="evolution")
    empty = shown.locator("#classes .sprite.none")
    expect(empty).to_have_count(0)
    slider = shown.get_by_label("Generation", exact=True)
    slider.focus()
    shown.keyboard.press("ArrowLeft")  # generation 9 is not replayed
    expect(shown.locator("#when")).to_have_text("9 of 10")
    assert empty.count() > 0
    expect(empty.first).to_have_attribute("aria-label", re.compile("No image is stored"))
    shown.get_by_role("button", name="Go to generation 8").click()
    expect(empty).to_have_count(0)


def test_the_picture_is_the_image_of_the_run(opened: Opened, made: Checkout) -> None:
    """What is to be seen are the pixels of the run, each enlarged."""
    run = load_run(made.folder / "results/smoke/evolution/lenet-a/cppn/seed2.safetensors")
    shown = opened(EXPLORER)
    choose(shown, encoding="CPPN encoding", search="evolution", seed="2")
    shown.locator("#classes button").nth(3).click()
    image = shown.locator("#image .sprite")
    image.evaluate("one => { one.style.width = '224px'; one.style.border = '0'; }")
    seen = np.asarray(Image.open(io.BytesIO(image.screenshot())).convert("L"))[4::8, 4::8]
    assert np.array_equal(seen, run.images[3, 0])


def test_a_family_is_followed_to_the_start(opened: Opened) -> None:
    shown = opened(EXPLORER)
    choose(shown, **FIRST, search="evolution")
    expect(shown.locator("#ancestry")).to_contain_text("ends at an image of the random start")
    expect(shown.locator("#ancestors li").last).to_contain_text("generation 0")
    choose(shown, search="random search")
    expect(shown.locator("#ancestry")).to_have_text("This image was drawn at random: it has no parents.")


def test_the_explorer_is_used_with_the_keyboard_alone(opened: Opened) -> None:
    shown = opened(EXPLORER)
    expect(shown.locator("#classes li")).to_have_count(10)
    reached = []
    for _ in range(25):
        shown.keyboard.press("Tab")
        focus = "document.activeElement"
        assert shown.evaluate(f"getComputedStyle({focus}).outlineStyle") in ("solid", "auto")
        reached.append(shown.evaluate(f"{focus}.id || `class ${{{focus}.dataset.cell}}`"))
        if reached[-1] == "class 3":
            break
    assert {"choose-study", "generation", "class 0", "class 3"} <= set(reached)
    shown.keyboard.press("Enter")
    expect(shown.locator("#about")).to_contain_text("3, with")
    expect(shown.locator("#classes button[aria-pressed=true]")).to_have_attribute("data-cell", "3")


def test_an_address_names_the_run_the_class_and_the_generation(opened: Opened) -> None:
    shown = opened(EXPLORER)
    choose(shown, encoding="CPPN encoding", experiment="cppn", seed="2")
    shown.locator("#classes button").nth(4).click()
    shown.get_by_role("button", name="Go to generation 0").click()
    address = shown.evaluate("location.hash")
    again = opened(EXPLORER, at=address)
    for name, value in {"experiment": "cppn", "seed": "2"}.items():
        expect(again.locator(f"#choose-{name}")).to_have_value(value)
    expect(again.locator("#when")).to_have_text("0 of 10")
    expect(again.locator("#classes button[aria-pressed=true]")).to_have_attribute("data-cell", "4")


def test_recorded_numbers_are_marked_with_date_and_version(opened: Opened) -> None:
    shown = opened(EXPLORER)
    choose(shown, study="mnist (recorded)")
    expect(shown.locator("#note")).to_contain_text("Recorded on 2026-11-29 with version 0.1.0")
    expect(shown.locator("#run")).to_be_hidden()
    choose(shown, experiment="direct")
    expect(shown.locator("#numbers tbody tr").first).to_contain_text("≥ 99.99 %")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("study", ["smoke", "mnist (recorded)"])
def test_the_explorer_fits_a_phone(opened: Opened, scheme: str, study: str) -> None:
    shown = opened(EXPLORER, color_scheme=scheme, **PHONE)
    choose(shown, study=study)
    assert width_of(shown) == 390
    beyond = shown.locator("main *").evaluate_all(
        "all => all.filter(one => !one.closest('.scroll, svg') && one.getBoundingClientRect().right > 391)"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    assert beyond == []
    ground = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(19, 21, 25)") == (scheme == "dark")


def test_the_explorer_is_small(made: Checkout) -> None:
    files = [path for path in (made.folder / "site/explorer").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 15_000_000
    assert {path.suffix for path in files} == {".html", ".js", ".png"}


def test_an_unfinished_study_names_what_is_missing_and_leaves_the_site_as_it_was(
    made: Checkout, tmp_path: Path
) -> None:
    copy = made.copy(tmp_path / "repository")
    before = {path: path.stat().st_mtime_ns for path in (copy.folder / "site").rglob("*")}
    sources = {path for path in (copy.folder / "build").rglob("*") if path.is_file()}
    missing = "results/smoke/evolution/lenet-b/direct/seed2.random-search.safetensors"
    (copy.folder / missing).unlink()
    (copy.folder / "results/smoke/audits/lenet/seed2/index.html").unlink()
    done = copy.attempt(*MAKE_SITE, "STUDY=smoke")
    assert done.returncode != 0
    assert "fooling build-site: the study in results/smoke is not finished" in done.stdout
    assert f"no {missing}" in done.stdout
    assert "no results/smoke/audits/lenet/seed2/index.html" in done.stdout
    assert "finish it with make study CONFIG=config/test/smoke.yaml, then build the site again" in done.stdout
    assert "Traceback" not in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (copy.folder / "site").rglob("*")} == before
    assert {path for path in (copy.folder / "build").rglob("*") if path.is_file()} == sources


def test_a_broken_link_leaves_the_site_as_it_was(made: Checkout, tmp_path: Path) -> None:
    copy = Checkout(tmp_path / "repository")
    shutil.copytree(made.folder, copy.folder, ignore=shutil.ignore_patterns("smoke", "site", "build"))
    (copy.folder / "site").mkdir()
    old = copy.folder / "site/index.html"
    old.write_text("the old site")
    copy.append("docs/teach.md", "[nowhere](#no-such-heading) [no page](no-such-page.md) ![no picture](nothing.png)")
    done = copy.attempt(*MAKE_SITE)
    assert done.returncode != 0
    for broken in ("no-such-heading", "no-such-page.md", "nothing.png"):
        assert broken in done.stdout
    assert old.read_text() == "the old site"
