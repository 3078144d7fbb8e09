"""What the command line says of the commands that find fooling images, and retrain networks with them."""

from __future__ import annotations

from fooling.cli.command import Command

IMAGE_COMMANDS: dict[str, Command] = {
    "evolve-direct": Command(
        "Evolve images pixel by pixel (direct encoding) that a classifier takes for its classes.",
        {
            "output": "Run file to write: the archive of champions with its history and lineage.",
            "random_search": "Also search at random with the same number of evaluations, and write that run here.",
            "drift": "Also let genomes drift without selection as long, and write that run here.",
        },
    ),
    "evolve-cppn": Command(
        "Evolve images painted by small networks (CPPN encoding) that a classifier takes for its classes.",
        {
            "output": "Run file to write: the archive of champions with its history and lineage.",
            "random_search": "Also search at random with the same number of evaluations, and write that run here.",
            "drift": "Also let genomes drift without selection as long, and write that run here.",
        },
    ),
    "evolve-many-direct": Command(
        "Evolve images pixel by pixel in several runs, without controls, that differ in their seeds alone.",
        {
            "first_seed": "Seed of the first run; the next ones follow.",
            "runs": "How many runs.",
            "output": "File of runs to write.",
        },
    ),
    "evolve-many-cppn": Command(
        "Evolve images painted by small networks in several runs, without controls, that differ in their seeds alone.",
        {
            "first_seed": "Seed of the first run; the next ones follow.",
            "runs": "How many runs.",
            "output": "File of runs to write.",
        },
    ),
    "collect-champions": Command(
        "Make the champions of several runs a data set of fooling images, those of their start among them.",
        {
            "runs": "Files of runs against one network, from `evolve-many-direct` or `evolve-many-cppn`.",
            "settings": "How many runs are for training and for testing: JSON or a YAML file.",
            "output": "Data set file to write.",
        },
    ),
    "paint-direct": Command(
        "Make random images of uniform noise a data set of fooling images that no network has selected.",
        {"output": "Data set file to write.", "settings": "Encoding, seed and number: JSON or a YAML file."},
    ),
    "paint-cppn": Command(
        "Make random images painted by random CPPNs a data set of fooling images that no network has selected.",
        {"output": "Data set file to write.", "settings": "Encoding, seed and number: JSON or a YAML file."},
    ),
    "retrain": Command(
        "Train a network anew, with the images that fooled the networks before it as one more class.",
        {
            "fooling": "Data set files of fooling images; give the option once for each, in the order of the networks.",
            "settings": "The network's settings and its place in the chain: JSON or a YAML file.",
            "output": "Classifier file to write.",
        },
    ),
    "match-refusal": Command(
        "Make a classifier refuse a share of real images: a constant is added to the logit of its fooling class.",
        {
            "settings": "The share, and the seed by which the test images are halved: JSON or a YAML file.",
            "output": "Classifier file to write.",
        },
    ),
    "ascend": Command(
        "Let images climb a classifier's gradient until it takes them for its classes; a killed climb goes on.",
        {
            "output": "File to write: the images, and their confidences on the way.",
            "pilots": "Files of gradient ascents on pilot networks, one setting each: the settings are the best of "
            "theirs, and `settings` gives the seeds alone.",
            "threshold": "Confidence that the median class must reach; the best setting takes the fewest evaluations.",
        },
    ),
}
