"""A real Chromium, and what a participant does in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Download, Locator, Page, Playwright, sync_playwright

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "results/.packages/node_modules"  # where `make survey-packages` installs them
ORDERS = ROOT / "src/fooling/survey/page/orders.js"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
Values = dict[str, Any]


def why_not() -> str | None:
    """What is missing for tests in a browser, if anything."""
    if CHROMIUM is None:
        return "Chromium is not installed: make test-survey"
    if shutil.which("node") is None:
        return "Node.js is not installed: make test-survey"
    return None if PACKAGES.is_dir() else "the npm packages of the page are not installed: make test-survey"


def launched(playwright: Playwright) -> Browser:
    """A headless browser with a profile of its own."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))


def for_tests() -> Iterator[Browser]:
    """Yield a browser; without Chromium the test is skipped, or fails if a browser is required."""
    if CHROMIUM is None:
        (pytest.fail if required() else pytest.skip)("Chromium is not installed: make test-survey")
    with sync_playwright() as playwright:
        chromium = launched(playwright)
        yield chromium
        chromium.close()


def planned(folder: Path, seed: int) -> list[Values]:
    """The trials of a participant, as the documented command regenerates them."""
    command = ["node", str(ORDERS), str(folder / "questionnaire.json"), str(seed)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    trials: list[Values] = json.loads(told)
    return trials


Answer = Callable[[Values], str]


@dataclass
class Participant:
    """Somebody at the page, who answers with the mouse unless told otherwise."""

    page: Page
    trials: list[Values]
    keyboard: bool = False
    part: int = 0  # the one that was begun last; 0 is practice
    given: list[tuple[str, int]] = field(default_factory=list)  # answers and ratings so far

    def locator(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def press(self, button: Locator) -> None:
        """Press one button: with the mouse, or by going there with Tab and pressing Enter."""
        button.wait_for()
        if not self.keyboard:
            button.click()
            return
        for _ in range(20):
            if button.evaluate("button => button === document.activeElement"):
                break
            self.page.keyboard.press("Tab")
        assert button.evaluate("button => button.matches(':focus-visible')")
        assert button.evaluate("button => getComputedStyle(button).outlineStyle") == "solid"
        self.page.keyboard.press("Enter")

    def begin(self) -> None:
        """Agree, and read the instructions."""
        self.press(self.page.get_by_role("button", name="I take part"))
        self.press(self.page.get_by_role("button", name="Begin"))

    def answer_all(self, choose: Answer = lambda trial: str(trial["correct_answer"])) -> None:
        for trial in self.trials:
            self.answer(trial, choose)

    def reach(self, trial: Values) -> None:
        """Begin the part in which ``trial`` is, if that has not begun."""
        if trial["part"] != self.part:
            self.locator(f"text=Part {trial['part']} of 4").wait_for()
            self.press(self.page.get_by_role("button", name="Continue"))
            self.part = trial["part"]

    def answer(self, trial: Values, choose: Answer = lambda trial: str(trial["correct_answer"])) -> None:
        """Answer the next trial as ``choose`` does, and rate it with 1 to 5 in turn."""
        self.reach(trial)
        response, rating = choose(trial), trial["trial"] % 5 + 1
        self.choose(".trial:not(.rating):not(.only)", trial["options"].index(response), response)
        self.choose(".trial.rating", rating - 1, str(rating))
        if trial["kind"] == "practice":
            self.press(self.locator(".trial.only button"))
        self.given.append((response, rating))

    def choose(self, screen: str, place: int, text: str) -> None:
        button = self.locator(f"{screen} button").nth(place)
        button.wait_for()
        assert button.locator("span").inner_text() == text
        if self.keyboard:
            self.page.keyboard.press(button.get_attribute("data-key") or "")
        else:
            button.click()

    def saved(self, ending: str) -> tuple[str, str]:
        """Name and text of the file of that ending, as the participant takes it home."""
        button = self.locator(f"#save-{ending}")
        button.wait_for()
        with self.page.expect_download() as download:
            self.press(button)
        return download.value.suggested_filename, text_of(download.value)

    def leave(self, button: str) -> None:
        """Ask to leave, and press that button of the dialog."""
        self.press(self.locator("#leave"))
        self.press(self.locator(f"#{button}"))


def text_of(download: Download) -> str:
    return Path(download.path()).read_bytes().decode()


def required() -> bool:
    return "REQUIRE_BROWSER" in os.environ
