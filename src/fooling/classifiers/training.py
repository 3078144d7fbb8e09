"""Training of a classifier, pass by pass over the training images, resumable to the same bytes after every pass.

Nothing but the optimiser's state has to be kept between passes: the order of the images and the dropout of a pass are
drawn from generators seeded by the classifier's seed and the number of the pass. So are the crops, where the network is
fed crops: of every image one square anywhere in it, mirrored or not.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn
from torch.nn.functional import cross_entropy

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled, measured_errors
from fooling.classifiers.checkpoint import as_array
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import enough_memory, reproducible
from fooling.classifiers.header import Count, Epoch
from fooling.classifiers.optimisers import make_optimiser, set_learning_rate
from fooling.classifiers.settings import ClassifierSettings
from fooling.classifiers.views import fed_shape, random_crops
from fooling.contents import Header, checked_header, require_layout
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.seeding import derived_seed, numpy_generator

NETWORK, OPTIMISER = "network.", "optimiser."
MOMENTS = ("momentum_buffer", "exp_avg", "exp_avg_sq")  # of a parameter, of its shape


class TrainingHeader(Header):
    """How far a training has come."""

    iteration: Count
    history: Annotated[tuple[Epoch, ...], Field(min_length=1)]


class Training:
    """One classifier in training: ``run_epoch`` until ``is_done``, then take the ``classifier``.

    The counterpart of an epoch in Caffe's solver is a number of iterations, and ``settings.training.iterations``
    decides; an epoch ends with the batch that uses the last image of a pass.
    """

    def __init__(
        self,
        *,
        name: str,
        dataset: Dataset,
        settings: ClassifierSettings,
        device: torch.device,
        fooling_class: bool = False,
    ) -> None:
        """``fooling_class``: the last class of ``dataset`` stands for fooling images."""
        dataset.require_training_images()
        self.dataset, self.settings, self._device = dataset, settings, device
        self._images = torch.from_numpy(dataset.train_images).to(device)
        self._labels = torch.from_numpy(dataset.train_labels).to(device)
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
        self._optimiser = make_optimiser(network, settings.training)
        self._crops = torch.Generator()
        self.iteration = 0
        self.history: list[dict[str, float | None]] = []

    @property
    def is_done(self) -> bool:
        """Whether every iteration has been made."""
        return self.iteration == self.settings.training.iterations

    def standing(self) -> str:
        """A short remark on how it stands."""
        return f"test error {self.history[-1]['test_error']:.2%}" if self.history else "first pass"

    def run_epoch(self, after_iteration: Callable[[], None] = lambda: None) -> None:
        """Train to the end of a pass over the images, or to the last iteration, and measure the test error.

        Raises :class:`FoolingError` when the loss is no longer a finite number.
        """
        count, batch_size = len(self._images), self.settings.training.batch_size
        epoch = self.iteration * batch_size // count
        end = min(math.ceil((epoch + 1) * count / batch_size), self.settings.training.iterations)
        order = torch.from_numpy(self._order(epoch, images=end * batch_size - epoch * count)).to(self._device)
        loss = torch.zeros((), dtype=torch.float64, device=self._device)
        with reproducible(self._device, threads=self.settings.training.threads):
            torch.manual_seed(derived_seed(self.settings.seed, "dropout", epoch))
            self._crops.manual_seed(derived_seed(self.settings.seed, "crops", epoch))
            self._classifier.network.train()
            for iteration in range(self.iteration, end):
                start = iteration * batch_size - epoch * count
                loss += self._step(iteration, order[start : start + batch_size])
                after_iteration()
            self._optimiser.zero_grad()
            self._classifier.network.eval()
            mean_loss = loss.item() / (end - self.iteration)
            if not math.isfinite(mean_loss):
                raise FoolingError(
                    f"the training of {self._classifier.name} has diverged",
                    found=f"a loss of {mean_loss} by iteration {end}",
                    remedy="lower training.learning_rate",
                )
            errors = measured_errors(self._classifier, self.dataset.test_images, self.dataset.test_labels)
            self.history.append({"iteration": end, "train_loss": mean_loss, **errors})
        self.iteration = end

    def classifier(self) -> Classifier:
        """The classifier as trained so far, with its provenance."""
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
        """Arrays and a header from which :meth:`restore` goes on exactly as if there had been no interruption."""
        arrays = {NETWORK + key: as_array(value) for key, value in self._classifier.network.state_dict().items()}
        for index, values in self._optimiser.state_dict()["state"].items():
            arrays |= {f"{OPTIMISER}{index}.{key}": as_array(value) for key, value in values.items()}
        return arrays, {"iteration": self.iteration, "history": self.history}

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Take up a state of :meth:`state` of a training with the same settings.

        Raises :class:`FoolingError`, naming the ``source``, for any other state.
        """
        described = checked_header(TrainingHeader, header, source=source)
        if described.iteration > (last := self.settings.training.iterations):
            raise FoolingError(f"{source} lies behind the end", found=described.iteration, expected=f"at most {last}")
        layout = {key: form for key, form in self._layout().items() if key.startswith(NETWORK) or key in arrays}
        require_layout(arrays, layout, source=source)
        tensors = {key: torch.from_numpy(arrays[key]) for key in layout}
        network = {key.removeprefix(NETWORK): value for key, value in tensors.items() if key.startswith(NETWORK)}
        self._classifier.network.load_state_dict(network)
        parameters = self._parameters()
        for key in tensors.keys() - {NETWORK + name for name in network}:
            index, _, quantity = key.removeprefix(OPTIMISER).partition(".")
            parameter, value = parameters[int(index)], tensors[key].to(self._device)
            if value.shape == parameter.shape and value.stride() != parameter.stride():
                # The fused steps run over memory as it lies: a buffer must lie exactly as its parameter does.
                value = torch.empty_like(parameter).copy_(value)
            self._optimiser.state[parameter][quantity] = value
        self.iteration, self.history = described.iteration, [epoch.model_dump() for epoch in described.history]

    def _parameters(self) -> list[nn.Parameter]:
        """The parameters in the optimiser's order."""
        return [parameter for group in self._optimiser.param_groups for parameter in group["params"]]

    def _layout(self) -> dict[str, str]:
        """Type and shape of every array that a state may hold; which ones the optimiser keeps is its own affair."""
        layout = {NETWORK + key: _form(value) for key, value in self._classifier.network.state_dict().items()}
        for index, parameter in enumerate(self._parameters()):
            layout |= {f"{OPTIMISER}{index}.{quantity}": _form(parameter) for quantity in MOMENTS}
            layout[f"{OPTIMISER}{index}.step"] = "float32"
        return layout

    def _step(self, iteration: int, batch: torch.Tensor) -> torch.Tensor:
        """One iteration on the images at ``batch``; the loss before it."""
        set_learning_rate(self._optimiser, iteration, self.settings.training)
        self._optimiser.zero_grad()
        images, crop = self._images[batch], self.settings.input.crop
        seen = images if crop is None else random_crops(images, crop, self._crops)
        work = f"the training of {self._classifier.name}"
        with enough_memory(work, setting="training.batch_size", value=self.settings.training.batch_size):
            logits = self._classifier.network(self._classifier.inputs(seen))
            loss = cross_entropy(logits, self._labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
        return loss.detach()

    def _order(self, epoch: int, *, images: int) -> NDArray[np.int64]:
        """Which images are shown from the start of pass ``epoch`` on: each pass is a permutation of its own."""
        count = len(self._images)
        passes = range(epoch, epoch + math.ceil(images / count))
        order = [numpy_generator(self.settings.seed, "order", number).permutation(count) for number in passes]
        return np.concatenate(order)


def _form(tensor: torch.Tensor) -> str:
    """Type and shape, for :func:`fooling.contents.require_layout`."""
    return " ".join([str(tensor.dtype).removeprefix("torch."), *map(str, tensor.shape)])
