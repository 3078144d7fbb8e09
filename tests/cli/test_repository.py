"""`fooling freeze-claims`: a lock of the claims as they are, and no seeds that a study has used."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooling.artifacts import read_json
from fooling.claims.claim import JUDGING_CODE, Claims, Lock, reserved_by
from fooling.cli.repository import freeze_claims
from fooling.fingerprint import fingerprint
from fooling.messages import FoolingError
from fooling.settings import checked_settings, read_settings

ROOT = Path(__file__).parents[2]
DECLARED = ROOT / "config" / "claims.yaml"
STUDIES = [ROOT / "config" / "config.yaml", ROOT / "config" / "mnist.yaml"]


def test_every_claim_of_the_repository_stands_right_after_the_freeze(tmp_path: Path) -> None:
    path = tmp_path / "claims.lock"
    freeze_claims(declared=DECLARED, studies=STUDIES, first_seed=100_001, seeds=100, output=path)
    lock = checked_settings(Lock, read_json(path), source="lock")
    claims = read_settings(Claims, str(DECLARED))
    reserved = reserved_by(lock, claims, estimands=fingerprint(JUDGING_CODE), name="abc")
    assert reserved.claims == {claim.id for claim in claims.claims}
    assert reserved.seeds == range(100_001, 100_101)


def test_seeds_in_use_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match="in use\n  found: 101, 102"):
        freeze_claims(declared=DECLARED, studies=STUDIES, first_seed=101, seeds=2, output=tmp_path / "claims.lock")
    with pytest.raises(FoolingError, match="first"):
        freeze_claims(declared=DECLARED, studies=STUDIES, first_seed=-1, seeds=2, output=tmp_path / "claims.lock")
    assert not list(tmp_path.iterdir())
