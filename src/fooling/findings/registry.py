"""Registry of all tables by name; a module is imported only when one of its tables is needed."""

from __future__ import annotations

import importlib

from fooling.errors import FoolingError
from fooling.table import Table

NAMED_MODULES = ("fooling.datasets.*", "fooling.findings.*", "fooling.survey.*")

#: The tables that each module declares, in the order of docs/tables.md.
DECLARED = {
    "fooling.findings.runs": ("champions", "history", "times", "curves"),
    "fooling.findings.calibration": ("calibration", "real"),
    "fooling.findings.random_images": ("start", "families", "family_images"),
    "fooling.findings.examination": ("examined", "kinds"),
    "fooling.findings.distances": ("distances",),
    "fooling.findings.ancestry": ("ancestry", "lineage"),
    "fooling.findings.classifiers": ("training", "classifiers", "test_errors", "foolability"),
    "fooling.findings.variance": ("variance",),
    "fooling.findings.class_sets": ("set_classes", "class_sets"),
    "fooling.findings.comparison": ("survival", "presets"),
    "fooling.findings.transfer": ("shown", "transfer"),
    "fooling.findings.retraining": ("retrained", "retraining", "effects"),
    "fooling.findings.stronger_attacks": ("budget", "refusal"),
    "fooling.findings.hardening": ("hardened", "hardening"),
    "fooling.findings.ablation": ("ablation", "ablation_summary"),
    "fooling.findings.stress": ("robustness", "supernormal"),
    "fooling.findings.ascent": ("ascent", "ascent_times", "ascent_curves", "ascent_sweeps", "ascent_evaluations"),
    "fooling.findings.boundary": ("boundary",),
    "fooling.findings.far": ("rubbish", "rubbish_summary"),
    "fooling.findings.rays": ("rays", "ray_slopes"),
    "fooling.findings.adversarial": ("adversarial", "adversarial_means", "adversarial_transfer"),
    "fooling.findings.universal": ("universal", "universal_means", "universal_labels", "universal_transfer"),
    "fooling.findings.label_only": ("label_only", "label_only_curves", "label_only_transfer"),
    "fooling.findings.audits": ("audit_seeds", "audits"),
    "fooling.survey.responses": ("survey_files", "survey_exclusions"),
    "fooling.survey.accuracy": ("survey_accuracy", "survey_images"),
    "fooling.survey.agreement": ("survey_agreement", "survey_confidence", "survey_confusion"),
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
