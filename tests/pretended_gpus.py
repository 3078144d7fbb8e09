"""A `fooling` for machines without GPUs that pretends to have some: it locks one, and computes on the CPU."""

from __future__ import annotations

import sys
from pathlib import Path

from checkout import Checkout

COMMAND = """#!{python}
import fcntl
import os
import tempfile
import torch
from fooling.classifiers import devices
from fooling.cli.main import main

def chosen_device(name, choose=devices.chosen_device):
    assert choose(name).type == "cuda"
    held = os.open("{folder}/held-" + os.environ["CUDA_VISIBLE_DEVICES"], os.O_WRONLY | os.O_CREAT)  # never closed
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where another process holds the same one
    with open("{folder}/used", "a") as used:
        used.write(os.environ["CUDA_VISIBLE_DEVICES"] + "\\n")
    return torch.device("cpu")

devices.chosen_device = chosen_device
shown = os.environ.get("CUDA_VISIBLE_DEVICES")
torch.cuda.device_count = lambda: len(shown.split(",")) if shown else {count}
tempfile.tempdir = "{folder}"
main()
"""


def pretend_gpus(checkout: Checkout, count: int) -> Path:
    """Let the commands of ``checkout`` find so many GPUs; the file that will list the GPU that each of them had."""
    folder = checkout.folder / "bin"
    folder.mkdir()
    command = folder / "fooling"
    command.write_text(COMMAND.format(python=sys.executable, folder=folder, count=count))
    command.chmod(0o755)
    return folder / "used"
