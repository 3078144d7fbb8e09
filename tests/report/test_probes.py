"""The sentences on random images of several families, and on changed champions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from figures.made_up_tables import made_boundary, made_families, made_robustness
from fooling.ablation.probe_images import FAMILIES, FAMILY_NAMES
from fooling.figures.probes import AXES, LOOKS
from fooling.findings import universal
from fooling.findings.intervals import IntervalSettings
from fooling.findings.label_only import label_only_table, transfer_table
from fooling.report.probes import (
    CHANGES,
    STORED,
    are_labels_enough,
    do_detectors_help,
    is_it_the_cppn,
    is_one_enough,
    what_survives,
    where_champions_lie,
    who_is_fooled,
)
from made_up_detectors import made_detectors
from made_up_label_only import made_label_only
from made_up_models import made_fooled
from made_up_run import made_up_run
from made_up_universal import made_universal


def families_of(medians: dict[str, dict[str, float]]) -> pd.DataFrame:
    """The best images of three classes: one is better and one is worse than the median."""
    rows = [
        {"classifier": network, "family": family, "class_name": f"{network[0]}{index}", "log_odds": median + step}
        for network, families in medians.items()
        for family, median in families.items()
        for index, step in enumerate((-1.0, 0.0, 4.0))
    ]
    return pd.DataFrame(rows).assign(evaluations=1000)


def test_every_family_and_change_has_words():
    assert tuple(FAMILY_NAMES) == tuple(LOOKS) == FAMILIES
    assert tuple(CHANGES) == tuple(AXES)


def test_families_are_listed_with_their_median_and_compared_with_cppns():
    table = families_of({"net-1": {"cppn": 1.0, "blobs": 2.0, "uniform": 9.0}, "net-2": {"cppn": 3.0, "blobs": 2.0}})
    found = is_it_the_cppn(table)
    assert "the best of 1,000 random images of each family. On net-1 and net-2: random CPPNs 88.08 %" in found
    assert "Gaussian blobs 88.08 %" in found, "the probability of a mean of 2"
    assert "at least as well as random CPPNs: on 1 of 2 networks." in found, "uniform noise is not smooth"
    assert found.endswith(STORED)
    assert is_it_the_cppn(None) == ""


def test_with_one_network_the_answer_is_yes_or_no():
    assert "random CPPNs: yes." in is_it_the_cppn(families_of({"one": {"cppn": 1.0, "dct": 1.0}}))
    assert "random CPPNs: no." in is_it_the_cppn(families_of({"one": {"cppn": 1.0, "dct": 0.9}}))
    assert "On lenet-a: random CPPNs" in is_it_the_cppn(made_families()[0].query("classifier == 'lenet-a'"))


def test_networks_with_other_classes_are_not_averaged():
    found = is_it_the_cppn(families_of({"a-net": {"cppn": 1.0, "dct": 2.0}, "other": {"cppn": 1.0, "dct": 0.0}}))
    assert "On a-net: random CPPNs 73.11 %" in found
    assert "random CPPNs: yes. On other: random CPPNs 73.11 %" in found
    many = {f"net-{number}": {"cppn": 1.0} for number in range(5)}
    assert "On 5 networks: " in is_it_the_cppn(families_of(many))


def test_without_random_cppns_nothing_is_compared():
    assert is_it_the_cppn(families_of({"one": {"dct": 0.9}})).endswith(
        f"On one: low-frequency DCT noise 71.09 %. {STORED}"
    )


def test_the_second_strength_of_each_change_is_named_beside_real_images():
    found = what_survives(made_robustness(), None)
    direct, waves = found.split(". Champions of ")
    assert direct.startswith(
        "Champions of direct that keep their class after a shift by 2 px: 25 % (real images: 87.5 %)"
    )
    assert "shuffling of 7x7 patches: 55 % (real images: 92.5 %)" in direct
    assert waves.startswith("waves that keep their class after a shift by 2 px: 75 %")
    assert found.endswith(f"They were evolved for the unchanged images. {STORED}")
    assert what_survives(None, None) == ""


def test_jpeg_is_named_by_its_quality():
    table = made_robustness().assign(change="jpeg", strength=75.0).drop_duplicates(["classifier", "experiment", "seed"])
    assert "JPEG at quality 25: " in what_survives(table, None)


def test_networks_without_champions_or_real_images_of_their_class_are_left_out():
    table = made_robustness().assign(images=0, kept=0)
    assert "a shift by 2 px: unknown (real images: 87.5 %)" in what_survives(table, None)


def test_supernormal_champions_are_counted_on_networks_that_give_logits():
    table = pd.DataFrame(
        {
            "classifier": ["one", "one", "two", "two", "three"],
            "experiment": ["direct"] * 4 + ["cppn"],
            "beyond_logit": pd.array([1, 1, 1, 0, pd.NA], dtype="Int64"),
        }
    )
    assert what_survives(None, table) == (
        "Of the champions of direct 75 % have a higher logit for their class than any real test image."
    )
    assert what_survives(None, table.assign(beyond_logit=pd.array([pd.NA] * 5, dtype="Int64"))) == ""
    both = table.assign(beyond_logit=pd.array([0, 0, 0, 0, 1], dtype="Int64"))
    assert "Of the champions of direct 0 % and of cppn 100 % have" in what_survives(None, both)


def test_one_family_is_enough_for_a_sentence():
    table = families_of({"one": {"cppn": np.float64(3.0)}})
    assert "at least as well" not in is_it_the_cppn(table)


def test_champions_are_placed_beside_real_images_and_starts():
    table = made_boundary()
    distances = {("real", None): 0.04, ("champion", "direct"): 0.08, ("start", "direct"): 0.01}
    for (kind, experiment), distance in distances.items():
        chosen = (table["kind"] == kind) & (table["experiment"].isna() if experiment is None else True)
        table.loc[chosen, "distance"] = distance
    found = where_champions_lie(table)
    assert "on 2 networks: correctly classified real images 0.040, " in found
    assert "champions of direct 0.080 (at the start 0.010)" in found
    without = where_champions_lie(table[table["kind"] == "champion"])
    assert "at the start" not in without
    assert where_champions_lie(None) == where_champions_lie(table.assign(distance=np.nan)) == ""


def test_one_perturbation_is_named_with_its_share_beside_random_ones() -> None:
    records = [made_universal(name) for name in ("lenet-a", "lenet-b", "lenet-c")]
    means = universal.means_table(universal.universal_table(records), settings=IntervalSettings())
    assert is_one_enough(means) == (
        "one: of images that were not used, one perturbation fools 80 % with linf 0.2 (random perturbations: 5 %) and "
        "60 % with l2 0.1 (random perturbations: 5 %). After fine-tuning on it, the last perturbation fools 10 %, and "
        "a new one 50 %. Not fooled by stored images is not the same as not foolable."
    )
    assert "fine-tuning" not in is_one_enough(means[means["round"] == 0])
    assert is_one_enough(None) == ""


def test_labels_alone_are_described_beside_random_search_and_transfer():
    networks = ("lenet-a", "lenet-b", "lenet-c")
    own = {"labels": [made_up_run(np.full((2, 4), 0.9), classifier=name) for name in networks]}
    scores = np.full((4, 4), 0.8, dtype=np.float32), np.full((4, 4), 1.4)
    shown = dict.fromkeys(networks, lambda images: (np.array([0, 1, 2, 2]), scores))
    table = label_only_table([made_label_only(name) for name in networks], own, shown)
    found = are_labels_enough(table, transfer_table(table, settings=IntervalSettings()))
    assert found == (
        "labels: with at most 1,990 labels a run, MAP-Elites has an image for 75 % of the classes, at a median "
        "confidence of 75.00 %, and random search has an image for 50 % of the classes, at a median confidence of "
        "25.00 %. Of the champions of another network, one query each, 75 % get their label, at a median confidence of "
        "80.00 %. Confidences were revealed after the last query. Not fooled by stored images is not the same as not "
        "foolable."
    )
    alone = [made_label_only(revealed=False)]
    table = label_only_table(alone, {}, {})
    found = are_labels_enough(table, transfer_table(table, settings=IntervalSettings()))
    assert "at a median confidence of unknown" not in found
    assert are_labels_enough(None, None) == ""


def test_detectors_are_named_in_the_order_of_what_attacks_reach() -> None:
    sentence = do_detectors_help(made_detectors()["detector_means"], threshold=0.9999)
    assert "guards, 3 networks: mahalanobis 50 % (0 % with images found without it), energy 100 % (75" in sentence
    assert "without a detector 100 %" in sentence
    assert do_detectors_help(None, threshold=0.9999) == ""


def test_who_is_fooled_names_models_on_both_sides_and_what_is_not_known():
    summary = made_fooled()[1]
    found = who_is_fooled(summary)
    assert "Fooled: adaboost; lenet; gaussian. Not fooled: nearest." in found
    row = summary.query("built_as == 'lenet' and experiment == 'direct'").set_index("search")
    evolved, random = (row.loc[name] for name in ("map-elites", "random-search"))
    assert f"lenet, direct, 600 images: evolution {evolved['above_median'] * 100:g} % (" in found
    assert f"random search {random['above_median'] * 100:g} % (" in found
    assert "Not known: whether another search" in found and found.endswith(STORED)


def test_who_is_fooled_without_a_table_or_real_images():
    summary = made_fooled()[1]
    assert who_is_fooled(None) == ""
    assert who_is_fooled(summary.assign(above_median=np.nan)).startswith("No model has")
    resisting = who_is_fooled(summary[summary["built_as"] == "nearest"])
    assert "Fooled: none. Not fooled: nearest." in resisting


def test_models_are_told_apart_by_what_distinguishes_them():
    lenet = made_fooled()[1].query("built_as == 'lenet'").assign(weight_decay=0.1, part=None)
    others = lenet.assign(weight_decay=np.nan, part="500 images", dataset="digits")
    found = who_is_fooled(pd.concat([lenet, others], ignore_index=True))
    assert "Fooled: lenet, weight decay 0.1, all images, on mnist; lenet, 500 images, on digits." in found
