"""Figures of the catalogue about other images than champions: random or changed ones, and inputs far from the data."""

from __future__ import annotations

from fooling.figures.declaration import Figure
from fooling.findings.adversarial import ADVERSARIAL, ADVERSARIAL_MEANS
from fooling.findings.boundary import BOUNDARY
from fooling.findings.detectors import DETECTOR_IMAGES, DETECTOR_MEANS, DETECTORS
from fooling.findings.examination import KINDS_TABLE
from fooling.findings.far import RUBBISH, RUBBISH_SUMMARY
from fooling.findings.fooled_tables import FOOLED
from fooling.findings.hardening import HARDENED, HARDENING
from fooling.findings.label_only import LABEL_ONLY, LABEL_ONLY_CURVES
from fooling.findings.random_images import FAMILIES_TABLE, FAMILY_IMAGES, START
from fooling.findings.rays import RAYS
from fooling.findings.runs import HISTORY
from fooling.findings.stress import ROBUSTNESS
from fooling.findings.universal import UNIVERSAL_MEANS

#: By name, in the order of the report.
OF_PROBES = {
    "random_images": Figure(
        "Confidence in random images. Left: single images, each in its top class. Right: the best image for each "
        "class among all images of a random start. A network can be confident in most single images and still assign "
        "them to few of its classes.",
        module="controls",
        shows=(START, HISTORY),
    ),
    "families": Figure(
        "Is it the CPPN, or any smooth image? For each network and family of random images: the median over the "
        "classes of the confidence in the best image of the class, and the share of the classes at 99.99 % or more. "
        "All families have the same number of images.",
        module="probes",
        shows=(FAMILIES_TABLE,),
        options=("reference",),
    ),
    "family_examples": Figure(
        "Random images of each family (row): for each class (column) the one that the network is most sure of.",
        module="probes",
        one_per="first classifier of a data set",
        shows=(FAMILY_IMAGES,),
    ),
    "robustness": Figure(
        "What survives print (shift, rotation, blur, JPEG, noise) and shuffled patches: the share of champions that "
        "keep their class, beside correctly classified real test images.",
        module="probes",
        shows=(ROBUSTNESS,),
    ),
    "boundary": Figure(
        "Where champions lie: the distance to the nearest decision boundary, as DeepFool finds it, of champions, of "
        "the best images of the random starts and of correctly classified real test images, against the confidence in "
        "their class; and the medians of each network. The distance is an upper bound.",
        module="probes",
        one_per="study with boundaries",
        shows=(BOUNDARY,),
    ),
    "rubbish": Figure(
        "Random inputs from N(0, I), in the unit in which pixels are 0 to 1: the share that gets a class with more "
        "than 50 % confidence, and the mean confidence in these, beside published numbers. This measures random "
        "inputs, not what an attack would find.",
        module="models",
        one_per="study with inputs far from the data",
        shows=(RUBBISH, RUBBISH_SUMMARY),
    ),
    "rays": Figure(
        "Confidence along rays: a real image or random direction, multiplied by a growing factor, with and without "
        "clipping to the range of images. Networks of linear pieces become ever more confident, those of bounded "
        "units do not. No attack chooses the directions.",
        module="models",
        one_per="study with inputs far from the data",
        shows=(RAYS,),
    ),
    "hardening": Figure(
        "Ways of training that may make a network harder to fool, beside plain networks of the same seeds: the "
        "confidence of the champions that were evolved against each network itself, the test error, and the share of "
        "the champions that remain if every network refuses about equally many real images. Lower is harder to fool.",
        one_per="study with hardened networks",
        shows=(HARDENED, HARDENING),
        module="defences",
    ),
    "fooled": Figure(
        "Who is fooled: the log-odds of the champions of each kind of model, by evolution and by random search with as "
        "many evaluations, beside those of correctly classified real test images of the same model. A champion fools "
        "its model if it is above the median of these images. A model that resists these searches with this budget is "
        "not shown to be safe.",
        shows=(FOOLED,),
        module="models",
    ),
    "kinds": Figure(
        "Ways to fool one network: of each kind that the study has, the image with the median confidence, the "
        "evaluations that it took, and what another network makes of it. One example each, without statistics. That "
        "another network is not fooled by a stored image does not mean that it cannot be fooled.",
        module="gallery",
        shows=(KINDS_TABLE,),
    ),
    "adversarial_success": Figure(
        "Share of real images that a small change makes the network misclassify, against the size of the change, and "
        "the share with noise of the same norm. Methods are compared within one norm. The share is before rounding to "
        "whole levels. What these methods do not change may still be changed by others.",
        module="adversarial",
        one_per="study with adversarial examples",
        shows=(ADVERSARIAL, ADVERSARIAL_MEANS),
    ),
    "adversarial_gallery": Figure(
        "Adversarial examples: real test images, the change by each method, and the changed image as it is stored, "
        "with the label and the confidence of the network. A grey frame: the network gets the stored image right.",
        module="adversarial",
        one_per="study with adversarial examples",
        examples_of="adversarial",
    ),
    "universal_rates": Figure(
        "One perturbation for all images: the share of test images that get another label with it, against its size, "
        "the number of images on which it was found, and the rounds of fine-tuning, beside random perturbations of the "
        "same norm. What one perturbation does not change may still be changed by another.",
        module="adversarial",
        one_per="study with universal perturbations",
        shows=(UNIVERSAL_MEANS,),
    ),
    "universal_gallery": Figure(
        "Universal perturbations (left), magnified, with the label that most fooled images get; and unseen images with "
        "them, as they are stored, with the label and the confidence of the network. A grey frame: the label without "
        "the perturbation.",
        module="adversarial",
        one_per="study with universal perturbations",
        examples_of="universal",
    ),
    "label_only": Figure(
        "What labels alone reach: the confidence, revealed after the last query, and the noise that the label "
        "survives, against the number of queries, for MAP-Elites and random search; and champions of another network, "
        "which cost one query each. Not fooled by stored images is not the same as not foolable.",
        one_per="study with labels alone",
        shows=(LABEL_ONLY, LABEL_ONLY_CURVES),
        module="other_attacks",
    ),
    "label_only_gallery": Figure(
        "Images found with labels alone: for each class the one whose label survives the most noise, evolved or "
        "random, and the champion of another network. Below each image: the confidence, revealed after the last query.",
        module="other_attacks",
        one_per="study with labels alone",
        shows=(LABEL_ONLY,),
    ),
    "detectors": Figure(
        "What remains of a detector under attack: the share of the classes at 99.99 % or more and the median "
        "confidence, of images found without the detector and of images found by attacks that know it, beside random "
        "search. A rejected image has confidence 0. The first "
        "number flatters a detector; the order is by the second.",
        one_per="study with detectors",
        shows=(DETECTORS, DETECTOR_MEANS),
        module="defences",
    ),
    "detector_gallery": Figure(
        "Images that get through a detector: for each detector and class the best image of the attacks that know it, "
        "with the confidence of the network. Pale: none was accepted.",
        module="defences",
        one_per="study with detectors",
        shows=(DETECTOR_IMAGES,),
    ),
}
