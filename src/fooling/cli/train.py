"""Train a classifier on a data set, on one or several GPUs; a killed training goes on."""

from __future__ import annotations

from pathlib import Path

from fooling.classifiers.checkpoint import save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.cli.streaming import streamed_pictures
from fooling.cli.training import origin_of, told, trained
from fooling.datasets.dataset import load_dataset
from fooling.progress import say
from fooling.settings import read_settings
from fooling.training.images import StreamedImages
from fooling.training.launch import launch, wanted_processes
from fooling.training.process_group import joined
from fooling.training.settings import ClassifierSettings
from fooling.training.training import Training


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
    with joined(place) as group:
        content = load_dataset(dataset)
        listed = streamed_pictures(checked.training, pictures, manifest, dataset=content, mirror=mirror)
        decoding = workers and max(1, workers // group.size)
        images = None if listed is None else StreamedImages(listed, workers=decoding)
        training = Training(name=name, dataset=content, settings=checked, device=place, images=images, group=group)
        origin = origin_of(dataset, name=content.name, device=place, group=group)
        with trained(training, command=__name__, name=name, origin=origin, checkpoints=checkpoints) as classifier:
            if group.leads:
                save_classifier(output, classifier)
    if group.leads:
        say(f"{told(classifier)}; written to {output}")
