"""The analysis of the answers of the human study."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from fooling.artifacts import require_file, write_tables
from fooling.errors import FoolingError
from fooling.inputs import read_text
from fooling.progress import say
from fooling.settings import read_settings
from fooling.survey.accuracy import ACCURACY, IMAGES, AnalysisSettings, accuracy_table, image_table
from fooling.survey.agreement import (
    AGREEMENT,
    CONFIDENCE,
    CONFUSION,
    agreement_table,
    confidence_table,
    confusion_table,
)
from fooling.survey.questionnaire import Questionnaire, load_questionnaire
from fooling.survey.responses import EXCLUSIONS, FILES, SYNTHETIC_FILES, File, kept_answers, parsed_responses
from fooling.survey.settings import ExclusionSettings

PANEL = "Survey"


class SurveyAnalysisSettings(ExclusionSettings, AnalysisSettings):
    """Rules of exclusion, the margin around chance, and how confidence intervals are computed."""


def survey_analyse(
    responses: Path,
    *,
    questionnaire: Path,
    settings: str = "{}",
    files: Path,
    exclusions: Path,
    accuracy: Path,
    images: Path,
    agreement: Path,
    confidence: Path,
    confusion: Path,
) -> None:
    """Analyse the answers: accuracy beside chance, single images, agreement, confidence.

    Response files in the folder ``responses`` that cannot be read are listed, not counted.

    Args:
        responses: Folder with the response files, CSV or JSON; invalid ones are refused and listed.
        questionnaire: Questionnaire that was answered, from `survey sample`.
        settings: Rules of exclusion, margin, and how intervals are made: JSON or a YAML file.
        files: Table of all response files, with the reason if one is refused, to write.
        exclusions: Table of the excluded answers to write.
        accuracy: Table of the accuracy per block and condition to write.
        images: Table of the single images to write.
        agreement: Table of the agreement between people to write.
        confidence: Table of the agreement with the network's confidence to write.
        confusion: Table of the answers to the images of each class to write.
    """
    checked = read_settings(SurveyAnalysisSettings, settings)
    asked = load_questionnaire(questionnaire)
    taken, listed = _read_folder(responses, asked)
    kept = kept_answers(pd.concat(taken, ignore_index=True), checked)
    if kept.answers.empty:
        rules = Counter(kept.exclusions["rule"])
        raise FoolingError(
            f"{responses}: no answers are left to analyse",
            found=", ".join(f"{count} left out: {rule}" for rule, count in rules.items()) or "catch cards alone",
        )
    table = image_table(kept.answers, asked, checked)
    write_tables(
        (files, listed, FILES),
        (exclusions, kept.exclusions, EXCLUSIONS),
        (accuracy, accuracy_table(kept.answers, asked, checked), ACCURACY),
        (images, table, IMAGES),
        (agreement, agreement_table(kept.answers, asked, checked), AGREEMENT),
        (confidence, confidence_table(table, checked), CONFIDENCE),
        (confusion, confusion_table(kept.answers, asked), CONFUSION),
    )
    people, of = (
        kept.answers["participant"].nunique(),
        "simulated answers" if taken[0]["synthetic"].any() else "answers",
    )
    refused = int((~listed["accepted"]).sum())
    say(f"{len(kept.answers)} {of} of {people} participants analysed, {refused} files refused; written to {accuracy}")


def _read_folder(folder: Path, asked: Questionnaire) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Return the answers of every accepted file, and the list of all files; report those that are refused.

    Raises :class:`FoolingError` if no file is accepted, or if the folder mixes people's answers with simulated ones.
    """
    taken: dict[Path, pd.DataFrame] = {}
    reasons: dict[Path, str] = {}
    file_of: dict[str, Path] = {}
    for path in _files_in(folder):
        try:
            table = _read_file(path, asked)
            if again := sorted(set(table["participant"]) & set(file_of)):
                first = file_of[again[0]]
                raise FoolingError(f"{path} repeats the answers of a participant", found=f"those in {first}")
        except FoolingError as error:
            reasons[path] = str(error)
            say(f"refused: {error}")
        else:
            taken[path] = table
            file_of |= dict.fromkeys(table["participant"], path)
    if not taken:
        problem = f"{folder} holds no response file that can be read"
        raise FoolingError(
            problem, found=f"{len(reasons)} files, all refused", expected="a CSV or JSON file of the page"
        )
    _require_one_kind(taken, folder)
    rows = [
        {
            **{"file": _in_utf8(path.name), "accepted": path in taken, "rows": len(taken.get(path, ()))},
            "reason": _in_utf8(" ".join(reasons.get(path, "").split())),
        }
        for path in sorted([*taken, *reasons])
    ]
    return list(taken.values()), pd.DataFrame(rows)


def _in_utf8(text: str) -> str:
    """Escape the bytes of a file name that are not UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _files_in(folder: Path) -> list[Path]:
    """Return what the folder contains, by name, without hidden files."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise FoolingError(f"{folder} cannot be read", found=error.strerror, expected="a folder") from None


def _read_file(path: Path, asked: Questionnaire) -> pd.DataFrame:
    """Return the answers in one file; raise :class:`FoolingError` with the reason if it is refused."""
    kinds: dict[str, File] = {".csv": "csv", ".json": "json"}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise FoolingError(f"{path} is no response file", found=path.suffix or "no ending", expected=".csv or .json")
    require_file(path)
    table = parsed_responses(read_text(path), kind=kind, source=path, questionnaire=asked)
    if table["synthetic"].any() != path.name.startswith(SYNTHETIC_FILES):
        raise FoolingError(
            f"{path} does not say clearly whether its answers are simulated",
            found=f"format {table['format'].iloc[0]} in a file of this name",
            expected=f"the beginning {SYNTHETIC_FILES} in the names of files with simulated answers, and in no others",
        )
    return table


def _require_one_kind(taken: dict[Path, pd.DataFrame], folder: Path) -> None:
    simulated = {path: bool(table["synthetic"].any()) for path, table in taken.items()}
    if len(set(simulated.values())) > 1:
        raise FoolingError(
            f"{folder} mixes answers of people with simulated ones",
            found=f"{sum(simulated.values())} of {len(simulated)} files are simulated",
            remedy="keep each kind in a folder of its own",
        )
