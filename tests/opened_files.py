"""Note what each command reads and calls of the package; Python imports this as ``sitecustomize``."""

import atexit
import json
import os
import sys
import threading
import types
from pathlib import Path

PACKAGE = os.path.join(os.path.dirname(__file__), "fooling") + os.sep  # noqa: PTH118, PTH120 - the audited names
opened: set[str] = set()
called: set[types.CodeType] = set()


def note(event: str, arguments: tuple[object, ...]) -> None:
    """Keep the name of a file of the package that is no code."""
    name = arguments[0] if event == "open" else None
    if isinstance(name, str) and name.startswith(PACKAGE) and ".py" not in name and not os.path.isdir(name):  # noqa: PTH112
        opened.add(name.removeprefix(PACKAGE))


def trace(frame: types.FrameType, event: str, argument: object) -> None:
    """Keep the code of a function of the package, unless it is called while a module is imported."""
    code = frame.f_code
    if code not in called and code.co_filename.startswith(PACKAGE) and code.co_filename.endswith(".py"):
        caller: types.FrameType | None = frame
        while caller is not None:
            if caller.f_code.co_name == "<module>" and caller.f_code.co_filename.startswith(PACKAGE):
                return
            caller = caller.f_back
        called.add(code)


def calls() -> list[tuple[str, str]]:
    """Return the file and the name of the definition of all code that was called; no lambdas at module level."""
    found = {(code.co_filename.removeprefix(PACKAGE), code.co_qualname.partition(".")[0]) for code in called}
    return sorted(each for each in found if not each[1].startswith("<"))


def write() -> None:
    """Leave a file in the logs with the command and what it read."""
    if Path(sys.argv[0]).name == "fooling":
        folder = Path("logs/opened")
        folder.mkdir(parents=True, exist_ok=True)
        modules = [name for name in sys.modules if name.startswith("fooling.")]
        content = {"command": sys.argv[1:], "modules": modules, "files": sorted(opened), "calls": calls()}
        (folder / f"{os.getpid()}.json").write_text(json.dumps(content))


sys.addaudithook(note)
sys.settrace(trace)
threading.settrace(trace)
atexit.register(write)
