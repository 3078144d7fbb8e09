import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from figures.made_up_tables import made_audits, made_boundary, made_families, made_far, made_robustness
from fooling.findings import universal
from fooling.findings.adversarial import adversarial_table, means_table
from fooling.findings.intervals import IntervalSettings
from fooling.images import png_bytes
from fooling.report.claim_rows import Recorded
from fooling.report.page import SECTIONS, Content, Tables, duration, page, sortable
from fooling.report.pictures import first_of_encodings, galleries, one_label, questions, start_and_end
from fooling.report.run_info import RecordHeader
from fooling.report.story import summarise_experiment
from made_up_adversarial import made_adversarial
from made_up_claims import claims_of
from made_up_detectors import made_detectors
from made_up_hardening import made_hardening
from made_up_label_only import made_label_tables
from made_up_models import made_fooled
from made_up_universal import made_universal

VOID = {"meta", "link", "img", "br", "hr", "input", "rect", "line", "circle"}


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

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


PNG = png_bytes(np.zeros((1, 4, 6), np.uint8))


@pytest.fixture
def made(
    claims, information, make_run, make_champions, make_examined, make_transfer, make_distances, make_retraining,
    make_effects,
):  # fmt: skip
    runs = {"direct": [make_run(1), make_run(2)], "cppn": [make_run(3, encoding="cppn")]}
    first = first_of_encodings(runs)
    figures = ("same_label-lenet-a", "same_label-lenet-b", "search_comparison", "confidence_over_evaluations-direct")
    further = ("training_curves", "calibration-lenet-a", "calibration-lenet-b", "gallery-direct", "transfer-direct")
    answers = ("distances-lenet-a", "retraining_curve-fooling-class", "kinds")
    return Content(
        study="made-up",
        threshold=0.9999,
        deviations="docs/deviations.md",
        experiments=[summarise_experiment(make_champions(), threshold=0.9999)],
        same_label=one_label(first, None),
        questions=questions(first, None),
        courses=[start_and_end(run) for run in first.values()],
        galleries=galleries(runs, make_examined()),
        figures=dict.fromkeys((*figures, *further, *answers), PNG),
        tables=Tables(
            transfer=[make_transfer()],
            distances=[make_distances()],
            retraining=make_retraining(),
            effects=make_effects(),
            adversarial_means=means_table(adversarial_table([made_adversarial()]), settings=IntervalSettings()),
            universal_means=universal.means_table(
                universal.universal_table([made_universal()]), settings=IntervalSettings()
            ),
            detector_means=made_detectors()["detector_means"],
            label_only=made_label_tables()["label_only"],
            label_only_transfer=made_label_tables()["label_only_transfer"],
            audits=made_audits()["audits"],
            rubbish_summary=made_far()["rubbish_summary"],
            fooled_summary=made_fooled()[1],
            ray_slopes=made_far()["ray_slopes"],
            boundary=made_boundary(),
            families=made_families()[0],
            robustness=made_robustness(),
            hardening=made_hardening()["hardening"],
        ),
        claims=claims,
        declared=claims_of({"id": "first"}, {"id": "second", "claim": "It stays <low>."}),
        information=information,
        downloads={"claims.csv": (b"id,verdict", "all claims")},
    )


def section(text: str, name: str) -> str:
    """The HTML of one section."""
    start = text.index(f'<section aria-labelledby="{name}">')
    end = text.find('<section aria-labelledby="', start + 1)
    return text[start : end if end > 0 else None]


def words_of(text: str) -> str:
    """The text of a part of the page without markup."""
    return " ".join(re.sub("<[^>]*>", " ", text).split())


def test_the_page_is_well_formed_and_refers_to_nothing_outside(made):
    text = page(made)
    read = Checked(text)
    assert [reference for reference in read.references if not reference.startswith(("data:", "#"))] == []
    assert "http" not in text.replace("http-equiv", "")
    assert "@import" not in text
    assert "url(" not in text
    assert len(set(read.ids)) == len(read.ids)
    assert {reference[1:] for reference in read.references if reference.startswith("#")} <= set(read.ids)


def test_every_heading_has_an_id(made):
    headings = re.findall(r"<h[1-6][^>]*>", page(made))
    assert len(headings) > 10
    assert all(' id="' in heading for heading in headings)


def test_all_sections_are_in_the_contents_in_order(made):
    text = page(made)
    listed = re.findall(r'<li><a href="#([a-z]+)">', text[: text.index("<main")])
    assert listed == [name for name in SECTIONS if name != "people"]
    places = [text.index(f'<section aria-labelledby="{name}">') for name in listed]
    assert places == sorted(places)


