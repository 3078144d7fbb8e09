"""Train a network anew, with the images that fooled the networks before it as one more class."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fooling.classifiers.checkpoint import save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.cli.streaming import streamed_pictures
from fooling.cli.training import origin_of, told, trained
from fooling.datasets.dataset import load_dataset
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.retraining.exposure import at_equal_passes
from fooling.retraining.images import PicturesWithFoolingClass, with_fooling_class
from fooling.retraining.recognition import recognised
from fooling.retraining.settings import RetrainSettings
from fooling.settings import read_settings
from fooling.training.images import StreamedImages
from fooling.training.training import Training


def retrain(
    *,
    dataset: Path,
    fooling: list[Path] | None = None,
    settings: str,
    name: str,
    output: Path,
    pictures: str | None = None,
    manifest: Path | None = None,
    mirror: Path | None = None,
    workers: int = 1,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Train on ``dataset`` and the ``fooling`` images; without any there is no fooling class, as in the first network.

    The provenance of the network tells which test images it takes for fooling ones.

    Args:
        fooling: Data set files of fooling images; give the option once for each, in the order of the networks.
        settings: The network's settings and its place in the chain: JSON or a YAML file.
        output: Classifier file to write.
    """
    checked = read_settings(RetrainSettings, settings)
    place = chosen_device(device)
    real, sets = load_dataset(dataset), [load_dataset(path) for path in fooling or []]
    listed = streamed_pictures(checked.network.training, pictures, manifest, dataset=real, mirror=mirror)
    images, network = None, checked.network
    if checked.exposure == "equal-passes":
        shown_images = len(real.train_images) if listed is None else len(listed.labels)
        network = at_equal_passes(network, real=shown_images, fooling=sum(len(each.train_images) for each in sets))
    if listed is not None:
        shown = PicturesWithFoolingClass(listed, sets, classes=len(real.class_names)) if sets else listed
        images = StreamedImages(shown, workers=workers)
    training = Training(
        name=name,
        dataset=with_fooling_class(real, sets) if sets else real,
        settings=network,
        device=place,
        fooling_class=bool(sets),
        images=images,
    )
    origin = origin_of(dataset, name=real.name, device=place)
    origin["fooling_images"] = [digest_of(path) for path in fooling or []]
    with trained(training, command=__name__, name=name, origin=origin, checkpoints=checkpoints) as classifier:
        judged = recognised(classifier, real, sets)
        place_in_chain = {
            **checked.model_dump(mode="json", exclude={"network", "exposure"}),
            "fooling_images": sum(len(images.train_images) for images in sets),
            "recognised": judged,
        }
        if checked.exposure != "equal-iterations":  # what is the default leaves the bytes of all other files alone
            place_in_chain["exposure"] = checked.exposure
        provenance = {**classifier.provenance, "retraining": place_in_chain}
        save_classifier(output, dataclasses.replace(classifier, provenance=provenance))
    newest = f", {judged[-1]['share']:.1%} of the newest fooling test images recognised" if sets else ""
    say(f"{told(classifier)}{newest}; written to {output}")
