"""The tables that the analysis of answers writes. ``docs/tables.md`` says what they mean."""

from __future__ import annotations

from fooling.columns import COUNT, FLAG, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Column, Form, one_of

FOILS = one_of("random", "confused").or_nothing
BLOCK = {"block": one_of("two-way", "all-way", "free"), "foils": FOILS}
OUTCOMES = ("right answer", "other class", "none of these")
CORRELATION = Column(kind="number", least=-1, most=1)
INTERVAL = dict.fromkeys(("low", "high"), SHARE.or_nothing)

FILES = Form(
    columns={"file": TEXT, "taken": FLAG, "rows": COUNT, "reason": TEXT.or_nothing},
    keys=("file",),
)
EXCLUSIONS = Form(
    columns={
        "participant": TEXT,
        "rule": one_of("not finished", "failed catch cards", "too many answers too fast", "answer too fast"),
        **{"found": NOT_NEGATIVE, "allowed": NOT_NEGATIVE, "answers": COUNT},
    },
    keys=("participant",),
    may_be_empty=True,
)
ACCURACY = Form(
    columns={
        **BLOCK,
        **{"condition": TEXT, "outcome": one_of(*OUTCOMES), "network": TEXT, "synthetic": FLAG},
        **{"people": COUNT, "images": COUNT, "answers": COUNT},
        **{"share": SHARE, **INTERVAL, "upper": SHARE.or_nothing},
        **{"chance": SHARE.or_nothing, "limit": SHARE.or_nothing, "equivalent": FLAG.or_nothing},
        **dict.fromkeys(("bootstrap_low", "bootstrap_high"), SHARE.or_nothing),
        **dict.fromkeys(("sensitivity", "sensitivity_low", "sensitivity_high"), NUMBER.or_nothing),
    },
    keys=("block", "foils", "condition", "outcome"),
)
IMAGES = Form(
    columns={
        **BLOCK,
        **{"condition": TEXT, "stimulus": TEXT, "class_name": TEXT, "confidence": SHARE, "synthetic": FLAG},
        **{"answers": COUNT, "share": SHARE, "low": SHARE, "high": SHARE},
        **{"rating": Column(kind="number", least=1, most=5), "chance": SHARE.or_nothing},
        **{"p_value": SHARE.or_nothing, "p_holm": SHARE.or_nothing},
    },
    keys=("block", "foils", "stimulus"),
)
AGREEMENT = Form(
    columns={
        **BLOCK,
        **{"condition": TEXT, "of": one_of("answers", "right answers"), "synthetic": FLAG},
        **{"people": COUNT, "images": COUNT, "alpha": NUMBER.or_nothing, "low": NUMBER.or_nothing},
        **{"high": NUMBER.or_nothing, "note": TEXT.or_nothing},
    },
    keys=("block", "foils", "condition"),
)
CONFIDENCE = Form(
    columns={
        **BLOCK,
        **{"condition": TEXT, "measure": one_of("share", "rating"), "synthetic": FLAG, "images": COUNT},
        **dict.fromkeys(("correlation", "low", "high"), CORRELATION.or_nothing),
        "note": TEXT.or_nothing,
    },
    keys=("block", "foils", "condition", "measure"),
)
CONFUSION = Form(
    columns={
        **BLOCK,
        **{"condition": TEXT, "class_name": TEXT, "response": TEXT, "synthetic": FLAG},
        **{"answers": COUNT, "share": SHARE},
    },
    keys=("block", "foils", "condition", "class_name", "response"),
    may_be_empty=True,
)
POWER = Form(
    columns={
        **{"people": COUNT, "images": COUNT, "trials": COUNT, "studies": COUNT},
        **{"chance": SHARE, "accuracy": SHARE, "margin": SHARE},
        **dict.fromkeys(("above_chance", "equivalent", "half_width", "coverage"), SHARE),
    },
    keys=("people", "images"),
)
#: Those that figures are drawn from, by the names that the figures know them by.
SURVEY_FORMS = {
    "survey_accuracy": ACCURACY,
    "survey_images": IMAGES,
    "survey_confusion": CONFUSION,
    "survey_confidence": CONFIDENCE,
    "survey_agreement": AGREEMENT,
    "survey_power": POWER,
}
