"""Damaged states of unfinished work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.artifacts import read_arrays, write_arrays
from fooling.encodings.cppn.genome import SCHEMA
from fooling.reproducibility import VERSION, CheckpointStore

from .commands import called, case, holds
from .conftest import SEARCH, Study
from .damage import PLACES, broken_safetensors
from .profile import fuzzed


def arguments(study: Study, work: str, out: Path) -> list[object]:
    """The call of a command that keeps the state of its ``work`` below ``out``."""
    common = ["--output", out / "made.safetensors", "--checkpoints", out / "checkpoints"]
    if work == "train":
        settings = {"training": {"iterations": 12, "batch_size": 6}}
        return ["train", "--dataset", study.dataset, "--name", "made", "--settings", json.dumps(settings), *common]
    if work == "ascent":
        settings = {"steps": 5, "seeds": {"count": 1}}
        words = ["--classifier", study.network, "--name", "plain", "--settings", json.dumps(settings)]
        return ["attack", "ascent", *words, *common]
    if work == "adversarial":
        settings = {"images": 3, "chunk": 2, "methods": ["fgsm", "deepfool"], "sizes_linf": [0.1]}
        words = ["--classifier", study.network, "--dataset", study.dataset, "--settings", json.dumps(settings)]
        return ["attack", "adversarial", *words, *common]
    if work == "universal":
        settings = {"images": 6, "fewer_images": [], "unseen": 6, "sizes_linf": [0.2], "sizes_l2": [], "steps": 2}
        settings |= {"compared_size": 0.2, "rounds": 1, "tuning_steps": 2, "controls": 1, "examples": 1}
        words = ["--classifier", study.network, "--dataset", study.dataset, "--settings", json.dumps(settings)]
        return ["attack", "universal", *words, *common]
    if work == "label-only":
        settings = {"queries": 60, "copies": 2, "noise": [50, 150], "start": 4, "offspring": 4, "seeds": {"count": 1}}
        words = ["--classifier", study.network, "--settings", json.dumps(settings)]
        return ["attack", "label-only", *words, *common]
    searches = [f"--controls={search}={out / search}.safetensors" for search in ("random-search", "drift")]
    settings = {"encoding": {"kind": work}, "search": SEARCH | {"generations": 3}}
    words = ["--classifier", study.network, "--seed", 1, "--settings", json.dumps(settings), *common, *searches]
    return ["attack", "evolution", *words]


@pytest.fixture(scope="session")
def unfinished(study: Study, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """For every kind of work the files of its states, by their paths, and those of its results."""
    states = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CheckpointStore, "clear", lambda self: None)
        patch.setattr(CheckpointStore, "is_due", lambda self: True)
        for work in ("train", "direct", "cppn", "ascent", "adversarial", "universal", "label-only"):
            out = tmp_path_factory.mktemp(work)
            assert called(*arguments(study, work, out)).succeeded
            files = sorted(out.rglob("*.safetensors"))
            states[work] = {str(path.relative_to(out)): path.read_bytes() for path in files}
    return states


def put_back(files: dict[str, bytes], out: Path) -> tuple[list[Path], dict[Path, bytes]]:
    """Write the states below ``out``; their paths, and the results that the work must come to."""
    kept = {out / name: content for name, content in files.items() if name.startswith("checkpoints")}
    for path, content in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(kept), {out / name: content for name, content in files.items() if out / name not in kept}


@given(data=st.data())
@fuzzed
def test_work_goes_on_from_a_damaged_state_or_names_it(
    study: Study, unfinished: dict[str, dict[str, bytes]], data: st.DataObject
) -> None:
    work = data.draw(st.sampled_from(sorted(unfinished)))
    with case() as folder:
        states, results = put_back(unfinished[work], folder)
        state = data.draw(st.sampled_from(states))
        data.draw(broken_safetensors(state))(state)
        first = folder / "made.safetensors"
        outcome = called(*arguments(study, work, folder))
        assert outcome.succeeded or str(state) in outcome.message, outcome.message
        if outcome.succeeded:
            assert first.exists()
        else:
            for path, content in results.items():
                assert not path.exists() or path.read_bytes() == content, "written from a damaged state"
            assert state.exists()


@pytest.mark.parametrize("number", [-1, 2**31])
@pytest.mark.parametrize("name", [f"{part}/{array}" for part in ("genomes", "search") for array in SCHEMA])
def test_genomes_that_cannot_be_are_named(
    study: Study, unfinished: dict[str, dict[str, bytes]], tmp_path: Path, name: str, number: int
) -> None:
    states, _ = put_back(unfinished["cppn"], tmp_path)
    (state,) = (path for path in states if path.stem == "drift")
    arrays, header = read_arrays(state, kind="checkpoint", version=VERSION)
    arrays[name].reshape(-1)[0] = number
    write_arrays(state, arrays, kind="checkpoint", version=VERSION, header=header)
    outcome = called(*arguments(study, "cppn", tmp_path))
    assert not outcome.succeeded
    assert f"{state} has numbers out of range" in outcome.message


def test_undamaged_states_come_to_the_same_bytes(
    study: Study, unfinished: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    for work, files in unfinished.items():
        _, results = put_back(files, tmp_path / work)
        outcome = called(*arguments(study, work, tmp_path / work))
        assert "resumes" in outcome.message
        assert {path: path.read_bytes() for path in results} == results


@pytest.mark.parametrize(
    "place", [place for place in PLACES if place not in ("nothing", "a link to nothing", "a link to itself")]
)
def test_what_is_no_state_is_named(
    study: Study, unfinished: dict[str, dict[str, bytes]], tmp_path: Path, place: str
) -> None:
    states, _ = put_back(unfinished["train"], tmp_path)
    real = tmp_path / "real"
    states[0].rename(real)
    PLACES[place](states[0], real)
    call: Callable[..., object] = holds
    if place == "a link to the real file":
        assert called(*arguments(study, "train", tmp_path)).succeeded
    else:
        call(tmp_path, *arguments(study, "train", tmp_path), outputs=[], named=[states[0]])
