"""Tables of fooling with labels alone: champions, curves, means, and transfer beside the adaptive attack."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest

from fooling.findings.intervals import IntervalSettings
from fooling.findings.label_only import (
    LABEL_ONLY,
    LABEL_ONLY_CURVES,
    LABEL_ONLY_TRANSFER,
    Shown,
    curves_table,
    label_only_table,
    run_medians,
    transfer_table,
    transferred_over_pairs,
)
from fooling.images import pixels_of_png
from fooling.messages import FoolingError
from fooling.table import require_valid
from made_up_label_only import EVOLVED, made_label_only
from made_up_run import made_up_run

SETTINGS = IntervalSettings()
NETWORKS = ("lenet-a", "lenet-b", "lenet-c")
OWN = {
    "labels": [made_up_run(np.full((2, 4), 0.9), classifier=name, seed=seed) for name in NETWORKS for seed in (1, 2)]
}


def shown(labels: list[int], confidence: float = 0.8, *, alone: bool = False) -> Shown:
    """A classifier that gives these labels, with one confidence in all classes."""

    def answer(images: np.ndarray) -> object:
        scores = np.full((len(images), 4), confidence)
        return np.array(labels), None if alone else (scores.astype(np.float32), np.log(scores / (1 - scores)))

    return answer  # type: ignore[return-value]


RIGHT, HALF = shown([0, 1, 2, 3]), shown([0, 1, 1, 1], 0.4)


@pytest.fixture
def table() -> pd.DataFrame:
    records = [made_label_only(name) for name in NETWORKS]
    found = label_only_table(records, OWN, {"lenet-a": RIGHT, "lenet-b": RIGHT, "lenet-c": HALF})
    require_valid(found, LABEL_ONLY, source="the table")
    return found


def test_each_class_has_the_champion_at_the_end_or_none(table: pd.DataFrame) -> None:
    chosen = (table["classifier"] == "lenet-a") & (table["search"] == "map-elites") & (table["seed"] == 2)
    rows = table[chosen]
    assert rows["class_index"].tolist() == [0, 1, 2, 3]
    assert rows["found_at"].tolist()[:3] == [400, 100, 900]
    assert rows["noise"].tolist()[:3] == [50, 10, 100]
    np.testing.assert_allclose(rows["confidence"].astype(float), [0.9, 0.6, 0.99, np.nan], rtol=1e-6)
    assert rows["label_correct"].tolist() == [True, True, True, False]
    assert rows.iloc[3][["found_at", "noise", "confidence", "log_odds", "png"]].isna().all()
    assert set(rows["queries"]) == {1990}


def test_a_champion_of_another_network_costs_one_query(table: pd.DataFrame) -> None:
    rows = table[table["search"] == "transfer"]
    assert len(rows) == 3 * 2 * 2 * 4
    assert not (rows["source"] == rows["classifier"]).any()
    assert set(rows["queries"]) == {1}
    on_c = rows[rows["classifier"] == "lenet-c"]
    assert on_c["label_correct"].mean() == 0.5
    np.testing.assert_allclose(on_c["confidence"].astype(float), 0.4, rtol=1e-6)


def test_images_are_kept_of_the_first_run_of_each_search(table: pd.DataFrame) -> None:
    pictures = table[table["png"].notna()]
    assert pictures.groupby("search").size().to_dict() == {"map-elites": 3, "random-search": 2, "transfer": 4}
    assert set(pictures["classifier"]) == {"lenet-a"}
    assert set(pictures["source"].dropna()) == {"lenet-b"}
    record = made_label_only()
    first = pictures[(pictures["search"] == "map-elites") & (pictures["class_index"] == 2)].iloc[0]
    assert np.array_equal(pixels_of_png(base64.b64decode(first["png"])), record.entries.images[3])


def test_curves_count_a_class_without_an_image_as_confidence_0() -> None:
    curves = curves_table([made_label_only(seeds=1)])
    require_valid(curves, LABEL_ONLY_CURVES, source="the curves")
    evolved = curves[curves["search"] == "map-elites"]
    assert evolved["queries"].tolist() == [*sorted({entry[1] for entry in EVOLVED}), 1990]
    assert evolved["classes"].tolist() == [2, 2, 3, 3]
    np.testing.assert_allclose(evolved["confidence"], [0.25, 0.3, 0.75, 0.75], rtol=1e-6)
    assert evolved["noise"].tolist() == [0, 5, 30, 30]


def test_the_adaptive_attack_stands_beside_each_pair(table: pd.DataFrame) -> None:
    pairs = transfer_table(table, settings=SETTINGS)
    require_valid(pairs, LABEL_ONLY_TRANSFER, source="the pairs")
    assert len(pairs) == 1 + 6
    mean, first = pairs.iloc[0], pairs.iloc[1]
    assert (first["source"], first["target"], first["runs"], first["images"]) == ("lenet-b", "lenet-a", 2, 8)
    assert (first["adaptive"], first["adaptive_queries"]) == (0.75, 1990)
    assert first["adaptive_confidence"] == pytest.approx(np.median([0.9, 0.6, 0.99, 0] * 2))
    assert (mean["runs"], mean["units"]) == (6, 3)
    assert mean["transferred"] == pytest.approx(5 / 6)
    assert transferred_over_pairs(pairs, level=0.95).value == pytest.approx(5 / 6)


def test_medians_of_runs_count_a_class_without_an_image_as_confidence_0(table: pd.DataFrame) -> None:
    assert run_medians(table, "map-elites") == pytest.approx(np.full((3, 2), (0.9 + 0.6) / 2))
    assert run_medians(table, "random-search") == pytest.approx(np.full((3, 2), (0.5 + 0) / 2))


def test_a_classifier_that_gives_labels_alone_has_no_confidences() -> None:
    records = [made_label_only(name, revealed=False) for name in NETWORKS]
    table = label_only_table(records, OWN, dict.fromkeys(NETWORKS, shown([0, 1, 2, 3], alone=True)))
    pairs = transfer_table(table, settings=SETTINGS)
    for frame, declared in ((table, LABEL_ONLY), (pairs, LABEL_ONLY_TRANSFER)):
        require_valid(frame, declared, source=declared.name)
    require_valid(curves_table(records), LABEL_ONLY_CURVES, source="the curves")
    assert pairs[["confidence", "adaptive_confidence"]].isna().all(axis=None)
    assert set(pairs["adaptive"]) == {0.75}
    assert np.isnan(run_medians(table, "map-elites")).all()


def test_without_runs_on_other_networks_there_is_no_transfer() -> None:
    records = [made_label_only()]
    own = {"labels": [run for run in OWN["labels"] if run.classifier["name"] == "lenet-a"], "other": OWN["labels"]}
    table = label_only_table(records, own, {"lenet-a": RIGHT})
    assert set(table["search"]) == {"map-elites", "random-search"}
    pairs = transfer_table(table, settings=SETTINGS)
    require_valid(pairs, LABEL_ONLY_TRANSFER, source="the pairs")
    assert pairs.empty


def test_runs_with_other_classes_or_images_are_left_out() -> None:
    other = [
        made_up_run(np.full((2, 5), 0.9), classifier="lenet-b"),
        made_up_run(np.full((2, 4), 0.9), classifier="lenet-b", images=np.zeros((4, 1, 8, 8), dtype=np.uint8)),
    ]
    table = label_only_table([made_label_only()], {"labels": other}, {"lenet-a": RIGHT})
    assert "transfer" not in set(table["search"])


def test_files_that_cannot_be_compared_are_refused() -> None:
    for records in ([made_label_only(), made_label_only()], [made_label_only(), made_label_only("lenet-b", seeds=1)]):
        with pytest.raises(FoolingError, match="the files of the attack labels cannot be compared"):
            label_only_table(records, {}, {})


def test_the_order_of_the_records_does_not_matter() -> None:
    records = [made_label_only(name) for name in NETWORKS]
    pd.testing.assert_frame_equal(label_only_table(records, {}, {}), label_only_table(records[::-1], {}, {}))
