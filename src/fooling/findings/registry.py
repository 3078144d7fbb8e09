"""All tables by name, columns that several of them share, and tables that are joined from parts."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Sequence
from pathlib import Path

from fooling.messages import REMEDY, FoolingError
from fooling.table import COUNT, FLAG, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Column, Table, one_of

ROW_GROUP = 1 << 20  # rows that are written to a Parquet file at once, as pandas does
SEARCHES = ("map-elites", "random-search", "drift")

CLASSIFIER = Column("classifier", TEXT, doc="Name of the classifier that scores the images or is described.")
DATASET = Column("dataset", TEXT, doc="Name of the data set of the classifier.")
ATTACK = Column("attack", TEXT, doc="Name of the attack in the study's configuration.")
EXPERIMENT = Column("experiment", TEXT, doc="Name of the experiment in the study's configuration.")
ENCODING = Column("encoding", one_of("direct", "cppn"), doc="Encoding of the genomes.")
SEARCH = Column(
    "search",
    one_of(*SEARCHES),
    doc="Evolution (`map-elites`), or a control with the same number of evaluations (`random-search`, `drift`).",
)
SEED = Column("seed", COUNT, doc="Seed of the run.")
#: What identifies a run.
RUN = (CLASSIFIER, EXPERIMENT, ENCODING, SEARCH, SEED)
#: What identifies the runs of one search on one classifier.
RUNS_ALIKE = (CLASSIFIER, EXPERIMENT, ENCODING, SEARCH)

RELATION = Column(
    "relation",
    one_of("same architecture", "other architecture"),
    doc="How the target is related to the source.",
)

CLASS_INDEX = Column("class_index", COUNT, doc="Index of the class, counted from 0.")
CLASS_NAME = Column("class_name", TEXT, doc="Name of the class.")
CLASS = (CLASS_INDEX, CLASS_NAME)

CONFIDENCE = Column("confidence", SHARE, doc="Confidence of the classifier in the class, for the stored image.")
CALIBRATED_CONFIDENCE = Column(
    "calibrated_confidence",
    SHARE.or_nothing,
    doc="The same confidence after temperature scaling; empty without a temperature.",
)
LOG_ODDS = Column("log_odds", NUMBER, unit="log-odds", doc="Log-odds of that confidence, without temperature scaling.")
INDIVIDUAL = Column("individual", COUNT, doc="Number of the evaluation in which the champion was found, from 0.")
FOUND_IN = Column("generation", COUNT, doc="Generation in which the champion was found.")
SATURATED = Column(
    "saturated",
    FLAG,
    doc="Whether the confidence is exactly 1 in `float32`; evolution cannot replace such a champion.",
)

TARGET = Column(
    "target",
    one_of("median", "all"),
    doc="`median`: the median over the classes (of ten: the midpoint of the middle two); `all`: every class.",
)
GENERATION = Column("generation", COUNT, doc="Generation of the run.")
EVALUATIONS = Column("evaluations", COUNT, unit="images", doc="Images scored so far, the random start included.")
EVALUATIONS_OF_ASCENT = Column(
    "evaluations",
    COUNT,
    unit="images",
    doc="Evaluations so far, for all classes; a step of one image counts as three (a forward pass, and a backward "
    "pass that costs as much as two), and the scoring of the stored image as one.",
)

UNITS = Column("units", COUNT, doc="Number of independent units: classifiers.")
RUNS = Column("runs", COUNT, unit="runs", doc="Number of all runs behind the value.")
RUNS_ON_CLASSIFIER = Column("runs", COUNT, unit="runs", doc="Number of runs on this classifier.")
REACHED_SHARE = Column("reached", SHARE, doc="Share of the runs that reached the target.")
NOTE = Column("note", TEXT.or_nothing, doc="Why there is no interval, or what it does not cover.")

PNG = Column("png", TEXT, doc="The image, as a PNG file in base64.")
BUILT_AS = Column(
    "built_as",
    TEXT,
    doc="Architecture of the classifier, its options, and `sigmoids` if it was trained with a sigmoid for each class.",
)
WEIGHT_DECAY = Column(
    "weight_decay",
    NOT_NEGATIVE.or_nothing,
    doc="Weight decay of its training; empty for a network that the study did not train.",
)
WAY = Column(
    "way",
    TEXT,
    doc="How the network was trained: `plain`, or the settings of `training` that may make it harder to fool "
    "(`label_smoothing`, `outliers`, `adversarial`).",
)
CLIPPED = Column("clipped", FLAG, doc="Whether the inputs are clipped to the range of images, 0 to 1.")


NAMED_MODULES = ("fooling.datasets.*", "fooling.findings.*", "fooling.survey.*")

SOURCE = Column("source", TEXT, doc="Classifier that the image was evolved on.")
#: What it answers about this image.
OWN = (
    Column("source_confidence", SHARE, doc="Confidence of the source in the class."),
    Column("source_label", COUNT, doc="Index of the class that the source predicts."),
    Column("source_label_confidence", SHARE, doc="Confidence of the source in the class that it predicts."),
)

#: The tables that each module declares, in the order of docs/tables.md.
DECLARED = {
    "fooling.findings.runs": ("champions", "history", "times", "curves"),
    "fooling.findings.calibration": ("calibration", "real", "own_labels"),
    "fooling.findings.random_images": ("start", "families", "family_images"),
    "fooling.findings.examination": ("examined", "kinds"),
    "fooling.findings.distances": ("distances",),
    "fooling.findings.ancestry": ("ancestry", "lineage", "lineage_replays"),
    "fooling.findings.classifiers": ("training", "classifiers", "test_errors", "foolability"),
    "fooling.findings.variance": ("variance", "set_classes", "class_sets"),
    "fooling.findings.comparison": ("survival", "presets"),
    "fooling.findings.transfer": ("shown", "pair_parts", "transfer"),
    "fooling.findings.retraining": ("retrained", "retraining", "effects"),
    "fooling.findings.stronger_attacks": ("budget", "refusal"),
    "fooling.findings.hardening": ("hardened", "hardening"),
    "fooling.findings.ablation": ("ablation", "ablation_summary"),
    "fooling.findings.stress": ("robustness", "supernormal"),
    "fooling.findings.ascent": ("ascent", "ascent_times", "ascent_curves", "ascent_sweeps", "ascent_evaluations"),
    "fooling.findings.boundary": ("boundary",),
    "fooling.findings.far": ("rubbish", "rubbish_summary"),
    "fooling.findings.fooled_tables": ("fooled", "fooled_summary"),
    "fooling.findings.rays": ("rays", "ray_slopes"),
    "fooling.findings.adversarial": ("adversarial", "adversarial_means", "adversarial_transfer"),
    "fooling.findings.universal": ("universal", "universal_means", "universal_labels", "universal_transfer"),
    "fooling.findings.label_only": ("label_only", "label_only_curves", "label_only_transfer"),
    "fooling.findings.detectors": ("detectors", "detector_means", "detector_images"),
    "fooling.findings.audits": ("audit_seeds", "audits", "audit_attacks"),
    "fooling.survey.responses": ("survey_files", "survey_exclusions"),
    "fooling.survey.accuracy": ("survey_accuracy", "survey_images"),
    "fooling.survey.agreement": (
        *("survey_agreement", "survey_confidence", "survey_confusion", "survey_consistency", "survey_trials"),
    ),
    "fooling.survey.simulation": ("survey_power",),
    "fooling.claims.judgements": ("claims",),
    "fooling.datasets.pictures": ("pictures",),
    "fooling.datasets.imagenet_classes": ("imagenet_classes",),
}
MODULES = {name: module for module, declared in DECLARED.items() for name in declared}


def table_named(name: str) -> Table:
    """Return the table of this name; raise :class:`FoolingError` if there is none."""
    if name not in MODULES:
        raise FoolingError("unknown table", found=name, expected=", ".join(MODULES))
    module = vars(importlib.import_module(MODULES[name]))
    return next(value for value in module.values() if isinstance(value, Table) and value.name == name)


def every_table() -> list[Table]:
    """Return all tables, in the order of docs/tables.md."""
    return [table_named(name) for name in MODULES]


def join_tables(parts: Sequence[Path], output: Path, table: Table) -> int:
    """Write the parts of a Parquet ``table`` one after another into one file, and return the number of rows.

    Holds one part and one row group in memory. The bytes are those of :func:`write_table` for the whole table. Raises
    :class:`FoolingError` for a broken part, and if parts have other columns than the first one. Keys are compared
    within each part only.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    from fooling.artifacts import read_table, written_atomically  # readers of the registry need no files

    held: list[pa.Table] = []
    with written_atomically(output) as temporary, contextlib.ExitStack() as opened:
        writer: pq.ParquetWriter | None = None
        rows = 0
        for path in parts:
            read_table(path, table)
            part = pq.read_table(path)
            if writer is None:
                options = {"compression": "zstd", "write_page_checksum": True}
                writer = opened.enter_context(pq.ParquetWriter(temporary, part.schema, **options))
            if not part.schema.equals(writer.schema):
                raise FoolingError(
                    f"{path} has other columns than {parts[0]}",
                    found=", ".join(map(str, part.schema)),
                    expected=", ".join(map(str, writer.schema)),
                    remedy=REMEDY,
                )
            held.append(part)
            rows += len(part)
            while sum(map(len, held)) >= ROW_GROUP:
                together = pa.concat_tables(held)
                writer.write_table(together.slice(0, ROW_GROUP).combine_chunks(), row_group_size=ROW_GROUP)
                held = [together.slice(ROW_GROUP)]
        if writer is None:
            raise FoolingError(f"{output} has no parts", found="no tables", expected="one or more")
        if (together := pa.concat_tables(held)).num_rows:
            writer.write_table(together.combine_chunks(), row_group_size=ROW_GROUP)
    return rows
