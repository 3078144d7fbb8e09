"""Architectures by name: which Python file builds a network, found without importing torch or any other architecture.

Known names are ``lenet``, ``alexnet``, ``squeezenet``, ``torchvision:<name>`` and, for anyone's own network,
``path/to/file.py:function``.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from fooling.artifacts import sha256_of
from fooling.classifiers.header import MOST_AT_ONCE
from fooling.errors import FoolingError
from fooling.inputs import remember

if TYPE_CHECKING:
    from torch import nn

OWN_ARCHITECTURES = ("lenet", "alexnet", "squeezenet", "ensemble")
NAMED_MODULES = (
    "fooling.classifiers.lenet",
    "fooling.classifiers.alexnet",
    "fooling.classifiers.squeezenet",
    "fooling.classifiers.ensemble",
    "fooling.classifiers.vision",
)
KNOWN_NAMES = "lenet, alexnet, squeezenet, torchvision:<name> or path/to/file.py:function"
DEFAULT_CHUNK_SIZE = 32


@dataclass(frozen=True)
class Architecture:
    """How to build a network, and how many images it scores at once."""

    build: Callable[..., nn.Module]
    chunk_size: int
    sha256: str | None = None
    """Of the Python file as it was run, where that is no part of this package."""


def architecture_source(name: str) -> str | Path:
    """Return the module of this package, by name, or the user's Python file that builds an architecture.

    Raises :class:`FoolingError` for a name of no known form.
    """
    path, _, function = name.rpartition(":")
    if name in OWN_ARCHITECTURES:
        return f"fooling.classifiers.{name}"
    if path == "torchvision" and function:
        return "fooling.classifiers.vision"
    if names_a_file(name) and function:
        return Path(path)
    raise FoolingError("there is no such architecture", found=repr(name), expected=KNOWN_NAMES)


def architecture_modules(name: str, options: Mapping[str, Any]) -> list[str]:
    """Return the modules of this package that build an architecture and, of an ensemble, its members."""
    members = [architecture_modules(each["architecture"], each["options"]) for each in options.get("members", ())]
    source = architecture_source(name)
    own = [source] if isinstance(source, str) else []
    return list(dict.fromkeys(sum(members, own)))


def names_a_file(name: str) -> bool:
    """Whether the architecture called ``name`` is a function in a Python file outside this package."""
    return name.rpartition(":")[0].endswith(".py")


def needs_colour(name: str) -> bool:
    """Whether the architecture called ``name`` is known to take nothing but images in colour."""
    return name in ("alexnet", "squeezenet") or name.startswith("torchvision:")


def find_architecture(name: str) -> Architecture:
    """The builder called ``name``; :class:`FoolingError` for an unknown name, a missing file or a missing function."""
    source = architecture_source(name)
    function = name.rpartition(":")[2]
    if isinstance(source, Path):
        return _own_architecture(source, function)
    module = importlib.import_module(source)
    build = module.build if name in OWN_ARCHITECTURES else module.builder_of(function)
    return Architecture(build=build, chunk_size=module.CHUNK_SIZE)


def build_network(
    name: str, *, input_shape: tuple[int, int, int], classes: int, options: Mapping[str, Any]
) -> nn.Module:
    """A network with fresh weights for images ``input_shape`` (C, H, W) and ``classes`` logits.

    Raises :class:`FoolingError` for an unknown architecture, for options that it does not take, and for a network that
    cannot take such images or gives something else than one logit per class.
    """
    from fooling.classifiers.network_code import network_code

    build = find_architecture(name).build
    try:
        inspect.signature(build).bind(input_shape=input_shape, classes=classes, **options)
    except TypeError as error:
        raise FoolingError(
            f"the architecture {name} cannot be built with these options",
            found=f"{dict(options)}: {error}",
            expected=f"what its function takes: {inspect.signature(build)}",
        ) from None
    with network_code(f"the architecture {name} cannot be built with the options {dict(options)}"):
        network = build(input_shape=input_shape, classes=classes, **options)
    _require_logits(network, architecture=name, input_shape=input_shape, classes=classes)
    return network


class _WithoutCache(SourceFileLoader):
    """Compiles the content that was read of a file: code compiled before a change may look as new as the file."""

    def __init__(self, fullname: str, path: str, content: bytes) -> None:
        super().__init__(fullname, path)
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        """The code of this content."""
        return self.source_to_code(self._content, self.path)


def _own_architecture(source: Path, function: str) -> Architecture:
    content = content_of(source)
    module = _imported_file(source, content)
    build = getattr(module, function, None)
    if not callable(build):
        functions = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        raise FoolingError(f"{source} has no function {function!r}", found=", ".join(functions) or "no function at all")
    chunk_size = getattr(module, "CHUNK_SIZE", DEFAULT_CHUNK_SIZE)
    if type(chunk_size) is not int or not 1 <= chunk_size <= MOST_AT_ONCE:
        raise FoolingError(
            f"{source} sets a CHUNK_SIZE that cannot be",
            found=repr(chunk_size),
            expected=f"a whole number of images from 1 to {MOST_AT_ONCE}",
        )
    return Architecture(build=build, chunk_size=chunk_size, sha256=sha256_of(content))


def _require_logits(network: Any, *, architecture: str, input_shape: tuple[int, int, int], classes: int) -> None:
    """Try ``network`` on two black images, in the memory layout in which it will run."""
    import torch

    from fooling.classifiers.layout import tried_logits
    from fooling.classifiers.network_code import network_code

    expected = f"a torch.nn.Module that turns (B, {', '.join(map(str, input_shape))}) into logits (B, {classes})"
    if not isinstance(network, torch.nn.Module):
        raise FoolingError(f"the architecture {architecture} builds no network", found=type(network), expected=expected)
    training = network.training
    problem = f"the architecture {architecture} cannot take these images"
    with network_code(problem, expected=expected), torch.no_grad():
        logits = tried_logits(network.eval(), (2, *input_shape))
    network.train(training)
    shape = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if shape != (2, classes):
        raise FoolingError(
            f"the architecture {architecture} gives no logit per class",
            found=f"{shape} for 2 images",
            expected=expected,
        )


def content_of(source: Path) -> bytes:
    """Return the content of a Python file; :class:`FoolingError` where there is none that can be read."""
    if not source.is_file():
        raise FoolingError(
            f"there is no file {source}",
            found=f"looked from {Path.cwd()}",
            expected="a Python file that builds a network",
        )
    try:
        remember(source)
        return source.read_bytes()
    except OSError as error:
        raise FoolingError(f"{source} cannot be read", found=error.strerror) from None


def _imported_file(source: Path, content: bytes) -> ModuleType:
    """Run the ``content`` of a Python file anywhere on disk as a module; it may import torchvision."""
    # Imported here, because a name is looked up without torch.
    from fooling.classifiers.network_code import MODULE_PREFIX, network_code
    from fooling.torchvision_operators import ensure_operators

    ensure_operators()
    name = f"{MODULE_PREFIX}{source.stem}"
    specification = importlib.util.spec_from_loader(name, _WithoutCache(name, str(source), content))
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    with network_code(f"{source} cannot be imported"):
        specification.loader.exec_module(module)
    return module
