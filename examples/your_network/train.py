"""Train that network as you please, here in plain PyTorch, and write its weights as a safetensors file.

Usage: python train.py DATASET WEIGHTS
"""

from __future__ import annotations

import sys
from pathlib import Path

import safetensors.torch
import torch
from network import build
from torch.nn.functional import cross_entropy

from fooling.datasets.dataset import load_dataset

EPOCHS, BATCH = 12, 32


def main() -> None:
    """Some passes over the training images in a fixed order of chance."""
    dataset, weights = Path(sys.argv[1]), Path(sys.argv[2])
    digits = load_dataset(dataset)
    images = torch.from_numpy(digits.train_images).float() / 255
    labels = torch.from_numpy(digits.train_labels)
    torch.manual_seed(0)
    network = build(input_shape=digits.image_shape, classes=len(digits.class_names))
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH):
            optimiser.zero_grad()
            cross_entropy(network(images[batch]), labels[batch]).backward()
            optimiser.step()
    safetensors.torch.save_file(network.state_dict(), weights)


if __name__ == "__main__":
    main()
