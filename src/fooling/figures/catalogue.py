"""Which figures there are, and what each is drawn from: read by the workflow and the report without any plotting.

The figure ``gallery`` is ``draw`` in the module ``fooling.figures.gallery``. Its keyword arguments are the names in
``tables`` (each a table; files of one name are stacked), ``runs`` where ``seeds`` is set, ``batches``, ``ascents``,
``stimuli`` and ``dataset`` where that, ``needs_ascents``, ``needs_stimuli`` and ``needs_dataset`` are, and the
``options``, which are keys of
:class:`fooling.figures.settings.FigureSettings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Inputs below ``results/<study>/``.
RUN = "evolution/{classifier}/{experiment}/seed{seed}.safetensors"
CHAMPIONS = "findings/champions/{experiment}.parquet"
HISTORY = "findings/history/{experiment}.parquet"
EXAMINED = "findings/examined/{classifier}/{experiment}.parquet"
START = "findings/start/{classifier}/{experiment}.parquet"
DISTANCES = "findings/distances/{classifier}.parquet"
REAL = "findings/real/{classifier}.parquet"
ABLATION = "findings/ablation/{classifier}/{experiment}.parquet"
RETRAINING = "findings/retraining/{retraining}.networks.csv"
ASCENT_CURVES = "findings/ascent_curves/{classifier}.parquet"
ANSWERS = "findings/survey/{}.csv"


@dataclass(frozen=True)
class Figure:
    """One kind of figure.

    A pattern's wildcards are those of the figure (its experiment, classifier or retraining) as far as it has them, and
    otherwise stand for everything of that kind in the study. Where runs are drawn, the classifier of an experiment is
    its first one, and ``seeds`` says which: the first ``runs_shown``, all, or the first alone.
    """

    caption: str
    one_per: Literal[
        "study",
        "study with trained networks",
        "experiment",
        "classifier",
        "retraining",
        "retraining with longer runs",
        "retraining with refusal",
        "classifier with ascents",
        "study with class sets",
        "condition",
        "study with responses",
    ] = "study"
    tables: Mapping[str, str] = field(default_factory=dict)
    seeds: Literal["shown", "all", "first"] | None = None
    needs_dataset: bool = False
    needs_training_images: bool = False  # what images are compared with
    needs_chain: bool = False  # the retraining's first chain that learns champions: {chain} in patterns
    batches: bool = False  # the first runs against each network of this chain
    needs_ascents: bool = False  # all gradient ascents on the classifier
    needs_stimuli: bool = False  # those of the condition of the human study
    options: tuple[str, ...] = ()
    encoding: Literal["direct", "cppn"] | None = None  # of the experiments that it can show; None: any

    def __post_init__(self) -> None:
        assert self.caption.endswith("."), self.caption

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of everything that the figure is drawn from."""
        given = {
            "runs": self.seeds is not None,
            "batches": self.batches,
            "ascents": self.needs_ascents,
            "stimuli": self.needs_stimuli,
            "dataset": self.needs_dataset,
        }
        return (*self.tables, *(name for name, is_given in given.items() if is_given))


