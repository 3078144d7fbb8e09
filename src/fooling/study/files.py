"""Documentation of the file formats, generated from their declarations: the content of docs/files.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from fooling import checkpoints
from fooling.attacks import record as targeted
from fooling.attacks.evolution import record as evolution
from fooling.attacks.evolution import replay
from fooling.classifiers import header as classifiers
from fooling.datasets import dataset
from fooling.encodings.cppn import genome
from fooling.schemas import Array, FileFormat
from fooling.settings import models_in
from fooling.study.documentation import allowed_values
from fooling.survey import questionnaire

DATA_FILES = ("files.md",)

#: All formats, in the order of docs/files.md.
FORMATS = (
    dataset.FORMAT,
    classifiers.FORMAT,
    evolution.FORMAT,
    evolution.RUNS_FORMAT,
    replay.FORMAT,
    targeted.FORMAT,
    questionnaire.FILE_FORMAT,
    checkpoints.FORMAT,
)


def files_documentation(formats: Sequence[FileFormat] = FORMATS) -> str:
    """Return the content of ``docs/files.md``: all ``formats`` with their headers and arrays, and the genomes."""
    page = (Path(__file__).parent / DATA_FILES[0]).read_text(encoding="utf-8")
    chapters = "\n".join("".join(_chapter(each)) for each in formats)
    return page.replace("{FILES}", chapters).replace("{GENOMES}", _array_table(genome.ARRAYS))


def _chapter(form: FileFormat) -> Iterator[str]:
    place = form.path.replace("{", "<").replace("}", ">")
    by = ", ".join(f"`fooling {command}`" for command in form.commands)
    yield f"## {form.kind}, version {form.version}\n`{place}`. Written by {by}.\n\n{form.doc}\n"
    if rows := list(_header_rows(form.header)):
        yield "\n" + _table(("key", "values", "meaning"), rows)
    if form.arrays:
        yield f"\n{_array_table(form.arrays, form.lengths)}"


def _header_rows(
    model: type[BaseModel], before: str = "", explained: dict[type[BaseModel], str] | None = None
) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each key of a header; keys of a part are ``part.key``, those of each part ``parts[].key``.

    A part that was ``explained`` before, at the key given there, has one row.
    """
    known = {} if explained is None else explained
    for key, field in model.model_fields.items():
        parts = models_in(field.annotation)
        several = str(field.annotation).startswith("tuple") and bool(parts)
        name = f"{before}{key}{'[]' if several else ''}"
        optional = "" if field.is_required() else ", or no such key"
        if not parts:
            yield f"`{name}`", f"{allowed_values(field)}{optional}", field.description or ""
        elif optional:
            yield f"`{name}`", f"mapping{optional}", _first_sentence(parts[0])
        for part in parts:
            if part in known:
                yield f"`{name}`", "mapping", f"As `{known[part]}`."
            else:
                known[part] = name
                yield from _header_rows(part, f"{name}.", known)


def _first_sentence(model: type[BaseModel]) -> str:
    return " ".join(str(model.__doc__).split()).replace("``", "`")


def _array_table(arrays: Iterable[Array], lengths: Mapping[str, str] | None = None) -> str:
    """Return a table of arrays in Markdown, and below it the meaning of the letters."""
    rows = [(f"`{array.name}`", f"`{array.form}`", _range(array), array.doc) for array in arrays]
    letters = "; ".join(f"{letter}: {meaning}" for letter, meaning in (lengths or {}).items())
    return _table(("array", "form", "range", "meaning"), rows) + (f"\n{letters}.\n" if letters else "")


def _range(array: Array) -> str:
    """Return the range of an array's numbers; empty if every finite number is allowed."""
    bounds = [bound for bound in (array.least, array.most) if math.isfinite(bound) and abs(bound) < 1e30]
    return " to ".join(f"{bound:,.0f}" for bound in bounds)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
