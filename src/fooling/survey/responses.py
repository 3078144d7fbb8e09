"""Response files: people's answers, checked row by row against the questionnaire; and who is excluded.

A file is CSV (RFC 4180) or JSON in UTF-8 with one row for each answered trial. A row that contradicts the questionnaire
is reported with the file, the row (counted from 1) and the reason. A file is accepted as a whole or not at all. The
rules by which participants and answers do not count are declared before the survey.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from fooling.artifacts import sha256_of
from fooling.inputs import parsed_json, require_reasonable
from fooling.messages import FoolingError
from fooling.survey.accuracy import ExclusionSettings
from fooling.survey.questionnaire import FORMULA_SIGNS, NONE_OF_THESE, Block, CatchCard, Questionnaire, Stimulus
from fooling.table import COUNT, FLAG, NOT_NEGATIVE, TEXT, Column, Table, one_of

FILES = Table(
    name="survey_files",
    path="findings/survey/files.csv",
    commands=("survey analyse",),
    columns=(
        Column("file", TEXT, doc="Name of the response file."),
        Column("accepted", FLAG, doc="Whether the file was accepted; answers in other files do not count."),
        Column("rows", COUNT, unit="answers", doc="Number of its rows; 0 if it was rejected."),
        Column("reason", TEXT.or_nothing, doc="Why it was rejected; empty if it was accepted."),
    ),
    key=("file",),
    doc="One row for each response file. This table and the next ones exist only if there are response files "
    "([survey](survey.md)).",
)
FORMAT, SYNTHETIC_FORMAT = "1", "1-synthetic"
SYNTHETIC_FILES = "synthetic-"  # prefix of the names of files with simulated answers

Row = Mapping[str, str]
File = Literal["csv", "json"]

WHOLE = re.compile(r"0|[1-9][0-9]{0,9}")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
IN_WORDS = "1 to 64 letters, digits, hyphens or underscores, beginning with a letter or digit"
DRAWN = re.compile(r"[0-9a-f]{16}")  # participants whose id the page drew
#: The columns in order: pattern of their cells, and its description.
COLUMNS: dict[str, tuple[re.Pattern[str], str]] = {
    "format": (re.compile(f"{FORMAT}|{SYNTHETIC_FORMAT}"), FORMAT),
    "study": (re.compile(r".+"), "the name of the study"),
    "study_version": (re.compile(r"[0-9a-f]{16}"), "16 hexadecimal digits"),
    "participant": (IDENTIFIER, IN_WORDS),
    "seed": (WHOLE, "a whole number of at most 10 digits"),
    "block": (re.compile(r"two-way|all-way|free"), "two-way, all-way or free"),
    "foils": (re.compile(r"random|confused|"), "random, confused or nothing"),
    "trial": (re.compile(r"[1-9][0-9]{0,4}"), "a whole number from 1"),
    "kind": (re.compile(r"stimulus|catch|practice"), "stimulus, catch or practice"),
    "stimulus": (re.compile(r".+"), "the id of an image"),
    "stimulus_sha256": (re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits"),
    "condition": (re.compile(r".*"), "a condition, or nothing for a catch card"),
    "options": (re.compile(r".+"), "names of classes joined by |"),
    "response": (re.compile(r".+"), "a name of a class"),
    "correct_answer": (re.compile(r".+"), "a name of a class"),
    "rating": (re.compile(r"[1-5]"), "a whole number from 1 to 5"),
    "response_ms": (WHOLE, "a whole number of at most 10 digits"),
    "rating_ms": (WHOLE, "a whole number of at most 10 digits"),
    "screen": (re.compile(r"[1-9][0-9]{0,4}x[1-9][0-9]{0,4}"), "width x height, such as 390x844"),
    "finished": (re.compile(r"true|false"), "true or false"),
}
#: Columns that a file has as well, all or none, if a recruitment service sent the participant.
ORIGIN = dict.fromkeys(("recruitment_study", "recruitment_session"), (IDENTIFIER, IN_WORDS))
#: Columns with the same value on every row of one participant.
OF_PARTICIPANT = ("seed", "finished", *ORIGIN)
WHOLE_NUMBERS = ("seed", "trial", "rating", "response_ms", "rating_ms")
NOT_FINISHED, FAILED, TOO_FAST, ANSWER_TOO_FAST = RULES = (
    *("not finished", "failed catch cards", "too many answers too fast"),
    "answer too fast",
)
EXCLUSIONS = Table(
    name="survey_exclusions",
    path="findings/survey/exclusions.csv",
    commands=("survey analyse",),
    columns=(
        Column("participant", TEXT, doc="Random name of the participant."),
        Column("rule", one_of(*RULES), doc="The rule that excluded answers."),
        Column("found", NOT_NEGATIVE, doc="Number or share that was found."),
        Column("allowed", NOT_NEGATIVE, doc="Number or share that the rule allows."),
        Column("answers", COUNT, unit="answers", doc="Number of excluded answers."),
    ),
    key=("participant",),
    may_be_empty=True,
    doc="One row for each participant with excluded answers.",
)


def parsed_responses(text: str, *, kind: File, source: object, questionnaire: Questionnaire) -> pd.DataFrame:
    """Return the answers in the ``text`` of one response file, one row each, in the columns of :data:`COLUMNS`.

    A participant's id that a recruitment service gave becomes a digest of it, so that no table holds it, and its other
    ids are left out. Numbers become integers; ``finished`` and the additional column ``synthetic`` are flags;
    ``options`` remain text.

    Raises:
        FoolingError: A row is invalid or contradicts the questionnaire. Names the ``source`` and the row.
    """
    import pandas as pd

    rows = _rows_of_csv(text, source) if kind == "csv" else _rows_of_json(text, source)
    if not rows:
        raise FoolingError(f"{source} has no answers", found="no rows", expected="a row for each answered trial")
    shown: tuple[Stimulus | CatchCard, ...] = (*questionnaire.stimuli, *questionnaire.practice, *questionnaire.catch)
    cards = {card.id: card for card in shown}
    for number, row in enumerate(rows, start=1):
        try:
            _require_cells(row)
            _require_fit(row, questionnaire, cards)
        except _Invalid as invalid:
            raise invalid.as_error(source, number) from None
    _require_rows_together(rows, source)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(WHOLE_NUMBERS, "int64"))
    table["participant"] = table["participant"].map(_pseudonym)
    return table.assign(finished=table["finished"] == "true", synthetic=table["format"] == SYNTHETIC_FORMAT)


def _pseudonym(participant: str) -> str:
    """Return the id that the page drew, or 16 hexadecimal digits of the SHA-256 of any other."""
    return participant if DRAWN.fullmatch(participant) else sha256_of(participant.encode())[:16]


def joined_names(names: Sequence[str]) -> str:
    """Return names of classes as one cell, joined by "|"; a backslash escapes this character within a name."""
    return "|".join(re.sub(r"([\\|])", r"\\\1", name) for name in names)


def split_names(cell: str) -> list[str]:
    """Return the names that :func:`joined_names` joined."""
    names, is_escaped = [""], False
    for character in cell:
        if is_escaped or character not in "\\|":
            names[-1] += character
            is_escaped = False
        elif character == "|":
            names.append("")
        else:
            is_escaped = True
    return names


class _Invalid(Exception):  # noqa: N818 - becomes a FoolingError that names file and row
    """A row is invalid."""

    def __init__(self, what: str, *, found: object, expected: object) -> None:
        super().__init__(what)
        self.what, self.found, self.expected = what, found, expected

    def as_error(self, source: object, row: int) -> FoolingError:
        return FoolingError(f"{source}, row {row}: {self.what}", found=self.found, expected=self.expected)


def _rows_of_csv(text: str, source: object) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise FoolingError(f"{source}, row {max(reader.line_num - 1, 0)}: no valid CSV", found=error) from None
    names, *cells = lines or [[]]
    _require_columns(names, f"{source}")
    for number, line in enumerate(cells, start=1):
        if len(line) != len(names):
            raise FoolingError(
                f"{source}, row {number}: cells are missing or too many", found=len(line), expected=len(names)
            )
    return [dict(zip(names, line, strict=True)) for line in cells]


def _rows_of_json(text: str, source: object) -> list[dict[str, str]]:
    values = parsed_json(text, source=str(source), keys_once=True)
    require_reasonable(values, source=str(source))
    if not isinstance(values, dict) or set(values) != {"format", "rows"} or not isinstance(values["rows"], list):
        found = f"the keys {', '.join(map(str, values))}" if isinstance(values, dict) else type(values).__name__
        raise FoolingError(f"{source} is not a response file", found=found, expected='{"format": 1, "rows": [...]}')
    if values["format"] not in (int(FORMAT), SYNTHETIC_FORMAT) or isinstance(values["format"], bool):
        raise FoolingError(f"{source} has an unknown format", found=values["format"], expected=FORMAT)
    rows = []
    for number, row in enumerate(values["rows"], start=1):
        place = f"{source}, row {number}"
        if not isinstance(row, dict):
            raise FoolingError(f"{place} is not an answer", found=type(row).__name__, expected="an object")
        _require_columns(list(row), place)
        rows.append({name: _as_cell(value, f"{place}: {name}") for name, value in row.items()})
    return rows


def _as_cell(value: Any, place: str) -> str:
    """Return the ``value`` of a JSON row as a cell of a CSV file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str):
        return str(value)
    raise FoolingError(
        f"{place} is invalid", found=_shown(str(value)), expected="a text, a whole number, true or false"
    )


