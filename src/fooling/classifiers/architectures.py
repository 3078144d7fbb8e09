"""Find architectures by name without importing torch, and decide which Python files may be run.

Names are ``lenet``, ``alexnet``, ``squeezenet``, ``softmax-regression``, ``mlp``, ``maxout``, ``rbf``,
``torchvision:<name>`` and, for your own network, ``path/to/file.py:function``.

A classifier file contains the name of a Python file, and anyone can write any name into it. Such a name is therefore
never followed. You name the files, and the file with the recorded SHA-256 is run, wherever it is.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from fooling.artifacts import sha256_of
from fooling.classifiers.header import MOST_AT_ONCE, EnsembleOptions, MemberHeader, NetworkHeader
from fooling.inputs import remember
from fooling.messages import FoolingError
from fooling.schemas import checked_header

if TYPE_CHECKING:
    from torch import nn

NAMED_MODULES = (
    "fooling.classifiers.networks",
    "fooling.classifiers.vision",
    "fooling.classifiers.assembly",
    "fooling.classifiers.guarded",
    "fooling.classifiers.fitted",
)
LENET, DENSE = "fooling.classifiers.networks:lenet", "fooling.classifiers.networks:dense"
VISION, ENSEMBLE, GUARDED, FITTED = (f"{module}:architecture_of" for module in NAMED_MODULES[1:])
#: Architectures made of others, which their option ``members`` describes.
COMBINED = ("ensemble", "guarded")
#: The kinds of models that are fitted, and not built as networks of layers.
FITTED_MODELS = (
    *("logistic-regression", "svm", "adaboost", "random-forest", "nearest-neighbours", "sparse-representation"),
    *("rbf-network", "gaussian", "kernel-density", "vae"),
)
#: The function of each architecture, as ``module:function``.
OWN_ARCHITECTURES = {
    **{"lenet": LENET, "alexnet": VISION, "squeezenet": VISION, "ensemble": ENSEMBLE, "guarded": GUARDED},
    **dict.fromkeys(("softmax-regression", "mlp", "maxout", "rbf"), DENSE),
    **dict.fromkeys(FITTED_MODELS, FITTED),
}
KNOWN_NAMES = (
    "lenet, alexnet, squeezenet, softmax-regression, mlp, maxout, rbf, torchvision:<name> or path/to/file.py:function"
)
DEFAULT_CHUNK_SIZE = 32


@dataclass(frozen=True)
class Architecture:
    """How to build a network, and how many images it scores at once."""

    build: Callable[..., nn.Module]
    chunk_size: int
    sha256: str | None = None
    """SHA-256 of the user's Python file that was run; None for an architecture of this package."""


def architecture_source(name: str) -> str | Path:
    """Return what builds an architecture: a function of this package, as ``module:function``, or the user's file.

    Raises :class:`FoolingError` if the name has no known form.
    """
    path, _, function = name.rpartition(":")
    if name in OWN_ARCHITECTURES:
        return OWN_ARCHITECTURES[name]
    if path == "torchvision" and function:
        return VISION
    if names_a_file(name) and function:
        return Path(path)
    raise FoolingError("unknown architecture", found=repr(name), expected=KNOWN_NAMES)


def architecture_functions(name: str, options: Mapping[str, Any]) -> list[str]:
    """Return the functions of this package, as ``module:function``, that build an architecture and its members."""
    members = [architecture_functions(each["architecture"], each["options"]) for each in options.get("members", ())]
    source = architecture_source(name)
    own = [source] if isinstance(source, str) else []
    return list(dict.fromkeys(sum(members, own)))


def names_a_file(name: str) -> bool:
    """Return whether the architecture ``name`` is a function in a Python file outside this package."""
    return name.rpartition(":")[0].endswith(".py")


def needs_colour(name: str) -> bool:
    """Return whether the architecture ``name`` is known to accept only images in colour."""
    return name in ("alexnet", "squeezenet") or name.startswith("torchvision:")