#: In the order of the report. The file of a figure is ``<name>.png``, or ``<name>-<experiment or classifier>.png``.
FIGURES: dict[str, Figure] = {
    "gallery": Figure(
        "Champions of every class (columns) in several runs (rows) with the confidence of the network that they were "
        "evolved on, and below them how another network and the training images see them.",
        one_per="experiment",
        tables={"examined": EXAMINED},
        seeds="shown",
    ),
    "further_runs": Figure(
        "Champions of many further runs: which motifs recur from run to run.",
        one_per="experiment",
        tables={"examined": EXAMINED},
        seeds="all",
    ),
    "real_and_evolved": Figure(
        "A real test image of every class above the images evolved for it, each with the network's confidence.",
        one_per="classifier",
        tables={"real": REAL},
        seeds="first",
        needs_dataset=True,
    ),
    "same_label": Figure(
        "The idea: the network gives a real and evolved images the same label; and the loop by which such images are "
        "found, with images of this study.",
        one_per="classifier",
        tables={"real": REAL},
        seeds="first",
        needs_dataset=True,
    ),
    "resembling": Figure(
        "Champions that do resemble their class, above the nearest training image. The rule: an independent network "
        "and that image say their class, and it is as near as one is to real images. Small print: that network's "
        "confidence, how many champions are such, and the distance.",
        one_per="classifier",
        tables={"examined": EXAMINED},
        seeds="all",
        needs_dataset=True,
        needs_training_images=True,
    ),
    "family_tree": Figure(
        "Who descends from whom: every image that became a champion, in the row of its class, with a line from its "
        "parent; what has descendants at the end is in colour. Left the champions of the random start, right those at "
        "the end. Parents are drawn uniformly: were it of no matter whose child an image is, nine in ten lines "
        "would come from another one of ten classes. Of many classes: families, champions with a late common ancestor.",
        one_per="experiment",
        seeds="shown",
    ),
    "confidence_over_evaluations": Figure(
        "Confidence, median over the classes, against the number of images scored: evolution, random search and "
        "unselected drift.",
        one_per="experiment",
        tables={"history": HISTORY},
        options=("reference",),
    ),
    "classes_over_evaluations": Figure(
        "Confidence in each class against the number of images scored: evolution, random search and unselected drift. "
        "Of many classes a map, class by generation.",
        one_per="experiment",
        tables={"history": HISTORY, "champions": CHAMPIONS},
        options=("reference",),
    ),
    "ascent_gallery": Figure(
        "Images that climbed the network's gradient, for each class (column) with every setting (rows), and the "
        "network's confidence.",
        one_per="classifier with ascents",
        needs_ascents=True,
    ),
    "ascent_over_evaluations": Figure(
        "Confidence, median over the classes, against evaluations of the network: gradient ascent beside evolution and "
        "random search, which know no gradient. A sweep of settings is one line: the best of them on pilot networks, "
        "shown on the others.",
        one_per="classifier with ascents",
        tables={"ascent_curves": ASCENT_CURVES},
        options=("reference",),
    ),
    "search_comparison": Figure(
        "What evolution adds to random search with the same number of evaluations, run by run.",
        tables={"champions": CHAMPIONS},
        options=("reference",),
    ),
    "random_images": Figure(
        "How confident the networks are in single images that nobody evolved, and in the best of a random start.",
        tables={"start": START, "history": HISTORY},
    ),
    "preset_comparison": Figure(
        "How long each preset takes until the median class stands at 99.99 %, runs that never get there included.",
        tables={"survival": "findings/survival.csv", "presets": "findings/presets.csv"},
    ),
    "transfer": Figure(
        "What the networks (columns) say of images that were evolved on other ones (rows): the share that keeps its "
        "class, beside chance.",
        one_per="experiment",
        tables={"transfer": "findings/transfer/{experiment}.pairs.csv"},
    ),
    "transfer_gallery": Figure(
        "Images evolved on one network that others take for the same class: of every class the one that another "
        "network (row) is surest of.",
        one_per="experiment",
        tables={"shown": "findings/transfer/{experiment}.shown.parquet"},
        seeds="all",
    ),
    "retraining_transfer": Figure(
        "What each network of a chain (columns) says of images that were evolved against each other one (rows).",
        one_per="retraining",
        tables={"transfer": "findings/transfer/{chain}.pairs.csv"},
        needs_chain=True,
    ),
    "retraining_gallery": Figure(
        "Images evolved against every network of a chain, each of which has learned those of the networks before it "
        "as one more class, with their confidences.",
        one_per="retraining",
        tables={"retraining": RETRAINING},
        needs_chain=True,
        batches=True,
    ),
    "retraining_curve": Figure(
        "How easily every network of a chain is fooled, beside the paper's networks and two controls, and what the "
        "fooling class learns and costs.",
        one_per="retraining",
        tables={"retraining": RETRAINING, "effects": "findings/retraining/{retraining}.effects.csv"},
    ),
    "retraining_over_generations": Figure(
        "How evolution fares against every network of a chain, generation by generation: the median over the classes, "
        "and the surest class.",
        one_per="retraining",
        needs_chain=True,
        batches=True,
    ),
    "retraining_budget": Figure(
        "What a larger budget changes: the median confidence against the last network of each chain, by images scored.",
        one_per="retraining with longer runs",
        tables={"budget": "findings/retraining/{retraining}.budget.csv"},
    ),
    "retraining_refusal": Figure(
        "Whether a fooling class defends where all networks refuse equally many real images: the champions accepted, "
        "their confidence among the real classes, and the real images refused.",
        one_per="retraining with refusal",
        tables={"refusal": "findings/retraining/{retraining}.refusal.csv"},
    ),
    "calibration": Figure(
        "Whether a confidence means what it says: on real test images, and for champions before and after temperature "
        "scaling.",
        one_per="classifier",
        tables={"real": REAL, "calibration": "findings/calibration/{classifier}.csv", "examined": EXAMINED},
        options=("reference",),
    ),
    "distances": Figure(
        "Why networks are fooled: confidence against the distance to the nearest training image, in pixels and in what "
        "the network makes of an image, for real test images, noise, the random start and the champions.",
        one_per="classifier",
        tables={"distances": DISTANCES},
        needs_training_images=True,
    ),
    "training_curves": Figure(
        "Training loss and test error of every network that the study trained, while it was trained.",
        one_per="study with trained networks",
        tables={"training": "findings/training.csv", "classifiers": "findings/classifiers.csv"},
        options=("reference_error",),
    ),
    "ablation": Figure(
        "What repeated elements are worth to the network: champions with copies of them removed, one after the other, "
        "and with as much removed at random places.",
        one_per="experiment",
        tables={"ablation": ABLATION},
        seeds="shown",
        encoding="cppn",
    ),
    "foolability": Figure(
        "How easily each network is fooled: the area under the curve of its confidence, its end, and the classes of "
        "which it is sure.",
        tables={"foolability": "findings/foolability.csv"},
    ),
    "class_sets": Figure(
        "Whether a network is harder to fool with some classes than with the others.",
        one_per="study with class sets",
        tables={"class_sets": "findings/class_sets.csv", "set_classes": "findings/set_classes.parquet"},
    ),
    "variance_components": Figure(
        "How much of the variance between champions comes from the network, the seed and the class.",
        tables={"variance": "findings/variance.csv"},
    ),
    "stimuli_hidden": Figure(
        "What people are asked about: images of one condition of the human study, drawn by lot, without their labels.",
        one_per="condition",
        needs_stimuli=True,
    ),
    "stimuli_shown": Figure(
        "The same images in the same places, with the class that the network was to see in them and its confidence.",
        one_per="condition",
        needs_stimuli=True,
    ),
    "survey_accuracy": Figure(
        "How often people give the right answer, per condition and way of asking, beside chance and a declared margin.",
        one_per="study with responses",
        tables={"survey_accuracy": ANSWERS.format("accuracy")},
    ),
    "survey_images": Figure(
        "The same image by image: whether a few images that everybody knows make the average.",
        one_per="study with responses",
        tables={"survey_images": ANSWERS.format("images")},
    ),
    "survey_confusion": Figure(
        "What people say of images of each label, where all labels are offered.",
        one_per="study with responses",
        tables={"survey_confusion": ANSWERS.format("confusion")},
    ),
    "survey_confidence": Figure(
        "Whether people know those images better, or are surer of them, of which the network is surer.",
        one_per="study with responses",
        tables={
            "survey_images": ANSWERS.format("images"),
            "survey_confidence": ANSWERS.format("confidence"),
        },
    ),
}
