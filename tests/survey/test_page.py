"""People at the page, from its first screen to their files, in a real Chromium."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from fooling.cli.survey import survey_build
from fooling.survey.questionnaire import load_questionnaire
from fooling.survey.responses import parsed_responses
from survey.browser import PACKAGES, Participant, planned, required, why_not
from survey.made_up_survey import write_survey
from survey.servers import hosted, listening

pytestmark = pytest.mark.slow

COLUMNS = [
    *("format", "study", "study_version", "participant", "seed", "block", "foils", "trial", "kind", "stimulus"),
    *("stimulus_sha256", "condition", "options", "response", "correct_answer", "rating", "response_ms", "rating_ms"),
    *("screen", "finished"),
]
SINGLE = "small-survey.html"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
AWKWARD = ("</script><b>one", 'two, "2"', "three|3\\", "it's &amp; four")
Arrive = Callable[..., Participant]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    """What the page needs besides a browser."""
    if reason := why_not():
        (pytest.fail if required() else pytest.skip)(reason)


def built(folder: Path, **changed: Any) -> Path:
    """A survey with its page, in ``folder``."""
    write_survey(folder, **changed)
    survey_build(questionnaire=folder / "questionnaire.json", packages=PACKAGES, output=folder / "page")
    return folder


@pytest.fixture(scope="module")
def survey(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey of ten digits."""
    return built(tmp_path_factory.mktemp("survey") / "digits")


