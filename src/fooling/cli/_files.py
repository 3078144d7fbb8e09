"""What commands share: opening classifiers, and reading files that are given as ``name=path``.

torch is imported only where a classifier is opened: many commands that read files do without.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fooling.attacks.evolution.record import RunRecord, load_run
from fooling.inputs import digest_of
from fooling.messages import FoolingError
from fooling.table import Table

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from fooling.classifiers.classifier import Classifier


def named_paths(values: Sequence[str], *, option: str, example: str) -> dict[str, list[Path]]:
    """Return the paths of values such as ``name=path`` by name, in their order.

    Raises :class:`FoolingError` for any other value.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    for value in values:
        name, separator, path = value.partition("=")
        if not (name and separator and path):
            raise FoolingError(f"{option} needs name=path", found=value, expected=f"such as {example}")
        found[name].append(Path(path))
    return dict(found)


def table_files(values: Sequence[str], *tables: Table) -> dict[str, list[Path]]:
    """Return the files of each of these tables, given as ``name=path``; a table may have none.

    Raises :class:`FoolingError` for any other table.
    """
    known = {table.name: table for table in tables}
    named = named_paths(values, option="--tables", example="history=some/history.parquet")
    if unknown := [name for name in named if name not in known]:
        raise FoolingError("--tables names an unknown table", found=unknown[0], expected=", ".join(known))
    return {name: named.get(name, []) for name in known}


def single_file(files: Sequence[Path], table: Table) -> Path:
    """Return the one file of a table; raise :class:`FoolingError` if there is none or several."""
    if len(files) != 1:
        raise FoolingError(
            f"the table {table.name} must be given once",
            found=f"{len(files)} files",
            remedy=f"give --tables {table.name}=path once",
        )
    return files[0]


def read_named_runs(runs: Sequence[str]) -> dict[str, list[RunRecord]]:
    """Return each experiment with its runs, which are given as ``experiment=path``."""
    named = named_paths(runs, option="--runs", example="direct=some/seed1.safetensors")
    return {experiment: [load_run(path) for path in paths] for experiment, paths in named.items()}


def open_classifier(path: Path, *, device: str, architecture: Sequence[str] | None) -> Classifier:
    """Return the classifier in a file; it computes with one thread (:func:`device_with_one_thread`)."""
    from fooling.classifiers.classifier_file import load_classifier

    return load_classifier(path, device_with_one_thread(device), architecture or ())


def device_with_one_thread(device: str) -> torch.device:
    """Return the device for networks, after limiting torch to one thread.

    The number of threads decides the last bits of scores, and so the course of a search. Many commands run at once.
    """
    import torch

    from fooling.classifiers.devices import chosen_device

    torch.set_num_threads(1)
    return chosen_device(device)


def named_output(name: str, output: Path | None, *, otherwise: str) -> tuple[str, Path]:
    """Return the name and the file of a classifier; each is taken from the other one if it is not given."""
    chosen = name or (otherwise if output is None else output.stem)
    return chosen, Path(f"{chosen}.safetensors") if output is None else output


def scorer(classifier: Classifier) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Return a function that computes the confidences (B, K) of images (B, C, H, W), both as arrays."""
    import torch

    def confidences(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = classifier.confidences(torch.from_numpy(images)).cpu().numpy()
        return scores

    return confidences


def require_sources(records: Sequence[RunRecord], classifiers: Sequence[Path]) -> None:
    """Raise :class:`FoolingError` unless there are runs, all of them on these classifiers."""
    known = {digest_of(path) for path in classifiers}
    strangers = sorted({record.classifier["name"] for record in records if record.classifier["sha256"] not in known})
    if not records or strangers:
        raise FoolingError(
            "the images were not evolved on these networks",
            found=f"runs on {', '.join(strangers)}" if strangers else "no runs",
            expected=f"runs on {', '.join(map(str, classifiers))}",
            remedy="make the runs again, or give the file of that network too",
        )
