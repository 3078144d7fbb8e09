"""Puts the questionnaire's page together: as a folder, and as one file that holds everything.

Neither asks any network for anything: scripts, style and images lie beside the page or in it, and its content security
policy allows no other host but the one that answers may be sent to, if there is one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup

from fooling.artifacts import sha256_of
from fooling.errors import REMEDY, FoolingError
from fooling.inlined import data_uri
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
)  # in the order in which they are loaded
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)  # which browsers would fetch from elsewhere
ENDS_SCRIPT = re.compile(r"<(?=/script|script|!--)", re.IGNORECASE)
POLICY_SIGNS = re.compile(r"[\s;,'\"]")


@dataclass(frozen=True)
class Library:
    """The browser build of one npm package."""

    name: str
    version: str
    code: str


@dataclass(frozen=True)
class Page:
    """The page twice."""

    files: Mapping[str, bytes]  # by their paths in the folder
    single: str  # one HTML text


def pinned_versions() -> dict[str, str]:
    """The versions of the libraries that the page is written for."""
    versions: dict[str, str] = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    return versions


def cards(questionnaire: Questionnaire) -> tuple[Stimulus | CatchCard, ...]:
    """Everything that is shown."""
    return (*questionnaire.stimuli, *questionnaire.catch, *questionnaire.practice)


def assembled(questionnaire: Questionnaire, images: Mapping[str, bytes], libraries: Sequence[Library]) -> Page:
    """The page of ``questionnaire`` with its ``images``, PNG files by the paths that the questionnaire gives them.

    Raises :class:`FoolingError` for an image that is not the one of the questionnaire, for libraries of other versions
    than the page is written for, and for a ``post_url`` that is no address of the web.
    """
    _require_versions(libraries)
    shown = _shown(questionnaire)
    for identifier, (file, sha256) in shown.items():
        _require_image(identifier, file, found=sha256_of(images[file]), expected=sha256)
    scripts = _scripts(libraries)
    style = (SOURCES / "style.css").read_text()
    contact = _connection(questionnaire.post_url)
    inline = {name: _without_end(code) for name, code in scripts.items()}
    single = _rendered(
        questionnaire,
        policy=_policy([_hash_of(code) for code in inline.values()], [_hash_of(style)], "data:", contact),
        style=Markup(f"<style>{style}</style>"),
        scripts=Markup("\n".join(f"<script>{code}</script>" for code in inline.values())),
        sources={identifier: data_uri(images[file]) for identifier, (file, _) in shown.items()},
    )
    beside = ["'self'", "file:"]  # a page that is opened by double-click has no host of its own
    index = _rendered(
        questionnaire,
        policy=_policy(beside, beside, "'self' file: data:", contact),
        style=Markup('<link rel="stylesheet" href="style.css">'),
        scripts=Markup("\n".join(f'<script src="{name}"></script>' for name in scripts)),
        sources={identifier: file for identifier, (file, _) in shown.items()},
    )
    texts = {**scripts, "style.css": style, "index.html": index}
    pictures = {file: images[file] for file, _ in shown.values()}
    return Page(files=pictures | {name: text.encode() for name, text in texts.items()}, single=single)


def _shown(questionnaire: Questionnaire) -> dict[str, tuple[str, str]]:
    """File and SHA-256 of every image by its id."""
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
                f"the package {library.name} has another version than the page is written for",
                found=library.version,
                expected=pinned[library.name],
                remedy="run npm ci beside the page's package-lock.json, or make survey",
            )


def _scripts(libraries: Sequence[Library]) -> dict[str, str]:
    """All scripts by their file names, in the order in which they are loaded."""
    scripts = {}
    for library in libraries:
        notice = f"/* {library.name} {library.version}, MIT licence, https://github.com/jspsych/jsPsych */\n"
        scripts[f"{library.name.rpartition('/')[2]}.js"] = notice + SOURCE_MAP.sub("", library.code)
    return scripts | {name: (SOURCES / name).read_text() for name in OWN_SCRIPTS}


def _rendered(
    questionnaire: Questionnaire, *, policy: str, style: Markup, scripts: Markup, sources: Mapping[str, str]
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SOURCES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("template.html").render(
        policy=policy,
        title=questionnaire.title,
        style=style,
        scripts=scripts,
        questionnaire=_as_json(questionnaire.model_dump(mode="json")),
        images=_as_json(sources),
    )


def _as_json(value: Any) -> Markup:
    """JSON that can stand within a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026"))


def _without_end(code: str) -> str:
    r"""``code`` in which no text ends its script element; in strings and patterns ``\x3C`` means ``<``."""
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


def _connection(post_url: str | None) -> str:
    """The only place that the page may send anything to."""
    if post_url is None:
        return "'none'"
    try:
        address = urlsplit(post_url)
    except ValueError:
        address = urlsplit("")
    if address.scheme not in ("http", "https") or not address.hostname or POLICY_SIGNS.search(post_url):
        raise FoolingError(
            "survey.post_url is no address that answers can be sent to",
            found=post_url,
            expected="an address such as https://example.org/answers",
        )
    return f"{address.scheme}://{address.netloc}{address.path}"


def _hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
