"""Output of Snakemake for a reader: one line for each finished job, with the share done and the time left.

``snakemake --logger fooling`` prints these lines in place of Snakemake's own output. Errors, the logs of failed jobs,
warnings and dry runs appear as Snakemake prints them; ``.snakemake/log`` keeps the complete output. On a terminal, the
last line shows what is running.

A workflow that knows how long its jobs take calls :meth:`LogHandler.expect` before they start (``rules/expected.py``).
Otherwise the lines count jobs.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from snakemake.logging import ColorizingTextHandler, get_event  # type: ignore[import-untyped]
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_fooling.forecast import Expectation, Forecast

__all__ = ["Expectation", "LogHandler"]

#: Messages with which Snakemake and its executors accompany every run. Any other message is printed.
ROUTINE = re.compile(
    "Assuming unrestricted shared filesystem|Building DAG of jobs|Using shell:|Select jobs to execute|Processed "
    "|Conda environments: ignored|Singularity containers: ignored|Group jobs: inactive|Elapsed time:"
    r"|Removing temporary output|SLURM run ID:|(Group)?Job:? \S+ has been submitted"
)
#: A message that is printed only if a job has failed.
COMPLETE_LOG = "Complete log(s):"
#: Events that say nothing to a reader beside the lines.
SILENT = (
    *(LogEvent.WORKFLOW_STARTED, LogEvent.RESOURCES_INFO, LogEvent.RULEGRAPH),
    *(LogEvent.JOB_STARTED, LogEvent.GROUP_INFO, LogEvent.PROGRESS),
)

PAGE, PICTURE = ".html", ".png"
REDRAW = 1.0  # seconds after which the last line of a terminal is drawn again
CLEAR = "\r\x1b[K"


@dataclass(frozen=True)
class Job:
    """A job that has started."""

    message: str  # that of its rule; without one, its name and wildcards, or nothing for a target
    output: tuple[str, ...]
    is_target: bool  # it only collects the outputs of other jobs

    @classmethod
    def of(cls, record: logging.LogRecord) -> Job:
        """Return the job that a record of the event JOB_INFO announces."""
        fields: dict[str, Any] = vars(record)
        output = tuple(map(str, fields["output"] or ()))
        is_target = not output and not fields["shellcmd"]
        named = ", ".join(f"{name} {value}" for name, value in fields["wildcards"].items())
        unnamed = "" if is_target else f"{fields['rule_name']}{': ' * bool(named)}{named}"
        return cls(" ".join((fields["rule_msg"] or unnamed).split()), output, is_target)


class LogHandler(LogHandlerBase):
    """Prints the lines. Snakemake calls it in a thread of its own, one record after another."""

    def __post_init__(self) -> None:
        """Prepare to print: on standard output in a dry run, otherwise on standard error."""
        self._stream: TextIO = sys.stdout if self.common_settings.stdout else sys.stderr
        self._usual = ColorizingTextHandler(nocolor=self.common_settings.nocolor, stream=self._stream)
        self._forecast: Forecast | None = None
        self._running: dict[int, Job] = {}
        self._total = self._done = self._share = 0
        self._picture_was_shown = self._has_failed = False
        self._lock = threading.RLock()  # held while the terminal is written to, by Snakemake's thread or our own
        self._ended = threading.Event()
        self._is_terminal = self._stream.isatty() and not self.common_settings.dryrun
        if self._is_terminal:
            threading.Thread(target=self._redraw, daemon=True).start()

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802
        """Use Snakemake's own format for what is printed as usual."""
        super().setFormatter(fmt)
        self._usual.setFormatter(fmt)

    def expect(self, jobs: Mapping[int, Expectation]) -> None:
        """Weight the jobs of the run, named by their ids, by these expected seconds."""
        with self._lock:
            self._forecast = Forecast(jobs)

    def emit(self, record: logging.LogRecord) -> None:
        """Print what a record means to a reader; nothing for most of them."""
        try:
            with self._lock:
                self._take(record)
        except Exception:  # would end the thread of Snakemake, and with it all output
            self.handleError(record)

    def close(self) -> None:
        """Leave no unfinished line on the terminal."""
        self._ended.set()
        with self._lock:
            self._clear()
        super().close()

    def _take(self, record: logging.LogRecord) -> None:
        event = get_event(record)
        if self.common_settings.dryrun:
            self._usual.emit(record)
        elif event is LogEvent.RUN_INFO:
            self._total = vars(record)["stats"]["total"]
            self._print(f"{self._total:,} {'step' if self._total == 1 else 'steps'} to do")
        elif event is LogEvent.JOB_INFO:
            self._begin(vars(record)["jobid"], Job.of(record))
        elif event is LogEvent.JOB_FINISHED:
            self._finish(vars(record)["job_id"])
        elif event is LogEvent.JOB_ERROR:
            self._stop(vars(record)["jobid"])
            self._print_as_usual(record)
        elif event not in SILENT and not self._is_routine(record):
            self._print_as_usual(record)

    def _is_routine(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.INFO or get_event(record) is not None:
            return False
        message = record.getMessage()
        return ROUTINE.match(message) is not None or (message.startswith(COMPLETE_LOG) and not self._has_failed)

    def _begin(self, number: int, job: Job) -> None:
        self._running[number] = job
        if self._forecast is not None:
            self._forecast.begin(number, now=time.monotonic())
        self._draw()

    def _stop(self, number: int) -> None:
        self._has_failed = True
        self._running.pop(number, None)
        if self._forecast is not None:
            self._forecast.stop(number)

    def _finish(self, number: int) -> None:
        job = self._running.pop(number, None)
        now = time.monotonic()
        self._done += 1
        taken = "" if self._forecast is None else f" ({duration(self._forecast.finish(number, now=now))})"
        if job is None or job.is_target:
            if job is not None and job.message:
                self._print(job.message)
            return
        self._print(f"{self._progress(now)}: {job.message}{taken}")
        for path in job.output:
            is_first_picture = path.endswith(PICTURE) and not self._picture_was_shown
            self._picture_was_shown |= is_first_picture
            if is_first_picture or path.endswith(PAGE):
                self._print(f"To look at: {path}")

    def _progress(self, now: float) -> str:
        """Return the share done, which never falls, and the time left, aligned in a column."""
        if self._forecast is None:
            return f"{self._done:,} of {self._total:,} steps"
        share = min(int(100 * self._forecast.share(now=now)), 100 if self._done >= self._total else 99)
        self._share = max(self._share, share)
        left = self._forecast.seconds_left(now=now)
        return f"{self._share:3} %{'' if left is None else f', {time_left(left)} left'}"

    def _print_as_usual(self, record: logging.LogRecord) -> None:
        self._clear()
        self._usual.emit(record)
        self._draw()

    def _print(self, line: str) -> None:
        self._clear()
        self._write(f"{line}\n")
        self._draw()

    def _draw(self) -> None:
        """Show on a terminal what is running, and leave the cursor at the beginning of the line."""
        running = [job.message for job in self._running.values() if not job.is_target]
        if not self._is_terminal or self._ended.is_set() or not running:
            return
        line = f"{self._progress(time.monotonic())}. Running: {'; '.join(running)}"
        width = shutil.get_terminal_size().columns - 1
        self._write(f"{CLEAR}{line if len(line) <= width else f'{line[: width - 1]}…'}\r")

    def _clear(self) -> None:
        if self._is_terminal:
            self._write(CLEAR)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the reader has closed the pipe or the terminal: the run goes on
            pass

    def _redraw(self) -> None:
        while not self._ended.wait(REDRAW):
            with self._lock:
                self._draw()


def time_left(seconds: float) -> str:
    """Return a time as one reads it from a clock: ``under 1 min``, ``5 min`` or ``2 h 10 min``."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "under 1 min"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def duration(seconds: float) -> str:
    """Return how long a job took: ``0.4 s``, ``12 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