@pytest.fixture
def arrive(browser: Browser, survey: Path) -> Iterator[Arrive]:
    """Open the page as somebody; whatever it complains about or asks a network for fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(
        *,
        at: Path = survey,
        page_at: str = "",
        person: str = "participant=0123456789abcdef",
        seed: int = 7,
        allowed: str | tuple[str, ...] = "",
        keyboard: bool = False,
        **screen: Any,
    ) -> Participant:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **screen})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        others = (allowed,) if isinstance(allowed, str) else allowed
        local = tuple(filter(None, ("file:", "data:", "blob:", *others)))
        page.on("request", lambda request: request.url.startswith(local) or complaints.append(request.url))
        page.goto(f"{page_at or (at / 'page' / SINGLE).as_uri()}?seed={seed}&{person}")
        return Participant(page, planned(at, seed), keyboard=keyboard)

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def rows_of(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows = list(reader)
    assert list(reader.fieldnames or ()) == COLUMNS
    return rows


def test_a_participant_takes_home_what_was_asked_and_answered(arrive: Arrive, survey: Path) -> None:
    somebody = arrive()
    somebody.begin()
    somebody.answer_all(lambda trial: trial["options"][-1])
    name, text = somebody.saved("csv")
    json_name, json_text = somebody.saved("json")
    assert (name, json_name) == ("small-0123456789abcdef.csv", "small-0123456789abcdef.json")
    rows, written = rows_of(text), json.loads(json_text)
    assert text.count("\r\n") == len(rows) + 1
    assert written["format"] == 1
    assert [{key: _told(value) for key, value in row.items()} for row in written["rows"]] == rows
    assert [(row["response"], int(row["rating"])) for row in rows] == somebody.given
    asked = ("trial", "block", "foils", "kind", "stimulus", "correct_answer")
    assert [[row[key] for key in asked] for row in rows] == [[str(t[key]) for key in asked] for t in somebody.trials]
    assert [row["options"].split("|") for row in rows] == [trial["options"] for trial in somebody.trials]
    checked = load_questionnaire(survey / "questionnaire.json")
    for ending, said in {"csv": text, "json": json_text}.items():
        read = parsed_responses(said, kind=ending, source=name, questionnaire=checked)
        assert list(zip(read["response"], read["rating"], strict=True)) == somebody.given
    questionnaire = json.loads((survey / "questionnaire.json").read_text())
    sums = {card["id"]: card for kind in ("stimuli", "catch", "practice") for card in questionnaire[kind]}
    for row in rows:
        card = sums[row["stimulus"]]
        assert (row["stimulus_sha256"], row["condition"]) == (card["sha256"], card.get("condition", ""))
        assert (row["format"], row["study"], row["study_version"]) == ("1", "small", questionnaire["version"])
        assert (row["participant"], row["seed"], row["finished"]) == ("0123456789abcdef", "7", "true")
        assert row["screen"] == "1280x800"
        assert int(row["response_ms"]) > 0 and int(row["rating_ms"]) > 0


@pytest.mark.parametrize("from_server", [False, True])
def test_the_folder_asks_the_same_by_double_click_and_from_a_server(
    from_server: bool, arrive: Arrive, survey: Path
) -> None:
    with hosted(survey / "page") as address:
        somebody = arrive(
            page_at=f"{address}index.html" if from_server else (survey / "page/index.html").as_uri(), allowed=address
        )
        somebody.begin()
        for trial in somebody.trials[:4]:
            somebody.answer(trial)
        somebody.leave("stop")
        read = parsed_responses(
            somebody.saved("csv")[1],
            kind="csv",
            source="a file",
            questionnaire=load_questionnaire(survey / "questionnaire.json"),
        )
        assert list(zip(read["response"], read["rating"], strict=True)) == somebody.given
        widths = somebody.locator(".gallery img").evaluate_all("images => images.map(image => image.naturalWidth)")
        assert len(widths) == 1 and widths[0] > 0


def test_practice_says_what_was_right_and_the_blocks_do_not(arrive: Arrive) -> None:
    somebody = arrive()
    somebody.begin()
    first = somebody.trials[0]
    wrong = next(name for name in first["options"] if name != first["correct_answer"])
    somebody.choose(".trial:not(.rating)", first["options"].index(wrong), wrong)
    somebody.choose(".trial.rating", 0, "1")
    expect(somebody.locator("#question")).to_have_text(f"The answer was “{first['correct_answer']}”.")
    somebody.press(somebody.locator(".trial.only button"))
    for trial in somebody.trials[1:4]:
        somebody.answer(trial)
    expect(somebody.locator("#place")).to_have_text(f"2 of {len(somebody.trials) - 3}")


def test_practice_is_counted_apart(arrive: Arrive) -> None:
    somebody = arrive()
    expect(somebody.locator("#page")).to_contain_text(
        f"You look at {len(somebody.trials) - 3} images, after 3 for practice"
    )
    somebody.begin()
    expect(somebody.locator("#place")).to_have_text("Practice 1 of 3")
    for trial in somebody.trials[:3]:
        assert somebody.locator("#progress").is_hidden()
        somebody.answer(trial)
    somebody.reach(somebody.trials[3])
    expect(somebody.locator("#place")).to_have_text(f"1 of {len(somebody.trials) - 3}")
    assert somebody.locator("#progress").get_attribute("max") == str(len(somebody.trials) - 3)


def test_the_consent_names_the_buttons_that_are_there(arrive: Arrive) -> None:
    somebody = arrive()
    named = re.findall("“([^”]+)”", somebody.locator("#page").inner_text())
    choices = [button.locator("span").inner_text() for button in somebody.locator("#page button").all()]
    assert named[:2] == choices
    assert somebody.locator("#leave").is_hidden()
    somebody.begin()
    expect(somebody.locator("#leave")).to_have_text(named[2])


@pytest.mark.parametrize("contact", ["Ada Example, ada@example.org", None])
def test_the_consent_names_a_contact_or_states_that_there_is_none(
    contact: str | None, arrive: Arrive, tmp_path: Path
) -> None:
    consent = arrive(at=built(tmp_path / "survey", contact=contact)).locator("#page")
    expect(consent).to_contain_text("names nobody whom you can ask" if contact is None else f"Ask {contact}.")
    assert consent.locator(".notice").count() == (contact is None)


def test_every_button_of_a_question_shows_its_key(arrive: Arrive) -> None:
    somebody = arrive()
    somebody.begin()
    shown = somebody.locator("#page button")
    for trial in somebody.trials[:8]:
        somebody.reach(trial)
        somebody.locator(".trial:not(.rating):not(.only) button").first.wait_for()
        keys = shown.evaluate_all(
            "buttons => buttons.map(button => [button.dataset.key, button.querySelector('kbd')?.innerText])"
        )
        assert all(key and key == seen for key, seen in keys), keys
        somebody.answer(trial)


def test_enter_presses_the_only_button_once(arrive: Arrive) -> None:
    somebody = arrive(keyboard=True)
    somebody.press(somebody.page.get_by_role("button", name="I take part"))
    somebody.page.get_by_role("button", name="Begin").wait_for()
    somebody.page.keyboard.press("Enter")
    expect(somebody.locator("#place")).to_have_text("Practice 1 of 3")
    assert somebody.page.evaluate("session.rows") == []


def test_who_withdraws_leaves_nothing_behind(arrive: Arrive) -> None:
    somebody = arrive()
    somebody.begin()
    for trial in somebody.trials[:6]:
        somebody.answer(trial)
    somebody.leave("stay")
    somebody.answer(somebody.trials[6])
    assert somebody.page.evaluate("session.rows.length") == 7
    somebody.leave("withdraw")
    expect(somebody.locator("#page h1")).to_have_text("You have withdrawn")
    assert somebody.page.evaluate("session.rows") == []
    assert [button.inner_text() for button in somebody.locator("button:visible").all()] == []


def test_one_can_withdraw_in_the_middle_of_a_rating_and_after_saving(arrive: Arrive) -> None:
    first, second = arrive(), arrive()
    first.begin()
    first.choose(".trial:not(.rating)", 0, first.trials[0]["options"][0])
    first.locator(".trial.rating").wait_for()
    first.leave("withdraw")
    expect(first.locator("#page h1")).to_have_text("You have withdrawn")
    second.begin()
    second.answer(second.trials[0])
    second.leave("stop")
    second.saved("csv")
    second.leave("withdraw")
    expect(second.locator("#page")).to_contain_text("Delete the saved file yourself.")
    assert second.page.evaluate("session.rows") == []
    assert second.locator("#save-csv, #save-json").count() == 0


def test_who_stops_early_may_keep_the_answers_so_far(arrive: Arrive) -> None:
    somebody = arrive()
    somebody.begin()
    for trial in somebody.trials[:5]:
        somebody.answer(trial)
    somebody.leave("stop")
    rows = rows_of(somebody.saved("csv")[1])
    assert [int(row["trial"]) for row in rows] == [1, 2, 3, 4, 5]
    assert {row["finished"] for row in rows} == {"false"}


def test_who_declines_is_asked_nothing(arrive: Arrive) -> None:
    somebody = arrive()
    somebody.press(somebody.page.get_by_role("button", name="I do not take part"))
    expect(somebody.locator("#page h1")).to_have_text("You do not take part")
    assert somebody.locator("button:visible").count() == 0
    assert somebody.page.evaluate("session.rows") == []


def test_the_keyboard_alone_is_enough(arrive: Arrive) -> None:
    somebody = arrive(keyboard=True)
    somebody.begin()
    somebody.answer_all(lambda trial: trial["options"][-1])
    rows = rows_of(somebody.saved("csv")[1])
    assert [(row["response"], int(row["rating"])) for row in rows] == somebody.given
    somebody.leave("withdraw")
    expect(somebody.locator("#page h1")).to_have_text("You have withdrawn")


def test_names_that_are_no_digits_have_counted_keys(arrive: Arrive, tmp_path: Path) -> None:
    somebody = arrive(at=built(tmp_path / "survey", classes=AWKWARD), keyboard=True)
    somebody.begin()
    for trial in somebody.trials[:6]:
        somebody.answer(trial)
    somebody.leave("stop")
    text = somebody.saved("csv")[1]
    rows = rows_of(text)
    assert [row["response"] for row in rows] == [trial["correct_answer"] for trial in somebody.trials[:6]]
    questionnaire = load_questionnaire(tmp_path / "survey/questionnaire.json")
    read = parsed_responses(text, kind="csv", source="a file", questionnaire=questionnaire)
    assert read["response"].tolist() == [row["response"] for row in rows]
    offered = {name for row in rows for name in re.findall(r"(?:[^|\\]|\\.)+", row["options"])}
    assert offered == {*(re.sub(r"([|\\])", r"\\\1", name) for name in AWKWARD), "none of these"}


def test_a_phone_shows_everything_without_sideways_scrolling(arrive: Arrive) -> None:
    somebody = arrive(**PHONE)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    page = somebody.page
    assert page.evaluate(fits)
    somebody.begin()
    for trial in somebody.trials:
        somebody.answer(trial)
        assert page.evaluate(fits)
    somebody.press(somebody.locator("#leave"))
    assert page.evaluate(fits)
    somebody.press(somebody.locator("#stay"))
    rows = rows_of(somebody.saved("csv")[1])
    assert page.evaluate(fits)
    assert {row["screen"] for row in rows} == {"390x844"}
    assert {row["finished"] for row in rows} == {"true"}


@pytest.mark.parametrize("screen", [{}, PHONE])
def test_images_are_crisp_described_and_buttons_are_in_sight(screen: Any, arrive: Arrive) -> None:
    somebody = arrive(**screen)
    somebody.begin()
    sizes = set()
    for trial in somebody.trials[:8]:
        somebody.reach(trial)
        somebody.locator(".trial:not(.rating):not(.only) button").first.wait_for()
        image = somebody.locator(".trial img")
        assert image.get_attribute("alt")
        assert image.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
        times = image.evaluate("image => image.getBoundingClientRect().width / image.naturalWidth")
        assert times == int(times) > 0
        sizes.add(times)
        group = somebody.page.get_by_role("group")
        assert group.get_attribute("aria-labelledby") == "question"
        expect(group.get_by_role("button").last).to_be_in_viewport(ratio=1)
        somebody.answer(trial)
    assert len(sizes) > 1


def test_without_an_address_everybody_gets_an_id_and_a_seed_of_their_own(browser: Browser, survey: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        drawn = set()
        for _ in range(2):
            page.goto((survey / "page" / SINGLE).as_uri())
            participant, seed = page.evaluate("[session.participant, session.seed]")
            assert re.fullmatch("[0-9a-f]{16}", participant) and 0 <= seed < 2**32
            drawn |= {participant, seed}
        assert len(drawn) == 4
        assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]


@pytest.mark.parametrize(
    "address",
    [
        *("seed=-1", "seed=4294967296", "seed=1e3", "participant=", "participant=%3D1", "participant=a%20b"),
        *(f"PROLIFIC_PID={'a' * 65}", "PROLIFIC_PID=a&STUDY_ID=b", "STUDY_ID=%3Cb%3E&SESSION_ID=c"),
    ],
)
def test_an_address_that_cannot_be_used_begins_nothing(address: str, browser: Browser, survey: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{(survey / 'page' / SINGLE).as_uri()}?{address}")
        expect(page.locator("#page h1")).to_have_text("This address cannot be used")
        assert page.locator("button:visible").count() == 0


def test_who_leaves_with_answers_is_warned_until_they_are_saved(arrive: Arrive) -> None:
    somebody = arrive()
    somebody.begin()
    somebody.answer(somebody.trials[0])
    with somebody.page.expect_event("dialog") as asked:
        somebody.page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    somebody.leave("stop")
    somebody.saved("json")
    with somebody.page.expect_event("close"):
        somebody.page.close(run_before_unload=True)


def test_answers_can_be_sent_where_the_study_says(arrive: Arrive, tmp_path: Path) -> None:
    with listening() as (address, received):
        somebody = arrive(at=built(tmp_path / "survey", post_url=address), allowed=address)
        somebody.begin()
        somebody.answer(somebody.trials[0])
        somebody.leave("stop")
        somebody.press(somebody.locator("#send"))
        expect(somebody.locator("#told")).to_have_text("Your answers have been sent.")
        assert received == [json.loads(somebody.saved("json")[1])]


PROLIFIC = "PROLIFIC_PID=60aFe0123456789012345678&STUDY_ID=study-1&SESSION_ID=session_1"
HERE = "https://recruits.invalid/complete?cc=CODE1"
RECRUITMENT = json.dumps({"completion_url": HERE, "completion_code": "CODE1"})


def recruiting(folder: Path, **changed: Any) -> Path:
    """A survey whose page leads to a recruitment service at the end."""
    write_survey(folder, **changed)
    page = folder / "page"
    survey_build(questionnaire=folder / "questionnaire.json", packages=PACKAGES, output=page, settings=RECRUITMENT)
    return folder


def test_ids_of_a_recruitment_service_are_stored_and_read_back(arrive: Arrive, survey: Path) -> None:
    somebody = arrive(person=PROLIFIC)
    expect(somebody.locator("#page")).to_contain_text("under the participant id in its address")
    somebody.begin()
    somebody.answer(somebody.trials[0])
    somebody.leave("stop")
    for ending in ("csv", "json"):
        name, text = somebody.saved(ending)
        assert name == f"small-60aFe0123456789012345678.{ending}"
        (row,) = csv.DictReader(io.StringIO(text)) if ending == "csv" else json.loads(text)["rows"]
        ids = ("participant", "recruitment_study", "recruitment_session")
        assert [row[column] for column in ids] == ["60aFe0123456789012345678", "study-1", "session_1"]
        questionnaire = load_questionnaire(survey / "questionnaire.json")
        table = parsed_responses(text, kind=ending, source=name, questionnaire=questionnaire)
        assert re.fullmatch("[0-9a-f]{16}", table["participant"].iloc[0])
        assert not table.astype(str).apply(lambda cells: cells.str.contains("60aFe|study-1|session_1")).any(axis=None)


def test_who_answered_everything_is_led_back_after_sending(arrive: Arrive, tmp_path: Path) -> None:
    with listening() as (address, received):
        folder = recruiting(tmp_path / "survey", post_url=address)
        somebody = arrive(at=folder, person=PROLIFIC, allowed=(address, "https://recruits.invalid/"))
        somebody.page.route("https://recruits.invalid/**", lambda route: route.fulfill(body="Thank you"))
        somebody.begin()
        somebody.answer_all()
        assert somebody.locator("#completion").inner_text() == ""
        somebody.press(somebody.locator("#send"))
        expect(somebody.locator("#completion")).to_contain_text("If it does not open, enter this code there: CODE1")
        assert somebody.locator("#completion a").get_attribute("href") == HERE
        somebody.page.wait_for_url(HERE)
        assert len(received) == 1


def test_who_stops_early_is_not_led_back(arrive: Arrive, tmp_path: Path) -> None:
    somebody = arrive(at=recruiting(tmp_path / "survey"))
    somebody.begin()
    somebody.answer(somebody.trials[0])
    somebody.leave("stop")
    somebody.saved("json")
    assert somebody.locator("#completion").inner_text() == ""


#: Stands in for the script of a JATOS server: the functions that the page calls, and what they were called with.
JATOS = """
const jatos = {
  urlQueryParameters: { seed: "7", PROLIFIC_PID: "abc", STUDY_ID: "s", SESSION_ID: "t" },
  calls: [],
  onLoad: (begin) => setTimeout(begin, 50),
  submitResultData: (data) => { jatos.calls.push(["submit", data]); return Promise.resolve(); },
  endStudyAndRedirect: (url) => jatos.calls.push(["redirect", url]),
  endStudy: () => jatos.calls.push(["end"]),
};
"""


def test_on_a_jatos_server_answers_are_submitted_there(arrive: Arrive, tmp_path: Path) -> None:
    folder = recruiting(tmp_path / "survey")
    (folder / "page" / "jatos.js").write_text(JATOS)
    with hosted(folder / "page") as address:
        somebody = arrive(at=folder, page_at=f"{address}/jatos.html", allowed=address)
        somebody.begin()
        somebody.answer_all()
        somebody.press(somebody.locator("#send"))
        expect(somebody.locator("#told")).to_have_text("Your answers have been sent.")
        expect(somebody.locator("#completion")).to_contain_text("CODE1")
        somebody.page.wait_for_timeout(6_000)  # the page waits 5 s, so that the code can be noted
        (_, data), redirect = somebody.page.evaluate("jatos.calls")
    assert redirect == ["redirect", HERE]
    rows = json.loads(data)["rows"]
    assert {(row["participant"], row["recruitment_study"], row["finished"]) for row in rows} == {("abc", "s", True)}


def test_answers_that_cannot_be_sent_can_still_be_saved(browser: Browser, tmp_path: Path) -> None:
    with listening(status=500) as (address, _):
        folder = built(tmp_path / "survey", post_url=address)
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{(folder / 'page' / SINGLE).as_uri()}?seed=7")
            somebody = Participant(page, planned(folder, 7))
            somebody.begin()
            somebody.answer(somebody.trials[0])
            somebody.leave("stop")
            somebody.press(somebody.locator("#send"))
            expect(somebody.locator("#told")).to_contain_text("Sending failed (the server answered 500)")
            assert len(rows_of(somebody.saved("csv")[1])) == 1


def test_the_page_can_ask_no_other_host_for_anything(browser: Browser, survey: Path) -> None:
    with listening() as (address, received), browser.new_context() as context:
        page = context.new_page()
        for file in (SINGLE, "index.html"):
            page.goto((survey / "page" / file).as_uri())
            asked = f"fetch('{address}', {{method: 'POST', body: '{{}}'}}).then(() => 'sent', () => 'refused')"
            assert page.evaluate(asked) == "refused"
        assert received == []


def _told(value: object) -> str:
    """A value of JSON as a cell of CSV says it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
