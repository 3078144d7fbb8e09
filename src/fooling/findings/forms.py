"""The tables of a study: their columns and what each holds. ``docs/tables.md`` says what they mean."""

from __future__ import annotations

from fooling.columns import COUNT, FLAG, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Column, Form, one_of

ENCODING = one_of("direct", "cppn")
SEARCHES = ("map-elites", "random-search", "drift")
SEARCH = one_of(*SEARCHES)
TARGET = one_of("median", "all")
#: A number of a claim; the time of what never happens is infinite.
FOUND = Column(kind="number", may_be_infinite=True).or_nothing

RUN = {"classifier": TEXT, "experiment": TEXT, "encoding": ENCODING, "search": SEARCH, "seed": COUNT}
CLASS = {"class_index": COUNT, "class_name": TEXT}

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
CALIBRATION = Form(
    columns={
        "classifier": TEXT,
        "temperature": Column(kind="number", least=0.001, most=1000).or_nothing,
        "calibration_images": COUNT,
        "evaluation_images": COUNT,
        "nll_before": NOT_NEGATIVE.or_nothing,
        "nll_after": NOT_NEGATIVE.or_nothing,
        "ece_before": SHARE.or_nothing,
        "ece_after": SHARE.or_nothing,
    },
    keys=("classifier",),
)
REAL = Form(
    columns={
        "classifier": TEXT,
        "image": COUNT,
        "split": one_of("calibration", "evaluation"),
        "label": COUNT,
        "predicted": COUNT,
        "confidence": SHARE,
        "calibrated_confidence": SHARE.or_nothing,
        "log_odds": NUMBER,
    },
    keys=("classifier", "image"),
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
        "n": COUNT,
        "note": TEXT.or_nothing,
    },
    keys=("experiment", "measure"),
)
TRAINING = Form(
    columns={"classifier": TEXT, "iteration": COUNT, "train_loss": NOT_NEGATIVE, "test_error": SHARE},
    keys=("classifier", "iteration"),
    may_be_empty=True,
)
CLASSIFIERS = Form(
    columns={
        "classifier": TEXT,
        "dataset": TEXT,
        "architecture": TEXT,
        "crop": COUNT.or_nothing,
        "views": one_of("centre", "ten"),
        "seed": COUNT.or_nothing,
        "iterations": COUNT.or_nothing,
        "test_images": COUNT,
        **dict.fromkeys(("test_error", "test_error_low", "test_error_high"), SHARE),
        **dict.fromkeys(("top5_error", "top5_error_low", "top5_error_high"), SHARE.or_nothing),
        **dict.fromkeys(("published_error", "published_top5_error"), SHARE.or_nothing),
        "published_source": TEXT.or_nothing,
    },
    keys=("classifier",),
)
SET_CLASSES = Form(
    columns={
        **{"classifier": TEXT, "experiment": TEXT, "encoding": ENCODING, "search": SEARCH, "class_set": TEXT},
        **{"class_index": COUNT, "inside": FLAG, "runs": COUNT, "confidence": SHARE},
    },
    keys=("classifier", "experiment", "search", "class_set", "class_index"),
    may_be_empty=True,
)
CLASS_SETS = Form(
    columns={
        **{"classifier": TEXT, "experiment": TEXT, "encoding": ENCODING, "search": SEARCH, "class_set": TEXT},
        **{"classes": COUNT, "other_classes": COUNT, "runs": COUNT, "median": SHARE, "median_elsewhere": SHARE},
        **dict.fromkeys(("superiority", "low", "high", "p_value"), SHARE),
    },
    keys=("classifier", "experiment", "search", "class_set"),
    may_be_empty=True,
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
        "runs": COUNT,
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
        "n": COUNT,
        "networks": COUNT.or_nothing,
        "reached": SHARE.or_nothing,
        "note": TEXT.or_nothing,
    },
    keys=("search", "target", "unit", "contrast", "experiment", "factor", "level", "reference"),
)
CHAIN_NETWORK = {
    "retraining": TEXT,
    "first": TEXT,
    "filled_with": one_of("champions", "random", "nothing"),
    "number": COUNT,
}
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
        **{"alike": SHARE.or_nothing, "low": SHARE.or_nothing, "high": SHARE.or_nothing},
        **{"chance": SHARE.or_nothing, "chance_high": SHARE.or_nothing},
        "count_alike": COUNT,
        **{"higher_on_source": SHARE.or_nothing, "exchanged": SHARE.or_nothing},
    },
    keys=("experiment", "source", "target", "images", "label"),
)
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
        "chains": COUNT,
        "runs": COUNT,
        **{"median": SHARE, "median_low": SHARE.or_nothing, "median_high": SHARE.or_nothing},
        **{"share": SHARE, "share_low": SHARE.or_nothing, "share_high": SHARE.or_nothing},
        **{"evaluations": FOUND, "evaluations_low": FOUND, "evaluations_high": FOUND},
        "reached": SHARE,
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
        "control": one_of("random", "nothing"),
        "difference": NUMBER,
        "low": NUMBER.or_nothing,
        "high": NUMBER.or_nothing,
        "chains": COUNT,
        "networks": COUNT,
        "runs": COUNT,
    },
    keys=("retraining", "control"),
    may_be_empty=True,
)
ASCENT = Form(
    columns={
        **{"classifier": TEXT, "experiment": TEXT, "seed": COUNT},
        **CLASS,
        **{"confidence": SHARE, "log_odds": NUMBER, "saturated": FLAG},
    },
    keys=("classifier", "experiment", "seed", "class_index"),
)
CLIMBED = one_of("gradient-ascent", "map-elites", "random-search")
CLIMB = {"classifier": TEXT, "experiment": TEXT, "search": CLIMBED, "seed": COUNT}
ASCENT_TIMES = Form(
    columns={**CLIMB, "target": TARGET, "evaluations": COUNT, "reached": FLAG},
    keys=(*CLIMB, "target"),
)
ASCENT_CURVES = Form(
    columns={**CLIMB, "evaluations": COUNT, "confidence": SHARE, "log_odds": NUMBER},
    keys=(*CLIMB, "evaluations"),
)
ASCENT_EVALUATIONS = Form(
    columns={
        **{"experiment": TEXT, "search": CLIMBED, "target": TARGET},
        **{"median": FOUND, "low": FOUND, "high": FOUND, "n": COUNT, "networks": COUNT, "reached": SHARE},
        "note": TEXT.or_nothing,
    },
    keys=("experiment", "search", "target"),
)
FILL = one_of("mean", "background", "noise").or_nothing
ABLATION = Form(
    columns={
        **{"classifier": TEXT, "experiment": TEXT, "seed": COUNT},
        **CLASS,
        **{"copies": COUNT, "shift_down": NUMBER.or_nothing, "shift_right": NUMBER.or_nothing},
        "correlation": SHARE.or_nothing,
        **{"fill": FILL, "kind": one_of("intact", "copy", "control"), "draw": COUNT, "removed": COUNT},
        **{"area": SHARE, "confidence": SHARE, "log_odds": NUMBER, "change": NUMBER},
    },
    keys=("classifier", "experiment", "seed", "class_index", "fill", "kind", "draw", "removed"),
)
ABLATION_SUMMARY = Form(
    columns={
        "experiment": TEXT,
        "quantity": one_of("share that repeats", "change", "still sure"),
        **{"fill": FILL, "kind": one_of("copy", "control", "difference").or_nothing, "removed": COUNT},
        **{"value": NUMBER.or_nothing, "low": NUMBER.or_nothing, "high": NUMBER.or_nothing},
        **{"n": COUNT, "champions": COUNT, "note": TEXT.or_nothing},
    },
    keys=("experiment", "quantity", "fill", "kind", "removed"),
)
CLAIMS = Form(
    columns={
        "id": TEXT,
        "where": TEXT,
        "claim": TEXT,
        "paper": NUMBER.or_nothing,
        "paper_status": TEXT,
        "ours": FOUND,
        "low": FOUND,
        "high": FOUND,
        "n": COUNT,
        "unit": one_of("probability", "share", "generations", "log-odds", "ratio", "correlation"),
        "verdict": one_of(
            "reproduced",
            "not reproduced",
            "inconclusive",
            "unverified source",
            "too few",
            "shown on other data, not comparable",
            "not run here",
        ),
    },
    keys=("id",),
)
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
    "ablation": ABLATION,
    "ablation_summary": ABLATION_SUMMARY,
    "ascent": ASCENT,
    "ascent_times": ASCENT_TIMES,
    "ascent_curves": ASCENT_CURVES,
    "ascent_evaluations": ASCENT_EVALUATIONS,
    "claims": CLAIMS,
}
