import sys

import torch

from fooling.torchvision_import import forget_half_import, torchvision


def test_networks_and_data_sets_can_be_used():
    network = torchvision.models.alexnet(num_classes=3).eval()
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
    assert torchvision.datasets.MNIST.resources[0][0] == "train-images-idx3-ubyte.gz"


def test_only_the_modules_of_torchvision_are_forgotten(monkeypatch):
    modules = {"torchvision": 1, "torchvision.models": 2, "torchvision_neighbour": 3, "torch": 4}
    monkeypatch.setattr(sys, "modules", modules)
    forget_half_import()
    assert set(modules) == {"torchvision_neighbour", "torch"}
