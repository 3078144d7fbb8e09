import re
from html.parser import HTMLParser

import numpy as np
import pytest

from fooling.figures.catalogue import FIGURES
from fooling.images import png_bytes
from fooling.report import drawings
from fooling.report.drawings import ANSWERS, COMPARISON, CURVES, REFRESH, REPEATS, Drawings, draft


def noise(side: int) -> bytes:
    return png_bytes(np.random.default_rng(0).integers(0, 256, (1, side, side)).astype(np.uint8))


def test_every_place_names_a_figure_of_the_catalogue():
    assert {COMPARISON, CURVES, *REPEATS, *(name for names in ANSWERS.values() for name in names)} <= set(FIGURES)


def test_figures_are_in_the_order_of_the_catalogue_and_of_their_files():
    names = ("training_curves", "calibration-b", "calibration-a", "unknown")
    assert [one.name for one in Drawings(dict.fromkeys(names, noise(4))).all] == [
        *("calibration-b", "calibration-a", "training_curves"),
    ]


def test_a_figure_with_images_is_no_plot():
    shown = Drawings(dict.fromkeys(("calibration-a", "family_tree-direct", "resembling-a"), noise(4)))
    assert {one.name: one.is_plot for one in shown.all} == {
        "calibration-a": True,
        "family_tree-direct": False,
        "resembling-a": False,
    }


def test_the_largest_further_figures_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch):
    sides = {"training_curves": 8, "foolability": 64, "calibration-a": 16, "distances-a": 64}
    shown = Drawings({name: noise(side) for name, side in sides.items()})
    monkeypatch.setattr(drawings, "MOST_FURTHER", 2000)
    assert list(shown.further()) == ["Calibration", "Training curves"]
    assert shown.left_out() == ["foolability"]
    assert shown.place_of("foolability", "") == ""
    assert [one.name for one in shown.answering("why")] == ["distances-a"]  # it has a place of its own


def test_the_place_of_a_figure_is_that_of_the_experiment_or_else_the_first():
    shown = Drawings(dict.fromkeys(("transfer-cppn", "transfer-direct"), noise(4)))
    assert shown.place_of("transfer", "direct") == "figure-transfer-direct"
    assert shown.place_of("transfer", "other") == "figure-transfer-cppn"
    assert shown.place_of("same_label", "direct") == ""
    assert shown.place_of("", "direct") == ""


NAMED = ("search_comparison", "same_label-lenet-a", "gallery-cppn", "gallery-direct")


class Page(HTMLParser):
    """The objects, headings, links and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.objects: list[str] = []
        self.links: list[str] = []
        self.titles: list[str] = []
        self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        values = dict(attributes)
        if tag == "object":
            self.objects.append(str(values["data"]))
        if tag == "a":
            self.links.append(str(values["href"]))

    def handle_data(self, data: str) -> None:
        if self._tag == "h2" and data.strip():
            self.titles.append(data.strip())


@pytest.fixture
def page() -> str:
    return draft(study="digits", figures={name: f"../figures/{name}.png" for name in NAMED}, report="index.html")


def test_each_figure_is_shown_in_the_order_of_the_catalogue(page: str) -> None:
    parsed = Page(page)
    order = ("gallery-cppn", "gallery-direct", "same_label-lenet-a", "search_comparison")
    assert parsed.objects == [f"../figures/{name}.png" for name in order]
    assert parsed.titles == ["Gallery", "Same label", "Search comparison"]
    assert FIGURES["same_label"].caption in page


def test_it_is_marked_as_a_draft_and_names_what_is_to_come(page: str) -> None:
    assert "Draft of the report on study digits" in page
    assert "each of its 4 figures" in page
    assert page.count("still to come") == len(NAMED)
    assert "<code>index.html</code>" in page
    assert Page(page).links == []  # there is no report yet


def test_the_browser_loads_it_again_without_a_script(page: str) -> None:
    assert f'<meta http-equiv="refresh" content="{REFRESH}">' in page
    assert "<script" not in page
    assert re.search(r"https?:", page) is None


def test_names_are_escaped() -> None:
    page = draft(study="<i>", figures={'gallery-a"b': 'figures/a"b.png'}, report="index.html")
    assert "<i>" not in page
    assert Page(page).objects == ['figures/a"b.png']
