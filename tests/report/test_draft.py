import re
from html.parser import HTMLParser

import pytest

from fooling.figures.catalogue import FIGURES
from fooling.report.draft import REFRESH, draft

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
