"""The tables that compare chains at equal refusal rates and with a larger budget."""

from __future__ import annotations

from fooling.columns import COUNT, NUMBER, SHARE, TEXT, Form, one_of
from fooling.findings.forms.retraining import CHAIN_NETWORK

NOT_ADAPTIVE, ADAPTIVE = "not adaptive", "adaptive"  # whether evolution met the constant
REFUSAL = Form(
    columns={
        **CHAIN_NETWORK,
        "first": TEXT.or_nothing,
        "rate": SHARE,
        "attack": one_of(NOT_ADAPTIVE, ADAPTIVE),
        "shift": NUMBER.or_nothing,
        **{"refused_fitted": SHARE, "refused": SHARE, "error": SHARE},
        "generations": COUNT,
        **{"accepted": SHARE, "accepted_low": SHARE.or_nothing, "accepted_high": SHARE.or_nothing},
        **{"log_odds": NUMBER, "log_odds_low": NUMBER.or_nothing, "log_odds_high": NUMBER.or_nothing},
        **{"units": COUNT, "runs": COUNT},
        "note": TEXT.or_nothing,
    },
    keys=(*CHAIN_NETWORK, "rate", "attack"),
)
BUDGET = Form(
    columns={
        **CHAIN_NETWORK,
        "first": TEXT.or_nothing,
        **{"generation": COUNT, "evaluations": COUNT},
        **{"median": SHARE, "median_low": SHARE.or_nothing, "median_high": SHARE.or_nothing},
        **{"units": COUNT, "runs": COUNT},
        "note": TEXT.or_nothing,
    },
    keys=(*CHAIN_NETWORK, "generation"),
)
