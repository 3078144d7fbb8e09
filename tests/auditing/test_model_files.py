"""Files and folders that hold a whole network: the scores of the original, and no code of the author is run."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from fooling.artifacts import write_arrays
from fooling.auditing.doors import kind_of, opened
from fooling.auditing.model_files import kind_of_file, unique_names
from fooling.auditing.settings import Opening
from fooling.classifiers.gradients import has_gradients
from fooling.images import noise_images
from fooling.messages import FoolingError

CPU = torch.device("cpu")
SHAPE = (3, 8, 8)


def network() -> nn.Module:
    torch.manual_seed(8)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5)
    ).eval()


def exported(path: Path, *, batch: int | None = None) -> Path:
    """Export the network for any number of images, or for ``batch`` images."""
    shapes = ({0: torch.export.Dim("batch")},) if batch is None else None
    torch.export.save(torch.export.export(network(), (torch.zeros(batch or 2, *SHAPE),), dynamic_shapes=shapes), path)
    return path


def scripted(path: Path) -> Path:
    torch.jit.save(torch.jit.script(network()), path)
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "net.pt2": exported,
    "fixed.pt2": lambda path: exported(path, batch=3),
    "net.pt": scripted,
}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", MAKERS)
def test_a_saved_graph_scores_as_its_original(tmp_path, name) -> None:
    path = MAKERS[name](tmp_path / name)
    images = noise_images(SHAPE, 40)
    shape = SHAPE if name == "net.pt" else None
    classifier = opened(str(path), Opening(input_shape=shape, mean=(0.2, 0.3, 0.4)), device=CPU)
    mean = torch.tensor([0.2, 0.3, 0.4])[:, None, None]
    with torch.no_grad():
        expected = network()(torch.from_numpy(images).float() / 255 - mean).numpy()
    np.testing.assert_allclose(classifier.logits(torch.from_numpy(images)).numpy(), expected, atol=1e-5)
    assert classifier.input_shape == SHAPE
    assert has_gradients(classifier)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_script_gives_the_same_bits_each_time(tmp_path) -> None:
    classifier = opened(str(scripted(tmp_path / "net.pt")), Opening(input_shape=SHAPE), device=CPU)
    images = torch.from_numpy(noise_images(SHAPE, 40))
    first = classifier.logits(images)
    assert all(torch.equal(classifier.logits(images), first) for _ in range(5))


def test_a_script_needs_the_size_of_its_images(tmp_path) -> None:
    with pytest.raises(FoolingError, match=r"size of the images of .*net.pt is unknown(.|\n)*--input-shape"):
        opened(str(scripted(tmp_path / "net.pt")), Opening(), device=CPU)


class Marking:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.mark, "run"))


def rewritten(path: Path, change: Callable[[str, bytes], bytes], *, added: dict[str, bytes] | None = None) -> Path:
    """Change the parts of an archive of torch.export."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    root = next(iter(parts)).partition("/")[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(name, content))
        for name, content in (added or {}).items():
            archive.writestr(f"{root}/{name}", content)
    return path


def replaced(ending: str, old: str, new: str) -> Callable[[str, bytes], bytes]:
    def change(name: str, content: bytes) -> bytes:
        return content.replace(old.encode(), new.encode()) if name.endswith(ending) else content

    return change


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (replaced("model.json", "torch.ops.aten.relu.default", "torch.os.system"), "the operator torch.os.system"),
        (
            replaced("model.json", "torch.ops.aten.relu.default", "torch.ops.mine.relu.default"),
            "the operator torch.ops.m",
        ),
        (replaced("model.json", "Symbol('", "exit('"), r"the expression exit\('"),
        (replaced("model.json", "Symbol('", "Symbol.__init__('"), "the expression Symbol.__init__"),
        (replaced("weights_config.json", '"use_pickle": false', '"use_pickle": true'), "weights as pickled objects"),
        (replaced("model.json", "builtins.tuple", "os.system"), "an argument of the type os.system"),
    ],
)
def test_an_exported_graph_that_could_run_code_is_refused(tmp_path, change, found) -> None:
    path = rewritten(exported(tmp_path / "net.pt2"), change)
    with pytest.raises(FoolingError, match=rf"is refused, because opening it could run code\n  found: {found}"):
        opened(str(path), Opening(), device=CPU)


def test_pickled_objects_in_an_exported_graph_are_not_read(tmp_path) -> None:
    mark = tmp_path / "mark"
    harmful = tmp_path / "harmful.pt"
    torch.save(Marking(mark), harmful)
    path = exported(tmp_path / "net.pt2")
    rewritten(path, lambda name, content: harmful.read_bytes() if "sample_inputs" in name else content)
    with pytest.raises(FoolingError, match=r"found: pickled objects in data/sample_inputs/model.pt"):
        opened(str(path), Opening(), device=CPU)
    assert not mark.exists()
    with pytest.raises(Exception):  # noqa: B017
        torch.export.load(path)
    assert mark.exists(), "torch itself runs it, so that the refusal is needed"


