"""A fingerprint covers what a command executes, and nothing else; it is the same everywhere."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from checkout import ROOT
from fooling import fingerprint as module
from fooling.canonical import canonical
from fooling.cli.main import commands
from fooling.fingerprint import Fingerprints, fingerprint
from fooling.settings import Settings
from fooling.study.settings import StudySettings

PACKAGE = ROOT / "src/fooling"
COMMANDS = sorted(command.root for command in commands().values())

FILES = {
    "__init__.py": "__version__ = '1'",
    "a.py": "import fooling\nfrom fooling.room import door\nfrom .b import thing",
    "b.py": """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import fooling.never
else:
    import fooling.other
""",
    "never.py": "",
    "other.py": "def f():\n    from . import late",
    "late.py": "import numpy\nDATA_FILES = ('late.css', 'page/late.html')",
    "late.css": "p {}",
    "page/late.html": "<p>",
    "room/__init__.py": "NAMED_MODULES = ('fooling.plug.*',)",
    "room/door.py": "from ..b import something\nfrom .window import glass",
    "room/window.py": "",
    "plug/__init__.py": "",
    "plug/one.py": "import fooling.extra",
    "plug/two.py": "",
    "extra.py": "",
}

#: A text with every kind of statement that versions of Python parse in their own way.
SAMPLE = '''
"""A docstring."""
import os.path as path
from collections.abc import Mapping, Sequence  # only annotations use these
from dataclasses import dataclass

HUGE = 10**20 + 0x1F * 1e-4 - 2j
TEXT = ("naïve 🫨" "joined", b"\\x00")

@dataclass(frozen=True)
class Point:
    """A class."""
    x: Sequence[int] = ()
    """A field."""

class Settings(Base, extra="forbid"):
    size: int = 1

def f(a: int, /, *rest: Mapping, key: str = f"{path!r:>{HUGE}}" f"and {TEXT=} more" "plain", **others) -> None:
    """A function."""
    label: str = f"a{a}" "b" f"{a:{key}.2f}" f""
    async def g(): return [x async for x in others if x] or {**rest, 1: 2}
    match a:
        case None | False: pass
        case {"k": [1, *_], **left} if (n := 3): ...
        case Point(x=0) as p: del p.x
    try:
        with open("a") as one, open("b"): yield from rest[1:, ::2]
    except* (OSError, ValueError) as error: raise SystemExit from error
    finally: global HUGE
    return lambda *, k=1: (k if a < k <= 3 else not k) @ -k
'''
SAMPLE_DIGEST = "2ca0fe879caa32a021ed36ce91e82793833044bcae1e1a08b93e761f81801724"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "fooling" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "fooling"


def files(package: Path, *modules: str) -> set[str]:
    return {path.relative_to(package).as_posix() for path in Fingerprints(package).files(*modules)}


def test_imports_are_followed_wherever_they_stand(package: Path) -> None:
    assert files(package, "fooling.a") == {
        *("a.py", "b.py", "other.py", "late.py", "late.css", "page/late.html"),
        *("room/__init__.py", "room/door.py", "room/window.py"),
    }


def test_a_module_without_a_file_is_named(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"fooling\.nothing"):
        files(package, "fooling.nothing")


def test_a_module_that_is_imported_by_name_is_declared_and_given(package: Path) -> None:
    named = files(package, "fooling.a", "fooling.plug.one") - files(package, "fooling.a")
    assert named == {"plug/__init__.py", "plug/one.py", "extra.py"}
    with pytest.raises(ValueError, match=r"fooling\.late is in no NAMED_MODULES of fooling\.a"):
        Fingerprints(package).of("fooling.a", "fooling.late")


#: A module with several commands.
COMMANDS_FILE = """
from fooling.room.window import glass, frame
from fooling import extra, never
import fooling.plug.two
import os, sys

DATA_FILES = ("c.css",)
NAMED_MODULES = ("fooling.plug.*",)
SIZE, (DEPTH, *REST) = 1, (2, 3)
WIDTH: int = 4
UNUSED = 5

class Thing(glass):
    width = WIDTH

