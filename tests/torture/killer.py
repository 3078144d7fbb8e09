"""Makes the smoke study, meets its jobs at drawn moments, and kills them with SIGKILL.

To look closely before it strikes, the killer first stops all processes (SIGSTOP). If the moment has passed meanwhile,
they go on, and the next job of that step is met.
"""

from __future__ import annotations

import base64
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from checkout import DRAFT, SMOKE, Checkout
from fooling.artifacts import PART
from fooling.reproducibility import INTERVAL
from torture.inotify import CREATE, DELETE, MODIFY, MOVED_TO, OPEN, Event, Inotify
from torture.plan import SNAKEMAKE, Kill, Moment, Victim
from torture.processes import LOOK, Group, Job

RESUMED = re.compile(r"resumes after \d+ (generations|steps|iterations)")
LAST_LINE = re.compile(r"^fooling [a-z-]+: ([\d.]+) s, peak memory", re.MULTILINE)

Proof = Callable[[], str | None]  # asked while all stand still: what shows that the moment is there, or None


@dataclass(frozen=True)
class Death:
    """A kill that was held: what was worked on, and what shows that the moment was met."""

    kill: Kill
    work: str
    proof: str


@dataclass
class Killer:
    """Holds the kills of ``plan`` while the smoke study is made, and says each of them.

    ``reference`` is a study that nobody disturbed. ``seen`` holds the steps that ran.
    """

    checkout: Checkout
    reference: Checkout
    plan: list[Kill]
    draw: random.Random
    say: Callable[[str], None]
    deaths: list[Death] = field(default_factory=list)
    resumed: int = 0
    seen: set[str] = field(default_factory=lambda: {SNAKEMAKE})
    _missed: Counter[str] = field(default_factory=Counter)
    _to_resume: set[Path] = field(default_factory=set)
    _outliving: list[Job] = field(default_factory=list)

    def make_study(self) -> None:
        """Type `make run` until the study is made, killing on the way what the plan holds and can be met."""
        status = None
        while status != 0:
            before = len(self.deaths)
            status, said = self._run_once()
            self._look_for_resumed()
            self._look_at_results()
            if status is not None:
                alone = [death.kill.step for death in self.deaths[before:]]
                assert (status == 0) == (not alone), said[-4000:]
                for step in alone:
                    assert f"Error in rule {step.replace('-', '_')}" in said, said[-4000:]
        while any(job.is_at_work() for job in self._outliving):
            time.sleep(LOOK)
        assert not self._to_resume, "these jobs left a checkpoint and did not go on from it"

    def _run_once(self) -> tuple[int | None, str]:
        """One `make run`: its exit status, None when it was killed, and what it said."""
        said = self.checkout.folder / "said.txt"
        group = Group(
            ["make", "run", f"CONFIG={SMOKE}", f"CORES={self.draw.choice([1, 2])}", "INSTALLED=Makefile"],
            folder=self.checkout.folder,
            environment=self.checkout.environment(),
            said=said,
        )
        try:
            if self._is_snakemakes_turn():
                self._meet_snakemake(group)
            while group.is_alive():
                for job in group.new_jobs():
                    self.seen.add(job.step)
                    kill = next((kill for kill in self.plan if kill.step == job.step), None)
                    if kill is not None and not group.was_killed:
                        self._meet(group, kill, job)
                group.wait(LOOK)
            return None if group.was_killed else group.status(), said.read_text()
        except BaseException:
            group.kill(Victim.TREE, None)
            raise

    def _is_snakemakes_turn(self) -> bool:
        """Drawn by how many of the kills are Snakemake's own; the first run has no books to be watched."""
        own = sum(kill.step == SNAKEMAKE for kill in self.plan)
        return (self.checkout.folder / ".snakemake/metadata").is_dir() and self.draw.random() * len(self.plan) < own

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def _meet(self, group: Group, kill: Kill, job: Job) -> None:
        """Hold this kill at this job, if its moment is met before the job ends."""
        meet = {
            Moment.COMPUTING: self._computing,
            Moment.RESUMABLE: self._resumable,
            Moment.SAVING: self._saving,
            Moment.WRITING: self._writing,
        }[kill.moment]
        for proof in meet(group, job):
            group.stop()
            shown = proof() if job.is_at_work() else None
            if shown is not None:
                self._look_for_resumed()
                self._expect(kill, job)
                group.kill(kill.victim, job)
                self._note(kill, str(job.outputs[0].relative_to(self.checkout.folder)), shown)
                return
            group.go_on()
        self._missed[job.step] += 1

    def _computing(self, group: Group, job: Job) -> Iterator[Proof]:
        """Some time after it has begun to read its inputs, before it writes; sooner after each miss."""
        with Inotify() as news:
            news.watch(job.inputs[0], OPEN)
            if not group.wait_for(news, job):
                return
        seconds = self._seconds(job) * self.draw.uniform(0.05, 0.8) / 2 ** self._missed[job.step]
        group.wait(seconds, job)
        yield lambda: None if job.parts() else f"{seconds:.2f} s after it opened {job.inputs[0].name}"

    def _resumable(self, group: Group, job: Job) -> Iterator[Proof]:
        """Some time after it has saved a state from within its work."""
        with Inotify() as news:
            if self._is_made_to_save(group, job, news, MOVED_TO) and (events := group.wait_for(news, job)):
                group.wait(self.draw.uniform(0, 0.3), job)
                yield lambda: None if job.parts() else f"it had saved {events[0].path.name}"

    def _saving(self, group: Group, job: Job) -> Iterator[Proof]:
        """While a state is written."""
        with Inotify() as news:
            if self._is_made_to_save(group, job, news, CREATE | MODIFY):
                yield from _while_written(group, job, news, lambda path: path.suffix in (PART, ".safetensors"))

    def _writing(self, group: Group, job: Job) -> Iterator[Proof]:
        """While one of its outputs is written."""
        hidden = tuple(f".{output.name}." for output in job.outputs)
        with Inotify() as news:
            for folder in {output.parent for output in job.outputs}:
                news.watch(folder, CREATE | MODIFY)
            yield from _while_written(
                group, job, news, lambda path: path in job.outputs or path.name.startswith(hidden)
            )

    def _is_made_to_save(self, group: Group, job: Job, news: Inotify, mask: int) -> bool:
        """Stop the job as it begins its work, until its next step ends later than a state is due to be saved."""
        while (folder := job.checkpoints()) is None:
            group.wait(LOOK, job)
            if not job.is_at_work():
                return False
        os.kill(job.pid, signal.SIGSTOP)
        group.wait(INTERVAL, job)
        news.watch(folder, mask)
        os.kill(job.pid, signal.SIGCONT)
        return True

    def _seconds(self, job: Job) -> float:
        """How long the undisturbed job took, the start of Python not counted."""
        log = self.reference.folder / job.log.relative_to(self.checkout.folder)
        last = LAST_LINE.search(log.read_text())
        assert last is not None, log
        return float(last[1])

    # --- Snakemake ----------------------------------------------------------------------------------------------------

    def _meet_snakemake(self, group: Group) -> None:
        """Kill all at one of the next times when Snakemake keeps its books."""
        kill = next(kill for kill in self.plan if kill.step == SNAKEMAKE)
        books = self.checkout.folder / ".snakemake"
        passed_over = 0 if kill.moment is Moment.LOCKING else self.draw.randrange(6)
        with Inotify() as news:
            news.watch(books, CREATE)
            news.watch(books / "incomplete", CREATE | DELETE)
            news.watch(books / "metadata", CREATE | MODIFY)
            while events := group.wait_for(news):
                for event in events:
                    if event.path == books / "locks" and event.path.is_dir():
                        news.watch(event.path, CREATE)
                    if _bookkeeping(event) is kill.moment:
                        passed_over -= 1
                if passed_over < 0 and _bookkeeping(events[-1]) is kill.moment:
                    group.stop()
                    if (shown := _in_the_books(books, events[-1])) is not None:
                        group.kill(Victim.TREE, None)
                        self._note(kill, str(events[-1].path.parent.relative_to(self.checkout.folder)), shown)
                        return
                    group.go_on()

    # --- afterwards ---------------------------------------------------------------------------------------------------

    def _expect(self, kill: Kill, job: Job) -> None:
        """Keep in mind what is to become of the job: it goes on from its checkpoint, or it outlives Snakemake."""
        if kill.victim is Victim.SNAKEMAKE:
            self._outliving.append(job)
            self._to_resume.discard(job.log)
        elif (folder := job.checkpoints()) is not None and list(folder.glob("*.safetensors")):
            self._to_resume.add(job.log)

    def _look_for_resumed(self) -> None:
        """Strike out the jobs that say in their logs that they went on from a checkpoint."""
        done = {log for log in self._to_resume if RESUMED.search(log.read_text())}
        self._to_resume -= done
        self.resumed += len(done)

    def _look_at_results(self) -> None:
        """Whatever lies under its own name is whole and right, however its writer ended."""
        for study in ("smoke", "datasets"):
            right = self.reference.digests(study)
            passing = (f"{PART}/", DRAFT)  # of killed writers, and of a study that is not finished
            digests = self.checkout.digests(study).items()
            there = {name: digest for name, digest in digests if not any(part in name for part in passing)}
            assert {name for name in there if there[name] != right.get(name)} == set()

    def _note(self, kill: Kill, work: str, proof: str) -> None:
        self.plan.remove(kill)
        self.deaths.append(Death(kill, work, proof))
        number = f"{len(self.deaths)} of {len(self.deaths) + len(self.plan)}"
        self.say(f"{number:>8}  {kill.step:16}  {kill.moment:32}  {kill.victim:15}  {work}  {proof}")


