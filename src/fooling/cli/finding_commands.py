"""What the command line says of the commands that analyse the images that were found."""

from __future__ import annotations

from fooling.cli.command import Command

FINDING_COMMANDS: dict[str, Command] = {
    "tabulate": Command(
        "Turn the runs of one experiment into tables: champions, their history, and when they reached the threshold.",
        {
            "runs": "Run files of one experiment, of all its networks, with their controls.",
            "experiment": "Name of the experiment.",
            "settings": "The threshold: one JSON object, or a YAML file that holds it.",
            "champions": "Table of champions to write.",
            "history": "Table of their history to write.",
            "times": "Table of times to the threshold to write.",
        },
    ),
    "tabulate-retraining": Command(
        "Tell how easily retrained networks are fooled, and whether the fooling class makes it harder.",
        {
            "classifiers": "Classifier files: all networks of all chains, the first ones included.",
            "runs": "Files of runs against them, in the order in which they were made; give the option once for each.",
            "retraining": "Name of the retraining.",
            "measured_runs": "How many runs against each network count, from the first on.",
            "generations": "Generation at which longer runs are read; without it all are read as they ended.",
            "champions": "Table of the champions of these runs to write.",
            "networks": "Table of the networks to write.",
            "effects": "Table of the differences between the chains and their controls to write.",
        },
    ),
    "tabulate-budget": Command(
        "Tabulate how the confidence against the last network of each chain grows with the evaluations.",
        {
            "classifiers": "Classifier files: the last networks of all chains.",
            "runs": "Files of runs against them, in the order in which they were made; give the option once for each.",
            "retraining": "Name of the retraining.",
            "measured_runs": "How many runs against each network count, from the first on.",
            "output": "Table to write.",
        },
    ),
    "tabulate-refusal": Command(
        "Compare the networks of a retraining where all of them refuse equally many real images.",
        {
            "classifiers": "Classifier files: all networks of all chains, the first ones included.",
            "runs": "Files of runs against them, in the order in which they were made; give the option once for each.",
            "refusing": "Classifier files from `match-refusal`, of the last networks; give the option once for each.",
            "refusing_runs": "Files of runs against these; give the option once for each.",
            "retraining": "Name of the retraining.",
            "measured_runs": "How many runs against each network count, from the first on.",
            "output": "Table to write.",
        },
    ),
    "trace-lineage": Command(
        "Trace champions back to the random start, and say what uniformly drawn parents would have given.",
        {
            "runs": "Run files of evolution, of one experiment and all its networks, without their controls.",
            "experiment": "Name of the experiment.",
            "ancestry": "Table of what every champion descends from to write.",
            "lineage": "Table of the experiment's measures, beside chance, to write.",
        },
    ),
    "calibrate": Command(
        "Ask how far a network's confidence in real images can be trusted, and correct it by one temperature.",
        {
            "calibration": "Table with the temperature, and the calibration before and after, to write.",
            "images": "Table of the real test images to write.",
        },
    ),
    "examine": Command(
        "Let an independent network and the training images say whether champions look like their class.",
        {
            "runs": "Run files of one experiment on one network, with their controls.",
            "experiment": "Name of the experiment.",
            "calibration": "Table with the network's temperature, from `calibrate`.",
            "images": "Table of the real test images, from `calibrate`.",
            "independent": "Classifier file of a network that took no part in the evolution.",
            "output": "Table of the examined images to write.",
        },
    ),
    "measure-distances": Command(
        "Measure how far real, evolved and random images lie from all training images, in pixels and in features.",
        {
            "calibration": "Table with the network's temperature, from `calibrate`.",
            "images": "Table of the real test images, from `calibrate`.",
            "runs": "A run on the network whose champions are measured, as experiment=path; once for each.",
            "output": "Table of the images to write.",
        },
    ),
    "ablate": Command(
        "Take repeated elements out of champions, or as much elsewhere, and ask the network what they were worth.",
        {
            "runs": "Run files of one experiment on one network, without their controls.",
            "classifier": "Classifier file of the network that they were made against.",
            "experiment": "Name of the experiment.",
            "output": "Table of the champions and their versions to write.",
        },
    ),
    "summarise-ablation": Command(
        "Sum up what repeated elements are worth, over all champions of every experiment.",
        {"ablations": "Tables of champions with elements removed, from `ablate`.", "output": "Table to write."},
    ),
    "sample-direct": Command(
        "Show a network single images of uniform noise that nobody evolved.",
        {"experiment": "Name of the experiment whose encoding it is.", "output": "Table of the images to write."},
    ),
    "sample-cppn": Command(
        "Show a network single images painted by random CPPNs that nobody evolved.",
        {"experiment": "Name of the experiment whose encoding it is.", "output": "Table of the images to write."},
    ),
    "transfer": Command(
        "Show the images that were evolved on some networks to all of them.",
        {
            "classifiers": "Classifier files: the networks that the images were evolved on, and any others.",
            "experiment": "Name of the experiment, or of the chain.",
            "runs": "Run files that an evolve command wrote; give the option once for each.",
            "batches": "Files of several runs, from `evolve-many-direct` or `evolve-many-cppn`; once for each.",
            "measured_runs": "Of several runs against one network only so many are shown, from the first on.",
            "shown": "Table of the images and what every network says of them to write.",
            "pairs": "Table of the pairs of networks to write.",
        },
    ),
    "describe-classifiers": Command(
        "List the networks: their training, their test errors, and the mean of these with its interval.",
        {
            "classifiers": "Classifier files.",
            "training": "Table of training curves to write.",
            "networks": "Table of networks to write.",
            "errors": "Table of mean test errors to write.",
        },
    ),
    "variance": Command(
        "Split the variance between champions into what the network, the seed and the class do.",
        {"champions": "Tables of champions, from `tabulate`.", "output": "Table of the components to write."},
    ),
    "compare-networks": Command(
        "Compare how easily networks are fooled: the curve of their confidence, its end, and how soon they are sure.",
        {
            "history": "Tables of the history, from `tabulate`.",
            "examined": "Tables of examined images, from `examine`.",
            "output": "Table of the networks to write.",
        },
    ),
    "compare-class-sets": Command(
        "Compare some classes with all others: is it harder to fool a network with them?",
        {
            "champions": "Tables of champions, from `tabulate`.",
            "classes": "Table of the classes inside and outside of every set to write.",
            "output": "Table of the comparisons to write.",
        },
    ),
    "compare": Command(
        "Compare how soon experiments reach the threshold: survival curves, mean times and differences between them.",
        {
            "times": "Tables of times to the threshold, from `tabulate`.",
            "survival": "Table of survival curves to write.",
            "presets": "Table of mean times, differences and main effects to write.",
        },
    ),
    "tabulate-ascent": Command(
        "Turn gradient ascents into tables, and compare how soon they and the searches reach the threshold.",
        {
            "history": "Tables of history, from `tabulate`; give the option once for each.",
            "times": "Tables of times to the threshold, from `tabulate`; give the option once for each.",
            "images": "Table of the climbs' images to write.",
            "ascent_times": "Table of the climbs' evaluations to the threshold to write.",
            "curves": "Table of confidences over evaluations on one classifier, of climbs and searches, to write; "
            "once for each classifier, in the order of their names.",
            "evaluations": "Table of median evaluations to the threshold to write.",
            "pilots": "Gradient ascents on pilot networks, as sweep=path; give the option once for each.",
            "sweeps": "Table of the settings that were tried on pilot networks to write.",
        },
    ),
    "claims": Command(
        "Judge the claims of the paper by what the study found.",
        {
            "declared": "YAML file that declares the claims.",
            "networks": "Table of networks, from `describe-classifiers`.",
            "history": "Tables of history, from `tabulate`; give the option once for each.",
            "times": "Tables of times to the threshold, from `tabulate`; give the option once for each.",
            "start": "Tables of single random images, from `sample-direct` or `sample-cppn`; once for each.",
            "examined": "Tables of examined images, from `examine`; give the option once for each.",
            "ancestry": "Tables of the champions' ancestry, from `trace-lineage`; give the option once for each.",
            "real": "Tables of real test images, from `calibrate`; give the option once for each.",
            "distances": "Tables of distances, from `measure-distances`; give the option once for each.",
            "transfer": "Tables of pairs of networks, from `transfer`; give the option once for each.",
            "retrained": "Tables of champions against retrained networks, from `tabulate-retraining`; once for each.",
            "retraining": "Tables of retrained networks, from `tabulate-retraining`; once for each.",
            "refusal": "Tables of networks at equal refusal rates, from `tabulate-refusal`; once for each.",
            "ablation": "Tables of champions with elements removed, from `ablate`; give the option once for each.",
            "ascent": "Table of the images of gradient ascents, from `tabulate-ascent`.",
            "ascent_times": "Table of the evaluations that they took to the threshold, from `tabulate-ascent`.",
            "people": "Table of how often people give the right answer, from `survey analyse`.",
            "lock": "What was frozen before the runs, from `freeze-claims`.",
            "table": "Table of the judged claims to write.",
            "page": "The same as a page of Markdown to write.",
        },
    ),
    "freeze-claims": Command(
        "Freeze the claims, and reserve seeds for the runs that test them.",
        {
            "declared": "YAML file that declares the claims.",
            "studies": "Study files whose seeds are used already; give the option once for each.",
            "first_seed": "First of the seeds to reserve.",
            "seeds": "How many seeds to reserve.",
            "output": "Lock to write.",
        },
    ),
    "summarise": Command(
        "Sum a study up in a few numbers, by which its versions are compared.",
        {
            "networks": "Table of networks, from `describe-classifiers`.",
            "champions": "Tables of champions, from `tabulate`; give the option once for each.",
            "history": "Tables of history, from `tabulate`; give the option once for each.",
            "claims": "Table of the judged claims.",
            "settings": "The threshold: one JSON object, or a YAML file that holds it.",
            "output": "Metrics to write, as JSON.",
            "curves": "Curve of the confidence over the generations to write as CSV; once for each history, in order.",
        },
    ),
}
