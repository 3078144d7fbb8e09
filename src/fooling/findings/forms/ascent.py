"""The tables of gradient ascent."""

from __future__ import annotations

from fooling.columns import COUNT, FLAG, NUMBER, SHARE, TEXT, Form, one_of
from fooling.findings.forms.parts import CLASS, FOUND, TARGET

CLIMBED = one_of("gradient-ascent", "map-elites", "random-search")
CLIMB = {"classifier": TEXT, "experiment": TEXT, "search": CLIMBED, "seed": COUNT}
ASCENT = Form(
    columns={
        **{"classifier": TEXT, "experiment": TEXT, "seed": COUNT},
        **CLASS,
        **{"confidence": SHARE, "log_odds": NUMBER, "saturated": FLAG},
    },
    keys=("classifier", "experiment", "seed", "class_index"),
)
ASCENT_TIMES = Form(
    columns={**CLIMB, "target": TARGET, "evaluations": COUNT, "reached": FLAG},
    keys=(*CLIMB, "target"),
)
ASCENT_CURVES = Form(
    columns={**CLIMB, "evaluations": COUNT, "confidence": SHARE, "log_odds": NUMBER},
    keys=(*CLIMB, "evaluations"),
)
ASCENT_SWEEPS = Form(
    columns={
        **{"sweep": TEXT, "experiment": TEXT, "networks": COUNT, "runs": COUNT, "reached": SHARE},
        **{"evaluations": FOUND, "chosen": FLAG},
    },
    keys=("sweep", "experiment"),
)
ASCENT_EVALUATIONS = Form(
    columns={
        **{"experiment": TEXT, "search": CLIMBED, "target": TARGET},
        **{"mean": FOUND, "low": FOUND, "high": FOUND, "units": COUNT, "runs": COUNT, "reached": SHARE},
        "note": TEXT.or_nothing,
    },
    keys=("experiment", "search", "target"),
)
