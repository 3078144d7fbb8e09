"""The catalogue of figures, and what each is drawn from; the workflow and the report read it without plotting.

The figure ``gallery`` is the function ``gallery`` in the module :mod:`fooling.figures.gallery`; an entry names its
``module`` only if that is another one. To add a figure, write the function and its entry here. The function's keyword
arguments are the names of the tables that it ``shows`` (the rows of all files of a table), ``runs`` if ``seeds`` is
set, ``batches``, ``ascents``, ``examples``, ``stimuli`` and ``dataset`` if ``batches``, ``needs_ascents``,
``examples_of``, ``needs_stimuli`` and ``needs_dataset`` are set, and the ``options``, which are keys of
:class:`fooling.figures.declaration.FigureSettings`.
"""

from __future__ import annotations

from fooling.figures.catalogue_of_probes import OF_PROBES
from fooling.figures.declaration import Figure
from fooling.findings.ablation import ABLATION
from fooling.findings.ascent import ASCENT_CURVES
from fooling.findings.audits import AUDIT_ATTACKS, AUDIT_SEEDS, AUDITS
from fooling.findings.calibration import CALIBRATION, REAL
from fooling.findings.classifiers import CLASSIFIERS, FOOLABILITY, TRAINING
from fooling.findings.comparison import PRESETS, SURVIVAL
from fooling.findings.distances import DISTANCES
from fooling.findings.examination import EXAMINED
from fooling.findings.registry import MODULES
from fooling.findings.retraining import EFFECTS, RETRAINING
from fooling.findings.runs import CHAMPIONS, HISTORY
from fooling.findings.stronger_attacks import BUDGET, REFUSAL
from fooling.findings.transfer import SHOWN, TRANSFER
from fooling.findings.variance import CLASS_SETS, SET_CLASSES, VARIANCE
from fooling.survey.accuracy import ACCURACY, IMAGES
from fooling.survey.agreement import CONFIDENCE, CONFUSION

