"""SqueezeNet is torchvision's, and with Caffe's padding what Caffe's averages give."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fooling.classifiers.architectures import build_network
from fooling.messages import FoolingError
from fooling.torchvision_import import import_torchvision

torchvision = import_torchvision()

SHAPE = (3, 64, 64)


@pytest.mark.parametrize(
    ("version", "name"), [("1.0", "squeezenet1_0"), ("1.1", "squeezenet1_1"), (1.1, "squeezenet1_1")]
)
def test_it_is_torchvisions(version: str | float, name: str) -> None:
    options = {"version": version}
    torch.manual_seed(0)
    network = build_network("squeezenet", input_shape=SHAPE, classes=7, options=options).eval()
    torch.manual_seed(0)
    original = torchvision.models.get_model(name, num_classes=7).eval()
    images = torch.randn(2, *SHAPE)
    with torch.inference_mode():
        assert torch.equal(network(images), original(images))


def test_caffes_padding_puts_a_border_of_biases_into_the_average() -> None:
    network = build_network("squeezenet", input_shape=SHAPE, classes=7, options={"last_padding": 1}).eval()
    bias = network.classifier[1].bias
    with torch.inference_mode():
        bias.copy_(torch.linspace(-1, 1, 7))
        images = torch.randn(2, *SHAPE)
        maps = torch.relu(torch.nn.functional.conv2d(network.features(images), network.classifier[1].weight, bias))
        height, width = maps.shape[2:]
        border = (height + 2) * (width + 2) - height * width
        expected = (maps.sum(dim=(2, 3)) + border * torch.relu(bias)) / ((height + 2) * (width + 2))
        np.testing.assert_allclose(network(images), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"version": "1.2"}, "options.version: 1.2"), ({"last_padding": 2}, "options.last_padding: 2")],
)
def test_what_there_is_not_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        build_network("squeezenet", input_shape=SHAPE, classes=7, options=options)


@pytest.mark.parametrize("name", ["squeezenet", "alexnet", "torchvision:resnet18"])
def test_grey_images_are_refused_with_what_to_change(name: str) -> None:
    with pytest.raises(FoolingError, match=r"takes RGB images\n  found: 1 channel \(grey\)(.|\n)*colour: rgb"):
        build_network(name, input_shape=(1, 64, 64), classes=7, options={})


def test_images_that_are_too_small_are_told_with_the_setting() -> None:
    with pytest.raises(FoolingError, match=r"cannot process these images(.|\n)*`input.crop`"):
        build_network("squeezenet", input_shape=(3, 16, 16), classes=7, options={})