@pytest.mark.parametrize(
    "part", ["data/aotinductor/model/model.so", "data/constants/opaque_obj_0", "data/weights/x.pt"]
)
def test_an_unknown_part_of_an_exported_graph_is_refused(tmp_path, part) -> None:
    path = rewritten(exported(tmp_path / "net.pt2"), lambda name, content: content, added={part: b"x"})
    with pytest.raises(FoolingError, match=rf"found: the part {part}"):
        opened(str(path), Opening(), device=CPU)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """One file of each kind."""
    paths = {name: tmp_path / name for name in ("w.pth", "old.pth", "whole.pt", "c.safetensors", "w.safetensors")}
    torch.save(network().state_dict(), paths["w.pth"])
    torch.save(network().state_dict(), paths["old.pth"], _use_new_zipfile_serialization=False)
    torch.save(network(), paths["whole.pt"])
    write_arrays(paths["c.safetensors"], {"a": np.zeros(3)}, kind="classifier", version=1, header={})
    save_file(network().state_dict(), paths["w.safetensors"])
    for name, content in {
        "k.h5": b"\x89HDF\r\n\x1a\n" + b"0" * 20,
        "t.tflite": b"\x1c\x00\x00\x00TFL3" + b"0" * 20,
        "p.pkl": pickle.dumps({"a": 1}, protocol=2),
        "readme.bin": b"hello, this is text",
        "empty.pt": b"",
    }.items():
        paths[name] = tmp_path / name
        paths[name].write_bytes(content)
    return paths


KINDS = {
    "w.pth": "weights",
    "old.pth": "weights",
    "whole.pt": "weights",
    "c.safetensors": "classifier",
    "w.safetensors": "weights",
    "k.h5": "keras",
    "t.tflite": "tflite",
    "p.pkl": "weights",
    "readme.bin": "unknown",
    "empty.pt": "unknown",
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_recognised_by_its_content(files, tmp_path, name) -> None:
    renamed = files[name].rename(tmp_path / "renamed")
    if name.endswith(".safetensors"):
        renamed = renamed.rename(tmp_path / "renamed.safetensors")
    assert kind_of_file(renamed) == KINDS[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("w.pth", r"weights alone(.|\n)*my_net.py:build, and give this file with --weights"),
        ("w.safetensors", "weights alone"),
        ("whole.pt", "Python's pickle format, which is not read"),
        ("k.h5", r"a network of Keras(.|\n)*ONNX"),
        ("readme.bin", r"no network in a known format(.|\n)*ONNX"),
    ],
)
def test_a_file_without_a_network_is_refused_with_what_it_is(files, name, message) -> None:
    with pytest.raises(FoolingError, match=message):
        opened(str(files[name]), Opening(), device=CPU)


def test_saved_graphs_are_recognised_by_their_content(tmp_path) -> None:
    for name, kind in (("net.pt2", "export"), ("net.pt", "torchscript")):
        path = MAKERS[name](tmp_path / name).rename(tmp_path / f"{kind}.bin")
        assert kind_of(str(path)) == kind


def test_names_that_several_classes_share_get_their_index() -> None:
    assert unique_names(["crane", "dog", "crane"]) == ("crane (0)", "dog", "crane (2)")


@pytest.fixture
def transformers() -> Any:
    from fooling.torchvision_import import ensure_operators

    ensure_operators()
    return pytest.importorskip("transformers")


def vit_folder(folder: Path, transformers: Any, *, labels: dict[int, str], **preprocessing: Any) -> Path:
    """Save a small vision transformer with random weights, and its preprocessing."""
    torch.manual_seed(9)
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, image_size=32, patch_size=8,
        id2label=labels, label2id={name: index for index, name in labels.items()}, num_labels=len(labels),
    )  # fmt: skip
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}, **preprocessing).save_pretrained(folder)
    return folder


LABELS = {0: "crane", 1: "dog", 2: "crane"}


