"""The documentation site as Markdown pages: those of ``docs/``, and pages about recorded and finished studies.

MkDocs makes the site of this folder. A page on results begins with what holds, then what does not, then what is open.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fooling.claims.verdicts import Verdict, headline_of_claims, in_words, note_on_status
from fooling.messages import table_row, unbroken

if TYPE_CHECKING:
    import pandas as pd

    from fooling.report.run_info import RecordHeader, RunInformation

#: Pages beside ``docs/`` that the site has, if the repository has them.
BESIDE = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "CODE_OF_CONDUCT.md": "conduct.md"}
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
#: Verdicts of a claim by the heading under which a page on results lists it; a further reading of a number is no claim
#: of its own.
HEADINGS: dict[str, tuple[Verdict, ...]] = {
    "What holds": (Verdict.REPRODUCED,),
    "What does not hold": (Verdict.NOT_REPRODUCED,),
    "What nobody knows": (Verdict.INCONCLUSIVE, Verdict.TOO_FEW, Verdict.UNVERIFIED, Verdict.OTHER_DATA),
}
REASONS = {
    Verdict.INCONCLUSIVE: "The interval contains values that agree and values that do not",
    Verdict.TOO_FEW: "Too few independent networks for a verdict",
    Verdict.UNVERIFIED: "The number of the source has not been verified",
    Verdict.OTHER_DATA: "Measured on other data than the claim is about",
}


@dataclass(frozen=True, kw_only=True)
class Record:
    """A recorded study: its header, claims and run information."""

    header: RecordHeader
    claims: pd.DataFrame
    information: RunInformation

    @property
    def folder(self) -> str:
        """Folder of its page in the site."""
        return f"results/{self.header.study}"


@dataclass(frozen=True, kw_only=True)
class FinishedStudy:
    """A finished study whose report, audits and images the site contains."""

    name: str
    report: bytes
    audits: Mapping[str, bytes] = field(default_factory=dict)  # files by path, such as lenet/seed1/index.html
    claims: pd.DataFrame | None = None
    made: str = ""  # date and version

    @property
    def folder(self) -> str:
        """Folder of its pages in the site."""
        return f"studies/{self.name}"


def sources(
    pages: Mapping[str, bytes],
    *,
    records: Sequence[Record],
    study: FinishedStudy | None,
    explorer: Mapping[str, bytes],
    commands: str,
    is_file: Callable[[str], bool],
    repository: str | None = None,
) -> dict[str, bytes]:
    """Return the files of which MkDocs makes the site, by path.

    Args:
        pages: Files of ``docs/`` and pages beside it, by their path in the repository.
        records: Recorded studies.
        study: A finished study to show.
        explorer: Files of the explorer.
        commands: Page that describes the commands.
        is_file: Returns whether the repository has a file or folder at a path.
        repository: Address of the repository. If None, a link to a file that is no page becomes its path.
    """
    made: dict[str, str] = {
        "results.md": results_page(records, study),
        "explore.md": explorer_page(records, study),
        "commands.md": commands,
        **{f"{record.folder}/index.md": record_page(record) for record in records},
    }
    places = {path: BESIDE.get(path, path.removeprefix("docs/")) for path in pages}
    known = {**places, **{f"docs/{path}": path for path in made}}
    found = dict[str, bytes]()
    for path, place in places.items():
        is_page = path.endswith(".md")
        found[place] = (
            relinked(pages[path].decode(), path, known, is_file, repository).encode() if is_page else pages[path]
        )
    found |= {path: text.encode() for path, text in made.items()}
    found |= {f"explorer/{path}": content for path, content in explorer.items()}
    if study is not None:
        found[f"{study.folder}/report/index.html"] = study.report
        found |= {f"{study.folder}/audits/{path}": content for path, content in study.audits.items()}
    return found


def relinked(
    text: str, path: str, known: Mapping[str, str], is_file: Callable[[str], bool], repository: str | None
) -> str:
    """Return the Markdown ``text`` of a page with its links changed to those of the site.

    A link to a file that does not exist stays as it is: MkDocs reports it.

    Args:
        text: The page.
        path: Its path in the repository.
        known: Paths in the site by paths in the repository.
        is_file: Returns whether the repository has a file or folder at a path.
        repository: Address of the repository, or None.
    """
    here = posixpath.dirname(known[path])

    def changed(link: re.Match[str]) -> str:
        words, address = link.groups()
        target, hash_sign, anchor = address.partition("#")
        if not target or ":" in target:
            return link[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        place = known.get(file) or known.get(f"{file}/index.md")
        if place is not None:
            return f"[{words}]({posixpath.relpath(place, here or '.')}{hash_sign}{anchor})"
        if not is_file(file):
            return link[0]
        if repository:
            return f"[{words}]({repository}/blob/main/{file})"
        return words if file in words else f"{words} (`{file}`)"

    return LINK.sub(changed, text)


def record_page(record: Record) -> str:
    """Return the page of a recorded study: what holds, what does not, what is open, and how it was run."""
    header, machine = record.header, record.information.machine
    runs = [
        f"{one.experiment}: {len(one.classifiers)} classifiers, {len(one.seeds)} seeds"
        for one in record.information.experiments
    ]
    files = [(f"[{path}]({path})",) for path in header.files]
    return "\n".join(
        [
            f"# Recorded results: {header.study}\n",
            f"**Recorded on {header.recorded} with version {header.version}.** These numbers were measured once, on "
            f"{machine.cores} cores ({machine.processor}, Python {machine.python}), and kept in the repository. They "
            "are not measured again when this site is built. Images and runs were not recorded.\n",
            f"{headline_of_claims(record.claims)} {note_on_status(record.claims)}\n",
            *_verdicts(record.claims),
            "## How it was run\n",
            *(f"- {line}" for line in runs),
            "\n## Files\n",
            f"[{STUDY}]({STUDY}) is the study file; [tables](../../tables.md) describes the columns.\n",
            *_table(("file",), files),
        ]
    )


STUDY = "study.yaml"


def results_page(records: Sequence[Record], study: FinishedStudy | None) -> str:
    """Return the list of all results of the site."""
    lines = [
        "# Results\n",
        "Each page says first what holds, then what does not, then what nobody knows. A claim gets a verdict only if "
        "there are enough independent networks ([how claims are judged](claims.md)).\n",
    ]
    if study is not None:
        lines += [
            f"## This study: {study.name}\n",
            f"Made {study.made}.\n",
            f"- [Report]({study.folder}/report/index.html): all figures, claims and how it was run",
            "- [Explorer](explore.md): every champion with its family",
            *(
                f"- [Audit: {path.removesuffix('/index.html')}]({study.folder}/audits/{path})"
                for path in study.audits
                if path.endswith("/index.html")
            ),
            "",
            *([] if study.claims is None else [f"{headline_of_claims(study.claims)} {note_on_status(study.claims)}\n"]),
            *([] if study.claims is None else _verdicts(study.claims, level="###")),
        ]
    lines.append("## Recorded studies\n")
    for record in records:
        counts = _counts(record.claims)
        lines += [
            f"### {record.header.study}\n",
            f"Recorded on {record.header.recorded} with version {record.header.version}: "
            f"[all claims]({record.folder}/index.md). {headline_of_claims(record.claims)}\n",
            *_table(("", "claims"), list(counts.items())),
        ]
    lines += [
        "## In words\n",
        "- [MNIST: five LeNets with the paper's settings](results-mnist.md)",
        "- [ImageNet: two networks with a small budget](results-imagenet-small.md)\n",
    ]
    return "\n".join(lines)


def explorer_page(records: Sequence[Record], study: FinishedStudy | None) -> str:
    """Return the page that leads to the explorer."""
    lines = [
        "# Explorer\n",
        "Choose an encoding, a classifier, a seed, a generation and a class. The explorer shows the image, its "
        "confidence, its ancestors and its relatives.\n",
        "[Open the explorer](explorer/index.html){ .md-button .md-button--primary }\n",
        "| study | what it has |\n|---|---|",
    ]
    if study is not None:
        lines.append(table_row((study.name, f"images and families of every run, made {study.made}")).strip())
    lines += [
        table_row(
            (
                f"{record.header.study}, recorded",
                f"numbers alone, recorded on {record.header.recorded} with version {record.header.version}",
            )
        ).strip()
        for record in records
    ]
    lines.append(
        "\nA run file keeps the images of the first and of the last generation. Of the champions in between it keeps "
        "the confidence, the generation and the parents. One run of each encoding is replayed, so that images of "
        "further generations are stored. The explorer marks each champion whose image is not stored.\n"
    )
    if study is None:
        lines.append(
            "This site was built without a finished study. To explore images, finish one and build the site with it: "
            "`make site STUDY=digits` ([how](site.md)).\n"
        )
    return "\n".join(lines)


def commands_page(commands: Iterable[tuple[str, str, str, Mapping[str, str]]]) -> str:
    """Return the reference of all commands, each with its heading, name, summary and parameters."""
    lines = [
        "# Commands\n",
        "Every command, generated from its docstring. `fooling COMMAND --help` prints the same in a terminal; "
        "[the command line](command-line.md) introduces them.\n",
    ]
    heading = None
    for panel, name, summary, parameters in commands:
        if panel != heading:
            heading = panel
            lines.append(f"## {panel}\n")
        lines += [f"### fooling {name}\n", f"{_code(summary)}\n"]
        rows = [(f"`{parameter}`", _code(words)) for parameter, words in parameters.items()]
        lines += _table(("parameter", "meaning"), rows)
    return "\n".join(lines)


def _verdicts(claims: pd.DataFrame, *, level: str = "##") -> Iterator[str]:
    """Yield the claims under each heading; those that were not run are counted."""
    for heading, verdicts in HEADINGS.items():
        yield f"{level} {heading}\n"
        nothing = True
        for verdict in verdicts:
            chosen = claims[claims["verdict"] == verdict]
            if chosen.empty:
                continue
            nothing = False
            if verdict in REASONS:
                yield f"{REASONS[verdict]}:\n"
            yield from (_claim(row) for row in chosen.to_dict("records"))
            yield ""
        if nothing:
            yield "No claim.\n"
    if not_run := int((claims["verdict"] == Verdict.NOT_RUN).sum()):
        yield f"{not_run} further claims were not run in this study.\n"


def _counts(claims: pd.DataFrame) -> dict[str, int]:
    return {heading: int(claims["verdict"].isin(list(verdicts)).sum()) for heading, verdicts in HEADINGS.items()} | {
        "Not run": int((claims["verdict"] == Verdict.NOT_RUN).sum())
    }


def _claim(row: Mapping[Hashable, Any]) -> str:
    """Return a line about one claim."""
    unit = str(row["unit"])
    value, low, high = (float(row[name]) for name in ("ours", "low", "high"))
    interval = "" if math.isnan(low) or math.isnan(high) else f" [{in_words(low, unit)}, {in_words(high, unit)}]"
    units = f"{row['units']} independent unit{'' if row['units'] == 1 else 's'}"
    return unbroken(
        f"- {row['claim']} Here: **{in_words(value, unit)}**{interval}, {units} (`{row['id']}`, {row['kind']})."
    )


def _code(text: str) -> str:
    """Return a docstring's text as Markdown: double backticks become single ones, and HTML is escaped."""
    return re.sub(r"``([^`]+)``", r"`\1`", text).replace("<", "&lt;")


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a table, with an empty line after it; none without rows."""
    if not rows:
        return []
    return [table_row(heads).strip(), "|" + "---|" * len(heads), *(table_row(row).strip() for row in rows), ""]
