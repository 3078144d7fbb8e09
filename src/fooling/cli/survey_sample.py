"""Draw the images that people are shown, by a rule that looks at none, and write the questionnaire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_folder
from fooling.ascent.record import AscentRecord, load_ascent
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import chosen_device
from fooling.cli.named_runs import read_named_runs
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.errors import FoolingError
from fooling.evolution.record import RunRecord
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import read_settings
from fooling.survey.composition import FOLDER, Condition, Context, Judge, composed
from fooling.survey.questionnaire import Questionnaire, save_questionnaire
from fooling.survey.sampling import champions_of, climbs_of, random_images_of, real_images_of
from fooling.survey.settings import QuestionnaireSettings


def survey_sample(
    *,
    study: str,
    classifier: Path,
    dataset: Path,
    settings: str,
    output: Path,
    runs: list[str] | None = None,
    ascents: list[Path] | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Write the questionnaire, and beside it the folder ``stimuli`` with its images as they are stored.

    Args:
        study: Name of the study.
        runs: A run whose champions and random images may be shown, as experiment=path; once for each.
        ascents: Files of gradient ascents on the same network, from `ascend`; once for each.
        settings: How many images, trials and options there are: JSON or a YAML file.
        output: Questionnaire to write, as JSON; its images go to the folder `stimuli` beside it.
    """
    torch.set_num_threads(1)
    checked = read_settings(QuestionnaireSettings, settings)
    network = load_classifier(classifier, chosen_device(device), architecture or ())
    data, evolved = load_dataset(dataset), read_named_runs(runs or [])
    climbs = [load_ascent(path) for path in ascents or []]
    identity = {"name": network.name, "sha256": digest_of(classifier)}
    records: list[RunRecord | AscentRecord] = [*(run for group in evolved.values() for run in group), *climbs]
    for record in records:
        _require_its_own(record, identity, data)
    context = Context(study=study, network=identity, judge=_judge(network), dataset=data, settings=checked)
    questionnaire, pictures = composed(_conditions(evolved, climbs, data), context)
    write_folder(output.parent / FOLDER, pictures)
    save_questionnaire(output, questionnaire)
    say(f"{_counted(questionnaire)}; version {questionnaire.version}; written to {output}")


def _conditions(
    evolved: Mapping[str, Sequence[RunRecord]], climbs: Sequence[AscentRecord], data: Dataset
) -> list[Condition]:
    """All conditions: champions, climbs, random images if anything has evolved, and real images."""
    champions = {name: champions_of(name, runs) for name, runs in evolved.items()}
    random = [image for name, runs in evolved.items() for image in random_images_of(name, runs)]
    return [
        *(Condition(name=name, kind="champion", candidates=images) for name, images in champions.items()),
        *(Condition(name=climb.name, kind="ascent", candidates=climbs_of(climb)) for climb in climbs),
        *([Condition(name="noise", kind="noise", candidates=random)] if random else []),
        Condition(name="real", kind="real", candidates=real_images_of(data)),
    ]


def _judge(network: Classifier) -> Judge:
    """The network, fed as in training or with the mean image subtracted."""

    def confidences(images: NDArray[np.uint8], mean_subtracted: bool) -> NDArray[np.float32]:
        fed = network.with_mean_subtracted() if mean_subtracted else network
        told: NDArray[np.float32] = fed.confidences(torch.from_numpy(images)).cpu().numpy()
        return told

    return confidences


def _require_its_own(record: RunRecord | AscentRecord, network: Mapping[str, str], data: Dataset) -> None:
    """Raise :class:`FoolingError` unless ``record`` was made against this very network, for the data set's classes."""
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
