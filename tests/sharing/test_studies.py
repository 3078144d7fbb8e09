"""Study files and the list of published studies are read, or named with what is wrong in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fooling.errors import FoolingError
from sharing.studies import published_in, study_in


@pytest.mark.parametrize(
    "text", ["studies: 5", "studies: [a]", "studies: {a: 5}", "studies: {1: a.yaml}", "[1]", "others: {}", "studies: {"]
)
def test_a_list_of_published_studies_of_another_form_is_named(text: str) -> None:
    with pytest.raises(FoolingError, match=r"config/published\.yaml"):
        published_in(text)


def test_sections_may_be_left_out_or_empty() -> None:
    assert published_in("studies: {a: a.yaml}\ndatasets:\n")["studies"] == {"a": "a.yaml"}
    assert published_in("")["datasets"] == {}


@pytest.mark.parametrize("path", [Path("/dev/zero"), Path("absent.yaml"), Path(os.fsdecode(b"\xff.yaml"))])
def test_a_study_file_that_cannot_be_read_is_named(path: Path) -> None:
    with pytest.raises(FoolingError, match=r"cannot be read|is too long"):
        study_in(path)