def test_the_story_comes_first(made):
    text = page(made)
    head = words_of(text[text.index("<header>") : text.index("</header>")])
    assert "The networks are fooled: 16 of 24 images" in head.replace("\N{NO-BREAK SPACE}", " ")
    assert "With the direct encoding (every pixel is a gene), evolution finds" in head
    assert "After one retraining with a fooling class, the network is harder to fool" in head
    assert head.index("The networks are fooled") < head.index("One label, 2 images")


def test_empty_content_has_a_page_without_sections(made):
    text = page(Content(study="made-up", threshold=0.9999, deviations="docs/deviations.md"))
    Checked(text)
    assert re.findall(r'<section aria-labelledby="([a-z]+)">', text) == ["cite"]


def test_a_study_of_audits_alone_has_its_ranking_and_nothing_of_the_paper(information):
    text = page(
        Content(
            study="ranking",
            threshold=0.9999,
            deviations="docs/deviations.md",
            figures={"audits": PNG},
            tables=Tables(audits=made_audits()["audits"]),
            information={**information, "classifiers": (), "experiments": ()},
        )
    )
    Checked(text)
    assert re.findall(r'<section aria-labelledby="([a-z]+)">', text) == ["ranking", "run", "cite"]
    shown = words_of(section(text, "ranking")).replace("\N{NO-BREAK SPACE}", " ")
    assert "10 classes: lenet 100 %, other 95 %; 1,000 classes: large 1.6 %." in shown
    assert 'id="figure-audits"' in text
    assert "Errors of the networks" not in text


def test_a_draft_names_what_is_still_to_come(made):
    assert "Draft" not in page(made)
    text = page(dataclasses.replace(made, is_draft=True, claims=None, information=None))
    Checked(text)
    assert "Still to come: the paper's claims, how it was run." in text.replace("&#39;", "'")


def test_a_study_without_any_measured_claim_shows_no_claims(made, claims):
    text = page(dataclasses.replace(made, claims=claims.assign(verdict="not run here")))
    assert 'id="claims"' not in text
    assert 'href="#claims"' not in text


def test_every_claim_stands_in_the_table_with_its_verdict(made, claims):
    read = Checked(page(made))
    assert {f"claim-{name}" for name in claims["id"]} <= set(read.ids)
    text = words_of(section(page(made), "claims")).replace("\N{NO-BREAK SPACE}", " ")
    assert all(verdict in text for verdict in claims["verdict"])
    assert "70 % to 90 %" in text
    assert "none stated" in text


def test_claims_that_were_not_run_come_last(made):
    rows = re.findall(r'<tr id="claim-([a-z]+)"', page(made))
    assert rows == ["first", "second", "third", "fourth", "fifth", "sixth", "reading", "seventh"]


def test_the_papers_own_numbers_have_cards(made):
    part = section(page(made), "claims")
    cards = part[part.index('<ul class="cards">') : part.index('id="all-claims"')]
    assert re.findall(r'href="#claim-([a-z]+)"', cards) == ["first", "second", "fourth"]


def test_verdicts_are_counted_by_kind(made):
    text = page(made)
    assert (
        "Of 4 numbers stated by the paper, 2 could be judged by this study: 1 reproduced, 1 not reproduced, "
        "0 inconclusive." in text
    )
    counted = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td>', section(text, "claims"), flags=re.DOTALL)
    badges = {kind: re.findall(r"</span> ([^<]*)</span>", cell) for kind, cell in counted}
    assert badges == {
        "Stated by the paper": ["1 reproduced", "1 not reproduced", "1 unverified source", "1 not run here"],
        "Asked here": ["1 inconclusive", "1 too few", "1 shown on other data, not comparable"],
    }


def test_a_bound_is_drawn_with_the_interval(made):
    part = section(page(made), "claims")
    row = part[part.index('<tr id="claim-second"') : part.index('<tr id="claim-third"')]
    assert "at least 99.99\N{NO-BREAK SPACE}%" in row
    assert re.search(r'<line class="interval" x1="[\d.]+%" x2="[\d.]+%"', row)
    assert re.search(r'<circle cx="[\d.]+%"', row)
    assert row.count("<svg") == 1


def test_a_claim_links_to_its_figure(made):
    part = section(page(made), "claims")
    assert '<a href="#figure-confidence_over_evaluations-direct">See its figure</a>' in part


def test_the_recorded_study_stands_beside_this_one(made, claims):
    assert "Recorded" not in section(page(made), "claims")
    before = claims[claims["id"] == "second"].assign(verdict="inconclusive")
    recorded = Recorded(RecordHeader(study="mnist", version="1.2", recorded="2026-11-29", files={}), before)
    part = section(page(dataclasses.replace(made, recorded=recorded)), "claims")
    assert "made with version 1.2 and recorded on 2026-11-29" in part
    row = part[part.index('<tr id="claim-second"') : part.index('<tr id="claim-third"')]
    assert "inconclusive" in row


