"""Simulated people and studies: known differences, the same for the same seed; and how large a study must be."""

from __future__ import annotations

import numpy as np
import pytest

from fooling.messages import FoolingError
from fooling.settings import checked_settings
from fooling.survey.responses import parsed_responses
from fooling.survey.simulation import Population, PowerSettings, power_table, simulated_grids
from made_up_answers import made_questionnaire, simulated

ASKED = made_questionnaire()


@pytest.mark.parametrize("accuracy", [0.1, 0.5, 0.95])
def test_a_population_has_the_accuracy_that_it_is_said_to_have(accuracy: float) -> None:
    population = Population(accuracy=accuracy, person_sd=0.7, image_sd=1.2)
    sizes = {"studies": 400, "people": 40, "images": 40, "trials": 1}
    hits, asked = simulated_grids(population, **sizes, generator=np.random.default_rng(0))
    assert (asked.sum(axis=2) == 1).all()
    assert hits.sum() / asked.sum() == pytest.approx(accuracy, abs=0.01)


def test_people_and_images_differ_as_much_as_asked_for() -> None:
    def spread(person_sd: float, image_sd: float, axis: int) -> float:
        population = Population(accuracy=0.5, person_sd=person_sd, image_sd=image_sd)
        sizes = {"studies": 1, "people": 400, "images": 400, "trials": 400}
        hits, _ = simulated_grids(population, **sizes, generator=np.random.default_rng(0))
        return float(hits[0].mean(axis=axis).std())

    assert spread(0, 0, 0) == pytest.approx(spread(0, 0, 1), abs=0.01)
    assert spread(1, 0, 1) > 5 * spread(1, 0, 0)
    assert spread(0, 1, 0) > 5 * spread(0, 1, 1)


def test_the_same_seed_gives_the_same_files() -> None:
    once, again = (simulated(ASKED, participants=2, simulation_seed=4) for _ in range(2))
    assert once == again
    assert list(once) == ["synthetic-0001.csv", "synthetic-0002.csv"]
    assert once != simulated(ASKED, participants=2, simulation_seed=5)


def test_more_participants_change_nothing_about_the_first() -> None:
    fewer, more = (simulated(ASKED, participants=count) for count in (1, 3))
    assert fewer.items() <= more.items()


def test_simulated_people_see_every_kind_of_image_and_answer_every_question() -> None:
    text = next(iter(simulated(ASKED, participants=1).values()))
    table = parsed_responses(text, kind="csv", source="a", questionnaire=ASKED)
    seen = table[table["kind"] == "stimulus"].groupby(["block", "foils", "condition"]).size()
    assert len(seen) == 4 * 5
    assert (seen == 4).all()
    assert (table["kind"] == "catch").sum() == 4


def power(**settings: object) -> dict[tuple[int, int], dict[str, float]]:
    table = power_table(PowerSettings.model_validate({"studies": 200, **settings}))
    return {(row.pop("people"), row.pop("images")): row for row in table.to_dict(orient="records")}


def test_larger_studies_find_more_and_are_more_exact() -> None:
    found = power(people=[10, 60], images=[10, 60], effect=0.15, image_sd=0.5)
    small, large = found[10, 10], found[60, 60]
    assert large["above_chance"] > small["above_chance"] + 0.3
    assert large["equivalent"] > small["equivalent"] + 0.3
    assert large["half_width"] < small["half_width"] / 2


def test_more_people_cannot_stand_in_for_images() -> None:
    found = power(people=[40, 400], images=[8], effect=0.1, image_sd=1.5)
    assert found[400, 8]["half_width"] > 0.6 * found[40, 8]["half_width"]


def test_where_there_is_no_effect_few_studies_find_one() -> None:
    found = power(people=[30], images=[20], effect=0.001, studies=1000)
    assert found[30, 20]["above_chance"] < 0.05


def test_settings_of_a_study_that_cannot_be_are_refused() -> None:
    with pytest.raises(FoolingError, match=r"chance \+ margin below 1"):
        checked_settings(PowerSettings, {"chance": 0.95, "effect": 0.1}, source="--settings")
