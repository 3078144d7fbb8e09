"""Whose images people are shown, and which surveys do not fit their study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fooling.errors import FoolingError
from fooling.study.resolved import resolved_study
from fooling.study.survey_plan import SurveyPlan

Values = dict[str, Any]


def survey_of(values: Values, **survey: Any) -> SurveyPlan:
    found = resolved_study(values | {"survey": survey}, source="study.yaml").survey
    assert found is not None
    return found


@pytest.fixture
def with_ascents(values: Values) -> Values:
    """The small study with a gradient ascent on each of its networks for digits, and a crossed experiment."""
    ascents = [
        {"name": "plain", "kind": "ascent", "classifiers": ["one"]},
        {"name": "other", "kind": "ascent", "classifiers": ["two"]},
    ]
    crossed = {
        "name": "options",
        "classifiers": ["one"],
        "encoding": {"kind": "direct"},
        "cross": {"encoding.crossover": ["none", "faulty"]},
    }
    return values | {"attacks": ascents, "experiments": [*values["experiments"], crossed]}


def test_a_study_without_one_has_no_survey(values: Values) -> None:
    assert resolved_study(values, source="study.yaml").survey is None


def test_everything_on_the_first_network_is_shown_where_nothing_is_named(with_ascents: Values) -> None:
    survey = survey_of(with_ascents)
    assert (survey.classifier, survey.experiments, survey.ascents) == ("one", ("direct", "cppn"), ("plain",))
    assert survey.conditions == ("direct", "cppn", "plain", "noise", "real")


def test_what_is_named_is_shown(with_ascents: Values) -> None:
    survey = survey_of(with_ascents, classifier="two", experiments=[])
    assert survey.conditions == ("other", "real")


def test_the_questionnaire_is_given_nothing_of_the_analysis(with_ascents: Values) -> None:
    first, second = (survey_of(with_ascents, fastest_ms=number).questionnaire() for number in (100, 200))
    assert first == second
    assert first["stimuli_per_condition"] == 20


def test_the_analysis_is_given_the_rules_of_exclusion_and_the_margin(with_ascents: Values) -> None:
    expected = {"fastest_ms": 100, "failed_catch_allowed": 1, "too_fast_share": 0.2, "margin": 0.05}
    assert survey_of(with_ascents, fastest_ms=100, margin=0.05).analysis() == expected


@pytest.mark.parametrize(
    ("survey", "reason"),
    [
        ({"classifier": "onne"}, r"survey\.classifier(.|\n)*allowed: one of one, two, three(.|\n)*classifier: one"),
        ({"experiments": ["dircet"]}, r"survey\.experiments(.|\n)*'dircet'(.|\n)*direct, cppn"),
        ({"experiments": ["options-none"]}, "'options-none'"),
        ({"classifier": "two", "experiments": ["cppn"]}, "those on two that are not crossed: direct"),
        ({"ascents": ["other"]}, r"survey\.ascents(.|\n)*'other'(.|\n)*plain"),
        ({"ascents": ["plain", "plain"]}, "more than one condition called 'plain'"),
        ({"stimuli_per_condition": 0}, r"survey\.stimuli_per_condition"),
        ({"post_url": "ftp://here"}, r"survey\.post_url"),
        ({"looks": "best"}, "an unknown key"),
    ],
)
def test_what_does_not_fit_the_study_is_refused(survey: Mapping[str, Any], reason: str, with_ascents: Values) -> None:
    with pytest.raises(FoolingError, match=reason):
        survey_of(with_ascents, **survey)


@pytest.mark.parametrize("name", ["Plain", "real"])
def test_conditions_have_names_of_their_own(name: str, with_ascents: Values) -> None:
    with_ascents["experiments"][0] = with_ascents["experiments"][0] | {"name": name}
    with_ascents["experiments"][1].pop("compared_with", None)
    with pytest.raises(FoolingError, match="more than one condition called"):
        survey_of(with_ascents)
