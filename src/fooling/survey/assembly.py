"""The questionnaire's page: as a folder, and as a single file that contains everything.

Neither loads anything from the internet. Scripts, style and images are in the folder or in the file, and the content
security policy allows no host except the one to which answers are sent, if any.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from markupsafe import Markup
from pydantic import Field, StringConstraints

from fooling.artifacts import read_json, sha256_of
from fooling.images import data_uri
from fooling.inputs import read_text
from fooling.messages import REMEDY, FoolingError
from fooling.settings import Settings
from fooling.survey.questionnaire import CatchCard, Questionnaire, Stimulus

SOURCES = Path(__file__).parent / "page"
DATA_FILES = (
    "page/package.json",
    "page/style.css",
    "page/template.html",
    "page/orders.js",
    "page/records.js",
    "page/screens.js",
    "page/ending.js",
    "page/questionnaire.js",
)
OWN_SCRIPTS = tuple(Path(file).name for file in DATA_FILES if file.endswith(".js"))  # the last one starts the page
BROWSER_BUILD = "dist/index.browser.min.js"  # of every package
LIBRARIES = (
    "jspsych",
    "@jspsych/plugin-preload",
    "@jspsych/plugin-html-button-response",
    "@jspsych/plugin-image-button-response",
)  # in the order of loading
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)  # browsers would fetch it from another host
ENDS_SCRIPT = re.compile(r"<(?=/script|script|!--)", re.IGNORECASE)
JATOS_SCRIPT = "jatos.js"  # a JATOS server has it beside the pages of each study
POLICY_SIGNS = re.compile(r"[\s;,'\"]")


class RecruitmentSettings(Settings):
    """Where participants go after they have handed over their answers."""

    completion_url: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$", max_length=500)] | None = Field(
        default=None, examples=["https://app.prolific.com/submissions/complete?cc=ABC123"]
    )
    """Address of the recruitment service to which the page leads at the end; null: it leads nowhere."""
    completion_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=50)] | None = None
    """Code that the page shows beside this address, for participants for whom it does not open."""


@dataclass(frozen=True)
class Library:
    """The browser build of one npm package."""

    name: str
    version: str
    code: str


@dataclass(frozen=True)
class Page:
    """The page in both forms."""

    files: Mapping[str, bytes]  # by path in the folder
    single: str  # one HTML file


def pinned_versions() -> dict[str, str]:
    """Return the versions of the libraries for which the page is written."""
    versions: dict[str, str] = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    return versions


def cards(questionnaire: Questionnaire) -> tuple[Stimulus | CatchCard, ...]:
    """Return all cards: stimuli, catch cards and practice images."""
    return (*questionnaire.stimuli, *questionnaire.catch, *questionnaire.practice)


def assemble_page(
    questionnaire: Questionnaire,
    images: Mapping[str, bytes],
    libraries: Sequence[Library],
    recruitment: RecruitmentSettings,
) -> Page:
    """Return the page of ``questionnaire``.

    Args:
        questionnaire: The questionnaire.
        images: PNG files by their paths in the questionnaire.
        libraries: Browser builds of the libraries.
        recruitment: Where participants go at the end.

    Raises:
        FoolingError: An image differs from the questionnaire's, a library has another version than the page needs, or
            ``post_url`` or ``completion_url`` is not a web address.
    """
    _require_versions(libraries)
    shown = _shown(questionnaire)
    for identifier, (file, sha256) in shown.items():
        _require_image(identifier, file, found=sha256_of(images[file]), expected=sha256)
    scripts = _scripts(libraries)
    style = (SOURCES / "style.css").read_text()
    contact = "'none'" if questionnaire.post_url is None else _web_address(questionnaire.post_url, "post_url")
    if recruitment.completion_url is not None:
        _web_address(recruitment.completion_url, "completion_url", schemes=("https",))
    inline = {name: _without_end(code) for name, code in scripts.items()}
    single = _rendered(
        questionnaire,
        recruitment,
        policy=_policy([_hash_of(code) for code in inline.values()], [_hash_of(style)], "data:", contact),
        style=Markup(f"<style>{style}</style>"),
        scripts=Markup("\n".join(f"<script>{code}</script>" for code in inline.values())),
        sources={identifier: data_uri(images[file]) for identifier, (file, _) in shown.items()},
    )
    beside = ["'self'", "file:"]  # a page opened by double-click has no host
    index, on_jatos = (
        _rendered(
            questionnaire,
            recruitment,
            policy=_policy(beside, beside, "'self' file: data:", connection),
            style=Markup('<link rel="stylesheet" href="style.css">'),
            scripts=Markup("\n".join(f'<script src="{name}"></script>' for name in (*first, *scripts))),
            sources={identifier: file for identifier, (file, _) in shown.items()},
        )
        for first, connection in (((), contact), ((JATOS_SCRIPT,), "'self'"))
    )
    texts = {**scripts, "style.css": style, "index.html": index, "jatos.html": on_jatos}
    pictures = {file: images[file] for file, _ in shown.values()}
    return Page(files=pictures | {name: text.encode() for name, text in texts.items()}, single=single)


def _shown(questionnaire: Questionnaire) -> dict[str, tuple[str, str]]:
    """Return file and SHA-256 of every image by its id."""
    return {card.id: (card.file, card.sha256) for card in cards(questionnaire)}


def _require_image(identifier: str, file: str, *, found: str, expected: str) -> None:
    if found != expected:
        raise FoolingError(
            f"{file} is not the image {identifier} of the questionnaire",
            found=f"SHA-256 {found}",
            expected=f"SHA-256 {expected}",
            remedy=REMEDY,
        )


def _require_versions(libraries: Sequence[Library]) -> None:
    pinned = pinned_versions()
    for library in libraries:
        if library.version != pinned[library.name]:
            raise FoolingError(
                f"the package {library.name} has another version than the page needs",
                found=library.version,
                expected=pinned[library.name],
                remedy="run npm ci beside the page's package-lock.json, or make survey",
            )


def _scripts(libraries: Sequence[Library]) -> dict[str, str]:
    """Return all scripts by file name, in the order of loading."""
    scripts = {}
    for library in libraries:
        notice = f"/* {library.name} {library.version}, MIT licence, https://github.com/jspsych/jsPsych */\n"
        scripts[f"{library.name.rpartition('/')[2]}.js"] = notice + SOURCE_MAP.sub("", library.code)
    return scripts | {name: (SOURCES / name).read_text() for name in OWN_SCRIPTS}


def installed_libraries(packages: Path) -> list[Library]:
    """Return the libraries of the page, in the order of loading, from the folder of installed npm packages.

    Raises :class:`FoolingError` if one is not installed.
    """
    return [_library(packages / name, name) for name in LIBRARIES]


def _library(folder: Path, name: str) -> Library:
    """Read the npm package in ``folder``."""
    if not folder.is_dir():
        raise FoolingError(
            "the page is built with jsPsych, which is not installed",
            found=f"nothing in {folder}",
            expected=f"the npm package {name}",
            remedy="run make survey, which installs it with npm; or npm ci beside the page's package-lock.json",
        )
    described = read_json(folder / "package.json")
    version = described.get("version") if isinstance(described, dict) else None
    return Library(name=name, version=str(version), code=read_text(folder / BROWSER_BUILD))


def _rendered(
    questionnaire: Questionnaire,
    recruitment: RecruitmentSettings,
    *,
    policy: str,
    style: Markup,
    scripts: Markup,
    sources: Mapping[str, str],
) -> str:
    import jinja2  # here, because Snakemake reads the settings above at every start

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SOURCES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("template.html").render(
        policy=policy,
        title=questionnaire.title,
        style=style,
        scripts=scripts,
        questionnaire=_as_json(questionnaire.model_dump(mode="json")),
        recruitment=_as_json(recruitment.model_dump(mode="json", include=set(RecruitmentSettings.model_fields))),
        images=_as_json(sources),
    )


def _as_json(value: Any) -> Markup:
    """Return JSON that is safe within a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026"))


def _without_end(code: str) -> str:
    r"""Return ``code`` in which no text ends its script element; in strings and patterns ``\x3C`` means ``<``."""
    return ENDS_SCRIPT.sub(r"\\x3C", code)


def _policy(scripts: Sequence[str], styles: Sequence[str], images: str, connection: str) -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(scripts)}",
            f"style-src {' '.join(styles)}",
            f"img-src {images}",
            f"connect-src {connection}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _web_address(url: str, key: str, *, schemes: Sequence[str] = ("http", "https")) -> str:
    """Return ``url`` without its query; raise :class:`FoolingError` if it is not a web address."""
    try:
        address = urlsplit(url)
    except ValueError:
        address = urlsplit("")
    if address.scheme not in schemes or not address.hostname or POLICY_SIGNS.search(url):
        raise FoolingError(
            f"survey.{key} is not a valid web address",
            found=url,
            expected="an address such as https://example.org/answers",
        )
    return f"{address.scheme}://{address.netloc}{address.path}"


def _hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