@cache
def _helper(x):
    return _second(x) + SIZE

def _second(x):
    return Thing(x, os.sep)

def one(x: int):
    return _helper(x)

async def two():
    from fooling import late
    return extra.value, UNUSED, frame, sys

print("loading")
Thing.depth = never.depth
"""
ONE, TWO = "fooling.cli.c:one", "fooling.cli.c:two"


@pytest.fixture
def commanded(package: Path) -> Path:
    (package / "cli").mkdir()
    (package / "cli/c.py").write_text(COMMANDS_FILE)
    (package / "cli/c.css").write_text("p {}")
    return package


def test_a_command_imports_what_its_part_of_the_module_uses(commanded: Path) -> None:
    always = {"cli/c.py", "cli/c.css", "never.py", "plug/__init__.py", "plug/two.py", "room/__init__.py"}
    assert files(commanded, ONE) == always | {"room/window.py"}
    late = {"late.py", "late.css", "page/late.html"}
    assert files(commanded, TWO) == files(commanded, "fooling.cli.c") == always | late | {"room/window.py", "extra.py"}
    assert files(commanded, ONE, "fooling.plug.one") == files(commanded, ONE) | {"plug/one.py", "extra.py"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SIZE, (DEPTH, *REST) = 1", "SIZE, (DEPTH, *REST) = 7"),
        ("WIDTH: int = 4", "WIDTH: int = 7"),
        ("width = WIDTH", "width = -WIDTH"),
        ("+ SIZE", "- SIZE"),
        ("os.sep", "os.linesep"),
        ("x: int", "x: str"),
        ("import glass, frame", "import frame as glass, frame"),
        ("from fooling.room.window import glass", "from fooling.room.door import glass"),
        ('print("loading")', 'print("started")'),
        ("Thing.depth = never.depth", "Thing.depth = never.width"),
        ("import fooling.plug.two", "import fooling.plug.one"),
    ],
)
def test_a_change_in_what_a_command_uses_counts(commanded: Path, old: str, new: str) -> None:
    before = Fingerprints(commanded).of(ONE)
    (commanded / "cli/c.py").write_text(COMMANDS_FILE.replace(old, new))
    assert Fingerprints(commanded).of(ONE) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return extra.value", "return 1, extra.value"),
        ("from fooling import late", "from fooling import room"),
        ("UNUSED = 5", "UNUSED = f(7)"),
        ("glass, frame", "glass, shutter as frame"),
        ("import extra, never", "import never, b as extra"),
        ("import os, sys", "import os, json as sys"),
        ("async def two", "def three(): return one\n\ndef two"),
        ("print(", "# why\n\nprint("),
    ],
)
def test_a_change_in_another_command_of_the_module_does_not(commanded: Path, old: str, new: str) -> None:
    before = Fingerprints(commanded).of(ONE), Fingerprints(commanded).of(TWO)
    (commanded / "cli/c.py").write_text(COMMANDS_FILE.replace(old, new))
    assert Fingerprints(commanded).of(ONE) == before[0]
    assert (Fingerprints(commanded).of(TWO) == before[1]) == ("# why" in new)


@pytest.mark.parametrize("file", ["late.py", "extra.py"])
def test_a_module_that_only_another_command_imports_does_not_count(commanded: Path, file: str) -> None:
    before = Fingerprints(commanded).of(ONE), Fingerprints(commanded).of(TWO)
    (commanded / file).write_text("print()")
    assert Fingerprints(commanded).of(ONE) == before[0]
    assert Fingerprints(commanded).of(TWO) != before[1]


#: A module from which a command imports one name.
SHARED = """
from fooling.extra import spare
from fooling.late import used

LIMIT = 3
OTHER = 4
SETTINGS = {"a": 1}
SETTINGS["b"] = 2

class Base:
    pass

class Shared(Base):
    limit = LIMIT

    def run(self):
        return used(_inner())

def _inner():
    return [each for each in (1, 2)]

def other():
    return spare(OTHER)

@register
def listed():
    return 5

if LIMIT:
    FLAG = 6
