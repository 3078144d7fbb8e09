"""Train a classifier, pass by pass over the training images, resumable to the same bits after every iteration.

The images and their crops follow from the seed and the number of the iteration (:mod:`fooling.training.images`).
Dropout draws from generators that get a new seed in every pass; within a pass they are part of the state, as the
optimiser's moments are.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled, measured_errors
from fooling.classifiers.classifier import Classifier, fed_shape
from fooling.classifiers.classifier_file import as_array, stored_type
from fooling.classifiers.devices import SINGLE, ProcessGroup, enough_memory, reproducible, require_equal_parts
from fooling.classifiers.header import Count, Epoch
from fooling.classifiers.network_code import network_code
from fooling.classifiers.probe import require_usable, sample_of
from fooling.datasets.dataset import Dataset
from fooling.messages import REMEDY, FoolingError, share_percent
from fooling.reproducibility import derived_seed
from fooling.schemas import Header, checked_header, require_schema
from fooling.training.images import Batch, KeptImages, Schedule, TrainingImages, part_of
from fooling.training.losses import LossTerms, make_optimiser, set_learning_rate
from fooling.training.settings import ClassifierSettings

NETWORK, OPTIMISER = "network.", "optimiser."
LOSS, GENERATOR, GPU_GENERATOR = "loss", "generator", "gpu_generator"  # of each process of the group
MOMENTS = ("momentum_buffer", "exp_avg", "exp_avg_sq")  # of each parameter, with its shape


class TrainingHeader(Header):
    """The progress of a training."""

    iteration: Count
    history: tuple[Epoch, ...]


class Training:
    """One classifier in training: call ``run_epoch`` until ``is_done``, then ``classifier``.

    The length is a number of iterations, as in Caffe's solver: ``settings.training.iterations``. An epoch ends with the
    batch that uses the last image of a pass, or earlier if ``test_every`` is set.
    """

    def __init__(
        self,
        *,
        name: str,
        dataset: Dataset,
        settings: ClassifierSettings,
        device: torch.device,
        fooling_class: bool = False,
        images: TrainingImages | None = None,
        outliers: Dataset | None = None,
        group: ProcessGroup = SINGLE,
    ) -> None:
        """Build the network and check that it can be trained.

        Args:
            name: Name of the classifier.
            dataset: The data set to train and test on.
            settings: Settings of the network and its training.
            device: Where it is trained.
            fooling_class: Whether the last class of ``dataset`` stands for fooling images.
            images: The training images; default: those in the data set.
            outliers: The fooling images of ``training.outliers`` with ``kind: fooling``.
            group: The process group, of which this process trains on its part of each batch.

        Raises:
            FoolingError: The network, the images and the settings do not fit together.
        """
        if images is None and settings.training.pictures == "all":
            raise FoolingError(
                f"{name} cannot be trained on all pictures",
                found="training.pictures: all, and only the images of the data set file",
                remedy="name the pictures and their manifest (--pictures, --manifest), or set training.pictures: kept",
            )
        if settings.training.part is not None and (fooling_class or images is not None):
            raise FoolingError(
                f"{name} cannot be trained on a part of the training images",
                found="training.part, with a fooling class" if fooling_class else "training.part, with other images",
                expected="training.part only for networks that are trained on the images of a data set file",
                remedy="leave out training.part",
            )
        if settings.training.outliers is not None and fooling_class:
            raise FoolingError(
                f"{name} cannot have both outliers and a fooling class",
                found="training.outliers, with fooling images as one more class",
                remedy="leave out training.outliers: the fooling class is the other way to learn from such images",
            )
        dataset = part_of(dataset, settings.training.part)
        require_equal_parts(settings.training.batch_size, group)
        self.dataset, self.settings, self._device, self.group = dataset, settings, device, group
        self._images = KeptImages(dataset) if images is None else images
        self._schedule = Schedule(settings=settings, count=self._images.count, shape=dataset.image_shape)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(settings.seed, "weights"))
            network = build_network(
                settings.architecture,
                input_shape=fed_shape(dataset.image_shape, settings.input.crop),
                classes=len(dataset.class_names),
                options=settings.options,
            )
        classifier = assembled(network, name=name, settings=settings, dataset=dataset, device=device)
        self._classifier = dataclasses.replace(classifier, fooling_class=fooling_class)
        require_usable(self._classifier, sample_of(dataset))
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise FoolingError(f"the network {name} cannot be trained", found="no parameter that has a gradient")
        self._network = group.parallel(network)
        self._loss_terms = LossTerms(self._classifier, settings, outliers=outliers, group=group)
        self._optimiser = make_optimiser(network, settings.training)
        self._batches: Iterator[Batch] | None = None
        self._loss = torch.zeros((), dtype=torch.float64, device=device)  # sum since the last test
        self._generators = _states_of_generators(device)  # after the last iteration
        self.iteration = 0
        self.history: list[dict[str, Any]] = []

    @property
    def is_done(self) -> bool:
        """Whether all iterations are done, and the network has been tested after the last one."""
        return self._last_test == self.settings.training.iterations

    @property
    def _last_test(self) -> int:
        """The iteration after which the test error was last measured; 0 before the first time."""
        return int(self.history[-1]["iteration"]) if self.history else 0

    def standing(self) -> str:
        """Return a short remark on the progress."""
        return f"test error {share_percent(self.history[-1]['test_error'])}" if self.history else "first pass"

    def run_epoch(self, after_iteration: Callable[[], None] = lambda: None) -> None:
        """Train to the end of a pass over the images, or to the last iteration, and measure the test error.

        Raises :class:`FoolingError` if the loss is no longer finite.
        """
        start, end = self._last_test, self._end_after(self._last_test)
        with reproducible(self._device, threads=self.settings.training.threads):
            self._set_generators()
            self._classifier.network.train()
            while self.iteration < end:
                self._loss += self._step(*self._next_batch())
                self.iteration += 1
                self._generators = _states_of_generators(self._device)
                after_iteration()
            self._optimiser.zero_grad()
            self._classifier.network.eval()
            mean_loss = self.group.all_gather(self._loss).mean().item() / (end - start)
            if not math.isfinite(mean_loss):
                raise FoolingError(
                    f"the training of {self._classifier.name} has diverged",
                    found=f"a loss of {mean_loss} by iteration {end}",
                    remedy="lower training.learning_rate",
                )
            self.history.append({"iteration": end, "train_loss": mean_loss, **self._measured_errors()})
        self._loss.zero_()

    def classifier(self) -> Classifier:
        """Return the classifier as trained so far, with its provenance."""
        provenance = {
            "seed": self.settings.seed,
            "settings": self.settings.model_dump(mode="json"),
            "iterations": self.iteration,
            "test_error": self.history[-1]["test_error"],
            "top5_error": self.history[-1]["top5_error"],
            "test_images": len(self.dataset.test_images),
            "history": list(self.history),
        }
        return dataclasses.replace(self._classifier, provenance=provenance)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return arrays and a header from which :meth:`restore` resumes to the same bits.

        All processes of the group must call it at the same time, after an iteration.
        """
        arrays = {NETWORK + key: as_array(value) for key, value in self._classifier.network.state_dict().items()}
        for index, values in self._optimiser.state_dict()["state"].items():
            arrays |= {f"{OPTIMISER}{index}.{key}": as_array(value) for key, value in values.items()}
        arrays |= {key: as_array(self.group.all_gather(values)) for key, values in self._of_process().items()}
        return arrays, {"iteration": self.iteration, "history": self.history}

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Resume from a state that :meth:`state` returned in a training with the same settings.

        Raises :class:`FoolingError`, naming the ``source``, for any other state.
        """
        described = checked_header(TrainingHeader, header, source=source)
        self.iteration, self.history = described.iteration, [epoch.model_dump() for epoch in described.history]
        if not self._last_test <= self.iteration <= self._end_after(self._last_test):
            found = f"iteration {self.iteration}, tested after {self._last_test}"
            raise FoolingError(f"{source} is not a checkpoint of this training", found=found, remedy=REMEDY)
        schema = self._schema()
        optional = {key for key in schema if key.startswith(OPTIMISER)}
        require_schema(
            arrays, {key: schema[key] for key in schema if key in arrays or key not in optional}, source=source
        )
        tensors = {key: torch.from_numpy(array) for key, array in arrays.items() if key in schema}
        network = {key.removeprefix(NETWORK): value for key, value in tensors.items() if key.startswith(NETWORK)}
        self._classifier.network.load_state_dict(network)
        parameters = self._parameters()
        for key in optional & tensors.keys():
            index, _, quantity = key.removeprefix(OPTIMISER).partition(".")
            parameter, value = parameters[int(index)], tensors[key].to(self._device)
            if value.shape == parameter.shape and (value.stride(), value.dtype) != (
                parameter.stride(),
                parameter.dtype,
            ):
                # Fused steps process memory in order: a buffer must have exactly the strides of its parameter.
                value = torch.empty_like(parameter).copy_(value)
            self._optimiser.state[parameter][quantity] = value
        self._loss.copy_(tensors[LOSS][self.group.rank])
        # Copies, because torch reads the state of a generator from the start of the whole tensor, and beyond its end.
        self._generators = {key: tensors[key][self.group.rank].clone() for key in self._generators}
        try:
            torch.Generator().set_state(self._generators[GENERATOR])
        except RuntimeError as error:
            raise FoolingError(f"{source} has an invalid generator state", found=error, remedy=REMEDY) from None

    def _end_after(self, start: int) -> int:
        """Return the iteration of the next test, if the last one was after iteration ``start``."""
        end = self._schedule.end_of_pass(self._schedule.pass_at(start))
        interval = self.settings.training.test_every
        return end if interval is None else min(end, start + interval)

    def _set_generators(self) -> None:
        """Set the generators of the dropout: to the start of a pass, or to their state within one."""
        if not self._schedule.begins_pass(self.iteration):
            _set_states_of_generators(self._generators, self._device)
            return
        number = self._schedule.pass_at(self.iteration)
        torch.manual_seed(derived_seed(self.settings.seed, "dropout", number, *self.group.words))

    def _next_batch(self) -> Batch:
        """Return this process's images and labels of the next iteration."""
        if self._batches is None:
            shown = self._schedule.batches(self.iteration)
            mine = (batch.part(self.group.rank, self.group.size) for batch in shown)
            self._batches = self._images.batches(mine, self._device)
        return next(self._batches)

    def _measured_errors(self) -> dict[str, float | None]:
        """Return the errors on the test images, measured by rank 0 and broadcast to the group."""
        images, labels = self.dataset.test_images, self.dataset.test_labels
        return self.group.broadcast(measured_errors(self._classifier, images, labels) if self.group.leads else {})

    def _parameters(self) -> list[nn.Parameter]:
        """Return the parameters in the optimiser's order."""
        return [parameter for group in self._optimiser.param_groups for parameter in group["params"]]

    def _schema(self) -> dict[str, str]:
        """Return type and shape of every array in a state; the optimiser decides which of its own exist."""
        schema = {NETWORK + key: _form(value) for key, value in self._classifier.network.state_dict().items()}
        for index, parameter in enumerate(self._parameters()):
            schema |= {f"{OPTIMISER}{index}.{quantity}": _form(parameter) for quantity in MOMENTS}
            schema[f"{OPTIMISER}{index}.step"] = "float32"
        for key, value in self._of_process().items():
            dtype, *lengths = _form(value).split()
            schema[key] = " ".join([dtype, str(self.group.size), *lengths])
        return schema

    def _of_process(self) -> dict[str, torch.Tensor]:
        """Return the values that differ between the processes of the group."""
        return {LOSS: self._loss, **self._generators}

    def _step(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Make one iteration on these images; return the loss before it."""
        set_learning_rate(self._optimiser, self.iteration, self.settings.training)
        self._optimiser.zero_grad()
        mixed = self.settings.training.precision == "mixed"
        work = f"the training of {self._classifier.name}"
        size = self.settings.training.batch_size
        with network_code(f"{work} fails"), enough_memory(work, setting="training.batch_size", value=size):
            shown = self._loss_terms.shown(images, labels, self.iteration)
            with torch.autocast(self._device.type, torch.bfloat16, enabled=mixed):
                logits = self._network(self._classifier.inputs(shown))
            self._require_trainable(logits, len(shown))
            loss = self._loss_terms.loss(logits.float(), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
        return loss.detach()

    def _require_trainable(self, logits: Any, images: int) -> None:
        """Raise :class:`FoolingError` unless a network in training mode gives logits that have gradients."""
        expected = images, len(self._classifier.class_names)
        is_tensor = isinstance(logits, torch.Tensor)
        if not is_tensor or logits.shape != expected or not logits.requires_grad:
            shape = tuple(logits.shape) if is_tensor else type(logits).__name__
            raise FoolingError(
                f"the network {self._classifier.name} cannot be trained",
                found=f"{shape} without gradients" if shape == expected else f"{shape} in training mode",
                expected=f"logits {expected} that depend on its parameters, in training mode as in evaluation mode",
                remedy="make it return only logits, and remove no_grad and detach from its code",
            )


def _states_of_generators(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the states of the generators that dropout uses on ``device``."""
    on_gpu = {GPU_GENERATOR: torch.cuda.get_rng_state(device)} if device.type == "cuda" else {}
    return {GENERATOR: torch.get_rng_state(), **on_gpu}


def _set_states_of_generators(states: Mapping[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(states[GENERATOR])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[GPU_GENERATOR], device)


def _form(tensor: torch.Tensor) -> str:
    """Return type and shape as in a schema of :func:`fooling.schemas.require_schema`."""
    return " ".join([str(stored_type(tensor)).removeprefix("torch."), *map(str, tensor.shape)])
