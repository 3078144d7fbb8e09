"""The table of claims."""

from __future__ import annotations

from fooling.columns import COUNT, NUMBER, TEXT, Form, one_of
from fooling.findings.forms.parts import FOUND

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
