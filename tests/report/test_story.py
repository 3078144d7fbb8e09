"""The sentences of the report, each for tables from which another answer follows, and summaries of experiments."""

from __future__ import annotations

import pandas as pd
import pytest

from figures.made_up_tables import made_audits, made_far
from fooling.findings.adversarial import adversarial_table, means_table
from fooling.findings.intervals import IntervalSettings
from fooling.messages import share_percent
from fooling.report.probes import are_far_inputs_confident
from fooling.report.story import (
    can_it_be_fixed,
    counted_experiments,
    do_others_agree,
    does_evolution_matter,
    does_retraining_help,
    how_small_is_enough,
    is_fooled,
    summarise_experiment,
    which_are_fooled_most,
    why,
)
from made_up_adversarial import made_adversarial

THRESHOLD = 0.9999


def experiment(table: pd.DataFrame, *, evolved: float = 1.0, random: float = 0.5):
    """An experiment whose champions all have these confidences."""
    confidences = table["search"].map({"map-elites": evolved, "random-search": random})
    return summarise_experiment(table.assign(confidence=confidences), threshold=THRESHOLD)


def test_networks_are_ranked_by_their_most_successful_search_within_a_number_of_classes():
    table = made_audits()["audits"]
    found = which_are_fooled_most(table)
    assert found.startswith(
        "Classes fooled at 99.99 % or more by the most successful search of each network, of 2,000 im"
    )
    assert found.endswith(" 10 classes: lenet 100 %, other 95 %; 1,000 classes: large 1.6 %.")
    worse = table.assign(fooled=table["fooled"].where(table["network"] != "lenet", 3.0))
    assert "10 classes: other 95 %, lenet 30 %;" in which_are_fooled_most(worse)
    assert which_are_fooled_most(None) == ""
    others = which_are_fooled_most(table, made_audits()["audit_attacks"]).removeprefix(found)
    assert others.startswith(
        " Real images misclassified after a small change (after noise of the same size): lenet 92.5 %"
    )
    assert "after one change for all (after random signs): lenet 60 % of 100 (5 %)." in others
    assert others.endswith("labels alone (by random search): lenet 90 % of 20 (40 %).")


def test_networks_are_fooled_if_half_of_the_images_reach_the_threshold(make_champions):
    found = is_fooled([summarise_experiment(make_champions(), threshold=THRESHOLD)], threshold=THRESHOLD)
    assert found.startswith("The networks are fooled: 16 of 24 images evolved against lenet-a get")
    assert "at least 99.99 % confidence" in found
    none = is_fooled([experiment(make_champions(), evolved=0.99)], threshold=THRESHOLD)
    assert none.startswith("The networks are not fooled: 0 of 24 images")


def test_some_images_are_not_most(make_champions):
    table = make_champions().assign(confidence=0.5)
    table.loc[0, "confidence"] = 1.0
    found = is_fooled([summarise_experiment(table, threshold=THRESHOLD)], threshold=THRESHOLD)
    assert found.startswith("The networks are fooled by some images: 1 of 24")


@pytest.mark.parametrize(
    ("random", "evolved", "words"),
    [
        (0.5, 1.0, "evolution finds 24 of 24, and random search with the same budget none (0 of 24)"),
        (1.0, 1.0, "evolution finds 24 of 24, and random search with the same budget nearly as many: 24 of 24"),
        (0.5, 0.5, "neither evolution nor random search finds such images"),
    ],
)
def test_evolution_is_compared_with_random_search(make_champions, random, evolved, words):
    (found,) = does_evolution_matter([experiment(make_champions(), evolved=evolved, random=random)])
    assert found.startswith("With the direct encoding (every pixel is a gene), ")
    assert words in found


def test_random_search_between_a_tenth_and_four_fifths_finds_fewer(make_champions):
    table = make_champions().assign(confidence=1.0)
    random = table.index[table["search"] == "random-search"]
    table.loc[random[:12], "confidence"] = 0.5
    (found,) = does_evolution_matter([summarise_experiment(table, threshold=THRESHOLD)])
    assert "evolution finds 24 of 24, and random search with the same budget fewer: 12 of 24." in found


def test_each_encoding_has_its_sentence_and_none_without_random_search(make_champions):
    direct, cppn = make_champions(), make_champions("cppn").assign(encoding="cppn")
    both = [experiment(direct), experiment(cppn, random=1.0)]
    assert [sentence.split(",")[0] for sentence in does_evolution_matter(both)] == [
        "With the direct encoding (every pixel is a gene)",
        "With the CPPN encoding (a small network draws the image)",
    ]
    assert does_evolution_matter([experiment(direct[direct["search"] == "map-elites"])]) == []


def test_retraining_helps_if_the_last_network_is_below_the_threshold(make_retraining):
    found = does_retraining_help(make_retraining((0.99999, 0.6)), threshold=THRESHOLD)
    assert found == (
        "After one retraining with a fooling class, the network is harder to fool: images evolved against it reach a "
        "median confidence of 60 %, before ≥ 99.99 % (1 chain, so no statistics)."
    )
    still = does_retraining_help(make_retraining((0.99999, 0.99999)), threshold=THRESHOLD)
    assert "the network is still fooled: images evolved against it reach a median confidence of ≥ 99.99 %" in still
    later = does_retraining_help(make_retraining((0.99999, 0.6, 0.99999)), threshold=THRESHOLD)
    assert later.startswith("After 2 retrainings")


