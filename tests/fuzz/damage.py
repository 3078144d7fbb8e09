"""How real files are damaged: by bytes, by what they hold, and by what lies in their place."""

from __future__ import annotations

import copy
import datetime
import gzip
import io
import json
import math
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors
import safetensors.numpy
import yaml
from hypothesis import strategies as st

from fooling.artifacts import write_arrays

#: Values that stand where something else is expected.
SCALARS: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 0.5, -0.5, 1e308, 10**30, -(10**30), math.nan, math.inf, -math.inf),
    *(
        "",
        " ",
        "x",
        "nan",
        "1e-4",
        "../../escape",
        "/",
        "null",
        "ünï\u4e16\U0001f600",
        "a\nb\t",
        "$\\frac$",
        "x" * 5000,
    ),
]
JUNK: list[Any] = [*SCALARS, [], {}, [[]], [1, "a", None], {"a": 1}, {"kind": "sgd"}, [[1, 2], [3]], {"": {"": {}}}]


class Mine:
    """Runs code when it is unpickled: it makes the file ``mine``."""

    def __init__(self, mine: Path) -> None:
        self.mine = mine

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mine,)


def pickled(mine: Path) -> bytes:
    """A pickle that makes the file ``mine`` when it is read."""
    return pickle.dumps(Mine(mine))


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../escape.txt", "out")
    return buffer.getvalue()


#: Files of other kinds.
OTHERS = [
    b"",
    b"\0" * 1000,
    b"\xff\xfe\x00",
    b"just a text",
    b"{}",
    b"[]",
    b"a,b\n1,2\n",
    b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
    b"PAR1" + b"\0" * 40 + b"PAR1",
    (2**63).to_bytes(8, "little") + b"{}",
    (10).to_bytes(8, "little") + b'{"a":{}}  ',
    gzip.compress(b"content", mtime=0),
    pickled(Path("/nonexistent/mine")),
    _zipped(),
    b'{"a":' * 20_000,
    b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\n",
]


@st.composite
def broken_bytes(draw: st.DrawFn, original: bytes) -> bytes:
    """``original`` cut, with flipped bits, with bytes put in, taken out or moved; or another kind of file."""
    way = draw(st.sampled_from(["cut", "flip", "put in", "take out", "move", "other"]))
    size = len(original)
    place, end = sorted((draw(st.integers(0, size)), draw(st.integers(0, size))))
    if way == "cut":
        return original[:place]
    if way == "flip":
        changed = bytearray(original)
        for bit in draw(st.lists(st.integers(0, 8 * size - 1), min_size=1, max_size=4)):
            changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)
    if way == "put in":
        return original[:place] + draw(st.binary(min_size=1, max_size=40)) + original[place:]
    if way == "take out":
        return original[:place] + original[end:]
    if way == "move":
        return original[place:end] + original[:place] + original[end:]
    return draw(st.sampled_from(OTHERS))


def near_the_start(original: bytes, reach: int = 2000) -> st.SearchStrategy[bytes]:
    """``original`` broken within its first bytes, where headers are."""
    return broken_bytes(original[:reach]).map(lambda start: start + original[reach:])


#: What lies in place of a file: a function that puts it at a path, given the real file.
PLACES: dict[str, Callable[[Path, Path], None]] = {
    "nothing": lambda path, real: None,
    "a folder": lambda path, real: path.mkdir(),
    "a link to itself": lambda path, real: path.symlink_to(path.name),
    "a link to nothing": lambda path, real: path.symlink_to("absent"),
    "a link to a folder": lambda path, real: path.symlink_to(path.parent),
    "a link to the real file": lambda path, real: path.symlink_to(real),
    "a device": lambda path, real: path.symlink_to("/dev/null"),
}


