"""Damaged JSON, and what else `report` and `run-info` read: figures, logs and benchmark files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .commands import case, holds
from .conftest import AUDIT, Study, report
from .damage import PLACES, broken_bytes, broken_json, near_the_start
from .profile import fuzzed


@given(data=st.data())
@fuzzed
def test_a_damaged_run_information_is_shown_or_named(study: Study, data: st.DataObject) -> None:
    content = data.draw(broken_json(json.loads(study.info.read_text())))
    with case() as folder:
        info, page = folder / "run-info.json", folder / "out" / "index.html"
        info.write_bytes(content)
        holds(folder, "report", *report(study, {"info": info}, output=page), outputs=[page], named=[info])


@given(data=st.data())
@fuzzed
def test_what_jobs_left_damaged_is_gathered_or_named(study: Study, data: st.DataObject) -> None:
    with case() as folder:
        shutil.copytree(study.logs, folder / "logs")
        left = data.draw(st.sampled_from(["train/lenet.log", "train/lenet.tsv"]))
        path, output = folder / "logs" / left, folder / "out" / "info.json"
        path.write_bytes(data.draw(broken_bytes(path.read_bytes())))
        words = ["--champions", study.champions, "--classifiers", study.classifiers, "--logs", folder / "logs"]
        words = ["--study", "small", *words, "--output", output]
        holds(folder, "run-info", *words, outputs=[output], named=["logs/train/lenet"])


@given(data=st.data())
@fuzzed
def test_a_damaged_audit_is_tabulated_or_named(data: st.DataObject) -> None:
    content = data.draw(broken_json(AUDIT))
    with case() as folder:
        audit, output = folder / "audit.json", folder / "out"
        seeds, attacks, ranking = (output / f"{name}.csv" for name in ("seeds", "attacks", "audits"))
        audit.write_bytes(content)
        words = [audit, "--seeds", seeds, "--attacks", attacks, "--output", ranking]
        named = [audit, ranking, seeds, attacks, "audits of"]
        holds(folder, "tabulate-audits", *words, outputs=[seeds, attacks, ranking], named=named)


@given(data=st.data())
@fuzzed
def test_a_damaged_figure_is_shown_or_named(study: Study, data: st.DataObject) -> None:
    content = study.figure.read_bytes()
    broken = data.draw(st.one_of(broken_bytes(content), near_the_start(content, 60)))
    with case() as folder:
        figure, page = folder / "gallery-direct.png", folder / "out" / "index.html"
        figure.write_bytes(broken)
        holds(folder, "report", *report(study, {"figure": figure}, output=page), outputs=[page], named=[figure])


@pytest.mark.parametrize("name", ["info", "figure"])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file_is_named(study: Study, tmp_path: Path, name: str, place: str) -> None:
    original: Path = getattr(study, name)
    path, page = tmp_path / original.name, tmp_path / "out" / "index.html"
    PLACES[place](path, original)
    outcome = holds(tmp_path, "report", *report(study, {name: path}, output=page), outputs=[page], named=[path])
    assert outcome.succeeded == (place == "a link to the real file")


@pytest.mark.parametrize("threshold", ["nan", "-1", "1", "inf"])
def test_a_threshold_that_is_none_is_refused(study: Study, tmp_path: Path, threshold: str) -> None:
    arguments = report(study, {}, output=tmp_path / "index.html")
    arguments[arguments.index("--threshold") + 1] = threshold
    holds(tmp_path, "report", *arguments, outputs=[tmp_path / "index.html"], named=["--threshold"])
