"""Exclusions: rules, declared before the survey, by which participants and answers do not count."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import pandas as pd

from fooling.survey.settings import ExclusionSettings
from fooling.table import COUNT, NOT_NEGATIVE, TEXT, Column, Table, one_of

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
