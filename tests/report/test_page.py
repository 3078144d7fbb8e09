import re
from html.parser import HTMLParser

import pytest

from fooling.report.gallery import gallery
from fooling.report.page import duration, page
from fooling.report.summary import summarise_experiment

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Checked(HTMLParser):
    """A strict reader: every element is closed in its turn, and what the page refers to is gathered."""

    def __init__(self, text):
        super().__init__()
        self.open, self.references, self.ids, self.texts, self.images = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.references += [attributes[name] for name in ("src", "href", "srcset", "action") if name in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "img":
            self.images.append(attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def made(claims, information, make_run, make_champions, make_examined):
    return {
        "study": "made-up",
        "claims": claims,
        "experiments": [summarise_experiment(make_champions(), threshold=0.9999)],
        "galleries": [gallery("direct", [make_run(1), make_run(2)], make_examined())],
        "figures": {
            "training_curves": b"one",
            "calibration-lenet-a": b"two",
            "calibration-lenet-b": b"three",
            "gallery-direct": b"4",
        },
        "information": information,
        "threshold": 0.9999,
        "deviations": "../../../docs/deviations.md",
    }


def test_the_page_is_well_formed_and_refers_to_nothing_outside(made):
    text = page(**made)
    read = Checked(text)
    outside = [reference for reference in read.references if not reference.startswith(("data:", "#", "../../../docs/"))]
    assert outside == []
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text
    assert len(set(read.ids)) == len(read.ids)
    assert all(f"#{name}" in read.references for name in ("claims", "galleries", "figures", "run"))
    assert {reference[1:] for reference in read.references if reference.startswith("#")} <= set(read.ids)


def test_every_claim_stands_in_it_with_its_verdict(made, claims):
    read = Checked(page(**made))
    assert {f"claim-{name}" for name in claims["id"]} <= set(read.ids)
    text = " ".join(" ".join(read.texts).split())
    assert all(verdict in text for verdict in claims["verdict"])
    assert "1 claims were not run here" not in text
    assert "70 % to 90 %" in text
    assert "none stated" in text


def test_the_papers_own_claims_are_counted_apart_and_come_first(made):
    text = page(**made)
    assert (
        "Of 4 numbers stated by the paper, 2 could be judged by this study: 1 reproduced, 1 not reproduced, "
        "0 inconclusive." in text
    )
    of_claims = text[text.index('<section id="claims">') : text.index('<section id="searches">')]
    tables = re.findall(r'<table class="claims">\s*<caption>(.*?)</caption>', of_claims)
    assert tables == ["Stated by the paper", "Asked here", "Claims that this study does not run"]
    counted = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td>', of_claims, flags=re.DOTALL)
    badges = {kind: re.findall(r"</span> ([^<]*)</span>", cell) for kind, cell in counted}
    assert badges == {
        "Stated by the paper": ["1 reproduced", "1 not reproduced", "1 unverified source", "1 not run here"],
        "Asked here": ["1 inconclusive", "1 too few", "1 shown on other data, not comparable"],
    }


def test_an_exploratory_result_is_never_called_a_test(made):
    text = page(**made)
    of_claims = text[text.index('<section id="claims">') : text.index('<section id="searches">')]
    assert "All verdicts are exploratory" in of_claims
    assert of_claims.count("<small>exploratory</small>") == 3  # one for each verdict by interval
    assert not re.search(r"\btest(s|ed|ing)?\b", of_claims)


def test_other_data_show_a_direction_and_the_data_set_that_gave_it(made):
    assert '<small class="direction">same direction on digits</small>' in page(**made)


def test_names_and_claims_are_text_and_never_markup(made):
    text = page(**made)
    assert "<two>" not in text
    assert "&lt;two&gt;" in text
    assert "It stays &lt;low&gt;." in text


def test_the_headline_comes_first_then_claims_galleries_figures_and_the_run(made):
    text = page(**made)
    order = ["16 of 24 evolved images", 'id="claims"', 'id="galleries"', 'id="figures"', 'id="run"']
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_every_image_of_a_gallery_is_shown_and_described(made):
    read = Checked(page(**made))
    champions = [image for image in read.images if image["alt"].startswith("Image that the network labels")]
    assert len(champions) == 6 + 3  # the gallery, and its first run in the head
    assert all(image["alt"] for image in read.images)


def test_figures_stand_in_the_order_of_the_catalogue_with_their_subjects(made):
    text = page(**made)
    assert text.index("<h3>Calibration</h3>") < text.index("<h3>Training curves</h3>")
    assert "<figcaption>lenet-b</figcaption>" in text
    assert "<h3>Gallery</h3>" not in text


def test_what_people_are_shown_has_a_section_of_its_own_with_the_labels_folded_away(made):
    assert 'id="people"' not in page(**made)
    sheets = {f"stimuli_{kind}-{name}": b"sheet" for kind in ("hidden", "shown") for name in ("cppn", "s-169")}
    made["figures"] |= sheets
    text = page(**made)
    Checked(text)
    of_people = text[text.index('<section id="people">') : text.index('<section id="run">')]
    assert "No one has been asked yet" in of_people
    for name in ("cppn", "s-169"):
        part = of_people[of_people.index(f"<h3>Condition {name}</h3>") :]
        assert part.index("without labels") < part.index("<details>") < part.index("with labels,")
    assert of_people.count("<img") == 4
    assert "Stimuli" not in text[text.index('<section id="figures">') : text.index('<section id="people">')]


def test_a_small_run_says_that_it_is_small(made, make_champions):
    assert "Small:" not in page(**made)
    made["experiments"].append(summarise_experiment(make_champions("colour", seeds=1), threshold=0.9999))
    assert "Small: colour has 1 run." in page(**made)


def test_how_it_was_run(made):
    text = page(**made)
    for part in ("A processor, 2 cores", "torch 2.13.0", "1 min 15 s", "1,345 MB", "lenet trained on digits"):
        assert part in text


def test_a_study_without_logs_has_a_page_too(made):
    made["information"] |= {"steps": [], "jobs": []}
    Checked(page(**made))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.6, "13 s"), (59.6, "1 min 0 s"), (75, "1 min 15 s"), (7800, "2 h 10 min")],
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text


def test_networks_stand_beside_what_others_have_published_of_them(made):
    row = re.search(r"<tr><th scope=\"row\">lenet-a<small>lenet on digits</small>.*</tr>", page(**made))
    assert row is not None
    shown = [re.sub("<[^>]*>", "", cell) for cell in row[0].split("</td>")[:-1]]
    assert shown[1:] == ["2 % [1.06 %, 3.75 %]", "0.2 % [0.04 %, 1.25 %]", "0.94 %, -: a page"]