def test_of_several_chains_the_row_of_all_counts(make_retraining):
    table = make_retraining((1.0, 0.7), chains=3)
    table.loc[table["first"].isna() & (table["number"] == 2), "median"] = 0.3
    found = does_retraining_help(table, threshold=THRESHOLD)
    assert "a median confidence of 30 %, before ≥ 99.99 % (3 chains)" in found


def test_without_a_retrained_network_nothing_is_said(make_retraining):
    assert does_retraining_help(None, threshold=THRESHOLD) == ""
    assert does_retraining_help(make_retraining((0.99999,)), threshold=THRESHOLD) == ""


def test_transfer_is_the_mean_over_pairs_of_different_networks(make_transfer):
    tables = [make_transfer(rates=(0.8, 0.9)), make_transfer("cppn", rates=(0.5, 0.5))]
    found = do_others_agree(tables, {"direct": "direct encoding"})
    assert found == (
        "Other networks give the same label to 85 % of the images of direct (direct encoding; by chance: 10 %) and "
        "50 % of the images of cppn (cppn; by chance: 10 %)."
    )
    assert do_others_agree([], {}) == ""


def test_only_fooling_images_count_among_those_far_away(make_distances):
    found = why([make_distances(), make_distances("lenet-b")], threshold=THRESHOLD)
    assert "3 of 4 on lenet-a in pixels, 2 in its features; 3 of 4 on lenet-b in pixels, 2 in its features." in found
    assert "Noise" not in found
    assert why([], threshold=THRESHOLD) == ""
    assert why([make_distances().assign(confidence=0.5)], threshold=THRESHOLD) == ""


def test_the_fooling_class_is_compared_with_its_controls(make_effects):
    found = can_it_be_fixed(make_effects())
    assert (
        "harder to fool: the median odds of images evolved against them are 330 times lower, 5.8 in log-odds" in found
    )
    worse = can_it_be_fixed(make_effects(0.7, note=None))
    assert "no harder to fool" in worse
    assert "2.01 times higher, 0.7 in log-odds (interval of the difference: -0.3 to 1.7)" in worse
    assert can_it_be_fixed(None) == ""


def test_several_retrainings_are_told_apart(make_effects):
    table = pd.concat([make_effects(), make_effects().assign(retraining="refusing")])
    found = can_it_be_fixed(table)
    assert "fooling-class: compared with" in found
    assert "refusing: compared with" in found


def test_an_experiment_is_summed_up_search_by_search(make_champions):
    found = summarise_experiment(make_champions(), threshold=THRESHOLD)
    evolution, random = found.searches
    assert (evolution.search, evolution.runs, evolution.champions) == ("map-elites", 8, 24)
    assert (evolution.fooling, evolution.saturated, evolution.median) == (16, 8, "≥ 99.99 %")
    assert (random.search, random.fooling, random.median) == ("random-search", 0, "50 %")
    assert not found.is_small


def test_five_runs_are_small(make_champions):
    assert summarise_experiment(make_champions(seeds=5), threshold=THRESHOLD).is_small


def test_only_experiments_that_are_controlled_and_not_small_are_counted(make_champions):
    large = summarise_experiment(make_champions(), threshold=THRESHOLD)
    small = summarise_experiment(make_champions("colour", seeds=1), threshold=THRESHOLD)
    assert counted_experiments([large, small]) == [large]
    assert counted_experiments([small]) == [small]


def test_without_any_control_all_are_counted(make_champions):
    table = make_champions()
    found = summarise_experiment(table[table["search"] == "map-elites"], threshold=THRESHOLD)
    assert counted_experiments([found]) == [found]


def test_a_confidence_just_below_the_threshold_does_not_count(make_champions):
    table = make_champions()
    table["confidence"] = 0.99989999
    assert summarise_experiment(table, threshold=THRESHOLD).evolution.fooling == 0


def test_random_inputs_and_rays_are_reported_as_no_attack():
    tables = made_far()
    found = are_far_inputs_confident(tables["rubbish_summary"], tables["ray_slopes"], threshold=THRESHOLD)
    first = tables["rubbish_summary"].iloc[0]
    share = share_percent(first["rubbish_share"])
    assert f"lenet with weight decay 0.0005, 3 networks: {share} of 200, at a mean confidence of " in found
    assert "; maxout, 1 network: " in found
    assert "; after retraining with a fooling class of champions: 0 %. These are random inputs, not what an" in found
    assert "At 32 times a real image or a random direction, " in found
    nobody = tables["rubbish_summary"].assign(rubbish_share=0.0, mistaken_confidence=float("nan"), number=1)
    assert "lenet with weight decay 0.0005, 3 networks: 0 % of 200; maxout" in are_far_inputs_confident(
        nobody, tables["ray_slopes"], threshold=THRESHOLD
    )
    without_slopes = are_far_inputs_confident(
        tables["rubbish_summary"], tables["ray_slopes"].iloc[:0], threshold=THRESHOLD
    )
    assert without_slopes.endswith("not what an attack would find.") and found.startswith(without_slopes)
    assert are_far_inputs_confident(None, None, threshold=THRESHOLD) == ""


def test_the_smallest_change_is_named_with_its_size_beside_noise():
    records = [made_adversarial(name, noise=0.25) for name in ("lenet-a", "lenet-b", "lenet-c")]
    means = means_table(adversarial_table(records), settings=IntervalSettings())
    assert how_small_is_enough(means) == (
        "small: with l-bfgs the networks misclassify 100 % of the real images, at a mean root mean square of 3.92 % of "
        "the range of levels; noise of the same norm: 25 %. What these methods do not change may still be changed by "
        "others."
    )
    assert how_small_is_enough(means[means["size"].notna()]) == ""
    assert how_small_is_enough(None) == ""
