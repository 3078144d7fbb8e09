"""Ten crops are the paper's ten, counted out by hand; random crops lie anywhere in an image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fooling.classifiers.views import cropped, drawn_places, fed_shape, log_mean_probabilities, views_of
from fooling.errors import FoolingError


def test_the_ten_crops_of_the_paper_are_counted_out() -> None:
    image = torch.arange(3 * 256 * 256).reshape(3, 256, 256)
    seen = [view.of(image) for view in views_of((3, 256, 256), crop=227, views="ten")]
    by_hand = [
        image[:, 14:241, 14:241],
        *(image[:, top : top + 227, left : left + 227] for top in (0, 29) for left in (0, 29)),
    ]
    mirrored = [torch.from_numpy(crop.numpy()[..., ::-1].copy()) for crop in by_hand]
    assert all(torch.equal(one, other) for one, other in zip(seen, by_hand + mirrored, strict=True))


def test_one_view_is_the_centre_or_the_whole() -> None:
    image = torch.arange(7 * 10).reshape(1, 7, 10)
    (centre,) = views_of((1, 7, 10), crop=4, views="centre")
    assert torch.equal(centre.of(image), image[:, 1:5, 3:7])
    (whole,) = views_of((1, 7, 10), crop=None, views="centre")
    assert torch.equal(whole.of(image), image)


@given(sides=st.tuples(st.integers(1, 12), st.integers(1, 12)), crop=st.integers(1, 12))
def test_adding_to_an_image_is_the_transpose_of_seeing_it(sides: tuple[int, int], crop: int) -> None:
    shape = (2, *sides)
    if crop > min(sides):
        with pytest.raises(FoolingError, match=r"input\.crop is larger than the images"):
            fed_shape(shape, crop)
        return
    generator = torch.Generator().manual_seed(crop)
    image = torch.randn(shape, generator=generator, dtype=torch.float64)
    for view in views_of(shape, crop=crop, views="ten"):
        seen = torch.randn(fed_shape(shape, crop), generator=generator, dtype=torch.float64)
        added = torch.zeros_like(image)
        view.add_to(added, seen)
        assert (added * image).sum().item() == pytest.approx((seen * view.of(image)).sum().item())


def test_ten_views_of_the_whole_image_are_refused() -> None:
    with pytest.raises(FoolingError, match=r"ten views need a crop(.|\n)*set input\.crop"):
        views_of((3, 8, 8), crop=None, views="ten")


def test_the_mean_probability_stays_finite_where_float32_ends() -> None:
    logits = [torch.tensor([[300.0, 0.0, -900.0]]), torch.tensor([[200.0, 0.0, -400.0]])]
    found = log_mean_probabilities(logits)
    assert found.dtype is torch.float32
    np.testing.assert_allclose(found, [[0, np.log(0.5) - 200, np.log(0.5) - 600]], rtol=1e-5, atol=1e-6)


def random_crops(images: torch.Tensor, crop: int, *, seed: int) -> torch.Tensor:
    channels, height, width = images.shape[1:]
    generator = torch.Generator().manual_seed(seed)
    return cropped(images, crop, drawn_places(len(images), (channels, height, width), crop, generator))


def test_random_crops_are_windows_of_their_own_images() -> None:
    images = torch.randint(0, 256, (400, 3, 6, 9), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    crops = random_crops(images, 4, seed=2)
    assert (crops.shape, crops.dtype) == ((400, 3, 4, 4), torch.uint8)
    places = set()
    for image, crop in zip(images, crops, strict=True):
        windows = {
            (top, left, mirrored): window.flip(-1) if mirrored else window
            for mirrored in (False, True)
            for top in range(3)
            for left in range(6)
            for window in [image[:, top : top + 4, left : left + 4]]
        }
        places |= {place for place, window in windows.items() if torch.equal(window, crop)}
    assert len(places) == 3 * 6 * 2


def test_random_crops_follow_their_seed() -> None:
    images = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8)
    one, same, other = (random_crops(images, 5, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
