"""How easily are neural networks fooled? An audit for any network, and a reproducible study.

The public names are imported when they are first used, so that ``import fooling`` alone does not import torch.
``docs/api.md`` describes them; ``__init__.pyi`` declares their types.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

#: The module of each public name.
_MODULES = {
    "AuditResult": "fooling.auditing.audit",
    "Classifier": "fooling.classifiers.classifier",
    "FoolingError": "fooling.messages",
    "audit": "fooling.auditing.running",
    "load_classifier": "fooling.classifiers.classifier_file",
}
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
