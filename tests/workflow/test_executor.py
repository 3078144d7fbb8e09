"""`make run` forks its jobs from a warm process: results, records and errors are those of Snakemake's own executor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checkout import SMOKE, Checkout

#: What takes a data set, a network, evolution runs with their controls, and a table.
TARGET = "results/smoke/findings/history/options-none.parquet"
RUN = "results/smoke/evolution/lenet-a/options-none/seed1.safetensors"


def recorded(checkout: Checkout) -> dict[str, object]:
    record = json.loads(checkout.record_of(RUN).read_text())
    return {key: record[key] for key in ("rule", "input", "params", "shellcmd", "log", "incomplete", "input_checksums")}


@pytest.mark.slow
def test_results_and_records_are_those_of_the_local_executor(
    fresh_checkout: Checkout, smoke: Checkout, tmp_path: Path
) -> None:
    """Which has made the smoke study."""
    forked = fresh_checkout.copy(tmp_path / "forked")
    forked.run("snakemake", "--cores", "2", "--configfile", SMOKE, "--executor", "fooling", "--", TARGET)
    results, whole = forked.digests(), smoke.digests()
    assert len(results) >= 5
    assert results == {name: whole[name] for name in results}
    assert recorded(forked) == recorded(smoke)
    assert forked.pending("--", TARGET) == {}
    benchmarks = [
        dict(zip(*(line.split("\t") for line in path.read_text().splitlines()), strict=True))
        for path in (forked.folder / "logs/smoke").rglob("*.tsv")
    ]
    assert benchmarks
    assert all(0 < float(one["cpu_time"]) < 600 and float(one["max_rss"]) > 50 for one in benchmarks)


@pytest.mark.slow
def test_a_failing_job_is_reported_with_its_log(fresh_checkout: Checkout, tmp_path: Path) -> None:
    checkout = fresh_checkout.copy(tmp_path / "failing")
    checkout.replace(
        "src/fooling/cli/data_sets.py",
        "dataset = make_digits(",
        'raise FoolingError("no digits today")\n    dataset = make_digits(',
    )
    checkout.replace(
        "src/fooling/cli/data_sets.py",
        "from fooling.messages",
        "from fooling.messages import FoolingError\nfrom fooling.messages",
    )
    command = ("snakemake", "--cores", "1", "--configfile", SMOKE, "--executor", "fooling", "--")
    done = checkout.attempt(*command, "results/datasets/smoke-digits.safetensors")
    assert done.returncode == 1
    assert "Error in rule fetch_digits" in done.stdout
    assert "returned non-zero exit status 2" in done.stdout
    assert "fooling fetch-digits: no digits today" in done.stdout  # Snakemake shows the log
    assert "Traceback" not in done.stdout
