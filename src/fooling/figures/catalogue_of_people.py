"""The figures of the human study in the catalogue: its stimuli, and what people answered."""

from __future__ import annotations

from fooling.figures.declaration import Figure
from fooling.survey.accuracy import ACCURACY, IMAGES
from fooling.survey.agreement import CONFIDENCE, CONFUSION

#: By name, in the order of the report.
OF_PEOPLE = {
    "stimuli_hidden": Figure(
        "Stimuli of the human study: a random sample of images of one condition, without labels.",
        module="planned_survey",
        one_per="condition",
        needs_stimuli=True,
    ),
    "stimuli_shown": Figure(
        "The same images at the same places, with their class and the network's confidence.",
        module="planned_survey",
        one_per="condition",
        needs_stimuli=True,
    ),
    "survey_accuracy": Figure(
        "Share of correct answers of people, per condition and question, with chance and the declared margin.",
        module="survey",
        one_per="study with responses",
        shows=(ACCURACY,),
    ),
    "survey_images": Figure(
        "Share of correct answers for each image, to show whether a few images determine the mean.",
        module="survey",
        one_per="study with responses",
        shows=(IMAGES,),
    ),
    "survey_confusion": Figure(
        "Answers of people to images of each label, if all labels are offered.",
        module="survey",
        one_per="study with responses",
        shows=(CONFUSION,),
    ),
    "survey_confidence": Figure(
        "People's correct answers and certainty against the network's confidence, by image.",
        module="survey",
        one_per="study with responses",
        shows=(IMAGES, CONFIDENCE),
    ),
}
