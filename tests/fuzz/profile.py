"""How many cases of bad input are tried: over a hundred in all and always the same ones, or with FOOLING_FUZZ=thorough
ten times as many, new ones every time (`make torture`).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

THOROUGH = os.environ.get("FOOLING_FUZZ") == "thorough"

#: Of every test that is decorated with it; there are twenty-five.
fuzzed = settings(
    max_examples=100 if THOROUGH else 8,
    derandomize=not THOROUGH,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

#: Of the tests that take seconds for every case.
slowly_fuzzed = settings(fuzzed, max_examples=100 if THOROUGH else 3)
