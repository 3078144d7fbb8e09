"""The pinned packages of the steps: another version of one can change a result, another comment cannot."""

from __future__ import annotations

import hashlib
import json

from fooling.fingerprint import DIGITS
from fooling.parsing import parsed_yaml


def packages_digest(text: str, *, source: str) -> str:
    """Return a digest of the packages that an environment file lists.

    Raises :class:`FoolingError`, naming the ``source``, for a text that is not YAML.
    """
    packages = json.dumps(parsed_yaml(text, source=source)["dependencies"], sort_keys=True)
    return hashlib.sha256(packages.encode()).hexdigest()[:DIGITS]
