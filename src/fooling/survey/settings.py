"""Settings of the human study: images, questions, exclusions and analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from fooling.settings import Seed, Settings


class ConditionSettings(Settings):
    """Images of the study that people are shown, in addition to random and real images."""

    classifier: str | None = None
    """Name of the classifier whose images are shown; null: the first one of the study."""
    experiments: tuple[str, ...] | None = None
    """Experiments whose champions are shown; each is a condition. null: all on this classifier that are not crossed."""
    ascents: tuple[str, ...] | None = None
    """Gradient ascents whose images are shown; each is a condition. null: all on this classifier."""


class QuestionnaireSettings(Settings):
    """Settings of the questionnaire."""

    stimuli_per_condition: Annotated[int, Field(ge=1, le=1000)] = 20
    """Number of images in each condition; fewer if the study does not have as many."""
    seed: Seed = 1
    """Seed of the random choice of images and of the answers on the catch cards."""
    trials_per_block: Annotated[int, Field(ge=1, le=200)] = 20
    """Number of images that a participant sees in each block, drawn from all conditions."""
    catch_trials: Annotated[int, Field(ge=0, le=20)] = 4
    """Number of catch cards in a session; a catch card states which button to press."""
    practice_trials: Annotated[int, Field(ge=0, le=20)] = 3
    """Number of real images before the first block, for practice."""
    options: Annotated[int, Field(ge=2, le=100)] = 10
    """Number of classes offered in all-way and free blocks; if there are more, they are drawn for each trial."""
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "What do you see?"
    """Title of the questionnaire."""
    contact: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None, examples=["Ada Example, ada@example.org"]
    )
    """Whom participants can ask, with an address; the page shows it. null: the page states that nobody is named."""
    post_url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=500)] | None = None
    """URL to which the page sends the data at the end; null: participants download their data."""


class RecruitmentSettings(Settings):
    """Where participants go after they have handed over their answers."""

    completion_url: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$", max_length=500)] | None = Field(
        default=None, examples=["https://app.prolific.com/submissions/complete?cc=ABC123"]
    )
    """Address of the recruitment service to which the page leads at the end; null: it leads nowhere."""
    completion_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=50)] | None = None
    """Code that the page shows beside this address, for participants for whom it does not open."""


class ExclusionSettings(Settings):
    """Rules for excluding answers, declared before the survey."""

    fastest_ms: Annotated[int, Field(ge=0, le=10_000)] = 250
    """Minimum response time in milliseconds; faster answers are excluded."""
    failed_catch_allowed: Annotated[int, Field(ge=0, le=20)] = 1
    """Number of catch cards that a participant may answer wrongly; with more, the participant is excluded."""
    too_fast_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of a participant's answers that may be too fast; with more, the participant is excluded."""


class JudgementSettings(Settings):
    """Equivalence to chance."""

    margin: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Equivalence margin: an accuracy whose upper bound is less than this above chance is equivalent to chance."""


class SurveySettings(
    JudgementSettings, ExclusionSettings, RecruitmentSettings, QuestionnaireSettings, ConditionSettings
):
    """The human study: images, questions, exclusions and analysis."""

    response_folder: Path | None = None
    """Folder with the response files; the analysis is skipped if it is null or has none."""
