"""Damaged settings: of a command, as JSON and as a YAML file; the declared claims; and whole study files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from checkout import SMOKE, Checkout
from fooling.inputs import parsed_yaml
from fooling.messages import FoolingError
from fooling.settings import checked_settings, parse_exponents
from fooling.study.resolved import resolved_study
from fooling.study.settings import StudySettings

from .commands import case, holds
from .conftest import ROOT, Study, claims
from .damage import PLACES, YAML_TRAPS, broken_json, broken_yaml
from .profile import fuzzed

#: Settings of commands, and the arguments that stop the command as soon as it has taken them: files that are not there.
SECTIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "train": (
        {
            "architecture": "lenet",
            "options": {"width": 3, "names": ["a", {"b": 1.5}]},
            "seed": 3,
            "input": {"divisor": 255, "mean": [0.5], "std": [0.25]},
            "training": {
                "iterations": 100,
                "optimiser": {"kind": "adam", "weight_decay": 0.1},
                "policy": {"kind": "cosine", "warm_up": 5},
            },
        },
        ["--dataset", "absent.safetensors", "--name", "a"],
    ),
    "import-network": (
        {"architecture": "lenet", "weights": "absent.safetensors", "input": {"subtract_mean": True}},
        ["--dataset", "absent.safetensors", "--name", "a"],
    ),
    "attack evolution": (
        {
            "encoding": {"kind": "direct", "mutation_rate": 0.1, "crossover": "faulty"},
            "search": {"start": 4, "extra_batch": True},
        },
        ["--classifier", "absent.safetensors", "--seed", "1"],
    ),
    "attack  evolution": (
        {"encoding": {"kind": "cppn", "weight_bound": 3, "coordinates": "pixels"}, "search": {"offspring": 2}},
        ["--classifier", "absent.safetensors", "--seed", "1"],
    ),
    "attack ascent": (
        {"steps": 9, "decay": 0.1, "seeds": {"first": 2, "count": 3}, "blur_radius": 0.4, "small_norm_percentile": 5},
        ["--classifier", "absent.safetensors", "--name", "a"],
    ),
    "attack adversarial": (
        {"images": 3, "methods": ["fgsm", "deepfool"], "sizes_linf": [0.1, 0.2], "target": "random", "seed": 2},
        ["--classifier", "absent.safetensors", "--dataset", "absent.safetensors", "--name", "a"],
    ),
    "attack universal": (
        {"images": 9, "fewer_images": [3], "sizes_linf": [0.1, 0.2], "compared_size": 0.2, "rounds": 1, "seed": 2},
        ["--classifier", "absent.safetensors", "--dataset", "absent.safetensors", "--name", "a"],
    ),
    "attack label-only": (
        {"queries": 900, "copies": 3, "noise": [10, 20.5], "searches": ["map-elites"], "encoding": {"kind": "direct"}},
        ["--classifier", "absent.safetensors", "--name", "a"],
    ),
    "fetch-folder": (
        {"kind": "folder", "path": "absent", "size": 8, "colour": "grey", "test_fraction": None, "seed": 1},
        ["--manifest", "{manifest}", "--name", "a"],
    ),
}


def stopped(command: str, settings: object, folder: Path) -> tuple[list[object], list[str]]:
    """The call of ``command`` with these settings, and what a message may name: the settings or the absent file."""
    (folder / "manifest.csv").write_text("path,bytes,sha256\na/b.png,1,c\n")
    more = [word.format(manifest=folder / "manifest.csv") for word in SECTIONS[command][1]]
    out = ["--output", folder / "out"]
    return [*command.split(), "--settings", settings, *more, *out], ["absent", "cannot be read", "is not divided into"]


@given(data=st.data())
@fuzzed
def test_damaged_settings_in_json_are_taken_or_named(data: st.DataObject) -> None:
    command = data.draw(st.sampled_from(sorted(SECTIONS)))
    text = data.draw(broken_json(SECTIONS[command][0])).decode(errors="replace").replace("\0", "")
    with case() as folder:
        arguments, named = stopped(command, text, folder)
        holds(folder, *arguments, outputs=[folder / "out"], named=["--settings", *named])


@given(data=st.data())
@fuzzed
def test_a_damaged_settings_file_is_taken_or_named(data: st.DataObject) -> None:
    command = data.draw(st.sampled_from(sorted(SECTIONS)))
    text = data.draw(broken_yaml(SECTIONS[command][0]))
    with case() as folder:
        path = folder / "settings.yaml"
        path.write_text(text, encoding="utf-8")
        arguments, named = stopped(command, path, folder)
        holds(folder, *arguments, outputs=[folder / "out"], named=[path, *named])


@given(data=st.data())
@fuzzed
def test_damaged_claims_are_judged_or_named(study: Study, data: st.DataObject) -> None:
    declared = yaml.safe_load((ROOT / "config" / "claims.yaml").read_text())
    declared |= {"claims": declared["claims"][:3], "families": declared["families"][:1]}  # a family among them
    for claim in declared["claims"]:
        claim["dataset"] = "stripes"
        claim["generation"] = min(claim.get("generation") or 1, 1)
    text = data.draw(broken_yaml(declared))
    with case() as folder:
        path, made = folder / "claims.yaml", [folder / "out" / "claims.csv", folder / "out" / "claims.md"]
        path.write_text(text, encoding="utf-8")
        arguments = claims(study, {}, table=made[0], page=made[1], declared=path)
        holds(folder, "claims", *arguments, outputs=made, named=[path])


@given(data=st.data())
@fuzzed
def test_a_damaged_study_file_is_resolved_or_named(data: st.DataObject) -> None:
    original = yaml.safe_load((ROOT / data.draw(st.sampled_from([SMOKE, "config/mnist.yaml"]))).read_text())
    text = data.draw(broken_yaml(original))
    try:
        values = parsed_yaml(text, source="study.yaml")
        study = resolved_study(parse_exponents(values), source="study.yaml")
    except FoolingError as refusal:
        assert any(name in str(refusal) for name in ("study.yaml", "the study: 1 invalid setting"))
        return
    for experiment in study.experiments.values():
        json.dumps(experiment.evolution(), allow_nan=False)
    for entry in (*study.datasets.values(), *study.classifiers.values()):
        json.dumps(entry.section(), allow_nan=False)


@pytest.mark.parametrize("trap", YAML_TRAPS)
def test_what_no_settings_hold_is_refused(trap: str) -> None:
    with pytest.raises(FoolingError, match=r"study\.yaml"):
        values = parsed_yaml(trap, source="study.yaml")
        checked_settings(StudySettings, parse_exponents(values), source="study.yaml")


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_settings_file_is_named(tmp_path: Path, place: str) -> None:
    real, path = tmp_path / "real.yaml", tmp_path / "settings.yaml"
    real.write_text(yaml.safe_dump(SECTIONS["train"][0]))
    PLACES[place](path, real)
    arguments, named = stopped("train", path, tmp_path)
    expected = named if place == "a link to the real file" else [path]
    holds(tmp_path, *arguments, outputs=[tmp_path / "out"], named=expected)


def test_an_endless_settings_file_is_refused(tmp_path: Path) -> None:
    arguments, _ = stopped("train", "/dev/zero", tmp_path)
    holds(tmp_path, *arguments, outputs=[tmp_path / "out"], named=["/dev/zero is too long"])


REFUSED: Mapping[str, str] = {
    "a key that is misspelt": "study: x\nexperimnts: []\n",
    "a syntax error": "study: x\n\tdatasets: [\n",
    "aliases without end": YAML_TRAPS[-1],
    "an alias of itself": "study: &a [*a]\n",
    "an empty file": "",
    "a list": "- 1\n- 2\n",
    "a key given twice": "study: x\nstudy: y\n",
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_the_workflow_refuses_a_damaged_study_file(fresh_checkout: Checkout, tmp_path: Path, mistake: str) -> None:
    (tmp_path / "study.yaml").write_text(REFUSED[mistake])
    refused = fresh_checkout.attempt("snakemake", "-n", "--configfile", str(tmp_path / "study.yaml"))
    assert refused.returncode == 1
    assert "Traceback" not in refused.stdout
    # What is no YAML at all Snakemake refuses before it reads the workflow.
    assert "study.yaml" in refused.stdout or "WorkflowError:\nConfig file" in refused.stdout
