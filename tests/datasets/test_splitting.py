import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooling.datasets.splitting import stratified_split


@settings(max_examples=30)
@given(st.lists(st.integers(10, 40), min_size=2, max_size=5), st.sampled_from([0.2, 0.25, 0.5]), st.integers(0, 99))
def test_every_image_lands_on_one_side_and_every_class_keeps_its_share(sizes, test_fraction, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    train, test = stratified_split(labels, test_fraction=test_fraction, seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(labels)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()
    shares = np.bincount(labels[test], minlength=len(sizes)) - test_fraction * np.array(sizes)
    assert np.abs(shares).max() <= 1


def test_the_seed_decides():
    labels = np.arange(200) % 4
    first, again, other = (stratified_split(labels, test_fraction=0.25, seed=seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_class_of_one_image_cannot_be_split():
    with pytest.raises(ValueError, match="class"):
        stratified_split(np.array([0, 0, 0, 1]), test_fraction=0.5, seed=1)