def _require_columns(names: Sequence[str], place: str) -> None:
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name not in COLUMNS and not set(ORIGIN) <= set(names)]
    unknown += [name for name in names if name not in COLUMNS and name not in ORIGIN and name not in unknown]
    if missing or unknown or len(set(names)) != len(names):
        wrong = f"lacks {', '.join(missing)}" if missing else "has unknown or duplicate columns"
        found = _shown(", ".join(unknown if unknown and not missing else names)) or "nothing"
        raise FoolingError(f"{place} {wrong}", found=found, expected=", ".join(COLUMNS))


def _require_cells(row: Row) -> None:
    """Check every cell on its own against the pattern of its column."""
    for name, (pattern, words) in (COLUMNS | ORIGIN).items():
        if name not in row:  # an id of a recruitment service that did not send this participant
            continue
        cell = row[name]
        if cell.startswith(FORMULA_SIGNS):
            raise _Invalid(f"{name} begins like a formula", found=_shown(cell), expected=words)
        if not (cell.isprintable() and pattern.fullmatch(cell)):
            raise _Invalid(f"{name} is invalid", found=_shown(cell) or "nothing", expected=words)


def _require_fit(row: Row, asked: Questionnaire, cards: Mapping[str, Stimulus | CatchCard]) -> None:
    """Check that the row answers a question of the questionnaire."""
    _require_same(row, "study", asked.study)
    _require_same(row, "study_version", asked.version)
    block = next((block for block in asked.blocks if (block.name, block.foils) == (row["block"], row["foils"])), None)
    if block is None:
        blocks = ", ".join(f"{block.name} {block.foils}".strip() for block in asked.blocks)
        raise _Invalid("unknown block", found=f"{row['block']} {row['foils']}".strip(), expected=blocks)
    of_kind: Mapping[str, Sequence[Stimulus | CatchCard]] = {
        "stimulus": asked.stimuli,
        "catch": asked.catch,
        "practice": asked.practice,
    }
    card = cards.get(row["stimulus"])
    if card is None or card not in of_kind[row["kind"]]:
        raise _Invalid(f"unknown {row['kind']}", found=_shown(row["stimulus"]), expected="one of the questionnaire")
    _require_same(row, "stimulus_sha256", card.sha256)
    _require_same(row, "condition", card.condition if isinstance(card, Stimulus) else "")
    _require_same(row, "correct_answer", card.class_name if isinstance(card, Stimulus) else card.answer)
    _require_options(row, block, asked.classes)


