"""The tables of the runs: champions and their history, what they were examined for, and who descends from whom."""

from __future__ import annotations

from fooling.columns import COUNT, FLAG, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Form, one_of
from fooling.findings.forms.parts import CLASS, ENCODING, RUN, SEARCHES, TARGET

CHAMPIONS = Form(
    columns={
        **RUN,
        **CLASS,
        **{"confidence": SHARE, "log_odds": NUMBER, "generation": COUNT, "individual": COUNT, "saturated": FLAG},
    },
    keys=(*RUN, "class_index"),
)
HISTORY = Form(
    columns={
        **RUN,
        **{"generation": COUNT, "evaluations": COUNT, "class_index": COUNT, "confidence": SHARE, "log_odds": NUMBER},
    },
    keys=(*RUN, "generation", "class_index"),
)
TIMES = Form(
    columns={**RUN, "target": TARGET, "generation": COUNT, "evaluations": COUNT, "reached": FLAG},
    keys=(*RUN, "target"),
)
START = Form(
    columns={"classifier": TEXT, "experiment": TEXT, "image": COUNT, "top_class": COUNT, "top_confidence": SHARE},
    keys=("classifier", "experiment", "image"),
)
EXAMINED = Form(
    columns={
        "classifier": TEXT,
        "experiment": TEXT,
        "search": one_of(*SEARCHES, "real-images"),
        "seed": COUNT,
        **CLASS,
        "confidence": SHARE,
        "calibrated_confidence": SHARE.or_nothing,
        "independent": TEXT.or_nothing,
        "independent_confidence": SHARE.or_nothing,
        "independent_label": COUNT.or_nothing,
        "nearest_distance": NOT_NEGATIVE.or_nothing,
        "nearest_index": COUNT.or_nothing,
        "nearest_label": COUNT.or_nothing,
        "alike_class": COUNT.or_nothing,
        "alike_correlation": NUMBER.or_nothing,
    },
    keys=("classifier", "experiment", "search", "seed", "class_index"),
)
DISTANCES = Form(
    columns={
        "classifier": TEXT,
        "kind": one_of("real", "noise", "start", "champion"),
        "experiment": TEXT.or_nothing,
        "encoding": ENCODING.or_nothing,
        **{"seed": COUNT.or_nothing, "image": COUNT, "class_index": COUNT},
        **{"confidence": SHARE, "calibrated_confidence": SHARE.or_nothing, "log_odds": NUMBER},
        **{"pixel_distance": NOT_NEGATIVE, "pixel_ratio": NOT_NEGATIVE.or_nothing, "pixel_beyond": FLAG},
        **{"feature_distance": NOT_NEGATIVE, "feature_ratio": NOT_NEGATIVE.or_nothing, "feature_beyond": FLAG},
    },
    keys=("classifier", "kind", "experiment", "seed", "image"),
)
ANCESTRY = Form(
    columns={
        **RUN,
        **CLASS,
        **{"individual": COUNT, "generation": COUNT, "steps": NOT_NEGATIVE, "chance_steps": NOT_NEGATIVE},
        **{"switches": NOT_NEGATIVE, "chance_switches": NOT_NEGATIVE},
        **{"other_parent": SHARE.or_nothing, "chance_other_parent": SHARE.or_nothing, "chance_other_ancestor": SHARE},
        **{"start_images": COUNT, "start_image": COUNT.or_nothing, "relative": COUNT.or_nothing},
        **{"common_ancestor": COUNT.or_nothing, "common_generation": COUNT.or_nothing},
        **{"likeness": NUMBER.or_nothing, "likeness_of_strangers": NUMBER.or_nothing},
    },
    keys=(*RUN, "class_index"),
)
LINEAGE = Form(
    columns={
        "experiment": TEXT,
        "measure": one_of(
            *("other_parent", "other_parent_of_all", "other_ancestor", "switches", "steps", "switches_per_step"),
            *("start_images", "common_start"),
        ),
        **dict.fromkeys(("value", "low", "high", "chance", "chance_low", "chance_high"), NOT_NEGATIVE.or_nothing),
        **{"units": COUNT, "runs": COUNT},
        "note": TEXT.or_nothing,
    },
    keys=("experiment", "measure"),
)
