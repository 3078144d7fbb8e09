"""The page holds what the questionnaire says, and nothing in it can break out of its place or ask a network."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fooling.cli.survey import survey_build
from fooling.messages import FoolingError
from fooling.survey.assembly import BROWSER_BUILD, LIBRARIES, OWN_SCRIPTS, cards, pinned_versions
from survey.made_up_survey import write_survey

EVIL = '</script><script>alert("1")</script><!--'


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Packages of the right versions with next to nothing in them."""
    folder = tmp_path / "node_modules"
    for name in LIBRARIES:
        build = folder / name / BROWSER_BUILD
        build.parent.mkdir(parents=True)
        build.write_text(f'load("{name} </script>");\n//# sourceMappingURL=https://elsewhere.example/map\n')
        (folder / name / "package.json").write_text(json.dumps({"version": pinned_versions()[name]}))
    return folder


class Page(HTMLParser):
    """The elements of a page: attributes of each by its tag, and the text within each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, {name: value or "" for name, value in attributes}))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.attributes and self.attributes[-1][0] == "script":
            self.scripts[-1] += data

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.attributes if name in attributes]


def built(folder: Path, packages: Path) -> Path:
    survey_build(questionnaire=folder / "questionnaire.json", packages=packages, output=folder / "page")
    return folder / "page"


def test_the_single_file_holds_everything(tmp_path: Path, packages: Path) -> None:
    questionnaire = write_survey(tmp_path / "survey")
    text = (built(tmp_path / "survey", packages) / "small-survey.html").read_text()
    page = Page(text)
    assert page.values("src") == []
    assert page.values("href") == ["data:,"]
    assert json.loads(page.scripts[0]) == questionnaire.model_dump(mode="json")
    images = json.loads(page.scripts[1])
    assert images.keys() == {card.id for card in cards(questionnaire)}
    assert all(source.startswith("data:image/png;base64,") for source in images.values())


def test_the_folder_holds_all_that_its_page_names(tmp_path: Path, packages: Path) -> None:
    questionnaire = write_survey(tmp_path / "survey")
    folder = built(tmp_path / "survey", packages)
    page = Page((folder / "index.html").read_text())
    named = [*page.values("src"), "style.css", *json.loads(page.scripts[1]).values()]
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == {*named, "index.html", "jatos.html", "small-survey.html"}
    for card in cards(questionnaire):
        assert (folder / card.file).read_bytes() == (tmp_path / "survey" / card.file).read_bytes()


def test_libraries_come_before_our_own_scripts_and_name_no_source_map(tmp_path: Path, packages: Path) -> None:
    write_survey(tmp_path / "survey")
    folder = built(tmp_path / "survey", packages)
    sources = Page((folder / "index.html").read_text()).values("src")
    assert sources[0] == "jspsych.js"
    assert sources[-1] == "questionnaire.js"
    everything = "".join(path.read_text() for path in folder.iterdir() if path.is_file())
    assert "sourceMappingURL" not in everything
    assert f"jspsych {pinned_versions()['jspsych']}, MIT licence" in everything


@pytest.mark.parametrize("page", ["index.html", "small-survey.html"])
def test_no_name_and_no_text_breaks_out_of_its_place(page: str, tmp_path: Path, packages: Path) -> None:
    classes = ("one", EVIL, "a&b", "it's")
    questionnaire = write_survey(tmp_path / "survey", classes=classes, title=EVIL, contact=EVIL)
    text = (built(tmp_path / "survey", packages) / page).read_text()
    parsed = Page(text)
    assert len(parsed.scripts) == 3 + len(OWN_SCRIPTS) + len(LIBRARIES)
    assert json.loads(parsed.scripts[0]) == questionnaire.model_dump(mode="json")
    assert f"<title>{html.escape(EVIL).replace('&quot;', '&#34;')}</title>" in text
    if page == "small-survey.html":
        assert parsed.scripts[3].splitlines()[1] == r'load("jspsych \x3C/script>");'


@pytest.mark.parametrize(
    ("post_url", "allowed"),
    [(None, "'none'"), ("https://example.org:8443/answers?of=small", "https://example.org:8443/answers")],
)
def test_the_policy_allows_no_host_but_the_one_to_send_to(
    post_url: str | None, allowed: str, tmp_path: Path, packages: Path
) -> None:
    write_survey(tmp_path / "survey", post_url=post_url)
    folder = built(tmp_path / "survey", packages)
    for name in ("index.html", "small-survey.html"):
        (policy,) = (value for value in Page((folder / name).read_text()).values("content") if "default-src" in value)
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        assert rules.pop("connect-src") == allowed
        assert not re.search(r"https?:|\*|unsafe", " ".join(rules.values()))


@pytest.mark.parametrize(
    "post_url", ["answers", "ftp://example.org", "https://", "https://a; script-src *", "http://["]
)
def test_an_address_that_is_none_is_refused(post_url: str, tmp_path: Path, packages: Path) -> None:
    write_survey(tmp_path / "survey", post_url=post_url)
    with pytest.raises(FoolingError, match=r"post_url is not a valid web address\n  found:"):
        built(tmp_path / "survey", packages)
    assert not (tmp_path / "survey/page").exists()


def test_an_image_that_was_changed_is_refused(tmp_path: Path, packages: Path) -> None:
    write_survey(tmp_path / "survey")
    image = tmp_path / "survey/stimuli/cppn-1.png"
    image.write_bytes(image.read_bytes() + b"\0")
    with pytest.raises(FoolingError, match=r"cppn-1\.png is not the image cppn-1 of the questionnaire\n  found: SHA"):
        built(tmp_path / "survey", packages)
    assert not (tmp_path / "survey/page").exists()


def test_an_image_that_is_missing_is_named(tmp_path: Path, packages: Path) -> None:
    write_survey(tmp_path / "survey")
    (tmp_path / "survey/stimuli/catch-0.png").unlink()
    with pytest.raises(FoolingError, match=r"stimuli/catch-0\.png cannot be read\n  found: nothing there"):
        built(tmp_path / "survey", packages)


def test_without_the_packages_it_is_said_what_to_run(tmp_path: Path) -> None:
    write_survey(tmp_path / "survey")
    with pytest.raises(FoolingError, match=r"jsPsych, which is not installed(.|\n)*to fix it: run make survey"):
        built(tmp_path / "survey", tmp_path / "nowhere")


@pytest.mark.parametrize(("described", "found"), [('{"version": "7.0.0"}', r"7\.0\.0"), ("[]", "None")])
def test_another_version_of_a_package_is_refused(described: str, found: str, tmp_path: Path, packages: Path) -> None:
    write_survey(tmp_path / "survey")
    (packages / "jspsych/package.json").write_text(described)
    with pytest.raises(FoolingError, match=rf"jspsych has another version(.|\n)*found: {found}"):
        built(tmp_path / "survey", packages)


def test_the_same_questionnaire_gives_the_same_bytes(tmp_path: Path, packages: Path) -> None:
    write_survey(tmp_path / "survey")
    folder = built(tmp_path / "survey", packages)
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    built(tmp_path / "survey", packages)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == first


def test_images_of_an_earlier_page_are_gone(tmp_path: Path, packages: Path) -> None:
    write_survey(tmp_path / "survey")
    folder = built(tmp_path / "survey", packages)
    (folder / "stimuli/old-1.png").write_bytes(b"of another sample")
    built(tmp_path / "survey", packages)
    assert not (folder / "stimuli/old-1.png").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, packages: Path) -> None:
    write_survey(tmp_path / "survey")
    letter = tmp_path / "survey/page/letter.txt"
    letter.parent.mkdir()
    letter.touch()
    with pytest.raises(FoolingError, match="page contains other files than a page"):
        built(tmp_path / "survey", packages)
    assert letter.exists()


def test_the_lock_file_is_of_the_pinned_versions_and_names_no_host() -> None:
    text = (Path(__file__).parents[2] / "src/fooling/survey/page/package-lock.json").read_text()
    locked = json.loads(text)["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in LIBRARIES} == pinned_versions()
    assert '"resolved"' not in text
