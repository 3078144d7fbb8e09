"""Note which modules and files of the package each command reads; Python imports this as ``sitecustomize``."""

import atexit
import json
import os
import sys
from pathlib import Path

PACKAGE = os.path.join(os.path.dirname(__file__), "fooling") + os.sep  # noqa: PTH118, PTH120 - the audited names
opened: set[str] = set()


def note(event: str, arguments: tuple[object, ...]) -> None:
    """Keep the name of a file of the package that is no code."""
    name = arguments[0] if event == "open" else None
    if isinstance(name, str) and name.startswith(PACKAGE) and ".py" not in name and not os.path.isdir(name):  # noqa: PTH112
        opened.add(name.removeprefix(PACKAGE))


def write() -> None:
    """Leave a file in the logs with the command and what it read."""
    if Path(sys.argv[0]).name == "fooling":
        folder = Path("logs/opened")
        folder.mkdir(parents=True, exist_ok=True)
        modules = [name for name in sys.modules if name.startswith("fooling.")]
        content = {"command": sys.argv[1:], "modules": modules, "files": sorted(opened)}
        (folder / f"{os.getpid()}.json").write_text(json.dumps(content))


sys.addaudithook(note)
atexit.register(write)
