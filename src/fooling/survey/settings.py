"""The settings of the human study: what people are shown and asked, and how their answers are judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from fooling.settings import Seed, Settings


class ConditionSettings(Settings):
    """Which images of the study people are shown, beside random ones and real ones."""

    classifier: str | None = None
    """Name of the network whose images are shown; the first one of the study where none is named."""
    experiments: tuple[str, ...] | None = None
    """Experiments whose champions are shown, each a condition; all on this network that are not crossed where none is
    named."""
    ascents: tuple[str, ...] | None = None
    """Gradient ascents whose images are shown, each a condition; all on this network where none is named."""


class QuestionnaireSettings(Settings):
    """What decides the questionnaire, beside the images of the study."""

    stimuli_per_condition: Annotated[int, Field(ge=1, le=1000)] = 20
    """Images of every condition that are stimuli; fewer where the study has no more."""
    seed: Seed = 1
    """Seed of their drawing, and of the answers on the catch cards."""
    trials_per_block: Annotated[int, Field(ge=1, le=200)] = 20
    """Images that a participant sees in each block, drawn from all stimuli."""
    catch_trials: Annotated[int, Field(ge=0, le=20)] = 4
    """Cards among them, in a whole session, that say which button to press."""
    practice_trials: Annotated[int, Field(ge=0, le=20)] = 3
    """Real images before the first block, to get to know the buttons."""
    options: Annotated[int, Field(ge=2, le=100)] = 10
    """Classes to choose from where all are offered; of more classes so many are drawn for each trial."""
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "What do you see?"
    """Title of the questionnaire."""
    contact: Annotated[str, StringConstraints(max_length=500)] = "the person who gave you this page"
    """Whom participants can ask."""
    post_url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=500)] | None = None
    """Address to which the page sends the data at the end; without one, participants only download them."""


class ExclusionSettings(Settings):
    """Whose answers do not count, declared before there are any."""

    fastest_ms: Annotated[int, Field(ge=0, le=10_000)] = 250
    """Answers given within fewer milliseconds are left out."""
    failed_catch_allowed: Annotated[int, Field(ge=0, le=20)] = 1
    """A participant who answers more catch cards wrongly is left out."""
    too_fast_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """A participant of whose answers a larger share is too fast is left out."""


class JudgementSettings(Settings):
    """What counts as chance."""

    margin: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """An accuracy that is surely less than this above chance counts as equivalent to chance."""


class SurveySettings(JudgementSettings, ExclusionSettings, QuestionnaireSettings, ConditionSettings):
    """A study with people: which images they are shown, how they are asked, and how their answers are judged."""

    response_folder: Path | None = None
    """Folder with the response files; while there is none, or none lies in it, nothing is analysed."""
