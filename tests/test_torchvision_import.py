import subprocess
import sys

import torch

from fooling.torchvision_import import ensure_operators, import_torchvision

torchvision = import_torchvision()


def test_networks_and_data_sets_can_be_used():
    network = torchvision.models.alexnet(num_classes=3).eval()
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
    assert torchvision.datasets.MNIST.resources[0][0] == "train-images-idx3-ubyte.gz"


def test_the_operators_are_known_once_and_may_be_asked_for_again():
    ensure_operators()
    assert hasattr(torch.ops.torchvision, "nms")
    assert ensure_operators() is ensure_operators()


def test_torchvision_that_does_not_fit_torch_can_be_imported():
    code = (
        "import torch\n"
        "def does_not_fit(path): raise OSError(f'undefined symbol in {path}')\n"
        "torch.ops.load_library = does_not_fit\n"
        "from fooling.torchvision_import import ensure_operators\n"
        "ensure_operators()\n"
        "import torchvision\n"
        "print(torchvision.models.alexnet(num_classes=3).classifier[6].out_features)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "3\n"
