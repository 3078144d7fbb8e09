"""All tables of the findings by name, for commands that read whichever they are given."""

from __future__ import annotations

from fooling.findings.forms.ablation import ABLATION, ABLATION_SUMMARY
from fooling.findings.forms.ascent import ASCENT, ASCENT_CURVES, ASCENT_EVALUATIONS, ASCENT_SWEEPS, ASCENT_TIMES
from fooling.findings.forms.chains import BUDGET, REFUSAL
from fooling.findings.forms.claims import CLAIMS
from fooling.findings.forms.comparisons import CLASS_SETS, FOOLABILITY, PRESETS, SET_CLASSES, SURVIVAL, VARIANCE
from fooling.findings.forms.evolution import ANCESTRY, CHAMPIONS, DISTANCES, EXAMINED, HISTORY, LINEAGE, START, TIMES
from fooling.findings.forms.networks import CALIBRATION, CLASSIFIERS, REAL, TRAINING
from fooling.findings.forms.retraining import EFFECTS, RETRAINED, RETRAINING, SHOWN, TRANSFER

FORMS = {
    "champions": CHAMPIONS,
    "history": HISTORY,
    "times": TIMES,
    "calibration": CALIBRATION,
    "real": REAL,
    "start": START,
    "examined": EXAMINED,
    "distances": DISTANCES,
    "ancestry": ANCESTRY,
    "lineage": LINEAGE,
    "training": TRAINING,
    "classifiers": CLASSIFIERS,
    "foolability": FOOLABILITY,
    "class_sets": CLASS_SETS,
    "set_classes": SET_CLASSES,
    "variance": VARIANCE,
    "survival": SURVIVAL,
    "presets": PRESETS,
    "shown": SHOWN,
    "transfer": TRANSFER,
    "retrained": RETRAINED,
    "retraining": RETRAINING,
    "effects": EFFECTS,
    "refusal": REFUSAL,
    "budget": BUDGET,
    "ablation": ABLATION,
    "ablation_summary": ABLATION_SUMMARY,
    "ascent": ASCENT,
    "ascent_times": ASCENT_TIMES,
    "ascent_curves": ASCENT_CURVES,
    "ascent_evaluations": ASCENT_EVALUATIONS,
    "ascent_sweeps": ASCENT_SWEEPS,
    "claims": CLAIMS,
}
