"""Plain eager scoring: the network as anyone would write it, fed all images of a generation at once."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from benchmarks.interleaving import Contestant
from benchmarks.material import OFFSPRING, Material


def contestant(material: Material) -> Contestant:
    """torch's own layers with the classifier's weights, in the default layout (NCHW), without gradients."""
    classifier = material.classifier
    network = plain_lenet()
    network.load_state_dict(classifier.network.state_dict())
    shape = (OFFSPRING, *classifier.input_shape)
    images = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)

    @torch.inference_mode()
    def scored() -> torch.Tensor:
        logits: torch.Tensor = network((images.float() - classifier.offset) * classifier.scale)
        return logits

    torch.testing.assert_close(scored(), classifier.logits(images), rtol=1e-3, atol=1e-3)
    return Contestant(what="plain eager scoring, batch 200, NCHW", work=scored, images=OFFSPRING, calls=2)


def plain_lenet() -> nn.Module:
    """LeNet for 28x28 grey images and ten classes, in evaluation mode."""
    layers = OrderedDict[str, nn.Module](
        conv1=nn.Conv2d(1, 20, kernel_size=5),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(20, 50, kernel_size=5),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(800, 500),
        relu1=nn.ReLU(),
        fc2=nn.Linear(500, 10),
    )
    return nn.Sequential(layers).eval()
