"""The command `draw`, from files to files."""

import pytest

from fooling.artifacts import sha256_of, write_bytes, write_table
from fooling.attacks.evolution.record import save_run
from fooling.attacks.record import save_attack
from fooling.cli.pictures import draw
from fooling.datasets.dataset import save_dataset
from fooling.findings.calibration import REAL
from fooling.findings.classifiers import CLASSIFIERS, TRAINING
from fooling.findings.variance import VARIANCE
from fooling.images import png_bytes
from fooling.messages import FoolingError
from fooling.survey.questionnaire import completed, save_questionnaire


@pytest.fixture
def given(tmp_path, inputs):
    """The arguments of `draw` for the components of variance."""
    path = tmp_path / "variance.csv"
    write_table(path, inputs["variance_components"]["variance"], VARIANCE)
    return {"tables": [f"variance={path}"], "png": tmp_path / "figure.png", "pdf": tmp_path / "figure.pdf"}


def test_a_figure_is_written_as_png_and_pdf(given):
    draw("variance_components", **given)
    assert given["png"].read_bytes().startswith(b"\x89PNG")
    assert given["pdf"].read_bytes().startswith(b"%PDF")


def test_without_pdf_only_the_png_is_written(given):
    pdf = given.pop("pdf")
    draw("variance_components", **given)
    assert given["png"].is_file()
    assert not pdf.exists()


def test_files_of_one_name_are_stacked_and_settings_are_passed_on(given, inputs, tmp_path):
    training, classifiers = inputs["training_curves"]["training"], inputs["training_curves"]["classifiers"]
    for name in ("lenet-a", "lenet-b", "alexnet"):
        write_table(tmp_path / f"{name}.csv", training[training["classifier"] == name], TRAINING)
    write_table(tmp_path / "classifiers.csv", classifiers, CLASSIFIERS)
    given["tables"] = [f"training={tmp_path / name}.csv" for name in ("lenet-a", "lenet-b", "alexnet")]
    given["tables"] += [f"classifiers={tmp_path / 'classifiers.csv'}"]
    draw("training_curves", settings='{"reference_error": 0.0094}', **given)
    assert given["png"].is_file()


def test_runs_and_data_set_are_read(given, inputs, tmp_path):
    shown = inputs["real_and_evolved"]
    save_run(tmp_path / "run.safetensors", shown["runs"][0])
    save_dataset(tmp_path / "digits.safetensors", shown["dataset"])
    write_table(tmp_path / "real.parquet", shown["real"], REAL)
    given["tables"] = [f"real={tmp_path / 'real.parquet'}"]
    draw("real_and_evolved", runs=[tmp_path / "run.safetensors"], dataset=tmp_path / "digits.safetensors", **given)
    assert given["pdf"].is_file()


def test_gradient_ascents_are_read(inputs, tmp_path):
    paths = [tmp_path / f"{record.name}.safetensors" for record in inputs["ascent_gallery"]["ascents"]]
    for path, record in zip(paths, inputs["ascent_gallery"]["ascents"], strict=True):
        save_attack(path, record)
    draw("ascent_gallery", ascents=paths, png=tmp_path / "figure.png", pdf=tmp_path / "figure.pdf")
    assert (tmp_path / "figure.png").is_file()


def test_stimuli_are_read_beside_their_questionnaire(inputs, tmp_path):
    shown = inputs["stimuli_hidden"]["stimuli"]
    files = [png_bytes(image) for image in shown.images]
    values = shown.questionnaire.model_dump(mode="json")
    for stimulus, content in zip(values["stimuli"], files, strict=True):
        write_bytes(tmp_path / stimulus["file"], content)
        stimulus["sha256"] = sha256_of(content)
    path, figure = tmp_path / "questionnaire.json", {"png": tmp_path / "figure.png", "pdf": tmp_path / "figure.pdf"}
    save_questionnaire(path, completed(values))
    draw("stimuli_shown", stimuli=f"cppn={path}", **figure)
    assert figure["png"].is_file()
    with pytest.raises(FoolingError, match="--stimuli needs name=path"):
        draw("stimuli_shown", stimuli=str(path), **figure)


@pytest.mark.parametrize("name", ["no_such_figure", "../gallery", "style"])
def test_an_unknown_figure_is_refused(given, name):
    with pytest.raises(FoolingError, match="there is no figure"):
        draw(name, **given)


def test_a_missing_input_is_named(given):
    given["tables"] = []
    with pytest.raises(FoolingError, match="expected: variance"):
        draw("variance_components", **given)


def test_a_table_without_a_name_is_refused(given):
    given["tables"] = ["variance.csv"]
    with pytest.raises(FoolingError, match="--tables needs name=path"):
        draw("variance_components", **given)


def test_a_wrong_option_is_refused(given):
    with pytest.raises(FoolingError, match="reference"):
        draw("variance_components", settings='{"reference": 2}', **given)


def test_what_a_figure_needs_is_named_as_options(tmp_path):
    with pytest.raises(FoolingError, match="found: nothing") as refused:
        draw("gallery", png=tmp_path / "figure.png")
    assert "give --runs, --tables examined=path" in str(refused.value)
    with pytest.raises(FoolingError, match="reference_error go into --settings"):
        draw("training_curves", png=tmp_path / "figure.png")


def test_the_png_file_is_named_after_the_figure(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    del given["png"]
    draw("variance_components", **given)
    assert (tmp_path / "variance_components.png").read_bytes().startswith(b"\x89PNG")


def test_a_wrong_name_lists_the_names_closest_first(tmp_path):
    with pytest.raises(FoolingError, match="there is no figure 'same_labels'") as refused:
        draw("same_labels", png=tmp_path / "figure.png")
    assert "one of same_label, " in str(refused.value)
    assert "gallery" in str(refused.value)
