"""Single random images: every one is shown once, and its top class and confidence are kept."""

from __future__ import annotations

import numpy as np
import torch

from fooling.findings.sampling import start_table


def test_every_random_image_is_listed_with_its_top_class():
    generator = torch.Generator().manual_seed(0)
    shown = []

    def draw(count):
        shown.append(torch.rand(count, 3, generator=generator))
        return shown[-1]

    table = start_table(draw, lambda images: images, images=450, classifier="lenet-a", experiment="noise")
    confidences = torch.cat(shown)
    assert [len(batch) for batch in shown] == [200, 200, 50]
    assert table.columns.tolist() == ["classifier", "experiment", "image", "top_class", "top_confidence"]
    assert table["image"].tolist() == list(range(450))
    np.testing.assert_array_equal(table["top_class"], confidences.argmax(dim=1))
    np.testing.assert_array_equal(table["top_confidence"], confidences.max(dim=1).values)
    assert table["top_confidence"].dtype == np.float32