def _require_options(row: Row, block: Block, classes: Sequence[str]) -> None:
    names = split_names(row["options"])
    labels = names[:-1] if block.name == "free" and names[-1] == NONE_OF_THESE else names
    if unknown := [name for name in labels if name not in classes]:
        raise _Invalid("an option is not a class", found=_shown(unknown[0]), expected=_shown(", ".join(classes)))
    if len(set(labels)) != len(labels) or len(labels) != block.options or row["correct_answer"] not in labels:
        raise _Invalid(
            "invalid options",
            found=_shown(row["options"]),
            expected=f"{block.options} classes, including {row['correct_answer']}",
        )
    if row["response"] not in names:
        raise _Invalid("the response is not an option", found=_shown(row["response"]), expected=row["options"])


def _require_same(row: Row, name: str, expected: str) -> None:
    if row[name] != expected:
        raise _Invalid(
            f"{name} differs from the questionnaire", found=_shown(row[name]) or "nothing", expected=expected
        )


def _require_rows_together(rows: Sequence[Row], source: object) -> None:
    """Check that answers are unique, trials in order, the format the same, and participants' values constant."""
    last: dict[str, Row] = {}
    shown: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows, start=1):
        place, before = f"{source}, row {number}", last.get(row["participant"])
        if row["format"] != rows[0]["format"]:
            raise FoolingError(f"{place}: different format", found=row["format"], expected=rows[0]["format"])
        if before is not None:
            if int(row["trial"]) <= int(before["trial"]):
                problem = "duplicate trial" if row["trial"] == before["trial"] else "trials out of order"
                raise FoolingError(f"{place}: {problem}", found=row["trial"], expected=f"more than {before['trial']}")
            for name in OF_PARTICIPANT:
                if row.get(name) != before.get(name):
                    raise FoolingError(f"{place}: different {name}", found=row.get(name), expected=before.get(name))
        answered = tuple(row[name] for name in ("participant", "kind", "block", "foils", "stimulus"))
        if row["kind"] != "practice" and answered in shown:
            raise FoolingError(
                f"{place}: duplicate image in one block", found=row["stimulus"], expected="every image once"
            )
        shown.add(answered)
        last[row["participant"]] = row


