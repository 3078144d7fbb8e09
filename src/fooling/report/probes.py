"""Sentences of the report on who is fooled, random and changed images, inputs far from the data, and what helps."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from fooling.ablation.probe_images import FAMILY_NAMES, SMOOTH
from fooling.claims.verdicts import in_words
from fooling.findings.boundary import CHAMPION, REAL_IMAGE, START
from fooling.findings.detectors import NONE
from fooling.findings.fooled import at_equal_budget
from fooling.findings.intervals import probability_of
from fooling.findings.label_only import MAP_ELITES, RANDOM, TRANSFER, WAYS, run_medians
from fooling.messages import counted, listed, percent, share_percent, short_percent
from fooling.report.story import RETRAINED

CHANGES = {
    "shift": "a shift by {:g} px",
    "rotation": "a rotation by {:g} degrees",
    "blur": "a blur of {:g} px",
    "jpeg": "JPEG at quality {:g}",
    "noise": "noise of {:g} levels",
    "patches": "shuffling of {0:g}x{0:g} patches",
}
_SEARCHES = {MAP_ELITES: "MAP-Elites", RANDOM: "random search"}
MOST = 0.5  # share of the classes from which a model counts as fooled
MOST_KINDS = 8  # kinds of models and encodings that the report lists; the figure has all
MOST_NAMED = 4  # networks; more are counted
MIDDLE = 1  # of the strengths of a change, from the weakest one on: the one that the report names
STORED = "Not fooled by stored images is not the same as not foolable."
LINEAR = 0.01  # largest relative difference of two slopes that count as equal


def is_it_the_cppn(families: pd.DataFrame | None) -> str:
    """Return how sure the networks are of the best random image of each family; empty without the table.

    ``families`` is the table ``families`` of all networks. Medians over the classes are averaged over the networks with
    the same classes, in log-odds.
    """
    if families is None:
        return ""
    alike: dict[tuple[str, ...], list[str]] = {}  # networks by the names of their classes
    for name, rows in families.groupby("classifier", sort=False):
        alike.setdefault(tuple(dict.fromkeys(rows["class_name"])), []).append(str(name))
    groups = [families[families["classifier"].isin(names)] for names in alike.values()]
    first = (
        f"Median confidence over the classes in the best of {int(families['evaluations'].max()):,} random images of "
        "each family"
    )
    return " ".join([f"{first}. {' '.join(map(_of_families, groups))}", STORED])


def _of_families(families: pd.DataFrame) -> str:
    """Return the medians of networks with the same classes, and whether a smooth family does as well as CPPNs."""
    medians = families.groupby(["family", "classifier"])["log_odds"].median().unstack("classifier")
    means, names = medians.mean(axis=1), list(dict.fromkeys(families["classifier"]))
    where = listed(names) if len(names) <= MOST_NAMED else f"{len(names)} networks"
    named = ", ".join(
        f"{words} {in_words(float(probability_of(means[name])), 'probability')}"
        for name, words in FAMILY_NAMES.items()
        if name in means
    )
    smooth = [name for name in SMOOTH if name in means]
    if not smooth or "cppn" not in means:
        return f"On {where}: {named}."
    as_good = int((medians.loc[smooth] >= medians.loc["cppn"]).any(axis=0).sum())
    answer = f"on {as_good} of {len(names)} networks" if len(names) > 1 else ("yes" if as_good else "no")
    return f"On {where}: {named}. A smooth family other than CPPNs does at least as well as random CPPNs: {answer}."


def what_survives(robustness: pd.DataFrame | None, supernormal: pd.DataFrame | None) -> str:
    """Return how many champions survive changes beside real images, and how many are supernormal; empty without both.

    Each share is the mean over the networks of an experiment; the strength of a change is the second weakest.
    """
    sentences = []
    if robustness is not None:
        for experiment, rows in robustness.groupby("experiment", sort=False):
            parts = [part for change in CHANGES if (part := _survived(rows[rows["change"] == change]))]
            if parts:
                sentences.append(f"Champions of {experiment} that keep their class after {'; '.join(parts)}.")
        sentences.append(f"They were evolved for the unchanged images. {STORED}")
    if supernormal is not None and len(known := supernormal.dropna(subset="beyond_logit")):
        shares = []
        for experiment, rows in known.groupby("experiment", sort=False):
            by_network = rows["beyond_logit"].astype(float).groupby(rows["classifier"]).mean()
            shares.append(f"of {experiment} {share_percent(float(by_network.mean()))}")
        sentences.append(
            f"Of the champions {listed(shares)} have a higher logit for their class than any real test image."
        )
    return " ".join(sentences)


def where_champions_lie(boundary: pd.DataFrame | None) -> str:
    """Return how far champions are from the nearest decision boundary, beside starts and real images; empty without.

    ``boundary`` is the table ``boundary`` of all networks. Distances are medians over the images of a network, and
    geometric means over the networks.
    """
    if boundary is None or (known := boundary.dropna(subset="distance")).empty:
        return ""
    of_real = known[known["kind"] == REAL_IMAGE]
    parts = [f"correctly classified real images {_distance(of_real)}"] if len(of_real) else []
    for experiment, rows in known.dropna(subset="experiment").groupby("experiment", sort=False):
        champions, starts = rows[rows["kind"] == CHAMPION], rows[rows["kind"] == START]
        if len(champions):
            before = f" (at the start {_distance(starts)})" if len(starts) else ""
            parts.append(f"champions of {experiment} {_distance(champions)}{before}")
    networks = counted(boundary["classifier"].nunique(), "network")
    return (
        "Median distance to the nearest decision boundary that DeepFool finds, as the root mean square of the change "
        f"on the 0..1 scale, on {networks}: {', '.join(parts)}. An adversarial example lies just behind the boundary. "
        "The distance of images of all kinds grows with their confidence."
    )


def _distance(rows: pd.DataFrame) -> str:
    medians = rows.groupby("classifier")["distance"].median()
    return f"{float(np.exp(np.log(medians[medians > 0]).mean())):.3f}"


def is_one_enough(means: pd.DataFrame | None) -> str:
    """Return how many images one perturbation fools, for each attack; empty without the table ``universal_means``.

    Named are the largest size of each norm, with the perturbation found on the most images, and the fine-tuned
    networks of the last round.
    """
    if means is None:
        return ""
    sentences = []
    for attack, rows in means.groupby("attack", sort=False):
        whole = rows[rows["images"] == rows["images"].max()]
        plain = whole[whole["round"] == 0]
        largest = plain.loc[plain.groupby("norm", sort=False)["size"].idxmax()]
        parts = [
            f"{share_percent(unseen)} with {norm} {size:g} (random perturbations: {share_percent(random)})"
            for norm, size, unseen, random in largest[["norm", "size", "unseen", "random"]].itertuples(index=False)
        ]
        sentences.append(f"{attack}: of images that were not used, one perturbation fools {listed(parts)}.")
        last = whole.loc[whole["round"].idxmax()]
        if last["round"] > 0:
            sentences.append(
                f"After fine-tuning on it, the last perturbation fools {share_percent(float(last['former']))}, and a "
                f"new one {share_percent(float(last['unseen']))}."
            )
    return " ".join(sentences) + (f" {STORED}" if sentences else "")


def _survived(rows: pd.DataFrame) -> str:
    """Return the share of champions and of real images that survive the second weakest of a change."""
    if rows.empty:
        return ""
    strengths = sorted(rows["strength"].unique())
    strength = strengths[min(MIDDLE, len(strengths) - 1)]
    sums = (
        rows[rows["strength"] == strength].groupby("classifier")[["images", "kept", "real_images", "real_kept"]].sum()
    )
    shares = [
        float((sums[part] / sums[whole].where(sums[whole] > 0)).mean())
        for part, whole in (("kept", "images"), ("real_kept", "real_images"))
    ]
    change = str(rows["change"].iloc[0])
    words = CHANGES[change].format(100 - strength if change == "jpeg" else strength)
    return f"{words}: {share_percent(shares[0])} (real images: {share_percent(shares[1])})"


def are_far_inputs_confident(rubbish: pd.DataFrame | None, slopes: pd.DataFrame | None, *, threshold: float) -> str:
    """Return how confident the networks are in random inputs and far along rays; empty without these tables.

    ``rubbish`` is the table ``rubbish_summary``, ``slopes`` the table ``ray_slopes``.
    """
    if rubbish is None or slopes is None:
        return ""
    first = rubbish[~rubbish["clipped"] & (rubbish["number"] == 1)]
    parts = [_random_inputs(row) for row in first.head(MOST_NAMED).to_dict("records")]
    others = len(first) - len(parts)
    named = "; ".join(parts) + (f"; and {others} more kinds of networks" if others else "")
    named += _after_retraining(rubbish)
    random = (
        f"Random inputs from N(0, I), with pixels from 0 to 1, that get a class with more than 50 %: {named}. These "
        "are random inputs, not what an attack would find."
    )
    if slopes.empty:  # of models without gradients
        return random
    sure, linear = (float(part.mean()) for part in (slopes["sure"], slopes["slope_difference"] <= LINEAR))
    return (
        f"{random} At {slopes['factor'].iloc[0]:,.0f} times a real image or a random direction, {share_percent(sure)} "
        f"of the rays get at least {short_percent(threshold)}, and along {share_percent(linear)} the log-odds grow at "
        "the rate of their gradient, as the theorem for piecewise linear networks says."
    )


def _random_inputs(row: dict[Hashable, Any]) -> str:
    """Return the share of the random inputs that networks of one kind give a class, and their confidence."""
    decay = "" if math.isnan(row["weight_decay"]) else f" with weight decay {row['weight_decay']:g}"
    networks = counted(row["networks"], "network")
    confidence = row["mistaken_confidence"]
    mean = "" if math.isnan(confidence) else f", at a mean confidence of {share_percent(confidence)}"
    return f"{row['built_as']}{decay}, {networks}: {share_percent(row['rubbish_share'])} of {row['inputs']:,}{mean}"


def _after_retraining(rubbish: pd.DataFrame) -> str:
    """Return the share for the last networks of the chains that learned champions; empty without any."""
    rows = rubbish[~rubbish["clipped"] & (rubbish["number"] > 1) & (rubbish["filled_with"] == RETRAINED)]
    if rows.empty:
        return ""
    last = rows.sort_values("number").iloc[-1]
    return f"; after retraining with a fooling class of champions: {share_percent(last['rubbish_share'])}"


def are_labels_enough(images: pd.DataFrame | None, pairs: pd.DataFrame | None) -> str:
    """Return what labels alone reach, for each attack; empty without these tables.

    ``images`` is the table ``label_only``, ``pairs`` the table ``label_only_transfer``.
    """
    if images is None or pairs is None:
        return ""
    sentences = []
    for attack, rows in images.groupby("attack", sort=False):
        searches = [name for name in WAYS if name != TRANSFER and (rows["search"] == name).any()]
        found = [f"{_SEARCHES[name]} {_reached_by(rows, name)}" for name in searches]
        queries = rows.loc[rows["search"] == searches[0], "queries"].max()
        sentence = f"{attack}: with at most {queries:,} labels a run, {', and '.join(found)}."
        mean = pairs[(pairs["attack"] == attack) & pairs["source"].isna()]
        if len(mean):
            share, confidence = (float(mean[name].iloc[0]) for name in ("transferred", "confidence"))
            sentence += (
                f" Of the champions of another network, one query each, {share_percent(share)} get their label"
                + ("." if math.isnan(confidence) else f", at a median confidence of {percent(confidence)}.")
            )
        sentences.append(sentence)
    return f"{' '.join(sentences)} Confidences were revealed after the last query. {STORED}"


def _reached_by(rows: pd.DataFrame, search: str) -> str:
    """Return the share of the classes for which a search has an image, and the mean over the runs of the median."""
    share = float(rows.loc[rows["search"] == search, "label_correct"].mean())
    median = float(run_medians(rows, search).mean())
    confidence = "" if math.isnan(median) else f", at a median confidence of {percent(median)}"
    return f"has an image for {share_percent(share)} of the classes{confidence}"


def who_is_fooled(summary: pd.DataFrame | None) -> str:
    """Return which kinds of models are fooled, which resist, and what remains unknown; empty without the table.

    ``summary`` is the table ``fooled_summary``. A kind counts as fooled if evolution, in any encoding, brings at least
    half of the classes above the median of its own real images.
    """
    if summary is None:
        return ""
    shown = [
        (str(encoding), kind)
        for encoding, rows in summary.dropna(subset="above_median").groupby("encoding", sort=False)
        for kind in at_equal_budget(rows)
    ]
    if not shown:
        return "No model has a correctly classified test image to compare champions with."
    best: dict[str, float] = {}
    for _, kind in shown:
        name, share = _kind_of_model(kind, summary), _by(kind, "map-elites", "above_median")
        best[name] = max(best.get(name, 0.0), 0.0 if math.isnan(share) else share)
    fooled, others = ([name for name, share in best.items() if (share >= MOST) == wanted] for wanted in (True, False))
    details = "; ".join(_classes_fooled(encoding, kind, summary) for encoding, kind in shown[:MOST_KINDS])
    return (
        "A model counts as fooled here if evolution brings at least half of the classes above the median of the "
        f"model's own real images. Fooled: {'; '.join(fooled) or 'none'}. Not fooled: {'; '.join(others) or 'none'}. "
        f"Classes above the median (95th percentile) of real images: {details}. Not known: whether another search, "
        f"gradients or more evaluations would fool a model that resisted. {STORED}"
    )


def _kind_of_model(kind: pd.DataFrame, summary: pd.DataFrame) -> str:
    """Return the name of a kind of model, with what distinguishes it from others of the same architecture."""
    first = kind.iloc[0]
    words = [str(first["built_as"])]
    alike = summary[summary["built_as"] == first["built_as"]]
    if alike["weight_decay"].nunique(dropna=False) > 1 and not math.isnan(first["weight_decay"]):
        words.append(f"weight decay {first['weight_decay']:g}")
    if alike["part"].nunique(dropna=False) > 1:
        words.append("all images" if pd.isna(first["part"]) else str(first["part"]))
    return ", ".join([*words, *([f"on {first['dataset']}"] if summary["dataset"].nunique() > 1 else [])])


def _classes_fooled(encoding: str, kind: pd.DataFrame, summary: pd.DataFrame) -> str:
    shares = [
        f"{words} {share_percent(_by(kind, search, 'above_median'))} ({share_percent(_by(kind, search, 'above_95th'))})"
        for search, words in (("map-elites", "evolution"), ("random-search", "random search"))
        if (kind["search"] == search).any()
    ]
    images = f"{int(kind['budget'].iloc[0]):,} images"
    return f"{_kind_of_model(kind, summary)}, {encoding}, {images}: {', '.join(shares)}"


def _by(kind: pd.DataFrame, search: str, column: str) -> float:
    values = kind.loc[kind["search"] == search, column]
    return float(values.iloc[0]) if len(values) else math.nan


def do_detectors_help(means: pd.DataFrame | None, *, threshold: float) -> str:
    """Return what remains of each detector under attack, beside what images found without it suggest; empty without.

    ``means`` is the table ``detector_means``.
    """
    if means is None:
        return ""
    sentences = []
    for guards, rows in means.groupby("guards", sort=False):
        guarded = rows[rows["detector"] != NONE].sort_values("rank", kind="stable")
        plain = rows.loc[rows["detector"] == NONE, "adaptive_sure"]
        parts = [
            f"{row['detector']} {share_percent(row['adaptive_sure'])} ({share_percent(row['static_sure'])} with images "
            "found without it)"
            for row in guarded.to_dict("records")
        ]
        networks = counted(rows["units"].max(), "network")
        without = f"; without a detector {share_percent(float(plain.iloc[0]))}" if len(plain) else ""
        sentences.append(f"{guards}, {networks}: {', '.join(parts)}{without}.")
    return (
        f"Share of the classes that attacks bring to at least {short_percent(threshold)} although they must also pass "
        f"the detector. {' '.join(sentences)} Images that were found without the detector were not selected against "
        "it, so the number in brackets flatters it."
    )


def does_training_help(hardening: pd.DataFrame | None) -> str:
    """Return what each way of training changes, for each experiment; empty without the table ``hardening``."""
    if hardening is None:
        return ""
    sentences = []
    for experiment, rows in hardening[hardening["search"] == "map-elites"].groupby("experiment", sort=False):
        parts = [
            f"{row['way']} {percent(row['median'])}{_accepted(row['accepted'])}, test error "
            f"{share_percent(row['test_error'])}"
            for row in rows.to_dict("records")
        ]
        sentences.append(f"{experiment}: {'; '.join(parts)}.")
    return (
        "Median confidence of the images evolved against each network itself, and the share of them that a network "
        "accepts if it refuses about 5 % of the real test images that it classifies correctly. "
        f"{' '.join(sentences)} {STORED}"
    )


def _accepted(share: float) -> str:
    return "" if math.isnan(share) else f", {share_percent(share)} accepted"