def find_architecture(name: str) -> Architecture:
    """Return the architecture ``name``; raise :class:`FoolingError` if it, its file or its function is unknown."""
    source = architecture_source(name)
    if isinstance(source, Path):
        return _users_architecture(source, name.rpartition(":")[2])
    module, _, function = source.partition(":")
    architecture: Architecture = getattr(importlib.import_module(module), function)(name)
    return architecture


def build_network(
    name: str, *, input_shape: tuple[int, int, int], classes: int, options: Mapping[str, Any], tried: bool = True
) -> nn.Module:
    """Build a network with new weights for images ``input_shape`` (C, H, W) and ``classes`` logits.

    Raises :class:`FoolingError` for an unknown architecture, for options that it does not have, and unless ``tried`` is
    false for a network that cannot process such images or does not give one logit per class.
    """
    from fooling.classifiers.network_code import network_code

    build = find_architecture(name).build
    try:
        inspect.signature(build).bind(input_shape=input_shape, classes=classes, **options)
    except TypeError as error:
        raise FoolingError(
            f"the architecture {name} cannot be built with these options",
            found=f"{dict(options)}: {error}",
            expected=f"the arguments of its function: {inspect.signature(build)}",
        ) from None
    with network_code(f"the architecture {name} cannot be built with the options {dict(options)}"):
        network = build(input_shape=input_shape, classes=classes, **options)
    if tried:
        _require_logits(network, architecture=name, input_shape=input_shape, classes=classes)
    return network


