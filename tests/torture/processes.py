"""The processes of one `make run`: found, waited for, stopped and killed."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from checkout import Checkout
from fooling.artifacts import PART
from torture.inotify import Event, Inotify
from torture.plan import Victim

LOOK = 0.02  # seconds between two looks at something that sends no event


@dataclass(frozen=True)
class Job:
    """A running command of the study; the files below results/ on its command line are its inputs and its outputs.

    A folder is an output: Snakemake makes it before the job. One that has written all outputs before it was seen is no
    job any more.
    """

    pid: int
    step: str
    log: Path
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]

    @classmethod
    def of(cls, pid: int) -> Job | None:
        """The job that the process ``pid`` is, or None."""
        process = Path(f"/proc/{pid}")
        with suppress(OSError):
            words = process.joinpath("cmdline").read_text().rstrip("\0").split("\0")
            if len(words) == 1:  # forked from the executor's server, which shows the command as one text
                words = shlex.split(words[0])
            names = [Path(word).name for word in words[:2]]
            if "fooling" not in names:
                return None
            folder, log = process.joinpath("cwd").readlink(), process.joinpath("fd/2").readlink()
            command, *options = words[names.index("fooling") + 1 :]
            files = [folder / word for option in options if (word := option.split("=")[-1]).startswith("results/")]
            inputs = tuple(path for path in files if path.is_file())
            outputs = tuple(path for path in files if path not in inputs)
            return cls(pid, _step(command, options), log, inputs, outputs) if outputs else None
        return None

    def is_at_work(self) -> bool:
        """Whether its process lives."""
        return _is_alive(self.pid)

    def checkpoints(self) -> Path | None:
        """The checkpoint folder that it holds, or None."""
        with suppress(OSError):
            for handle in Path(f"/proc/{self.pid}/fd").iterdir():
                with suppress(OSError):
                    if (path := handle.readlink()).name == "lock":
                        return path.parent
        return None

    def parts(self) -> list[Path]:
        """The outputs that it is writing."""
        return [part for output in self.outputs for part in output.parent.glob(f".{output.name}.*{PART}")]


class Group:
    """A command with all that it starts: one process group, of which this test is the parent."""

    def __init__(self, command: list[str], *, folder: Path, environment: dict[str, str], said: Path) -> None:
        with said.open("w") as stream:
            self._parent = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=stream, stderr=stream, start_new_session=True
            )
        self._known: set[int] = set()
        self.was_killed = False

    @property
    def pid(self) -> int:
        """The process of the command itself."""
        return self._parent.pid

    def is_alive(self) -> bool:
        """Whether the command is still at work."""
        return self._parent.poll() is None

    def status(self) -> int:
        """Its exit status, waited for."""
        return self._parent.wait()

    def new_jobs(self) -> list[Job]:
        """The jobs that were not there when this was last asked."""
        found = [job for pid in self._members() if pid not in self._known and (job := Job.of(pid)) is not None]
        self._known |= {job.pid for job in found}
        return found

    def wait(self, seconds: float, job: Job | None = None) -> None:
        """Wait that long, or until the job or the command has ended."""
        self._ready(job, [], seconds)

    def wait_for(self, news: Inotify, job: Job | None = None) -> list[Event]:
        """What happens next; nothing when the job or the command ends first."""
        return news.read() if news.fileno() in self._ready(job, [news.fileno()], None) else []

    def stop(self) -> None:
        """Let time stand still for all of them."""
        os.killpg(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let those that are left go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def kill(self, victim: Victim, job: Job | None) -> None:
        """Kill all of the stopped group, or all but the job, or the job alone; the others go on."""
        spared = set() if job is None or victim is Victim.TREE else {job.pid}
        doomed = spared if victim is Victim.JOB else set(self._members()) - spared
        self.was_killed |= victim is not Victim.JOB
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if victim is not Victim.TREE:
            self.go_on()
        while any(_is_alive(pid) for pid in doomed - {self.pid}):
            time.sleep(LOOK)

    def _members(self) -> Iterator[int]:
        for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
            with suppress(ProcessLookupError):
                if os.getpgid(pid) == self.pid and _is_alive(pid):
                    yield pid

    def _ready(self, job: Job | None, handles: list[int], seconds: float | None) -> list[int]:
        """Those of the handles that can be read; none when the time is over, or the job or the command has ended."""
        ends = []
        try:
            for pid in [self.pid] + ([] if job is None else [job.pid]):
                ends.append(os.pidfd_open(pid))
            return select.select(handles + ends, [], [], seconds)[0]
        except ProcessLookupError:
            return []
        finally:
            for handle in ends:
                os.close(handle)


@contextmanager
def a_run_standing_still(checkout: Checkout, *command: str) -> Iterator[Group]:
    """A run of the study, stopped when the first of its jobs is at work; what it says is in ``said.txt``."""
    said = checkout.folder / "said.txt"
    group = Group(list(command), folder=checkout.folder, environment=checkout.environment(), said=said)
    try:
        while not group.new_jobs():
            assert group.is_alive(), said.read_text()
            group.wait(LOOK)
        group.stop()
        yield group
    finally:
        if group.is_alive():
            group.kill(Victim.TREE, None)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _step(command: str, options: list[str]) -> str:
    """Return the rule of a job: runs of evolution have rules of their own among the attacks."""
    if command != "attack" or options[0] != "evolution":
        return command
    return "evolve-many" if "--runs" in options else "evolve"
