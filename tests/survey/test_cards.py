"""Cards are the same bytes each time, and no answer runs over their edge."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fooling.survey.cards import MARGIN, SIDE, card

LONG = "Staffordshire bullterrier, Staffordshire bull terrier"


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("answer", ["3", "golden retriever", LONG, "supercalifragilisticexpialidocious"])
def test_an_answer_is_written_within_the_margins(answer: str) -> None:
    shown = pixels(card(answer))
    assert shown.shape == (SIDE, SIDE)
    below = shown[SIDE // 3 : -MARGIN, 8:-8]
    written = np.flatnonzero((below < 128).any(axis=0)) + 8
    assert len(written) and written[0] >= MARGIN - 2 and written[-1] <= SIDE - MARGIN + 2
    assert (shown[-MARGIN:-6, 8:-8] > 200).all()


def test_cards_tell_their_answers_apart_and_repeat_to_the_byte() -> None:
    assert card("3") == card("3") != card("8")
