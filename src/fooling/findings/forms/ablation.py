"""The tables of what removing repeated structure does."""

from __future__ import annotations

from fooling.columns import COUNT, NUMBER, SHARE, TEXT, Form, one_of
from fooling.findings.forms.parts import CLASS

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
        **{"units": COUNT, "runs": COUNT, "champions": COUNT, "note": TEXT.or_nothing},
    },
    keys=("experiment", "quantity", "fill", "kind", "removed"),
)
