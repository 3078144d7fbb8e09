"""Claims about people are judged by people's answers, and by nothing else."""

from __future__ import annotations

import pandas as pd
import pytest

from fooling.claims.estimand import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.parameters import Filter
from made_up_answers import analysed, as_peoples, made_questionnaire, simulated

ASKED = made_questionnaire()
FILES = simulated(ASKED, participants=5)
NETWORKS = pd.DataFrame({"classifier": ["lenet-a"], "dataset": ["digits"], "architecture": ["lenet"]})


@pytest.fixture(scope="module")
def of_people() -> pd.DataFrame:
    return analysed(as_peoples(FILES), ASKED)["survey_accuracy"]


def measured(table: pd.DataFrame | None, *, network: str = "lenet-a", experiment: str = "cppn", sided: str = "two"):
    tables = {} if table is None else dict(iter(table.groupby("condition")))
    none: dict[str, pd.DataFrame] = {}
    return ESTIMANDS["share-of-people-right"].evaluate(
        Context(
            filter=Filter(experiment=experiment, asked="two-way-random"),
            sided=sided,
            dataset="digits",
            tables=Tables(
                networks=NETWORKS.assign(classifier=network),
                **{"history": none, "times": none, "start": none, "examined": none},
                people=tables,
            ),
            settings=ContextSettings(),
        )
    )


def test_the_share_and_its_interval_are_those_of_the_analysis(of_people: pd.DataFrame) -> None:
    row = of_people[(of_people["foils"] == "random") & (of_people["condition"] == "cppn")].iloc[0]
    found, one_sided = measured(of_people), measured(of_people, sided="one")
    assert (found.value, found.low, found.high, found.units) == (row["share"], row["low"], row["high"], 5)
    assert found.runs == row["answers"]
    assert (one_sided.low, one_sided.high) == (row["low"], row["upper"])


def test_simulated_answers_judge_no_claim() -> None:
    with pytest.raises(NotRun, match="only simulated participants were asked"):
        measured(analysed(FILES, ASKED)["survey_accuracy"])


def test_without_answers_nothing_is_measured(of_people: pd.DataFrame) -> None:
    with pytest.raises(NotRun, match="nobody was asked about images of cppn"):
        measured(None)
    with pytest.raises(NotRun, match="on classifiers of digits"):
        measured(of_people, network="another")
