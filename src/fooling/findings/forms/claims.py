"""The table of claims."""

from __future__ import annotations

import typing

from fooling.columns import COUNT, NUMBER, SHARE, TEXT, Form, one_of
from fooling.findings.forms.parts import FOUND
from fooling.findings.verdicts import Direction, Kind, Status, Verdict

VERDICT = one_of(*map(str, Verdict))
CLAIMS = Form(
    columns={
        **{"id": TEXT, "family": TEXT, "kind": one_of(*typing.get_args(Kind)), "declared": TEXT},
        **{"status": one_of(*typing.get_args(Status)), "lock": TEXT.or_nothing},
        **{"where": TEXT, "claim": TEXT, "paper": NUMBER.or_nothing, "source_status": TEXT},
        **{"ours": FOUND, "low": FOUND, "high": FOUND, "units": COUNT, "runs": COUNT},
        "unit": one_of("probability", "share", "generations", "log-odds", "ratio", "correlation"),
        **{"sided": one_of("one", "two"), "p_holm": SHARE.or_nothing},
        **{"verdict": VERDICT, "family_verdict": VERDICT},
        **{"measured_on": TEXT.or_nothing, "direction": one_of(*map(str, Direction)).or_nothing},
    },
    keys=("id",),
)
