"""The precision of `fooling attack`: what each gives, what is refused, and processors that are not made for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fooling.attacks.adversarial.record import load_adversarial
from fooling.attacks.evolution.record import load_run, load_runs
from fooling.attacks.label_only.record import load_label_only
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier_file import load_classifier, save_classifier
from fooling.cli.attack import attack
from fooling.datasets.dataset import save_dataset
from fooling.fingerprint import Fingerprints
from fooling.images import read_png
from fooling.messages import FoolingError
from fooling.reproducibility import CheckpointStore
from fooling.training.settings import ClassifierSettings
from made_up_bars import made_bars
from scoring_server import serving

CPU = torch.device("cpu")
Evolve = Callable[..., Path]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A classifier and its data set."""
    bars = made_bars()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network("lenet", input_shape=(1, 20, 20), classes=4, options={})
    classifier = assembled(network, name="lenet", settings=ClassifierSettings(), dataset=bars, device=CPU)
    save_classifier(tmp_path / "lenet.safetensors", classifier)
    save_dataset(tmp_path / "bars.safetensors", bars)
    return tmp_path / "lenet.safetensors", tmp_path / "bars.safetensors"


@pytest.fixture
def evolve(files: tuple[Path, Path], tmp_path: Path) -> Evolve:
    """Runs the command in some precision."""

    def evolved(precision: str | None, *, dataset: bool | None = None, kind: str = "evolution") -> Path:
        search = {"start": 20, "offspring": 50, "generations": 4}
        settings = {"encoding": {"kind": "direct"}, "search": search} if kind == "evolution" else {"steps": 2}
        output = tmp_path / f"{precision}.safetensors"
        attack(
            kind,
            classifier=files[0],
            settings=json.dumps(settings | ({} if precision is None else {"precision": precision})),
            output=output,
            seed=1 if kind == "evolution" else None,
            dataset=files[1] if (precision == "screened" if dataset is None else dataset) else None,
            checkpoints=tmp_path / "checkpoints",
            device="cpu",
        )
        return output

    return evolved


