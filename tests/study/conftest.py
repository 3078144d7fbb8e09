"""A small study file as Python values, to be changed by tests."""

from __future__ import annotations

from typing import Any

import pytest

Values = dict[str, Any]


@pytest.fixture
def values() -> Values:
    return {
        "study": "small",
        "datasets": [{"name": "digits", "kind": "digits"}, {"name": "shapes", "kind": "shapes"}],
        "classifiers": [
            {"name": "one", "kind": "trained", "dataset": "digits", "seed": 1, "independent": "two"},
            {"name": "two", "kind": "trained", "dataset": "digits", "seed": 2},
            {"name": "three", "kind": "trained", "dataset": "shapes"},
        ],
        "experiments": [
            {"name": "direct", "classifiers": ["one", "two"], "encoding": {"kind": "direct"}},
            {"name": "cppn", "classifiers": ["one"], "encoding": {"kind": "cppn"}, "compared_with": "direct"},
        ],
    }
