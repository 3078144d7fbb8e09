"""Every declared claim can fail, and can hold: made-up studies in which it is false, and in which it is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooling.claims.claim import Claim, Claims
from fooling.claims.estimand import ContextSettings
from fooling.claims.judgements import judged_claims
from fooling.claims.verdicts import Verdict
from fooling.settings import read_settings
from made_up_studies import ENDS, made_up_study

ROOT = Path(__file__).parents[2]
CLAIMS = read_settings(Claims, str(ROOT / "config" / "claims.yaml")).claims
FALSE = {"at-least": "low", "at-most": "high"}
ENOUGH = 20  # units with which the exact interval of a share of 0 lies below .2
TRUE = {"at-least": "high", "at-most": "low"}


def verdict_on(claim: Claim, end: str) -> Verdict:
    """The verdict of the claim's own interval, as if its number were verified and it belonged to no family."""
    alone = claim.model_copy(update={"family": None, "primary": True, "source_status": "F"})
    study = made_up_study(claim, end, units=max(claim.minimum, ENOUGH if claim.dataset == "mnist" else 8))
    (found,) = judged_claims(Claims(claims=(alone,)), study, ContextSettings())
    assert found.estimate is not None, found.reason
    return found.verdict


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_that_is_false_is_not_reproduced(claim: Claim) -> None:
    ends = [FALSE[claim.comparison]] if claim.comparison in FALSE else list(ENDS)
    verdicts = [verdict_on(claim, end) for end in ends]
    assert Verdict.REPRODUCED not in verdicts
    assert Verdict.NOT_REPRODUCED in verdicts


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.comparison in TRUE], ids=lambda claim: claim.id)
def test_a_claim_that_is_true_is_reproduced(claim: Claim) -> None:
    assert verdict_on(claim, TRUE[claim.comparison]) == Verdict.REPRODUCED
