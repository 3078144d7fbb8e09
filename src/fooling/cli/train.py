"""Train a classifier on a data set, on one or several GPUs; a killed training goes on."""

from __future__ import annotations

from pathlib import Path

from fooling.classifiers.checkpoint import save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.settings import ClassifierSettings
from fooling.classifiers.team import joined
from fooling.classifiers.training import Training
from fooling.classifiers.training_images import StreamedImages
from fooling.cli.streaming import streamed_pictures
from fooling.cli.together import launch, wanted_processes
from fooling.cli.training import origin_of, told, trained
from fooling.datasets.dataset import load_dataset
from fooling.progress import say
from fooling.settings import read_settings


def train(
    *,
    dataset: Path,
    settings: str,
    name: str,
    output: Path,
    pictures: str | None = None,
    manifest: Path | None = None,
    mirror: Path | None = None,
    workers: int = 1,
    processes: int | None = None,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Train, keeping the state now and then, and write the classifier to ``output``.

    Args:
        output: Classifier file to write.
        settings: Architecture, input and training: JSON or a YAML file.
        processes: How many processes train together, each on a GPU of its own where there are any.
    """
    options = {key: value for key, value in locals().items() if key != "processes"}
    checked = read_settings(ClassifierSettings, settings)
    if (together := wanted_processes(processes)) > 1:
        launch("train", options, processes=together, device=device)
        return
    place = chosen_device(device)
    with joined(place) as team:
        content = load_dataset(dataset)
        listed = streamed_pictures(checked.training, pictures, manifest, dataset=content, mirror=mirror)
        decoding = workers and max(1, workers // team.size)
        images = None if listed is None else StreamedImages(listed, workers=decoding)
        training = Training(name=name, dataset=content, settings=checked, device=place, images=images, team=team)
        origin = origin_of(dataset, name=content.name, device=place, team=team)
        with trained(training, command=__name__, name=name, origin=origin, checkpoints=checkpoints) as classifier:
            if team.leads:
                save_classifier(output, classifier)
    if team.leads:
        say(f"{told(classifier)}; written to {output}")