def _shown(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


@dataclass(frozen=True)
class Kept:
    """The answers that count, and the table of exclusions."""

    answers: pd.DataFrame
    exclusions: pd.DataFrame


def kept_answers(responses: pd.DataFrame, settings: ExclusionSettings) -> Kept:
    """Apply the rules to the ``responses`` of all files: first to participants, then to the others' single answers.

    A participant is excluded who did not finish, who failed more catch cards than allowed, or who gave a larger share
    of answers too fast than allowed; the first matching rule is listed. Of the other participants, single answers that
    were given too fast are excluded. Catch cards and practice do not count as answers.
    """
    answers = responses[responses["kind"] == "stimulus"]
    catch = responses[responses["kind"] == "catch"]
    people = responses.groupby("participant", sort=True)["finished"].first().to_frame()
    people["failed"] = (catch["response"] != catch["correct_answer"]).groupby(catch["participant"]).sum()
    is_fast = answers["response_ms"] < settings.fastest_ms
    people["fast"] = is_fast.groupby(answers["participant"]).mean()
    people["fast_answers"] = is_fast.groupby(answers["participant"]).sum()
    people["answers"] = answers.groupby("participant").size()
    excluded, kept = [], []
    for participant, row in people.astype(float).fillna(0).iterrows():
        of = row.to_dict()
        rule, found, allowed = _broken_rule(of, settings)
        if rule:
            excluded.append((participant, rule, found, allowed, int(of["answers"])))
        else:
            kept.append(participant)
            if of["fast_answers"]:
                fast = int(of["fast_answers"])
                excluded.append((participant, ANSWER_TOO_FAST, fast, 0, fast))
    table = pd.DataFrame(excluded, columns=EXCLUSIONS.names).astype(
        {"found": float, "allowed": float, "answers": "int64"}
    )
    return Kept(answers=answers[answers["participant"].isin(kept) & ~is_fast].reset_index(drop=True), exclusions=table)


def _broken_rule(of: Mapping[Hashable, float], settings: ExclusionSettings) -> tuple[str, float, float]:
    """Return the first rule that excludes a participant, what was found and what is allowed; "" if none does."""
    if not of["finished"]:
        return NOT_FINISHED, 0, 0
    if of["failed"] > settings.failed_catch_allowed:
        return FAILED, of["failed"], settings.failed_catch_allowed
    if of["fast"] > settings.too_fast_share:
        return TOO_FAST, of["fast"], settings.too_fast_share
    return "", 0, 0