#: In the order of the report. The file of a figure is ``<name>.png``, or ``<name>-<experiment or classifier>.png``.
FIGURES: dict[str, Figure] = {
    "gallery": Figure(
        "Champions of each class (columns) in several runs (rows), with the confidence of their own network. "
        "Confidences are truncated to two decimals; from 99.99 % on they are printed as ≥ 99.99 %. Below the images: "
        "the confidence of an independent network, and the distance to the nearest training image.",
        one_per="experiment",
        shows=(EXAMINED,),
        seeds="shown",
        of_first_classifier=True,
    ),
    "further_runs": Figure(
        "Champions of many runs, to show which motifs recur.",
        module="gallery",
        one_per="experiment",
        shows=(EXAMINED,),
        seeds="all",
        of_first_classifier=True,
    ),
    "real_and_evolved": Figure(
        "A real test image of each class, above the images evolved for this class, with the network's confidence.",
        module="same_label",
        one_per="first classifier of a data set",
        shows=(REAL,),
        seeds="first",
        needs_dataset=True,
    ),
    "same_label": Figure(
        "How it works. Left: the network gives a real image and evolved images the same label. Right: the "
        "evolutionary loop, with images of this study.",
        one_per="first classifier of a data set",
        shows=(REAL,),
        seeds="first",
        needs_dataset=True,
    ),
    "resembling": Figure(
        "Champions that resemble their class, above the nearest training image. The rule: an independent network and "
        "the nearest training image both have this class, and the training image is no farther away than for real "
        "test images. Below each champion: the network on which it evolved, and the independent network with its "
        "confidence. Below each training image: the distance.",
        module="distances",
        one_per="data set with independent networks",
        shows=(EXAMINED,),
        seeds="all",
        needs_dataset=True,
        needs_training_images=True,
    ),
    "family_tree": Figure(
        "Lineage of one run: each dot is an image that became champion of the class in its row, with a line from its "
        "parent. Images with descendants at the end are in colour. Left: champions of the random start; right: final "
        "champions. Parents are drawn uniformly: if parentage did not matter, most lines would come from another "
        "class (9 of 10 with ten classes). With many classes: families, which are champions with a late common "
        "ancestor.",
        one_per="experiment",
        seeds="shown",
    ),
    "confidence_over_evaluations": Figure(
        "Median confidence over the classes against the number of images scored: evolution, random search and drift "
        "(unselected).",
        module="controls",
        one_per="experiment",
        shows=(HISTORY,),
        options=("reference",),
    ),
    "classes_over_evaluations": Figure(
        "Confidence in each class against the number of images scored: evolution, random search and drift "
        "(unselected). With many classes: a map of class by generation.",
        module="controls",
        one_per="experiment",
        shows=(HISTORY, CHAMPIONS),
        options=("reference",),
    ),
    "ascent_gallery": Figure(
        "Images made by gradient ascent, for each class (column) and setting (row), with the network's confidence. "
        "On digits, plain ascent often makes readable digits: they are no evidence that confident images are "
        "unrecognisable. Decay, blur and pixel resets make an image simpler and can keep its confidence below "
        "99.99 %.",
        module="other_attacks",
        one_per="classifier with ascents",
        needs_ascents=True,
    ),
    "ascent_over_evaluations": Figure(
        "Median confidence over the classes against evaluations of the network: gradient ascent, evolution and "
        "random search. Evolution and random search use no gradient. A sweep is one line: its best settings on pilot "
        "networks, used on the other networks.",
        module="other_attacks",
        one_per="classifier with ascents",
        shows=(ASCENT_CURVES,),
        options=("reference",),
    ),
    "search_comparison": Figure(
        "Evolution, random search and drift with the same number of images scored. Each dot is a run.",
        module="controls",
        shows=(CHAMPIONS,),
        options=("reference",),
    ),
    **OF_PROBES,
    "preset_comparison": Figure(
        "Number of images until the median class reaches the threshold, for each preset, including runs that never "
        "reach it.",
        module="ablation",
        one_per="study with compared experiments",
        shows=(SURVIVAL, PRESETS),
    ),
    "option_effects": Figure(
        "Effect of each option on the number of images until the median class reaches the threshold.",
        module="ablation",
        one_per="study with crossed options",
        shows=(PRESETS,),
    ),
    "transfer": Figure(
        "Transfer rate: the share of images evolved on one network that keep their class on another network, "
        "compared with chance.",
        one_per="experiment",
        shows=(TRANSFER,),
    ),
    "transfer_gallery": Figure(
        "Images evolved on one network that other networks assign to the same class. For each class (column): the "
        "image with the highest confidence of the other network (row).",
        module="transfer",
        one_per="experiment",
        shows=(SHOWN,),
        seeds="all",
    ),
    "retraining_transfer": Figure(
        "Transfer rate in a chain: the share of images evolved on one network of the chain that keep their class on "
        "another one.",
        module="transfer",
        one_per="retraining",
        shows=(TRANSFER,),
        needs_chain=True,
    ),
    "retraining_gallery": Figure(
        "Images evolved against each network of a chain, with their confidences. Each network has learned the "
        "fooling images of all networks before it as an additional class.",
        module="retraining_chain",
        one_per="retraining",
        shows=(RETRAINING,),
        needs_chain=True,
        batches=True,
    ),
    "retraining_curve": Figure(
        "How easily each network of a chain is fooled, compared with the paper's networks and with the study's "
        "controls. Below: the images that the networks classify as fooling images, and the test error on real "
        "images.",
        module="retraining",
        one_per="retraining",
        shows=(RETRAINING, EFFECTS),
    ),
    "retraining_over_generations": Figure(
        "Evolution against each network of a chain, by generation. Left: the median over the classes; right: the "
        "most confident class.",
        module="retraining_chain",
        one_per="retraining",
        needs_chain=True,
        batches=True,
    ),
    "retraining_budget": Figure(
        "The effect of a larger budget: the median confidence on the last network of each chain, by images scored.",
        module="retraining",
        one_per="retraining with longer runs",
        shows=(BUDGET,),
    ),
    "retraining_refusal": Figure(
        "Defence at equal refusal rates of real images: the share of champions accepted, their confidence among the "
        "real classes, and the share of real images refused.",
        module="retraining",
        one_per="retraining with refusal",
        shows=(REFUSAL,),
    ),
    "calibration": Figure(
        "Calibration: accuracy against confidence on real test images, if their confidences differ enough, and the "
        "confidence in champions before and after temperature scaling.",
        one_per="classifier",
        shows=(REAL, CALIBRATION, EXAMINED),
        options=("reference",),
        module="classifiers",
    ),
    "distances": Figure(
        "Why networks are fooled: confidence against the distance to the nearest training image, in pixels and in "
        "the network's features, for real test images, noise, the random start and the champions.",
        one_per="classifier",
        shows=(DISTANCES,),
        needs_training_images=True,
    ),
    "training_curves": Figure(
        "Training loss and test error during training, for each network that the study trained.",
        one_per="study with trained networks",
        shows=(TRAINING, CLASSIFIERS),
        options=("reference_error",),
        module="classifiers",
    ),
    "ablation": Figure(
        "The effect of repeated elements: champions after copies were removed one after another, and after the same "
        "area was removed at random places.",
        one_per="experiment",
        shows=(ABLATION,),
        seeds="shown",
        encoding="cppn",
    ),
    "foolability": Figure(
        "How easily each network is fooled: the median confidence at the end of the runs, before and after "
        "temperature scaling.",
        module="variation",
        shows=(FOOLABILITY,),
    ),
    "audits": Figure(
        "Audits of networks with equal budgets: the share of the classes that each search fooled, for each seed and as "
        "the mean over the seeds, beside random search. Panels are numbers of classes, which cannot be compared. The "
        "last panels show small changes, one change for all images, and evolution with labels alone.",
        module="variation",
        one_per="study with audits",
        shows=(AUDITS, AUDIT_ATTACKS, AUDIT_SEEDS),
    ),
    "class_sets": Figure(
        "Confidence in sets of classes compared with all other classes, to show whether some are harder to fool.",
        module="variation",
        one_per="study with class sets",
        shows=(CLASS_SETS, SET_CLASSES),
    ),
    "variance_components": Figure(
        "Shares of the variance between champions that come from the network, the seed and the class, for searches "
        "with several runs.",
        module="variation",
        one_per="study with repeated runs",
        shows=(VARIANCE,),
    ),
    "stimuli_hidden": Figure(
        "Stimuli of the human study: a random sample of images of one condition, without labels.",
        module="planned_survey",
        one_per="condition",
        needs_stimuli=True,
    ),
    "stimuli_shown": Figure(
        "The same images at the same places, with their class and the network's confidence.",
        module="planned_survey",
        one_per="condition",
        needs_stimuli=True,
    ),
    "survey_accuracy": Figure(
        "Share of correct answers of people, per condition and question, with chance and the declared margin.",
        module="survey",
        one_per="study with responses",
        shows=(ACCURACY,),
    ),
    "survey_images": Figure(
        "Share of correct answers for each image, to show whether a few images determine the mean.",
        module="survey",
        one_per="study with responses",
        shows=(IMAGES,),
    ),
    "survey_confusion": Figure(
        "Answers of people to images of each label, if all labels are offered.",
        module="survey",
        one_per="study with responses",
        shows=(CONFUSION,),
    ),
    "survey_confidence": Figure(
        "People's correct answers and certainty against the network's confidence, by image.",
        module="survey",
        one_per="study with responses",
        shows=(IMAGES, CONFIDENCE),
    ),
}


def module_of(figure: str) -> str:
    """Return the dotted name of the module that draws a figure."""
    return f"fooling.figures.{FIGURES[figure].module or figure}"


def modules_of(figure: str) -> list[str]:
    """Return what ``fooling draw`` imports by name for a figure: its function, and the modules of its tables."""
    return [f"{module_of(figure)}:{figure}", *dict.fromkeys(MODULES[table.name] for table in FIGURES[figure].shows)]
