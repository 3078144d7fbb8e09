"""The settings of figures."""

import pytest
from pydantic import ValidationError

from fooling.figures.declaration import FigureSettings


@pytest.mark.parametrize("formats", [["png"], ["png", "pdf"], ["pdf", "png"]])
def test_figures_are_written_as_png_and_also_as_pdf(formats):
    assert list(FigureSettings(formats=formats).formats) == formats


@pytest.mark.parametrize("formats", [[], ["pdf"], ["png", "png"], ["svg"]])
def test_formats_without_the_one_that_the_report_shows_are_refused(formats):
    with pytest.raises(ValidationError, match="png"):
        FigureSettings(formats=formats)
