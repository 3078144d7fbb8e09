"""The attacks by name; their classes are imported only when they are used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fooling.encodings.settings import encoding_module
from fooling.errors import FoolingError

if TYPE_CHECKING:
    from fooling.attacks.attack import Attack

#: Module and class of each attack.
ATTACKS = {
    "evolution": ("fooling.attacks.evolution.run", "Evolution"),
    "ascent": ("fooling.attacks.ascent.run", "GradientAscent"),
    "adversarial": ("fooling.attacks.adversarial.run", "Adversarial"),
    "universal": ("fooling.attacks.universal.run", "Universal"),
    "label-only": ("fooling.attacks.label_only.run", "LabelOnly"),
}
#: Attacks that change real images: they are given the data set of the classifier.
ON_REAL_IMAGES = ("adversarial", "universal")
NAMED_MODULES = ("fooling.attacks.*.run",)


def attack_modules(kind: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the modules that an attack with these settings imports by name: its own, and that of its encoding."""
    encodings = [encoding_module(settings["encoding"]["kind"])] if "encoding" in settings else []
    return [ATTACKS[kind][0], *encodings]


def attack_named(kind: str) -> type[Attack]:
    """Return the class of an attack; raise :class:`FoolingError` for an unknown name."""
    if kind not in ATTACKS:
        raise FoolingError("unknown attack", found=repr(kind), expected=", ".join(ATTACKS))
    module, name = ATTACKS[kind]
    found: type[Attack] = getattr(importlib.import_module(module), name)
    return found
