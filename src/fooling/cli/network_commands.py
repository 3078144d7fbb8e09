"""What the command line says of the commands that fetch data and make networks."""

from __future__ import annotations

from fooling.cli.command import Command

NETWORK_COMMANDS: dict[str, Command] = {
    "fetch-digits": Command("Write the handwritten digits that come with scikit-learn as a data set file."),
    "fetch-shapes": Command("Draw shapes and textures in colour from a seed as a data set file."),
    "fetch-mnist": Command("Fetch MNIST from a mirror folder or by download, verify it, and write a data set file."),
    "list-folder": Command(
        "List the pictures of an image folder with their checksums, to be checked whenever they are used.",
        {"output": "Manifest to write: a CSV table of path, bytes and SHA-256."},
    ),
    "fetch-folder": Command(
        "Check the pictures of an image folder against their manifest and write them as a data set file.",
        {"manifest": "Manifest that `list-folder` wrote."},
    ),
    "list-imagenet": Command(
        "Check the layout of ImageNet, a folder or a tar file, and list its pictures with their checksums.",
        {"output": "Manifest to write: a CSV table of path, bytes and SHA-256."},
    ),
    "fetch-imagenet": Command(
        "Check pictures of ImageNet against their manifest and write them, or a sample of them, as a data set file.",
        {"manifest": "Manifest that `list-imagenet` wrote."},
    ),
    "train": Command(
        "Train a classifier on a data set, on one or several GPUs; a killed training goes on.",
        {
            "output": "Classifier file to write.",
            "settings": "Architecture, input and training: JSON or a YAML file.",
            "processes": "How many processes train together, each on a GPU of its own where there are any.",
        },
    ),
    "import-network": Command(
        "Take in a network that someone else has trained: an architecture, and a file of weights or torchvision's own.",
        {"output": "Classifier file to write.", "settings": "Architecture, weights and input: JSON or a YAML file."},
    ),
    "assemble-ensemble": Command(
        "Make one classifier of several, whose confidences are the mean of theirs.",
        {"members": "Classifier files of the networks.", "output": "Classifier file to write."},
    ),
}
