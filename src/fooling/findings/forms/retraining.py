"""The tables of the chains of retraining, and of images shown to other networks."""

from __future__ import annotations

from fooling.columns import COUNT, NUMBER, SHARE, TEXT, Form, one_of
from fooling.findings.forms.parts import CLASS, FOUND
from fooling.retraining.settings import FILLINGS

CHAIN_NETWORK = {
    "retraining": TEXT,
    "first": TEXT,
    "filled_with": one_of(*FILLINGS),
    "number": COUNT,
}
RETRAINED = Form(
    columns={
        **CHAIN_NETWORK,
        "seed": COUNT,
        **CLASS,
        **{"confidence": SHARE, "log_odds": NUMBER, "evaluations": COUNT.or_nothing},
    },
    keys=(*CHAIN_NETWORK, "seed", "class_index"),
)
RETRAINING = Form(
    columns={
        **CHAIN_NETWORK,
        "first": TEXT.or_nothing,
        **{"units": COUNT, "runs": COUNT},
        **{"median": SHARE, "median_low": SHARE.or_nothing, "median_high": SHARE.or_nothing},
        **{"share": SHARE, "share_low": SHARE.or_nothing, "share_high": SHARE.or_nothing},
        **{"evaluations": FOUND, "evaluations_low": FOUND, "evaluations_high": FOUND},
        "reached": SHARE,
        "note": TEXT.or_nothing,
        "test_error": SHARE,
        "fooling_images": COUNT,
        **{"recognised_new": SHARE.or_nothing, "recognised_old": SHARE.or_nothing},
        "real_taken_for_fooling": SHARE,
    },
    keys=tuple(CHAIN_NETWORK),
)
EFFECTS = Form(
    columns={
        "retraining": TEXT,
        "control": one_of(*FILLINGS[1:]),
        "difference": NUMBER,
        "low": NUMBER.or_nothing,
        "high": NUMBER.or_nothing,
        "units": COUNT,
        "networks": COUNT,
        "runs": COUNT,
        "note": TEXT.or_nothing,
    },
    keys=("retraining", "control"),
    may_be_empty=True,
)
SHOWN = Form(
    columns={
        "experiment": TEXT,
        **{"source": TEXT, "target": TEXT},
        "seed": COUNT,
        **CLASS,
        **{"source_confidence": SHARE, "source_label": COUNT, "source_label_confidence": SHARE},
        **{"target_confidence": SHARE, "target_label": COUNT, "target_label_confidence": SHARE},
    },
    keys=("experiment", "source", "target", "seed", "class_index"),
)
TRANSFER = Form(
    columns={
        "experiment": TEXT,
        **{"source": TEXT, "target": TEXT},
        "relation": one_of("itself", "same architecture", "other architecture"),
        "images": one_of("all", "sure"),
        "label": one_of("class", "source-label"),
        "count": COUNT,
        "runs": COUNT,
        **{"alike": SHARE.or_nothing, "low": SHARE.or_nothing, "high": SHARE.or_nothing},
        **{"chance": SHARE.or_nothing, "chance_high": SHARE.or_nothing},
        "count_alike": COUNT,
        **{"higher_on_source": SHARE.or_nothing, "surest_on_both": SHARE.or_nothing, "exchanged": SHARE.or_nothing},
    },
    keys=("experiment", "source", "target", "images", "label"),
)
