"""Read the settings of a study from its files and Snakemake's command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config  # type: ignore[import-untyped]

from fooling.datasets.fetching import MIRROR_VARIABLE
from fooling.inputs import parsed_yaml, read_text, require_reasonable
from fooling.messages import FoolingError
from fooling.settings import parse_exponents
from fooling.study.resolved import Study, resolved_study


def study_from(
    values: Mapping[str, Any], *, files: Sequence[Path | str], arguments: Sequence[str]
) -> tuple[dict[str, Any], Study]:
    """Return the checked settings, and the study that they describe.

    Args:
        values: The settings as Snakemake read them.
        files: The study files.
        arguments: The arguments of ``--config``, each ``key=text``.

    Raises :class:`FoolingError` for invalid files and invalid settings.
    """
    source = " + ".join([*map(str, files), *(["--config"] if arguments else [])]) or "the settings"
    try:
        for file in files:
            if not str(file).endswith(".json"):
                parsed_yaml(read_text(Path(file)), source=str(file))  # refuses duplicate keys, unlike Snakemake
        require_reasonable(values, source=source)
        settings = parse_exponents(_with_typed_arguments(values, arguments))
        return settings, resolved_study(settings, source=source)
    except FoolingError as error:
        if len(files) < 2:
            raise
        hint = f"  several study files: {source}. Name targets before --configfile, or after `--`"
        raise FoolingError(f"{error}\n{hint}") from None


def paths_in(study: Study, *, mirror: str | None) -> dict[str, Path | str]:
    """Return the files of networks that are inputs of rules, and the mirror folder.

    The keys say what each path is.
    """
    paths: dict[str, Path | str] = {}
    for name, classifier in study.classifiers.items():
        paths[f"the architecture of {name}"] = classifier.architecture
        if classifier.kind == "imported" and classifier.published_set is None:
            paths[f"the file of weights of {name}"] = classifier.weights
            paths["the mirror folder"] = study.machine_variables().get(MIRROR_VARIABLE) or mirror or ""
    return paths


def require_no_braces(paths: Mapping[str, Path | str]) -> None:
    """Raise :class:`FoolingError` for a path with braces.

    Snakemake looks for wildcards in braces. The keys of ``paths`` say what each path is.
    """
    for what, path in paths.items():
        if set("{}") & set(str(path)):
            raise FoolingError(
                f"{what} has braces in its path",
                found=str(path),
                expected="a path without { and }, in which Snakemake looks for wildcards",
                remedy="rename the folder or file",
            )


def _with_typed_arguments(values: Mapping[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """Return ``values`` with the ``key=text`` arguments parsed as in a study file.

    Snakemake leaves numbers in mappings and lists as texts, and reads a number in quotes as a number.
    """
    typed = dict(values)
    for key, _, text in (argument.partition("=") for argument in arguments):
        if _was_read_from(text, values.get(key)):
            update_config(typed, {key: parsed_yaml(text, source=f"--config {key}")})
    return typed


def _was_read_from(text: str, value: Any) -> bool:
    """Return whether Snakemake read ``value`` from ``text``, with scalars as texts.

    Only mappings, lists and scalars in quotes count.
    """
    try:
        read = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        return False
    return str(value) == read if text[:1] in ("'", '"') else isinstance(read, dict | list) and _holds(value, read)


def _holds(value: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(value, Mapping) and all(_holds(value.get(key), part[key]) for key in part)
    return bool(value == part)
