import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.ensemble import RandomForestClassifier

from fooling.cli.fetch_shapes import fetch_shapes
from fooling.datasets.dataset import load_dataset
from fooling.datasets.motifs import SHAPES
from fooling.datasets.shapes import MOTIFS, ShapesSettings, make_shapes, picture
from fooling.seeding import numpy_generator


@pytest.fixture(scope="module")
def shapes():
    return make_shapes(ShapesSettings(size=32, train_per_class=40, test_per_class=20), name="shapes")


def grey(images):
    return images.mean(axis=1)


def test_ten_classes_in_colour_evenly_filled(shapes):
    assert shapes.summary == "400 training and 200 test images, RGB 32x32, 10 classes"
    assert (np.bincount(shapes.train_labels) == 40).all()
    assert (np.bincount(shapes.test_labels) == 20).all()


def test_no_picture_occurs_twice(shapes):
    pictures = np.concatenate([shapes.train_images, shapes.test_images])
    assert len({image.tobytes() for image in pictures}) == len(pictures)


def test_the_seed_decides_every_picture():
    settings = ShapesSettings(size=32, train_per_class=2, test_per_class=1)
    first, again = make_shapes(settings, name="shapes"), make_shapes(settings, name="shapes")
    np.testing.assert_array_equal(first.train_images, again.train_images)
    np.testing.assert_array_equal(first.test_images, again.test_images)
    other = make_shapes(settings.model_copy(update={"seed": 2}), name="shapes")
    assert (first.train_images != other.train_images).any(axis=(1, 2, 3)).all()


def test_more_pictures_leave_the_first_as_they_are():
    few = make_shapes(ShapesSettings(size=32, train_per_class=2, test_per_class=1), name="shapes")
    more = make_shapes(ShapesSettings(size=32, train_per_class=3, test_per_class=2), name="shapes")
    np.testing.assert_array_equal(more.train_images[[0, 1, 3, 4]], few.train_images[:4])
    np.testing.assert_array_equal(more.test_images[::2], few.test_images)


@pytest.mark.parametrize("class_name", MOTIFS)
def test_a_picture_is_the_same_drawing_at_any_size(class_name):
    small, large = (picture(class_name, size=size, generator=numpy_generator(3, class_name)) for size in (48, 96))
    shrunk = large.reshape(3, 48, 2, 48, 2).mean(axis=(2, 4))
    assert np.corrcoef(small.ravel(), shrunk.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("class_name", MOTIFS)
def test_figure_and_ground_differ_clearly(class_name):
    for seed in range(10):
        image = picture(class_name, size=48, generator=numpy_generator(seed, class_name))
        assert image.astype(float).std(axis=(1, 2)).max() > 12


@pytest.mark.parametrize("class_name", SHAPES)
def test_a_shape_lies_inside_its_picture(class_name):
    """The border shows the ground almost everywhere: its levels vary little beside those of the whole picture."""
    for seed in range(10):
        image = grey(picture(class_name, size=48, generator=numpy_generator(seed, class_name))[None])[0]
        middle = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]))
        assert (np.abs(image - middle) < 70).mean() > 0.35


def test_colours_do_not_tell_the_class(shapes):
    means, test_means = shapes.train_images.mean(axis=(2, 3)), shapes.test_images.mean(axis=(2, 3))
    forest = RandomForestClassifier(60, random_state=0).fit(means, shapes.train_labels)
    assert forest.score(test_means, shapes.test_labels) < 0.3


def test_forms_tell_the_class(shapes):
    """A forest on the strength of spatial frequencies and on coarse edges, which know neither colour nor sign."""

    def features(images):
        levels = grey(images) - grey(images).mean(axis=(1, 2), keepdims=True)
        spectrum = np.log(np.abs(np.fft.rfft2(levels))[:, :12, :12] + 1)
        edges = np.hypot(*np.gradient(levels, axis=(1, 2))).reshape(len(images), 8, 4, 8, 4).mean(axis=(2, 4))
        return np.concatenate([spectrum.reshape(len(images), -1), edges.reshape(len(images), -1)], axis=1)

    forest = RandomForestClassifier(60, random_state=0).fit(features(shapes.train_images), shapes.train_labels)
    assert forest.score(features(shapes.test_images), shapes.test_labels) > 0.6


def test_the_command_writes_the_data_set(tmp_path):
    output = tmp_path / "shapes.safetensors"
    fetch_shapes(output=output, settings='{"size": 32, "train_per_class": 1, "test_per_class": 1}')
    assert load_dataset(output).class_names == tuple(MOTIFS)


@pytest.mark.parametrize("wrong", [{"size": 31}, {"train_per_class": 0}, {"test_per_class": 0}, {"seed": "one"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        ShapesSettings(**wrong)