def _while_written(group: Group, job: Job, news: Inotify, is_meant: Callable[[Path], bool]) -> Iterator[Proof]:
    """Whenever something may have been written of such a file: in its writer's folder, or (never!) in its own place."""
    while events := group.wait_for(news, job):
        paths = [event.path for event in events if event.path.parent.suffix == PART or is_meant(event.path)]
        for path in paths:
            if path.suffix == PART:
                with suppress(FileNotFoundError):
                    news.watch(path, MODIFY)
        yield lambda paths=paths: next(filter(None, map(_unfinished, paths)), None)


def _unfinished(path: Path) -> str | None:
    """What would be left behind of the file that is written here; None if nothing is, or no longer."""
    place = path.parent if path.parent.suffix == PART else path
    if place.suffix == PART:
        written = sum(file.stat().st_size for file in place.glob("*"))
        return f"{place.name} left behind, {written} bytes" if written else None
    return f"{place.name} in its own place, {place.stat().st_size} bytes" if place.exists() else None


def _bookkeeping(event: Event) -> Moment | None:
    """What Snakemake is at."""
    match event.path.parent.name:
        case "locks":
            return Moment.LOCKING
        case "metadata":
            return Moment.RECORDING
        case "incomplete":
            return Moment.CLEARING if event.mask & DELETE else Moment.MARKING
    return None


def _in_the_books(books: Path, event: Event) -> str | None:
    """What stands in the books of an output, if that shows that Snakemake is still at it."""
    name, moment = event.path.name, _bookkeeping(event)
    if moment is Moment.LOCKING:
        return f"{name} of {event.path.stat().st_size} bytes" if event.path.exists() else None
    is_marked = (books / "incomplete" / name).exists()
    if is_marked is (moment is Moment.CLEARING):
        return None
    record = books / "metadata" / name
    recorded = f"a record of {record.stat().st_size} bytes" if record.exists() else "no record"
    return f"{'a' if is_marked else 'no'} mark and {recorded} for {base64.urlsafe_b64decode(name).decode()}"
