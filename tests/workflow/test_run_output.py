"""What a run shows beside its steps: expected seconds, the draft of the report, and what was found."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from checkout import ROOT
from fooling.artifacts import write_json
from rules.run_output import SECONDS, expect, expectation, found, makes, remove_draft, write_draft
from snakemake_logger_plugin_fooling import Expectation, LogHandler


@dataclass
class Rule:
    name: str


@dataclass
class Job:
    rule: Rule
    benchmark: str | None = None
    output: list[str] = field(default_factory=list)


class Jobs:
    def __init__(self, *jobs: Job) -> None:
        self.jobs = jobs

    def needrun_jobs(self, exclude_finished: bool) -> Iterable[Job]:
        assert not exclude_finished, "an event after the run concerns finished jobs"
        return self.jobs

    def jobid(self, job: Job) -> int:
        return self.jobs.index(job)


def test_a_job_is_expected_to_take_what_it_took_in_an_earlier_run(tmp_path: Path) -> None:
    benchmark = tmp_path / "lenet-a.tsv"
    benchmark.write_text("s\th:m:s\tmax_rss\n31.5\t0:00:31\t300\n")
    assert expectation(Job(Rule("train"), str(benchmark))) == Expectation("train", 31.5)


@pytest.mark.parametrize("content", [None, "", "s\n", "s\nnan\n", "s\n-3\n", "no table", b"\xff\xfe"])
def test_without_an_earlier_run_the_mean_of_its_rule_counts(tmp_path: Path, content: str | bytes | None) -> None:
    benchmark = tmp_path / "lenet-a.tsv"
    if content is not None:
        benchmark.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert expectation(Job(Rule("train"), str(benchmark))) == Expectation("train", SECONDS["train"])
    assert expectation(Job(Rule("tabulate"), str(benchmark))).seconds == 1


def test_a_job_without_a_benchmark_takes_no_time() -> None:
    assert expectation(Job(Rule("all"))) == Expectation("all", 0)


def test_only_rules_of_the_workflow_have_expected_seconds() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    assert set(SECONDS) <= set(re.findall(r"^(?:rule|use rule \w+ as) (\w+)", text, flags=re.MULTILINE))


def test_the_handler_forecasts_from_the_expected_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SimpleNamespace(stdout=False, nocolor=True, dryrun=False)
    handler = LogHandler(settings, None)  # type: ignore[arg-type]  # the settings that it reads
    jobs = Jobs(Job(Rule("train"), "absent.tsv"), Job(Rule("evolve"), "absent.tsv"), Job(Rule("all")))
    expect(jobs, [logging.NullHandler(), handler])
    clock = iter(range(0, 1000, 100))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    for event, fields in [
        (LogEvent.RUN_INFO, {"stats": {"total": 3}}),
        (LogEvent.JOB_INFO, _job_info(0, "train", message="Train lenet-a", shellcmd="fooling train")),
        (LogEvent.JOB_FINISHED, {"job_id": 0}),
    ]:
        handler.handle(logging.makeLogRecord({"event": event, "levelno": logging.INFO, "levelname": "INFO"} | fields))
    factor = (100 + 10) / (SECONDS["train"] + 10)  # of other rules than `train`
    share = int(100 * 100 / (100 + SECONDS["evolve"] * factor))
    assert capsys.readouterr().err.splitlines() == [
        "3 steps to do",
        f" {share} %, 1 min left: Train lenet-a (1 min 40 s)",
    ]


def test_an_output_of_this_run_is_found_among_all_outputs() -> None:
    jobs = Jobs(Job(Rule("all")), Job(Rule("report"), output=["results/a/report/index.html"]))
    assert makes(jobs, "results/a/report/index.html")
    assert not makes(jobs, "results/b/report/index.html")


def test_the_draft_finds_the_figures_beside_it_and_is_deleted(tmp_path: Path) -> None:
    page = tmp_path / "results/digits/report/draft.html"
    figures = {"gallery-cppn": str(tmp_path / "results/digits/figures/gallery-cppn.png")}
    write_draft(str(page), study="digits", figures=figures, report=str(page.with_name("index.html")))
    assert 'data="../figures/gallery-cppn.png"' in page.read_text()
    assert "<code>index.html</code>" in page.read_text()
    remove_draft(str(page))
    assert not page.exists()
    remove_draft(str(page))


def test_what_was_found_is_said_of_each_experiment_and_never_rounded_up(tmp_path: Path) -> None:
    def shares(evolution: float, **others: float) -> dict[str, dict[str, float]]:
        return {
            search: {"median_confidence": 0.5, "share_at_threshold": share}
            for search, share in {"map-elites": evolution, **others}.items()
        }

    metrics = tmp_path / "metrics.json"
    champions = {
        "direct": {
            "lenet-a": shares(1.0, **{"random-search": 0.0, "drift": 0.5}),
            "lenet-b": shares(0.99999, **{"random-search": 0.25, "drift": 0.5}),
        },
        "cppn": {"lenet-a": shares(0.5)},
    }
    write_json(metrics, {"champions": champions, "test_error": {}, "claims": {}})
    assert list(found(str(metrics), threshold=0.9999)) == [
        "Images that networks give a class with at least 99.99 % confidence:",
        "  cppn: by evolution 50 %",
        "  direct: by evolution > 99.99 %, by random search 12.5 %",
    ]


def _job_info(number: int, rule: str, *, message: str, shellcmd: str) -> dict[str, object]:
    return {
        "jobid": number,
        "rule_name": rule,
        "rule_msg": message,
        "output": [],
        "wildcards": {},
        "shellcmd": shellcmd,
    }
