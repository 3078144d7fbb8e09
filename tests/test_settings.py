"""Settings are refused with the key, what was found, what is allowed and the corrected YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import Field

from fooling.messages import FoolingError
from fooling.settings import Settings, checked_settings, read_settings, shortest
from fooling.study.settings import StudySettings


class Circle(Settings):
    kind: Literal["circle"] = "circle"
    radius: Annotated[float, Field(gt=0)] = 1.0


class Square(Settings):
    kind: Literal["square"] = "square"
    side: int = 2


class Drawing(Settings):
    title: str = Field(examples=["a picture"])
    shapes: list[Annotated[Circle | Square, Field(discriminator="kind")]] = Field(default=[])
    frame: Circle = Circle()


def _refusal(values: object) -> str:
    with pytest.raises(FoolingError) as refused:
        checked_settings(Drawing, values, source="drawing.yaml")
    return str(refused.value)


def test_a_misspelt_key_is_shown_corrected() -> None:
    message = _refusal({"title": "x", "shapes": [{"kind": "circle", "radios": 3}]})
    assert "drawing.yaml: 1 invalid setting" in message
    assert "- shapes[0].radios" in message
    assert "allowed: kind, radius" in message
    assert message.endswith("corrected:\n    shapes:\n    - radius: 3")


def test_a_wrong_value_is_shown_with_one_that_is_allowed() -> None:
    message = _refusal({"title": "x", "frame": {"radius": -1}})
    assert "- frame.radius" in message
    assert "found: -1" in message
    assert "greater than 0" in message
    assert message.endswith("corrected:\n    frame:\n      radius: 1.0")


def test_a_missing_key_is_shown_with_an_example() -> None:
    message = _refusal({})
    assert "- title" in message
    assert message.endswith("corrected:\n    title: a picture")


class Album(Settings):
    name: str
    cover: Annotated[Circle | Square, Field(discriminator="kind")]
    drawings: Annotated[tuple[Drawing, ...], Field(min_length=1)]
    pages: Annotated[int, Field(ge=4)]
    weight: Annotated[float, Field(gt=0, le=0.2)]


def test_missing_keys_are_shown_with_the_shortest_valid_values() -> None:
    with pytest.raises(FoolingError) as refused:
        checked_settings(Album, {}, source="album.yaml")
    corrected = {}
    for problem in str(refused.value).split("\n- ")[1:]:
        corrected |= yaml.safe_load(problem.partition("corrected:\n")[2])
    assert corrected == {
        "name": "a-name",
        "cover": {"kind": "circle"},
        "drawings": [{"title": "a picture"}],
        "pages": 4,
        "weight": 0.2,
    }
    checked_settings(Album, corrected, source="album.yaml")


def test_a_study_file_without_keys_is_shown_a_valid_one() -> None:
    shown = {key: shortest(StudySettings, key) for key in ("study", "datasets", "classifiers", "experiments")}
    assert checked_settings(StudySettings, shown, source="study.yaml").study == shown["study"]


def test_an_unknown_kind_names_the_known_ones() -> None:
    message = _refusal({"title": "x", "shapes": [{"kind": "star"}]})
    assert "one of circle, square" in message


def test_every_mistake_is_listed() -> None:
    assert "3 invalid settings" in _refusal({"titel": 1, "frame": {"radius": "wide"}})


@pytest.mark.parametrize("values", [None, [1], "text"])
def test_something_else_than_a_mapping_is_refused(values: object) -> None:
    assert "has no settings" in _refusal(values)


def test_settings_come_from_json_or_from_a_yaml_file(tmp_path: Path) -> None:
    path = tmp_path / "drawing.yaml"
    path.write_text("title: x\nframe: {radius: 2.0}\n")
    expected = Drawing(title="x", frame=Circle(radius=2.0))
    assert read_settings(Drawing, str(path)) == read_settings(Drawing, expected.model_dump_json()) == expected


@pytest.mark.parametrize(("source", "message"), [("{broken", "not valid JSON"), ("missing.yaml", "cannot be read")])
def test_unreadable_sources_are_named(source: str, message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        read_settings(Drawing, source)


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "drawing.yaml"
    path.write_text("title: [x\n")
    with pytest.raises(FoolingError, match=r"drawing\.yaml is not valid YAML\n(.|\n)*line 2"):
        read_settings(Drawing, str(path))