class _WithoutCache(SourceFileLoader):
    """Compile the given content of a file: a cached compilation of an older content may look as new as the file."""

    def __init__(self, fullname: str, path: str, content: bytes) -> None:
        super().__init__(fullname, path)
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of this content."""
        return self.source_to_code(self._content, self.path)


def _users_architecture(source: Path, function: str) -> Architecture:
    content = content_of(source)
    module = _imported_file(source, content)
    build = getattr(module, function, None)
    if not callable(build):
        own = [
            name
            for name, value in vars(module).items()
            if inspect.isfunction(value) or (inspect.isclass(value) and value.__module__ == module.__name__)
        ]
        raise FoolingError(
            f"{source} has no function {function!r}",
            found=", ".join(own) or "no function or class at all",
            expected="the name of a function or class that builds the network",
        )
    chunk_size = getattr(module, "CHUNK_SIZE", DEFAULT_CHUNK_SIZE)
    if type(chunk_size) is not int or not 1 <= chunk_size <= MOST_AT_ONCE:
        raise FoolingError(
            f"{source} has an invalid CHUNK_SIZE",
            found=repr(chunk_size),
            expected=f"a whole number of images from 1 to {MOST_AT_ONCE}",
        )
    return Architecture(build=build, chunk_size=chunk_size, sha256=sha256_of(content))


def _require_logits(network: Any, *, architecture: str, input_shape: tuple[int, int, int], classes: int) -> None:
    """Try ``network`` on two black images, in the memory layout in which it will run."""
    import torch

    from fooling.classifiers.network_code import network_code, tried_logits

    expected = f"a torch.nn.Module that turns (B, {', '.join(map(str, input_shape))}) into logits (B, {classes})"
    if not isinstance(network, torch.nn.Module):
        raise FoolingError(
            f"the architecture {architecture} does not build a network", found=type(network), expected=expected
        )
    training = network.training
    problem = f"the architecture {architecture} cannot process these images"
    with network_code(problem, expected=expected), torch.no_grad():
        logits = tried_logits(network.eval(), (2, *input_shape))
    network.train(training)
    shape = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if shape != (2, classes):
        raise FoolingError(
            f"the architecture {architecture} does not give one logit per class",
            found=f"{shape} for 2 images",
            expected=expected,
        )


def content_of(source: Path) -> bytes:
    """Return the content of a Python file; raise :class:`FoolingError` if it is missing or unreadable."""
    if not source.is_file():
        raise FoolingError(
            f"the file {source} does not exist",
            found=f"nothing there, seen from {Path.cwd()}",
            expected="a Python file that builds a network",
        )
    try:
        remember(source)
        return source.read_bytes()
    except OSError as error:
        raise FoolingError(f"{source} cannot be read", found=error.strerror) from None


def _imported_file(source: Path, content: bytes) -> ModuleType:
    """Run the ``content`` of a Python file anywhere on disk as a module; it may import torchvision."""
    # Imported here because names are looked up without torch.
    from fooling.classifiers.network_code import MODULE_PREFIX, network_code
    from fooling.torchvision_import import ensure_operators

    ensure_operators()
    name = f"{MODULE_PREFIX}{source.stem}"
    specification = importlib.util.spec_from_loader(name, _WithoutCache(name, str(source), content))
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    with network_code(f"{source} cannot be imported"):
        specification.loader.exec_module(module)
    return module


AGAIN = "import the network again, or train it again"


def require_files(architectures: Sequence[str]) -> None:
    """Raise :class:`FoolingError` unless each of ``architectures`` has the form ``path/to/file.py:function``."""
    for name in architectures:
        if not names_a_file(name) or not name.rpartition(":")[2]:
            raise FoolingError(
                "--architecture does not name a function of a Python file",
                found=repr(name),
                expected="path/to/file.py:function; other architectures need not be named",
            )


def permitted(network: NetworkHeader, architectures: Sequence[str], *, source: object) -> NetworkHeader:
    """Return ``network``, from the header of ``source``, with each Python file replaced by the one that you named.

    This includes members. Raises :class:`FoolingError` for a file that is not among
    ``architectures``, or whose content differs from the recorded one.
    """
    if network.architecture in COMBINED:
        named = [permitted(member, architectures, source=source) for member in _members(network, source)]
        options = {**network.options, "members": [described(member) for member in named]}
        return network.model_copy(update={"options": options})
    if not names_a_file(network.architecture):
        return network
    return network.model_copy(update={"architecture": _named_file(network, architectures, source=source)})


def require_recorded(network: NetworkHeader, *, source: object) -> None:
    """Raise :class:`FoolingError` unless the header records the content of each Python file of ``network``."""
    if network.architecture in COMBINED:
        for member in _members(network, source):
            require_recorded(member, source=source)
    elif names_a_file(network.architecture) and network.architecture_sha256 is None:
        raise FoolingError(
            f"{source} does not record the content of its Python file",
            found=f"architecture {network.architecture!r} without a SHA-256",
            expected="a SHA-256, which this version stores when it imports or trains a network",
            remedy=AGAIN,
        )


def described(network: NetworkHeader) -> dict[str, Any]:
    """Return what builds a network as a header stores it, without default values."""
    defaults = (("architecture_sha256", None), ("outputs", "logits"))
    return {key: value for key, value in network.model_dump().items() if (key, value) not in defaults}


def _members(combined: NetworkHeader, source: object) -> tuple[MemberHeader, ...]:
    what = f"the {combined.architecture} classifier" if combined.architecture != "ensemble" else "the ensemble"
    return checked_header(EnsembleOptions, combined.options, source=f"{what} in {source}").members


def _named_file(network: NetworkHeader, architectures: Sequence[str], *, source: object) -> str:
    wanted = network.architecture
    require_recorded(network, source=source)
    alike = [name for name in architectures if name.rpartition(":")[2] == wanted.rpartition(":")[2]]
    if not alike:
        raise FoolingError(
            f"{source} needs a Python file that you have not named",
            found=f"architecture {wanted!r}; named: {', '.join(architectures) or 'none'}",
            expected="its name from you: a classifier file alone cannot make code run",
            remedy=f"read the Python file, and if you trust it add --architecture {wanted}",
        )
    digests = {name: sha256_of(content_of(Path(name.rpartition(":")[0]))) for name in alike}
    for name, digest in digests.items():
        if digest == network.architecture_sha256:
            return name
    raise FoolingError(
        f"{source} was made with a different Python file",
        found="\n".join(f"{name}: SHA-256 {digest}" for name, digest in digests.items()),
        expected=f"SHA-256 {network.architecture_sha256}, recorded for {wanted}",
        remedy=f"restore that version of the file, or {AGAIN}",
    )
