"""Training of classifiers, alone and in chains; it resumes after an interruption."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import torch
from pydantic import Field

from fooling.artifacts import read_table
from fooling.classifiers.architectures import architecture_functions, architecture_source
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import save_classifier
from fooling.classifiers.devices import SINGLE, ProcessGroup, chosen_device, joined, launch, wanted_processes
from fooling.classifiers.fitted import fitted_classifier, versions_of_fit
from fooling.classifiers.probe import remarks_on, sample_of
from fooling.cli._files import named_output
from fooling.datasets import folder, imagenet
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.folder import FolderSettings
from fooling.datasets.imagenet import ImagenetSettings
from fooling.datasets.pictures import MANIFEST, Colour, ListedPictures, content_sha256
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.messages import REMEDY, FoolingError, progress, say, share_percent
from fooling.reproducibility import CheckpointStore, software_versions
from fooling.retraining.fooling_class import PicturesWithFoolingClass, recognised, with_fooling_class
from fooling.retraining.settings import RetrainSettings, at_equal_passes
from fooling.settings import Settings, read_settings
from fooling.training.images import StreamedImages, part_of
from fooling.training.settings import ClassifierSettings, FittedSettings, TrainingSettings, training_modules
from fooling.training.training import Training

PANEL = "Networks"


def train(
    *,
    dataset: Path,
    settings: str = "{}",
    name: str = "",
    output: Path | None = None,
    pictures: str | None = None,
    manifest: Path | None = None,
    outliers: Path | None = None,
    mirror: Path | None = None,
    workers: int = 1,
    processes: int | None = None,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Train a classifier on a data set, on one or several GPUs.

    An interrupted training resumes from its last checkpoint.

    Args:
        name: Name of the classifier. Default: that of the file to write, else classifier.
        output: Classifier file to write. Default: named after the classifier, in this folder.
        settings: Architecture, input and training: JSON or a YAML file. Default: a LeNet.
        outliers: Data set file of images that fooled another network, for `training.outliers` with `kind: fooling`.
        processes: Number of processes that train together, each on its own GPU if there are GPUs.
    """
    name, output = named_output(name, output, otherwise="classifier")
    options = {key: value for key, value in locals().items() if key != "processes"}
    checked = read_settings(ClassifierSettings, settings)
    if (together := wanted_processes(processes)) > 1:
        launch("train", options, processes=together, device=device)
        return
    place = chosen_device(device)
    with joined(place) as group:
        content = load_dataset(dataset)
        listed = _streamed_pictures(checked.training, pictures, manifest, dataset=content, mirror=mirror)
        decoding = workers and max(1, workers // group.size)
        images = None if listed is None else StreamedImages(listed, workers=decoding)
        training = Training(
            name=name,
            dataset=content,
            settings=checked,
            device=place,
            images=images,
            outliers=None if outliers is None else load_dataset(outliers),
            group=group,
        )
        origin = _origin_of(dataset, name=content.name, device=place, group=group)
        if outliers is not None:
            origin["outliers"] = digest_of(outliers)
        with _trained(
            training, command=f"{__name__}:train", name=name, origin=origin, checkpoints=checkpoints
        ) as classifier:
            if group.leads:
                save_classifier(output, classifier)
    if group.leads:
        say(f"{_format_errors(classifier)}; written to {output}")


def fit(*, dataset: Path, settings: str, name: str = "", output: Path | None = None) -> None:
    """Fit a model that is no network of layers, such as nearest neighbours, and save it as a classifier.

    Its scores have no gradients: gradient attacks do not work on it, all other steps do.

    Args:
        name: Name of the classifier. Default: that of the file to write, else fitted.
        output: Classifier file to write. Default: named after the classifier, in this folder.
        settings: The model and its images: JSON or a YAML file.
    """
    name, output = named_output(name, output, otherwise="fitted")
    checked = read_settings(FittedSettings, settings)
    images = part_of(load_dataset(dataset), checked.training.part)
    classifier = fitted_classifier(images, checked.model, name=name, seed=checked.seed)
    origin = {"dataset": {"name": images.name, "sha256": digest_of(dataset)}, "versions": versions_of_fit()}
    provenance = {**classifier.provenance, "settings": checked.model_dump(mode="json"), **origin}
    save_classifier(output, dataclasses.replace(classifier, provenance=provenance))
    error, count = provenance["test_error"], provenance["test_images"]
    refused = provenance.get("refusal", {}).get("refused")
    rejected = "" if refused is None else f", {share_percent(refused)} rejected"
    say(f"{name}: {share_percent(error)} of {count} test images misjudged{rejected}; written to {output}")


def retrain(
    *,
    dataset: Path,
    fooling: list[Path] | None = None,
    settings: str = "{}",
    name: str = "",
    output: Path | None = None,
    pictures: str | None = None,
    manifest: Path | None = None,
    mirror: Path | None = None,
    workers: int = 1,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Train a network with the images that fooled earlier networks as one more class.

    Without ``fooling`` images there is no fooling class, as in the first network of a chain. The provenance records
    which shares of test images the network recognises as fooling images.

    Args:
        fooling: Data set files of fooling images; give the option once for each, in the order of the networks.
        settings: The network's settings and its place in the chain: JSON or a YAML file. Default: the second network
            of a chain of LeNets.
        name: Name of the classifier. Default: that of the file to write, else retrained.
        output: Classifier file to write. Default: named after the classifier, in this folder.
    """
    name, output = named_output(name, output, otherwise="retrained")
    checked = read_settings(RetrainSettings, settings)
    place = chosen_device(device)
    real, sets = load_dataset(dataset), [load_dataset(path) for path in fooling or []]
    listed = _streamed_pictures(checked.network.training, pictures, manifest, dataset=real, mirror=mirror)
    images, network = None, checked.network
    if checked.exposure == "equal-passes":
        images_to_measure = len(real.train_images) if listed is None else len(listed.labels)
        network = at_equal_passes(network, real=images_to_measure, fooling=sum(len(each.train_images) for each in sets))
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
    origin = _origin_of(dataset, name=real.name, device=place)
    origin["fooling_images"] = [digest_of(path) for path in fooling or []]
    with _trained(
        training, command=f"{__name__}:retrain", name=name, origin=origin, checkpoints=checkpoints
    ) as classifier:
        shares = recognised(classifier, real, sets)
        place_in_chain = {
            **checked.model_dump(mode="json", exclude={"network", "exposure"}),
            "fooling_images": sum(len(images.train_images) for images in sets),
            "recognised": shares,
        }
        if checked.exposure != "equal-iterations":  # the default is left out, so that earlier files keep their bytes
            place_in_chain["exposure"] = checked.exposure
        provenance = {**classifier.provenance, "retraining": place_in_chain}
        save_classifier(output, dataclasses.replace(classifier, provenance=provenance))
    newest = f", {share_percent(shares[-1]['share'])} of the newest fooling test images recognised" if sets else ""
    say(f"{_format_errors(classifier)}{newest}; written to {output}")


def _origin_of(dataset: Path, *, name: str, device: torch.device, group: ProcessGroup = SINGLE) -> dict[str, Any]:
    """Return what decides the weights besides the settings: data set, device, number of processes and versions."""
    return {
        "dataset": {"name": name, "sha256": digest_of(dataset)},
        "device": device.type,
        "processes": group.size,
        "versions": software_versions(),
    }


@contextmanager
def _trained(
    training: Training, *, command: str, name: str, origin: Mapping[str, Any], checkpoints: Path
) -> Iterator[Classifier]:
    """Complete a training, give the classifier, and delete the checkpoint after the block that writes it.

    All processes of a group take part; only the leading one keeps checkpoints.

    Args:
        training: The training; it resumes from its checkpoint if there is one.
        command: The command that trains, as ``module:function``.
        name: Name of the classifier.
        origin: Entries to add to its provenance.
        checkpoints: Folder of the checkpoints.
    """
    settings = training.settings
    source = architecture_source(settings.architecture)
    own_file = digest_of(source) if isinstance(source, Path) else None
    identity = {"work": "training", "name": name, "settings": settings.model_dump(mode="json"), **origin}
    named = *architecture_functions(settings.architecture, settings.options), *training_modules(settings.training)
    code = fingerprint(command, *named)
    store = CheckpointStore(checkpoints, {**identity, "architecture": own_file}, code=code)
    with store if training.group.leads else nullcontext():
        _resume(training, store)
        _finish_training(training, store)
        classifier = training.classifier()
        remarks = remarks_on(classifier, sample_of(training.dataset), test_labels=training.dataset.test_labels)
        yield dataclasses.replace(classifier, provenance={**classifier.provenance, **origin})
        if training.group.leads:
            for remark in remarks:
                say(remark)
            store.clear()


def _format_errors(classifier: Classifier) -> str:
    """Format the test error of a trained network."""
    provenance = classifier.provenance
    error, images, iterations = (provenance[key] for key in ("test_error", "test_images", "iterations"))
    return f"{classifier.name}: {share_percent(error)} of {images} test images misjudged after {iterations} iterations"


def _resume(training: Training, store: CheckpointStore) -> None:
    """Resume ``training`` from its checkpoint if there is one; its arrays are freed on return."""
    group = training.group
    group.broadcast(None)  # by now the leading process has opened the store; no other process writes there
    if (state := store.load("training")) is not None:
        training.restore(*state, source=store.path("training"))
    if len(set(group.all_gather(torch.tensor(training.iteration)).tolist())) > 1:
        raise FoolingError(f"{store.folder} differs between the processes of the training", remedy=REMEDY)
    if state is not None and group.leads:
        say(f"training resumes after {training.iteration} iterations")


def _finish_training(training: Training, store: CheckpointStore) -> None:
    """Complete ``training``, and save a checkpoint whenever one is due."""
    group, iterations = training.group, training.settings.training.iterations
    with progress(total=iterations, done=training.iteration, description="training", unit="iterations") as counter:

        def keep() -> None:
            if group.broadcast(group.leads and store.is_due()):
                state = training.state()
                if group.leads:
                    store.save("training", *state)

        def after_iteration() -> None:
            if group.leads:
                counter.advance(note=training.standing)
            keep()

        while not training.is_done:
            training.run_epoch(after_iteration)
            keep()


class StreamedSettings(Settings):
    """The data set whose pictures are read from their folder."""

    dataset: Annotated[FolderSettings | ImagenetSettings, Field(discriminator="kind")]
    """Its settings, as in the study."""


def _streamed_pictures(
    training: TrainingSettings, settings: str | None, manifest: Path | None, *, dataset: Dataset, mirror: Path | None
) -> ListedPictures | None:
    """Return the pictures that a training reads from their folder; None if it uses the images of the data set file."""
    if training.pictures == "kept" or settings is None or manifest is None:
        return None
    return _listed_pictures(settings, manifest, dataset=dataset, mirror=mirror)


def _listed_pictures(settings: str, manifest: Path, *, dataset: Dataset, mirror: Path | None) -> ListedPictures:
    """Return all training pictures of ``dataset``, also those that its file does not contain.

    Raises:
        FoolingError: The data set file was made from another manifest or with other settings, or the pictures are in a
            tar file, which can only be read from its beginning.
    """
    given, table = read_settings(StreamedSettings, settings).dataset, read_table(manifest, MANIFEST)
    colour: Colour = "rgb"
    if isinstance(given, FolderSettings):
        given, colour = folder.with_path_found(given, mirror_folder(mirror)), given.colour
        _require_origin(dataset, table, folder.provenance_of(given), manifest=manifest)
        labelled = folder.all_training_pictures(given, table)
    else:
        given, classes = imagenet.with_places_found(given, mirror_folder(mirror))
        _require_origin(dataset, table, imagenet.provenance_of(given), manifest=manifest)
        labelled = imagenet.all_training_pictures(given, table, classes)
    if given.path.is_file():
        raise FoolingError(
            f"{given.path} is a tar file, which cannot be read in a new order in every pass",
            expected="a folder, because training.pictures is `all`",
            remedy="unpack it, and give the folder as the path of the data set",
        )
    if labelled.class_names != dataset.class_names:
        remedy = "make the data set again, or give the list of classes from which it was made"
        raise FoolingError(
            f"the classes of the data set {dataset.name} differ from those of its pictures", remedy=remedy
        )
    return ListedPictures(given.path, labelled, table, size=given.size, colour=colour)


def _require_origin(dataset: Dataset, table: pd.DataFrame, settings: Mapping[str, Any], *, manifest: Path) -> None:
    """Raise :class:`FoolingError` unless ``dataset`` was made from this ``manifest`` with these ``settings``."""
    found = [dataset.provenance.get(key) for key in ("content_sha256", "settings")]
    if found != [content_sha256(table), settings]:
        raise FoolingError(
            f"the data set {dataset.name} was not made from the pictures of {manifest}, or with other settings",
            remedy="make it again from this manifest, or list the pictures again and then make it",
        )