@pytest.fixture
def made_for_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treats this processor as one with AMX; without, it computes the same more slowly."""
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"amx_bf16": True})


@pytest.mark.usefixtures("made_for_bfloat16")
def test_every_precision_gives_a_record_with_float32_scores(
    evolve: Evolve, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    classifier = load_classifier(files[0], CPU)
    exact, in_bfloat16, screened = (load_run(evolve(each)) for each in ("float32", "bfloat16", "screened"))
    for record in (exact, in_bfloat16, screened):
        scores = classifier.confidences(torch.from_numpy(record.images)).diagonal()
        assert record.confidences.tolist() == scores.tolist()
    assert (screened.images == exact.images).all()
    assert [record.settings.get("precision") for record in (exact, in_bfloat16, screened)] == [
        None, "bfloat16", "screened",
    ]  # fmt: skip
    printed = capsys.readouterr().err
    assert "champions scored again in float32" in printed
    assert "of 200 offspring scored again in float32" in printed


@pytest.mark.parametrize("precision", ["bfloat16", "screened"])
def test_other_processors_print_one_line_and_compute_in_float32(
    precision: str, evolve: Evolve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx2": True})
    exact = evolve(None).read_bytes()
    capsys.readouterr()
    assert evolve(precision).read_bytes() == exact
    lines = [line for line in capsys.readouterr().err.splitlines() if "float32" in line]
    expected = f"this processor has neither AVX512-BF16 nor AMX: precision float32 instead of {precision}"
    assert [line.endswith(expected) for line in lines] == [True]


def test_checkpoints_of_one_precision_are_not_resumed_in_another(
    evolve: Evolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []
    init = CheckpointStore.__init__

    def noted(self: CheckpointStore, *arguments: object, **options: object) -> None:
        init(self, *arguments, **options)  # type: ignore[arg-type]
        folders.append(self.folder.name)

    monkeypatch.setattr(CheckpointStore, "__init__", noted)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"amx_bf16": True})
    for precision in ("float32", "bfloat16", "screened"):
        evolve(precision)
    assert len(set(folders)) == 3
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {})
    evolve("bfloat16")
    assert folders[3] == folders[0]


def test_an_unknown_precision_is_refused_with_a_correction(evolve: Evolve) -> None:
    with pytest.raises(FoolingError, match="precision") as refused:
        evolve("bfloat", dataset=False)
    assert "found: 'bfloat'" in str(refused.value)
    assert "precision: bfloat16" in str(refused.value)


@pytest.mark.parametrize(
    ("precision", "dataset", "remedy"),
    [
        ("screened", False, "give the data set"),
        ("float32", True, "leave out --dataset"),
        ("bfloat16", True, "leave out"),
    ],
)
def test_screening_and_a_data_set_belong_together(precision: str, dataset: bool, remedy: str, evolve: Evolve) -> None:
    with pytest.raises(FoolingError, match="belong together") as refused:
        evolve(precision, dataset=dataset)
    assert remedy in str(refused.value)


def test_gradient_ascent_has_no_precision(evolve: Evolve) -> None:
    with pytest.raises(FoolingError, match="an unknown key, 'precision'"):
        evolve("bfloat16", kind="ascent")
    with pytest.raises(FoolingError, match="leave out --dataset"):
        evolve(None, kind="ascent", dataset=True)


SMALL = json.dumps({"search": {"start": 20, "offspring": 50, "generations": 4}})


@pytest.mark.parametrize(("runs", "name"), [(None, "lenet-evolution-seed1"), (2, "lenet-evolution-seeds1-2")])
def test_seed_and_output_have_defaults_and_a_picture_lies_beside(
    runs: int | None, name: str, files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    attack("evolution", classifier=files[0], settings=SMALL, runs=runs, png=True, device="cpu")
    records = [load_run(Path(f"{name}.safetensors"))] if runs is None else load_runs(Path(f"{name}.safetensors"))
    assert [record.seed for record in records] == list(range(1, (runs or 1) + 1))
    assert {record.encoding for record in records} == {"cppn"}
    assert read_png(Path(f"{name}.png"))


def test_controls_have_pictures_too(files: tuple[Path, Path], tmp_path: Path) -> None:
    output, drift = tmp_path / "seed1.safetensors", tmp_path / "seed1.drift.safetensors"
    places = {"output": output, "controls": [f"drift={drift}"], "checkpoints": tmp_path / "checkpoints"}
    attack("evolution", classifier=files[0], settings=SMALL, png=True, device="cpu", **places)
    assert read_png(tmp_path / "seed1.png") != read_png(tmp_path / "seed1.drift.png")


def test_gradient_ascent_takes_no_seed(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match="takes its seeds from its settings") as refused:
        attack("ascent", classifier=files[0], seed=1, output=tmp_path / "ascent.safetensors")
    assert "leave out --seed and --runs" in str(refused.value)


def test_figures_do_not_decide_attacks() -> None:
    fooling = Fingerprints()
    assert not [path for path in fooling.files("fooling.cli.attack:attack") if "figures" in path.parts]


def test_adversarial_examples_are_made_of_the_images_of_a_data_set(files: tuple[Path, Path], tmp_path: Path) -> None:
    settings = json.dumps({"images": 3, "methods": ["deepfool", "fgsm"], "sizes_linf": [0.1]})
    output = tmp_path / "found.safetensors"
    common = {"classifier": files[0], "settings": settings, "checkpoints": tmp_path / "checkpoints", "device": "cpu"}
    attack("adversarial", dataset=files[1], output=output, png=True, **common)
    record = load_adversarial(output)
    assert (record.name, record.dataset["name"], len(record.images)) == (
        "adversarial",
        "bars",
        4,
    )  # one class is never right
    assert read_png(output.with_suffix(".png"))
    with pytest.raises(FoolingError, match="the attack adversarial needs --dataset"):
        attack("adversarial", output=output, **common)
    with pytest.raises(FoolingError, match="takes its seeds from its settings"):
        attack("adversarial", dataset=files[1], seed=1, output=output, **common)


def test_images_are_found_with_labels_alone(files: tuple[Path, Path], tmp_path: Path) -> None:
    settings = json.dumps({"queries": 200, "copies": 3, "start": 10, "offspring": 10, "seeds": {"count": 1}})
    output = tmp_path / "found.safetensors"
    attack("label-only", classifier=files[0], settings=settings, output=output, png=True, device="cpu",
           checkpoints=tmp_path / "checkpoints")  # fmt: skip
    record = load_label_only(output)
    assert (record.name, record.revealed) == ("label-only", True)
    assert all(200 - 4 < spent <= 200 for spent in record.spent)
    assert read_png(output.with_suffix(".png"))
    with pytest.raises(FoolingError, match="takes its seeds from its settings"):
        attack("label-only", classifier=files[0], seed=1, output=output)
    with pytest.raises(FoolingError, match="at least 840 queries"):
        attack("label-only", classifier=files[0], settings='{"queries": 100}', output=output)


def test_a_service_that_gives_labels_alone_is_fooled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("dark", "grey", "bright")

    def answer(images: np.ndarray) -> dict[str, list[str]]:
        return {"labels": [names[int(image.mean()) * 3 // 256] for image in images]}

    settings = {"queries": 300, "copies": 3, "start": 10, "offspring": 10, "seeds": {"count": 1}}
    with serving(answer) as server:
        options = {"service": server.address, "input_shape": "1x8x8", "classes": ",".join(names), "device": "cpu"}
        attack("label-only", settings=json.dumps(settings), **options)
        asked = len(set(server.images))
    (made,) = tmp_path.glob("*-label-only.safetensors")
    record = load_label_only(made)
    assert not record.revealed
    assert record.class_names == names
    assert asked <= sum(record.spent) + 64  # those that test the service and its classes
    images, labels = record.entries.images, record.entries.class_index
    assert [int(image.mean()) * 3 // 256 for image in images] == labels.tolist()


def test_a_classifier_and_a_service_exclude_each_other(files: tuple[Path, Path]) -> None:
    with pytest.raises(FoolingError, match=r"needs a classifier or a service(.|\n)*both"):
        attack("label-only", classifier=files[0], service="https://example.org/score")
    with pytest.raises(FoolingError, match=r"needs a classifier or a service(.|\n)*neither"):
        attack("label-only")
    with pytest.raises(FoolingError, match="--input-shape"):
        attack("label-only", service="https://example.org/score", classes="a,b")
