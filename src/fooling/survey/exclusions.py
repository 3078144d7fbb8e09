"""Whose answers do not count: rules that were written before there were any, and what each of them left out."""

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
        Column("rule", one_of(*RULES), doc="The rule that left something out."),
        Column("found", NOT_NEGATIVE, doc="Number or share that was found."),
        Column("allowed", NOT_NEGATIVE, doc="Number or share that the rule allows."),
        Column("answers", COUNT, unit="answers", doc="Number of answers left out."),
    ),
    key=("participant",),
    may_be_empty=True,
    doc="One row for each participant of whom something was left out.",
)


@dataclass(frozen=True)
class Kept:
    """The answers to images of the study that count, and a row for each time that a rule left something out."""

    answers: pd.DataFrame
    exclusions: pd.DataFrame


def kept_answers(responses: pd.DataFrame, settings: ExclusionSettings) -> Kept:
    """Apply the rules to the ``responses`` of all files: first to participants, then to single answers of the others.

    A participant is left out who did not reach the end, who failed more catch cards than allowed, or of whose answers
    a larger share than allowed was given too fast; the first of these rules that holds is listed. Of the others single
    answers are left out that were given too fast. Catch cards and practice are no answers.
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
    """The first rule that leaves a participant out, what was found and what is allowed; an empty name for none."""
    if not of["finished"]:
        return NOT_FINISHED, 0, 0
    if of["failed"] > settings.failed_catch_allowed:
        return FAILED, of["failed"], settings.failed_catch_allowed
    if of["fast"] > settings.too_fast_share:
        return TOO_FAST, of["fast"], settings.too_fast_share
    return "", 0, 0