@st.composite
def changed_tree(draw: st.DrawFn, original: Any, junk: list[Any] = JUNK) -> Any:
    """``original``, of mappings and lists, with one to three parts replaced, left out, renamed, repeated or added."""
    tree = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        holders = list(_holders(tree))
        if not holders:
            return tree
        holder = draw(st.sampled_from(holders))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys)) if keys else None
        way = draw(st.sampled_from(["replace", "replace", "leave out", "rename", "repeat", "add"]))
        new = copy.deepcopy(draw(st.sampled_from(junk)))
        if key is None or way == "add":
            _add(holder, draw(st.sampled_from(["extra", "kind", "", "ünï"])), new)
        elif way == "replace":
            holder[key] = new
        elif way == "leave out":
            del holder[key]
        elif way == "rename" and isinstance(holder, dict):
            holder[draw(st.sampled_from([f"{key}s", str(key).upper(), ""]))] = holder.pop(key)
        else:
            _add(holder, f"{key}-again", copy.deepcopy(holder[key]))
    return tree


def _holders(tree: Any) -> Any:
    if isinstance(tree, dict | list):
        yield tree
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _holders(part)


def _add(holder: Any, key: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    else:
        holder.append(value)


#: YAML texts that no study means.
YAML_TRAPS = [
    "a: b: c",
    "\tkey: value",
    "key: [1, 2",
    "key: 2024-13-45",
    "key: 12:99:99",
    "2024-01-01: x",
    "? [a, b]\n: c",
    "!!python/object/apply:os.system [echo]",
    "!!binary gIGC",
    "&a [*a]",
    "key: &a {b: *a}",
    "--- 1\n--- 2",
    "key: .nan",
    "1: {2: {3: 4}}",
    "key: 1\nkey: 2",
    "%YAML 9.9\n---\na: 1",
    "key: " + "9" * 5000,
    "[" * 3000,
    "- " * 3000,
    "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    ),
]


@st.composite
def broken_yaml(draw: st.DrawFn, original: Any) -> str:
    """The YAML text of a changed ``original``, a broken one of the original, or a trap, also behind the original."""
    text = yaml.safe_dump(original, sort_keys=False, allow_unicode=True)
    way = draw(st.sampled_from(["tree", "tree", "tree", "text", "trap", "trap behind"]))
    if way == "tree":
        junk = [*JUNK, datetime.date(2024, 1, 1), b"\xff"]
        return yaml.safe_dump(draw(changed_tree(original, junk)), sort_keys=False, allow_unicode=True)
    if way == "text":
        return draw(broken_bytes(text.encode())).decode(errors="replace")
    trap = draw(st.sampled_from(YAML_TRAPS))
    return trap if way == "trap" else f"{text}\n{trap}\n"


@st.composite
def broken_json(draw: st.DrawFn, original: Any) -> bytes:
    """The JSON text of a changed ``original``, or a broken one of the original."""
    if draw(st.booleans()):
        return json.dumps(draw(changed_tree(original))).encode()
    return draw(broken_bytes(json.dumps(original).encode()))


@st.composite
def changed_array(draw: st.DrawFn, array: np.ndarray) -> np.ndarray:
    """``array`` with another type, shape or length, or with numbers that it cannot hold."""
    way = draw(st.sampled_from(["type", "shape", "length", "empty", "number"]))
    if way == "type":
        return array.astype(draw(st.sampled_from(["float64", "float32", "float16", "int64", "int8", "uint8", "bool"])))
    if way == "shape":
        return draw(st.sampled_from([array.reshape(-1), array[None], np.asarray(array.reshape(-1)[0])]))
    if way == "length":
        return draw(st.sampled_from([array[:-1], array[1:], np.concatenate([array, array]) if array.ndim else array]))
    if way == "empty":
        return array[:0]
    changed = array.copy()
    number = draw(st.sampled_from([-1, 255, 2**31, 2**62, math.nan, math.inf, -math.inf, 1e38]))
    place = draw(st.integers(0, changed.size - 1)) if changed.size else 0
    with np.errstate(all="ignore"):
        try:
            changed.reshape(-1)[place : place + 1] = number
        except (ValueError, OverflowError):
            changed.reshape(-1)[place : place + 1] = 7
    return changed


@st.composite
def broken_safetensors(draw: st.DrawFn, original: Path) -> Callable[[Path], None]:
    """A function that writes the file ``original`` in a broken form to a path.

    Broken are its bytes; or its arrays and its header, then written again with checksums that are right, or without
    the study's header at all.
    """
    content = original.read_bytes()
    way = draw(st.sampled_from(["bytes", "start", "arrays", "arrays", "header", "header", "bare"]))
    if way in ("bytes", "start"):
        broken = draw(broken_bytes(content) if way == "bytes" else near_the_start(content))
        return lambda path: _write(path, broken)
    arrays = safetensors.numpy.load_file(original)
    with safetensors.safe_open(original, framework="numpy") as opened:
        header = json.loads(opened.metadata()["fooling"])
    if way == "bare":
        metadata = draw(st.sampled_from([None, {}, {"fooling": "{"}, {"fooling": "[]"}, {"other": "x"}]))
        return lambda path: safetensors.numpy.save_file(arrays, path, metadata=metadata)
    if way == "arrays":
        for name in draw(st.lists(st.sampled_from(sorted(arrays)), min_size=1, max_size=2, unique=True)):
            change = draw(st.sampled_from(["change", "change", "leave out", "rename", "add"]))
            if change == "change":
                arrays[name] = draw(changed_array(arrays[name]))
            elif change == "add":
                arrays[f"{name}.more"] = arrays[name]
            else:
                taken = arrays.pop(name)
                arrays |= {f"{name}s": taken} if change == "rename" else {}
    else:
        header = draw(changed_tree(header, [value for value in JUNK if not _is_nan(value)]))
    return lambda path: _rewrite(path, arrays, header)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _rewrite(path: Path, arrays: Mapping[str, np.ndarray], header: dict[str, Any]) -> None:
    for checksum in ("arrays_sha256", "header_sha256"):
        header.pop(checksum, None)
    kind, version = header.pop("kind", None), header.pop("version", None)
    write_arrays(path, arrays, kind=kind, version=version, header=header)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@st.composite
def broken_table(draw: st.DrawFn, original: Path) -> Callable[[Path], None]:
    """A function that writes the table ``original`` in a broken form to a path: its bytes, columns, rows or cells."""
    if draw(st.integers(0, 3)) == 0:
        content = draw(broken_bytes(original.read_bytes()))
        return lambda path: _write(path, content)
    parquet = original.suffix == ".parquet"
    table = pd.read_parquet(original) if parquet else pd.read_csv(original, dtype=str, keep_default_na=False)
    name = draw(st.sampled_from(list(table.columns)))
    way = draw(st.sampled_from(["cell", "cell", "column", "leave out", "rename", "add", "rows", "repeat", "order"]))
    if way == "cell":
        column = table[name].astype(object)
        column.iloc[draw(st.integers(0, len(table) - 1))] = draw(st.sampled_from(SCALARS))
        table[name] = column.astype(str) if parquet and draw(st.booleans()) else column
    elif way == "column":
        table[name] = draw(st.sampled_from([*SCALARS, pd.Timestamp("2024-01-01")]))
    elif way == "leave out":
        table = table.drop(columns=name)
    elif way == "rename":
        table = table.rename(columns={name: draw(st.sampled_from([f"{name}s", name.upper(), "", "confidence"]))})
    elif way == "add":
        table["extra"] = draw(st.sampled_from(SCALARS))
    elif way == "rows":
        table = table.iloc[: draw(st.integers(0, len(table) - 1))]
    elif way == "repeat":
        table = pd.concat([table, table.iloc[:1]])
    else:
        table = table.iloc[::-1]
    return lambda path: _write_table(path, table)


def _write_table(path: Path, table: pd.DataFrame) -> None:
    """``table`` as it is; what Parquet cannot hold is turned to texts."""
    if path.suffix != ".parquet":
        table.to_csv(path, index=False)
        return
    try:
        table.to_parquet(path, index=False)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        table.astype(str).loc[:, ~table.columns.duplicated()].to_parquet(path, index=False)
