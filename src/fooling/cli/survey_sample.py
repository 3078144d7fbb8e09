"""The questionnaire of the human study, and its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_folder
from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.record import TargetedRecord, load_attack
from fooling.classifiers.classifier import Classifier
from fooling.cli._files import open_classifier, read_named_runs
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.errors import FoolingError
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import read_settings
from fooling.survey.composition import FOLDER, Condition, Context, Scorer, compose
from fooling.survey.questionnaire import Questionnaire, save_questionnaire
from fooling.survey.sampling import ascent_images_of, champions_of, random_images_of, real_images_of
from fooling.survey.settings import QuestionnaireSettings

PANEL = "Survey"


def survey_sample(
    *,
    study: str,
    classifier: Path,
    dataset: Path,
    settings: str = "{}",
    output: Path,
    runs: list[str] | None = None,
    ascents: list[Path] | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Draw the images that people are shown, and write the questionnaire.

    The rule of selection looks at no image. The images are written as stored to the folder ``stimuli`` beside the
    questionnaire.

    Args:
        study: Name of the study.
        runs: A run whose champions and random images may be shown, as experiment=path; once for each.
        ascents: Files of gradient ascents on the same network, from `attack ascent`; once for each.
        settings: How many images, trials and options there are: JSON or a YAML file.
        output: Questionnaire to write, as JSON; its images go to the folder `stimuli` beside it.
    """
    checked = read_settings(QuestionnaireSettings, settings)
    network = open_classifier(classifier, device=device, architecture=architecture)
    data, evolved = load_dataset(dataset), read_named_runs(runs or [])
    ascended = [load_attack(path) for path in ascents or []]
    identity = {"name": network.name, "sha256": digest_of(classifier)}
    records: list[RunRecord | TargetedRecord] = [*(run for group in evolved.values() for run in group), *ascended]
    for record in records:
        _require_its_own(record, identity, data)
    context = Context(study=study, network=identity, scorer=_judge(network), dataset=data, settings=checked)
    questionnaire, pictures = compose(_conditions(evolved, ascended, data), context)
    write_folder(output.parent / FOLDER, pictures)
    save_questionnaire(output, questionnaire)
    say(f"{_counted(questionnaire)}; version {questionnaire.version}; written to {output}")


def _conditions(
    evolved: Mapping[str, Sequence[RunRecord]], ascended: Sequence[TargetedRecord], data: Dataset
) -> list[Condition]:
    """Return all conditions: champions, ascents, random images if there are runs of evolution, and real images."""
    champions = {name: champions_of(name, runs) for name, runs in evolved.items()}
    random = [image for name, runs in evolved.items() for image in random_images_of(name, runs)]
    return [
        *(Condition(name=name, kind="champion", candidates=images) for name, images in champions.items()),
        *(Condition(name=ascent.name, kind="ascent", candidates=ascent_images_of(ascent)) for ascent in ascended),
        *([Condition(name="noise", kind="noise", candidates=random)] if random else []),
        Condition(name="real", kind="real", candidates=real_images_of(data)),
    ]


def _judge(network: Classifier) -> Scorer:
    """Return the scorer of the network: its input is as in training, or with the mean image subtracted."""

    def confidences(images: NDArray[np.uint8], mean_subtracted: bool) -> NDArray[np.float32]:
        fed = network.with_mean_subtracted() if mean_subtracted else network
        scores: NDArray[np.float32] = fed.confidences(torch.from_numpy(images)).cpu().numpy()
        return scores

    return confidences


def _require_its_own(record: RunRecord | TargetedRecord, network: Mapping[str, str], data: Dataset) -> None:
    """Raise :class:`FoolingError` unless ``record`` attacks this network, and has the classes of the data set."""
    made_against = record.classifier["sha256"]
    if made_against != network["sha256"] or record.class_names != data.class_names:
        raise FoolingError(
            f"these images are not of the network {network['name']} and the data set {data.name}",
            found=f"images of {record.classifier['name']}, SHA-256 {made_against}, {len(record.class_names)} classes",
            expected=f"SHA-256 {network['sha256']}, {len(data.class_names)} classes of the same names",
        )


def _counted(questionnaire: Questionnaire) -> str:
    counts = {name: len(questionnaire.of_condition(name)) for name in questionnaire.conditions}
    return f"{len(questionnaire.stimuli)} stimuli: {', '.join(f'{count} {name}' for name, count in counts.items())}"