def test_an_exploratory_result_is_never_called_a_test(made):
    part = section(page(made), "claims")
    assert "All verdicts are exploratory" in part
    assert part.count("<small>exploratory</small>") == 3  # one for each verdict by interval
    assert not re.search(r"\btest(s|ed|ing)?\b", words_of(part))


def test_other_data_show_a_direction_and_the_data_set_that_gave_it(made):
    assert '<small class="direction">same direction on digits</small>' in page(made)


def test_names_and_claims_are_text_and_never_markup(made):
    text = page(made)
    assert "<two>" not in text
    assert "&lt;two&gt;" in text
    assert "It stays &lt;low&gt;." in text


def test_every_image_is_described(made):
    read = Checked(page(made))
    assert all(image["alt"] for image in read.images)
    champions = [image for image in read.images if image["alt"].startswith("Image for the class")]
    assert len(champions) == 9  # three runs of three classes


def test_the_course_and_the_game_work_without_a_script(made):
    text = page(made)
    assert section(text, "guess").count("<details><summary>The network's answer</summary>") == 6
    assert section(text, "how").count('class="sheet"') == 4  # start and end of two runs


def test_each_figure_is_shown_once_and_repeats_of_the_gallery_are_left_out(made):
    text = page(made)
    shown = re.findall(r'<figure id="figure-([\w-]+)"', text)
    left_out = {"same_label-lenet-b", "gallery-direct"}
    assert sorted(shown) == sorted(set(made.figures) - left_out)
    assert "also holds gallery, same_label" in words_of(section(text, "downloads"))
    further = section(text, "figures")
    assert further.index('id="calibration"') < further.index('id="training-curves"')


def test_plots_are_marked_so_that_a_dark_page_can_invert_them(made):
    text = page(made)
    assert '<figure id="figure-search_comparison">\n<div class="paper plot">' in text
    assert '<figure id="figure-same_label-lenet-a">\n<div class="paper images">' in text


def test_what_people_are_shown_has_a_section_of_its_own_with_the_labels_folded_away(made):
    assert 'id="people"' not in page(made)
    names = [f"stimuli_{kind}-{name}" for kind in ("hidden", "shown") for name in ("cppn", "s-169")]
    text = page(dataclasses.replace(made, figures={**made.figures, **dict.fromkeys(names, PNG)}))
    Checked(text)
    of_people = section(text, "people")
    assert "No one has been asked yet" in of_people
    for name in ("cppn", "s-169"):
        part = of_people[of_people.index(f'id="stimuli-{name}"') :]
        assert part.index(f"figure-stimuli_hidden-{name}") < part.index("<details>")
        assert part.index("<details>") < part.index(f"figure-stimuli_shown-{name}")
    assert of_people.count("<img") == 4
    assert "stimuli" not in section(text, "figures")


def test_a_small_run_says_that_it_is_small(made, make_champions):
    assert "ew runs" not in page(made)
    small = summarise_experiment(make_champions("colour", seeds=1), threshold=0.9999)
    text = page(dataclasses.replace(made, experiments=[*made.experiments, small]))
    assert "Not counted above, because they have few runs: colour (1 run)." in text
    alone = page(dataclasses.replace(made, experiments=[small]))
    assert "Few runs, so an illustration without statistics: colour (1 run)." in alone


def test_how_it_was_run(made):
    text = page(made)
    for part in ("A processor, 2 cores", "torch 2.13.0", "1 min 15 s", "1,345 MB", "lenet trained on digits"):
        assert part in text


def test_a_study_without_logs_has_a_page_too(made):
    Checked(page(dataclasses.replace(made, information={**made.information, "steps": [], "jobs": []})))


def test_files_are_inside_the_page(made):
    part = section(page(made), "downloads")
    assert 'download="made-up-claims.csv" href="data:application/octet-stream;base64,aWQsdmVyZGljdA=="' in part


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.6, "13 s"), (59.6, "1 min 0 s"), (75, "1 min 15 s"), (7800, "2 h 10 min")],
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0.25, "0.25"), (np.inf, "Infinity"), (-np.inf, "-Infinity"), (np.nan, "")]
)
def test_numbers_are_written_so_that_the_script_can_sort_them(number, text):
    assert sortable(number) == text


def test_networks_stand_beside_what_others_have_published_of_them(made):
    row = re.search(r"<tr><th scope=\"row\">lenet-a<small>lenet on digits</small>.*</tr>", page(made))
    assert row is not None
    shown = [re.sub("<[^>]*>", "", cell) for cell in row[0].split("</td>")[:-1]]
    assert shown[1:] == ["2 % [1.06 %, 3.75 %]", "0.2 % [0.04 %, 1.25 %]", "0.94 %, -: a page"]
