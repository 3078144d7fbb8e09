"""The tables that compare experiments, networks and sets of classes."""

from __future__ import annotations

from fooling.columns import COUNT, FLAG, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Form, one_of
from fooling.findings.forms.parts import ENCODING, FOUND, SEARCH, TARGET

SURVIVAL = Form(
    columns={
        "experiment": TEXT,
        "search": SEARCH,
        "target": TARGET,
        "generation": COUNT,
        "evaluations": COUNT,
        "survival": SHARE,
        "low": SHARE.or_nothing,
        "high": SHARE.or_nothing,
        "at_risk": COUNT,
        **{"units": COUNT, "runs": COUNT},
    },
    keys=("experiment", "search", "target", "evaluations"),
)
PRESETS = Form(
    columns={
        "search": SEARCH,
        "target": TARGET,
        "unit": one_of("generations", "evaluations"),
        "contrast": one_of("mean", "difference", "main effect"),
        "experiment": TEXT,
        "factor": TEXT.or_nothing,
        "level": TEXT.or_nothing,
        "reference": TEXT.or_nothing,
        "horizon": NOT_NEGATIVE,
        "value": NUMBER.or_nothing,
        "low": NUMBER.or_nothing,
        "high": NUMBER.or_nothing,
        "units": COUNT,
        "runs": COUNT,
        "reached": SHARE.or_nothing,
        "note": TEXT.or_nothing,
    },
    keys=("search", "target", "unit", "contrast", "experiment", "factor", "level", "reference"),
)
VARIANCE = Form(
    columns={
        "experiment": TEXT,
        "search": SEARCH,
        "quantity": one_of("log_odds"),
        "component": one_of(
            "classifier", "seed", "class", "classifier:seed", "classifier:class", "seed:class", "residual"
        ),
        "variance": NOT_NEGATIVE.or_nothing,
        "share": SHARE.or_nothing,
        "degrees_of_freedom": COUNT,
        "note": TEXT.or_nothing,
    },
    keys=("experiment", "search", "component"),
)
FOOLABILITY = Form(
    columns={
        **{"experiment": TEXT, "classifier": TEXT, "encoding": ENCODING, "search": SEARCH},
        **{"classes": COUNT, "runs": COUNT},
        **{"area": SHARE, "area_low": SHARE.or_nothing, "area_high": SHARE.or_nothing},
        **{"median": SHARE, "median_low": SHARE.or_nothing, "median_high": SHARE.or_nothing},
        **dict.fromkeys((f"calibrated_median{bound}" for bound in ("", "_low", "_high")), SHARE.or_nothing),
        **{"share_sure": SHARE, "share_sure_low": SHARE.or_nothing, "share_sure_high": SHARE.or_nothing},
        **dict.fromkeys((f"evaluations{bound}" for bound in ("", "_low", "_high")), FOUND),
    },
    keys=("experiment", "classifier", "search"),
)
SET_CLASSES = Form(
    columns={
        **{"classifier": TEXT, "experiment": TEXT, "encoding": ENCODING, "search": SEARCH, "class_set": TEXT},
        **{"class_index": COUNT, "inside": FLAG, "group": COUNT, "runs": COUNT, "confidence": SHARE},
    },
    keys=("classifier", "experiment", "search", "class_set", "class_index"),
    may_be_empty=True,
)
CLASS_SETS = Form(
    columns={
        **{"classifier": TEXT, "experiment": TEXT, "encoding": ENCODING, "search": SEARCH, "class_set": TEXT},
        **{"classes": COUNT, "other_classes": COUNT, "groups": COUNT, "other_groups": COUNT, "runs": COUNT},
        **{"median": SHARE, "median_elsewhere": SHARE, "superiority": SHARE},
        **{"low": SHARE.or_nothing, "high": SHARE.or_nothing, "note": TEXT.or_nothing},
    },
    keys=("classifier", "experiment", "search", "class_set"),
    may_be_empty=True,
)
