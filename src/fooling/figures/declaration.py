"""What an entry in the catalogue of figures declares: its caption, its subjects, and what it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from fooling.settings import Settings
from fooling.table import Table

#: Pattern of a run's path below ``results/<study>/``.
RUN = "evolution/{classifier}/{experiment}/seed{seed}.safetensors"


@dataclass(frozen=True)
class Figure:
    """One kind of figure.

    The wildcards of a pattern take the values of the figure: its experiment, classifier, data set or retraining. A
    wildcard for which the figure has no value stands for everything of that kind in the study. Runs of an experiment
    are those on its first classifier, and ``seeds`` selects them: the first ``runs_shown``, all, or the first alone.
    """

    caption: str
    one_per: Literal[
        "study",
        "study with trained networks",
        "study with compared experiments",
        "study with crossed options",
        "study with repeated runs",
        "experiment",
        "classifier",
        "first classifier of a data set",
        "data set with independent networks",
        "retraining",
        "retraining with longer runs",
        "retraining with refusal",
        "classifier with ascents",
        "study with class sets",
        "study with inputs far from the data",
        "study with boundaries",
        "study with hardened networks",
        "study with audits",
        "study with adversarial examples",
        "study with universal perturbations",
        "study with labels alone",
        "study with detectors",
        "condition",
        "study with responses",
    ] = "study"
    module: str = ""  # in fooling.figures, if it differs from the figure's name
    shows: tuple[Table, ...] = ()
    seeds: Literal["shown", "all", "first"] | None = None
    of_first_classifier: bool = False  # its tables too, not only its runs
    needs_dataset: bool = False
    needs_training_images: bool = False  # of the data set, for the distances in its tables
    needs_chain: bool = False  # the first chain of the retraining that learns champions; {chain} in patterns
    batches: bool = False  # the first run against each network of this chain
    needs_ascents: bool = False  # all gradient ascents on the classifier
    examples_of: Literal["adversarial", "universal"] | None = None  # the first attack of this kind, on one classifier
    needs_stimuli: bool = False  # of one condition of the human study
    options: tuple[str, ...] = ()
    encoding: Literal["direct", "cppn"] | None = None  # of experiments that it can show; None: any

    def __post_init__(self) -> None:
        assert self.caption.endswith("."), self.caption

    @property
    def tables(self) -> dict[str, str]:
        """Path patterns of the tables that it shows, by name; for the figure of a chain with the wildcard {chain}."""
        shown = "{chain}" if self.needs_chain else "{experiment}"
        return {table.name: str(table.path).replace("{experiment}", shown) for table in self.shows}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of everything that the figure is drawn from."""
        given = {
            "runs": self.seeds is not None,
            "batches": self.batches,
            "ascents": self.needs_ascents,
            "examples": self.examples_of is not None,
            "stimuli": self.needs_stimuli,
            "dataset": self.needs_dataset,
        }
        return (*self.tables, *(name for name, is_given in given.items() if is_given))


class FigureSettings(Settings):
    """What the figures show. A figure receives only the keys that its entry in the catalogue names."""

    runs_shown: int = Field(default=5, ge=1, le=12)
    """Runs in a gallery: the first seeds on the experiment's first classifier (the paper shows 5)."""
    reference: float | None = Field(default=0.9999, gt=0.0, lt=1.0)
    """The paper's median confidence, drawn as a line; null draws none."""
    reference_error: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Test error of the paper's network (0 to 1), drawn as a line among the training curves; null draws none."""
    formats: tuple[Literal["png", "pdf"], ...] = ("png",)
    """File formats: `png`, which the report shows, and `pdf` in addition, for print."""

    @field_validator("formats")
    @classmethod
    def _shown_in_the_report(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        if "png" not in formats or len(set(formats)) < len(formats):
            raise ValueError("png, or png and pdf, because the report shows PNG files")
        return formats
