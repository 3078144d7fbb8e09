"""What an entry of the catalogue declares."""

import pytest
from pydantic import ValidationError

from fooling.figures.declaration import Figure, FigureSettings
from fooling.findings.runs import CHAMPIONS
from fooling.findings.transfer import TRANSFER


def test_the_inputs_are_the_tables_and_what_else_is_asked_for():
    assert Figure("A caption.", shows=(CHAMPIONS,)).inputs == ("champions",)
    everything = Figure(
        "A caption.", seeds="all", batches=True, needs_ascents=True, needs_stimuli=True, needs_dataset=True
    )
    assert everything.inputs == ("runs", "batches", "ascents", "stimuli", "dataset")


def test_the_tables_of_a_chain_have_its_wildcard():
    assert Figure("A caption.", shows=(TRANSFER,)).tables == {"transfer": "findings/transfer/{experiment}.pairs.csv"}
    chain = Figure("A caption.", shows=(TRANSFER,), needs_chain=True)
    assert chain.tables == {"transfer": "findings/transfer/{chain}.pairs.csv"}


def test_a_caption_is_a_sentence():
    with pytest.raises(AssertionError, match="no end"):
        Figure("no end")


@pytest.mark.parametrize("formats", [["png"], ["png", "pdf"], ["pdf", "png"]])
def test_figures_are_written_as_png_and_also_as_pdf(formats):
    assert list(FigureSettings(formats=formats).formats) == formats


@pytest.mark.parametrize("formats", [[], ["pdf"], ["png", "png"], ["svg"]])
def test_formats_without_the_one_that_the_report_shows_are_refused(formats):
    with pytest.raises(ValidationError, match="png"):
        FigureSettings(formats=formats)