def reference(transformers: Any, folder: Path, images: np.ndarray) -> np.ndarray:
    """Return the logits as the documentation of the package computes them."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    model = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    pictures = [Image.fromarray(image.transpose(1, 2, 0)) for image in images]
    with torch.no_grad():
        return model(**processor(images=pictures, return_tensors="pt")).logits.numpy()


@pytest.mark.parametrize(
    "preprocessing",
    [
        {},
        {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3]},
        {"do_normalize": False},
        {"rescale_factor": 1 / 127.5, "image_mean": [1, 1, 1], "image_std": [1, 1, 1]},
    ],
)
def test_a_folder_of_hugging_face_scores_as_its_package(tmp_path, transformers, preprocessing) -> None:
    folder = vit_folder(tmp_path / "vit", transformers, labels=LABELS, **preprocessing)
    classifier = opened(str(folder), Opening(), device=CPU)
    assert (classifier.input_shape, classifier.outputs) == ((3, 32, 32), "logits")
    assert classifier.class_names == ("crane (0)", "dog", "crane (2)")
    images = noise_images((3, 32, 32))
    found = classifier.logits(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, reference(transformers, folder, images), atol=1e-4)
    assert has_gradients(classifier)


@pytest.mark.parametrize("resample", [0, 2, 3])
def test_images_of_another_size_are_scaled_as_the_folder_says(tmp_path, transformers, resample) -> None:
    folder = vit_folder(tmp_path / "vit", transformers, labels=LABELS, resample=resample)
    classifier = opened(f"huggingface:{folder}", Opening(input_shape=(3, 48, 48)), device=CPU)
    images = noise_images((3, 48, 48))
    found = classifier.logits(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, reference(transformers, folder, images), atol=0.01)


def test_a_folder_without_a_trained_last_layer_is_refused(tmp_path, transformers) -> None:
    folder = vit_folder(tmp_path / "vit", transformers, labels=LABELS)
    transformers.ViTForImageClassification.from_pretrained(folder).vit.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["ViTForImageClassification"]}))
    with pytest.raises(FoolingError, match=r"no trained weights for a part(.|\n)*classifier"):
        opened(str(folder), Opening(), device=CPU)


def test_a_folder_without_its_preprocessing_is_refused(tmp_path, transformers) -> None:
    folder = vit_folder(tmp_path / "vit", transformers, labels=LABELS)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(FoolingError, match=r"preprocessor_config\.json cannot be read"):
        opened(str(folder), Opening(), device=CPU)


@pytest.fixture
def tiny_clip(tmp_path: Path) -> Any:
    """The package open_clip with a small network, tiny."""
    from fooling.torchvision_import import ensure_operators

    ensure_operators()
    open_clip = pytest.importorskip("open_clip")
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    (tmp_path / "tiny.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "tiny.json")
    return open_clip


@pytest.mark.parametrize("prompts", [("a photo of a {}.",), ("a photo of a {}.", "a drawing of the {}")])
def test_open_clip_scores_prompts_as_its_package(tmp_path, tiny_clip, prompts) -> None:
    torch.manual_seed(4)
    model, _, preprocess = tiny_clip.create_model_and_transforms("tiny", pretrained=None)
    torch.save(model.eval().state_dict(), tmp_path / "tiny.pth")
    names = ("cat", "dog", "owl")
    opening = Opening(weights=tmp_path / "tiny.pth", classes=names, prompts=prompts)
    classifier = opened("open_clip:tiny", opening, device=CPU)
    images = noise_images((3, 32, 32))
    pictures = torch.stack([preprocess(Image.fromarray(image.transpose(1, 2, 0))) for image in images])
    tokenizer = tiny_clip.get_tokenizer("tiny")
    with torch.no_grad():
        seen = nn.functional.normalize(model.encode_image(pictures))
        classes = []
        for name in names:
            texts = nn.functional.normalize(model.encode_text(tokenizer([each.format(name) for each in prompts])))
            classes.append(nn.functional.normalize(texts.mean(dim=0), dim=0))
        expected = (model.logit_scale.exp() * seen @ torch.stack(classes).T).softmax(dim=1).numpy()
    found = classifier.confidences(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert classifier.input_shape == (3, 32, 32)
    assert classifier.class_names == names
    assert has_gradients(classifier)


@pytest.mark.parametrize(
    ("target", "given", "message"),
    [
        ("open_clip:tiny", {}, r"needs the names of the classes(.|\n)*--classes"),
        ("open_clip:tiny", {"classes": ("a", "b")}, r"weights of open_clip:tiny are missing"),
        ("open_clip:none", {}, "has no network 'none'"),
        ("open_clip:ViT-B-16-SigLIP", {"classes": ("a", "b")}, "would be downloaded"),
    ],
)
def test_what_open_clip_needs_is_named(tiny_clip, target, given, message) -> None:
    with pytest.raises(FoolingError, match=message):
        opened(target, Opening(**given), device=CPU)


def test_a_prompt_without_a_place_for_the_name_is_refused(tmp_path, tiny_clip) -> None:
    torch.save(tiny_clip.create_model("tiny", pretrained=None).state_dict(), tmp_path / "tiny.pth")
    opening = Opening(weights=tmp_path / "tiny.pth", classes=("a", "b"), prompts=("a photo",))
    with pytest.raises(FoolingError, match=r"a prompt is invalid\n  found: a photo"):
        opened("open_clip:tiny", opening, device=CPU)
