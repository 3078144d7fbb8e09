"""Presets: what an experiment or a gradient ascent is where the study file says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fooling.ascent import settings as ascent
from fooling.encodings import direct_settings as direct
from fooling.encodings.cppn import settings as cppn
from fooling.evolution import settings as evolution

#: The paper's wording is the default of every settings class, so only the released code's choices are named here.
RELEASED_ENCODINGS: Mapping[str, Mapping[str, Any]] = {"direct": direct.RELEASED, "cppn": cppn.RELEASED}


def with_preset(experiment: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of an experiment, with those of its preset beneath what it says itself."""
    encoding, search = experiment.get("encoding"), experiment.get("search", {})
    if experiment.get("preset") != "released" or not isinstance(encoding, Mapping) or not isinstance(search, Mapping):
        return experiment
    released = RELEASED_ENCODINGS.get(str(encoding.get("kind")), {})
    return {**experiment, "encoding": {**released, **encoding}, "search": {**evolution.RELEASED, **search}}


def with_ascent_preset(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a gradient ascent, with those of its preset beneath what it says itself."""
    return {**ascent.PRESETS.get(str(entry.get("preset")), {}), **entry}