"""


@pytest.fixture
def sharing(package: Path) -> Path:
    (package / "cli").mkdir()
    (package / "cli/c.py").write_text(
        "from fooling.shared import Shared, other\ndef one():\n    return Shared()\ndef two():\n    return other()\n"
    )
    (package / "shared.py").write_text(SHARED)
    return package


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 7"),
        ("class Base:\n    pass", "class Base:\n    a = 1"),
        ("for each in (1, 2)", "for each in (1, 3)"),
        ("import used", "import unused as used"),
        ('SETTINGS["b"] = 2', 'SETTINGS["b"] = 7'),
        ('{"a": 1}', '{"a": 7}'),
        ("return 5", "return 7"),
        ("FLAG = 6", "FLAG = 7"),
    ],
)
def test_a_change_in_what_a_command_uses_of_another_module_counts(sharing: Path, old: str, new: str) -> None:
    before = Fingerprints(sharing).of(ONE)
    (sharing / "shared.py").write_text(SHARED.replace(old, new))
    assert Fingerprints(sharing).of(ONE) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [("OTHER = 4", "OTHER = 7"), ("spare(OTHER)", "spare(-OTHER)"), ("import spare", "import rare as spare")],
)
def test_a_change_in_the_rest_of_another_module_does_not(sharing: Path, old: str, new: str) -> None:
    before = [Fingerprints(sharing).of(name) for name in (ONE, "fooling.shared")]
    (sharing / "shared.py").write_text(SHARED.replace(old, new))
    after = [Fingerprints(sharing).of(name) for name in (ONE, "fooling.shared")]
    assert before[0] == after[0] and before[1] != after[1]


def test_a_module_of_which_attributes_are_used_counts_as_a_whole(sharing: Path) -> None:
    (sharing / "cli/c.py").write_text("from fooling import shared\ndef one():\n    return shared.Shared()\n")
    assert Fingerprints(sharing).definitions(ONE)["fooling.shared"] >= {"Shared", "Base", "other", "OTHER", "spare"}
    (sharing / "cli/c.py").write_text("from fooling.shared import *\ndef one():\n    return Shared()\n")
    assert "other" in Fingerprints(sharing).definitions(ONE)["fooling.shared"]


def test_commands_of_one_module_are_kept_apart(commanded: Path) -> None:
    kept = commanded.parent / "kept.json"
    expected = [Fingerprints(commanded).of(name) for name in (ONE, TWO, "fooling.cli.c")]
    assert len(set(expected)) == 3
    for _ in range(2):
        fingerprints = Fingerprints(commanded, kept=kept)
        assert [fingerprints.of(name) for name in (ONE, TWO, "fooling.cli.c")] == expected


def test_a_command_that_its_module_does_not_define_is_named(commanded: Path) -> None:
    with pytest.raises(ValueError, match=r"c\.py defines no four, only: .*SIZE, Thing, .*one, .*two"):
        Fingerprints(commanded).of("fooling.cli.c:four")
    with pytest.raises(ModuleNotFoundError, match=r"no file holds the module fooling\.cli\.d$"):
        Fingerprints(commanded).of("fooling.cli.d:one")


@pytest.mark.parametrize("file", ["late.css", "page/late.html", "other.py"])
def test_data_files_and_modules_decide(package: Path, file: str) -> None:
    before = Fingerprints(package).of("fooling.a"), Fingerprints(package).of("fooling.plug.two")
    path = package / file
    path.write_text(path.read_text() + "\nprint()")
    assert Fingerprints(package).of("fooling.a") != before[0]
    assert Fingerprints(package).of("fooling.plug.two") == before[1]


@pytest.mark.parametrize("file", ["__init__.py", "never.py", "extra.py"])
def test_the_version_and_modules_that_nothing_imports_do_not(package: Path, file: str) -> None:
    before = Fingerprints(package).of("fooling.a")
    (package / file).write_text("print()")
    assert Fingerprints(package).of("fooling.a") == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "# why\nx = (1)\n\n"),
        ("x = 'a' 'b'", 'x = "ab"'),
        ("def f(): return 1", 'def f():\n    """Return one."""\n    return 1'),
        ("class A: ...", 'class A:\n    """A class."""'),
        ("class A:\n    x: int", 'class A:\n    x: int\n    """A field."""'),
        ("def f(a, *b, c=1): return a", "def f(a: int, *b: str, c: float = 1) -> int: return a"),
        ("def f():\n    x = 1", "def f():\n    x: int = 1\n    y: str"),
        ("x = 1", "from collections.abc import Sequence\nx: Sequence[int] = 1"),
        ("x = 1", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import b\nx = 1"),
        ("@cache\ndef f(): return 1", "@cache\ndef f() -> int: return 1"),
        ("@dataclass\nclass A:\n    x: int = 1", "@dataclass(  )\nclass A:\n    x: str = 1".replace("(  )", "")),
        ("from a import b, c\nb + c", "from a import (\n    c,\n    b,\n)\nb + c"),
        ("f'{x}a' 'b'", "f'{x}ab'"),
        ("f(a)", "f(a, doc='What it is.')"),
        ("f(a, doc='What it is.')", "from b import c\nf(a, doc=f'What it was, {c}.')"),
    ],
)
def test_what_cannot_change_a_result_is_left_out(one: str, other: str) -> None:
    assert canonical(one, module="fooling.m") == canonical(other, module="fooling.m")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("x = 1", "y = 1"),
        ("x = a - b", "x = a + b"),
        ("x = a.b", "x = a.c"),
        ("f(a)", "f(a=a)"),
        ("f(doc)", "f()"),
        ("def f(doc=1): return doc", "def f(doc=2): return doc"),
        ("f(*a)", "f(**a)"),
        ("[a, (b, c)]", "[(a, b), c]"),
        ("x = {}", "x = []"),
        ("def f(a, /): return a", "def f(a): return a"),
        ("def f(a=1): return a", "def f(a=2): return a"),
        ("if a:\n    b()", "if a:\n    pass\nelse:\n    b()"),
        ("for x in y:\n    f()\ng()", "for x in y:\n    f()\n    g()"),
        ("from a import b\nb()", "from c import b\nb()"),
        ("from a import b\nb()", "from a import c as b\nb()"),
        ("import a", "import b"),
        ("class A:\n    x: int", "class A:\n    x: str"),
        ("class A:\n    x: int", "class A:\n    pass"),
        ("@dataclass\nclass A:\n    x: int = 1", "@dataclass\nclass A:\n    x: ClassVar[int] = 1"),
        ("@dataclass\nclass A:\n    x: int = 1", "@dataclass\nclass A:\n    x = 1"),
        ("@register\ndef f(a: int): return a", "@register\ndef f(a: str): return a"),
        ("match x:\n    case None: f()", "match x:\n    case False: f()"),
        ("f'{x}'", "f'{x!r}'"),
        ("f'{x}'", "f'x'"),
        ("f'{x:a}'", "f'{x}a'"),
    ],
)
def test_what_can_change_a_result_counts(one: str, other: str) -> None:
    assert canonical(one, module="fooling.m") != canonical(other, module="fooling.m")


def test_annotations_of_commands_count_because_typer_reads_them() -> None:
    one, other = "def f(a: int): return a", "def f(a: str): return a"
    assert canonical(one, module="fooling.cli.m") != canonical(other, module="fooling.cli.m")


def test_no_settings_hold_a_dataclass_whose_annotations_are_left_out() -> None:
    assert issubclass(StudySettings, Settings)
    assert '"type": "dataclass"' not in json.dumps(TypeAdapter(StudySettings).core_schema, default=str)


def test_formatting_of_the_whole_package_is_left_out() -> None:
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        assert canonical(ast.unparse(ast.parse(source)), module=name) == canonical(source, module=name), path


def test_a_command_covers_no_more_than_its_module() -> None:
    fingerprints = Fingerprints(PACKAGE)
    for command in commands().values():
        assert set(fingerprints.files(command.root)) <= set(fingerprints.files(command.module)), command
    compared, traced = (fingerprints.files(f"fooling.cli.tables:{name}") for name in ("compare", "trace_lineage"))
    assert {path.name for path in {*compared} ^ {*traced}} >= {"comparison.py", "ancestry.py"}


def test_every_number_and_operator_of_a_module_counts() -> None:
    source = (PACKAGE / "attacks/evolution/run.py").read_text(encoding="utf-8")
    plain = canonical(source, module="fooling.m")
    tree = ast.parse(source)
    changed = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            node.value, kept = node.value + 1, node.value
            assert canonical(ast.unparse(tree), module="fooling.m") != plain
            node.value = kept
            changed += 1
        elif isinstance(node, ast.BinOp) and not isinstance(node.op, ast.BitOr):  # a union, as in annotations
            node.op, operator = ast.MatMult(), node.op
            assert canonical(ast.unparse(tree), module="fooling.m") != plain
            node.op = operator
            changed += 1
    assert changed > 10


def test_the_place_of_the_package_does_not_count(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "site-packages/fooling", ignore=shutil.ignore_patterns("__pycache__"))
    elsewhere = Fingerprints(tmp_path / "site-packages/fooling")
    for command in ("fooling.cli.attack:attack", "fooling.cli.tables:compare", "fooling.cli.report"):
        assert elsewhere.of(command) == fingerprint(command)


TAKE = """
import sys
sys.path.insert(0, sys.argv[1])
from fooling.canonical import canonical
from fooling.fingerprint import fingerprint
import hashlib
print(hashlib.sha256(canonical(sys.stdin.buffer.read().decode(), module="fooling.m").encode()).hexdigest())
print(*map(fingerprint, sys.argv[2:]))
"""


def interpreters() -> list[str]:
    """This Python and all others that are installed here, among them those of pyenv."""
    installed = [shutil.which(f"python3.{minor}") for minor in range(11, 15)]
    pyenv = Path(os.getenv("PYENV_ROOT", Path.home() / ".pyenv"))
    installed += [str(path) for path in sorted(pyenv.glob("versions/3.1[1-4].*/bin/python"))]
    works = {
        subprocess.run([path, "--version"], capture_output=True, text=True).stdout: path for path in installed if path
    }
    return [
        sys.executable,
        *(path for version, path in works.items() if version and version.split()[1] not in sys.version),
    ]


@pytest.mark.parametrize("python", interpreters())
def test_every_python_takes_the_same_fingerprints(python: str) -> None:
    command = [python, "-c", TAKE, str(PACKAGE.parent), *COMMANDS]
    taken = subprocess.run(command, input=SAMPLE.encode(), capture_output=True, check=True).stdout.decode().split()
    assert taken[0] == SAMPLE_DIGEST
    assert taken[1:] == list(map(fingerprint, COMMANDS))


def test_parsed_modules_are_kept_for_the_next_process(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = package.parent / "folder/kept.json"
    first = Fingerprints(package, kept=kept).of("fooling.a")
    parsed: list[str] = []
    parse = module._parsed
    monkeypatch.setattr(
        module, "_parsed", lambda name, *rest, **more: parsed.append(name) or parse(name, *rest, **more)
    )
    assert Fingerprints(package, kept=kept).of("fooling.a") == first
    assert parsed == []
    (package / "late.py").write_text("print()")
    assert Fingerprints(package, kept=kept).of("fooling.a") != first
    assert parsed == ["fooling.late"]
    assert [path.name for path in kept.parent.iterdir()] == ["kept.json"]


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"fooling.a": {}}', '{"fooling.a": {"imports": 1}}', '{"fooling.a": 1}']
)
def test_a_damaged_file_of_parsed_modules_is_ignored(package: Path, content: str) -> None:
    kept = package.parent / "kept.json"
    kept.write_text(content)
    assert Fingerprints(package, kept=kept).of("fooling.a") == Fingerprints(package).of("fooling.a")
    assert "fooling.late" in json.loads(kept.read_text())


def test_a_place_where_nothing_can_be_kept_is_ignored(package: Path) -> None:
    (package.parent / "taken").write_text("a file")
    kept = package.parent / "taken/kept.json"
    assert Fingerprints(package, kept=kept).of("fooling.a") == Fingerprints(package).of("fooling.a")
