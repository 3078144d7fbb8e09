import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.neighbors import KNeighborsClassifier

from fooling.datasets.digits import DigitsSettings, enlarged, make_digits
from fooling.errors import FoolingError


@pytest.fixture(scope="module")
def digits():
    return make_digits(DigitsSettings(), name="digits")


def test_every_original_is_there_once(digits):
    assert digits.image_shape == (1, 28, 28)
    assert len(digits.train_labels) + len(digits.test_labels) == 1797
    counts = np.bincount(np.concatenate([digits.train_labels, digits.test_labels]))
    np.testing.assert_array_equal(counts, np.bincount(sklearn.datasets.load_digits().target))


def test_the_test_set_holds_its_share_of_every_class(digits):
    shares = np.bincount(digits.test_labels) / np.bincount(digits.train_labels)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.02)


def test_the_same_settings_give_the_same_data(digits):
    again = make_digits(DigitsSettings(), name="digits")
    np.testing.assert_array_equal(again.train_images, digits.train_images)
    np.testing.assert_array_equal(again.test_labels, digits.test_labels)


def test_another_seed_tests_on_other_digits(digits):
    other = make_digits(DigitsSettings(seed=2), name="digits")
    assert not np.array_equal(other.test_images, digits.test_images)


def test_a_simple_classifier_reads_them(digits):
    neighbours = KNeighborsClassifier(3).fit(digits.train_images.reshape(-1, 784), digits.train_labels)
    assert neighbours.score(digits.test_images.reshape(-1, 784), digits.test_labels) > 0.97


def test_another_content_is_refused(monkeypatch):
    altered = sklearn.datasets.load_digits()
    altered.images[5, 3, 3] = (altered.images[5, 3, 3] + 1) % 16
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: altered)
    with pytest.raises(FoolingError, match=r"(?s)found: SHA-256.*expected: SHA-256.*pip install"):
        make_digits(DigitsSettings(), name="digits")


def test_black_and_white_stay_black_and_white():
    assert (enlarged(np.zeros((8, 8), np.uint8), size=28) == 0).all()
    white = enlarged(np.full((8, 8), 16, np.uint8), size=28)
    assert (white[4:24, 4:24] == 255).all()
    assert white.sum() == 20 * 20 * 255


@given(st.integers(8, 64))
def test_any_size_is_reached_with_the_digit_in_the_middle(size):
    image = enlarged(np.full((8, 8), 16, np.uint8), size=size)
    assert image.shape == (size, size)
    rows = np.flatnonzero(image.any(axis=1))
    assert abs(rows[0] - (size - 1 - rows[-1])) <= 1


def test_averaging_the_enlarged_digit_gives_back_the_original():
    original = sklearn.datasets.load_digits().images[0].astype(np.uint8)
    image = enlarged(original, size=56)
    averaged = image[8:48, 8:48].reshape(8, 5, 8, 5).mean(axis=(1, 3))
    assert np.corrcoef(averaged.ravel(), original.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("wrong", [{"size": 7}, {"test_fraction": 0.0}, {"test_fraction": 1.0}, {"kind": "mnist"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        DigitsSettings(**wrong)
