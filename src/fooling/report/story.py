"""What a study found, for the report: a summary of each experiment, and sentences for the top of the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from fooling.claims.verdicts import in_words
from fooling.findings.runs import medians_of_runs
from fooling.messages import ENCODINGS, listed, share_percent, short_percent

#: An experiment with fewer runs is marked as small.
FEW_RUNS = 6

SEARCHES = {
    "map-elites": "evolution (MAP-Elites)",
    "random-search": "random search",
    "drift": "drift (unselected)",
}

#: Share of evolution's fooling images that random search finds, below which evolution is needed, and from which on
#: random search does about as well.
FEW, NEARLY_ALL = 0.1, 0.8
MOST = 0.9  # share of the noise images from which on noise is called far away
MOST_LOG_ODDS = 700.0  # larger differences of log-odds have no finite ratio of odds
MOST_NAMED = 4  # networks; more are counted
#: What an encoding is, in a few words.
EXPLAINED = {
    "direct encoding": "direct encoding (every pixel is a gene)",
    "CPPN encoding": "CPPN encoding (a small network draws the image)",
}
RETRAINED = "champions"  # filling of the fooling class
#: What a share of an attack in audits is, and the control in brackets.
OF_ATTACKS = {
    "small-changes": "Real images misclassified after a small change (after noise of the same size)",
    "universal": "Real images with another label after one change for all (after random signs)",
    "labels-alone": "Classes with an image that gets their label, by evolution with labels alone (by random search)",
}


@dataclass(frozen=True, kw_only=True)
class SearchSummary:
    """The champions of one search."""

    search: str
    runs: int
    champions: int  # over all runs and classes
    fooling: int  # champions at or above the threshold
    saturated: int  # champions whose confidence is exactly 1 in float32
    median: str  # confidence of the median class, averaged over the runs in log-odds, as text

    @property
    def label(self) -> str:
        """Name of the search for readers."""
        return SEARCHES[self.search]

    @property
    def count(self) -> str:
        """Number of fooling champions among all, as text."""
        return f"{self.fooling:,} of {self.champions:,}"


@dataclass(frozen=True, kw_only=True)
class ExperimentSummary:
    """One experiment: its searches in the study's order, evolution first."""

    name: str
    encoding: str
    classifiers: tuple[str, ...]
    searches: tuple[SearchSummary, ...]

    @property
    def evolution(self) -> SearchSummary:
        """The summary of evolution."""
        return self.searches[0]

    @property
    def control(self) -> SearchSummary | None:
        """The summary of random search, if it was run."""
        return next((search for search in self.searches if search.search == "random-search"), None)

    @property
    def is_small(self) -> bool:
        """Whether it has too few runs for statistics."""
        return self.evolution.runs < FEW_RUNS


def summarise_experiment(champions: pd.DataFrame, *, threshold: float) -> ExperimentSummary:
    """Return the summary of one experiment from its table ``champions``."""
    present = [search for search in SEARCHES if search in set(champions["search"])]
    first = champions.iloc[0]
    return ExperimentSummary(
        name=first["experiment"],
        encoding=ENCODINGS[first["encoding"]],
        classifiers=tuple(champions["classifier"].drop_duplicates()),
        searches=tuple(_search(champions[champions["search"] == search], threshold) for search in present),
    )


def counted_experiments(experiments: Sequence[ExperimentSummary]) -> list[ExperimentSummary]:
    """Return the experiments whose images the headline counts.

    These are the experiments with random search that are not small; if there are none, those with random search; if
    there are none of these either, all.
    """
    controlled = [found for found in experiments if found.control is not None]
    return [found for found in controlled if not found.is_small] or controlled or list(experiments)


def _search(champions: pd.DataFrame, threshold: float) -> SearchSummary:
    return SearchSummary(
        search=champions["search"].iloc[0],
        runs=len(champions[["classifier", "seed"]].drop_duplicates()),
        champions=len(champions),
        fooling=int((champions["confidence"].astype(float) >= threshold).sum()),
        saturated=int(champions["saturated"].sum()),
        median=in_words(float(medians_of_runs(champions, ["search"]).iloc[0]), "probability"),
    )


def is_fooled(experiments: Sequence[ExperimentSummary], *, threshold: float) -> str:
    """Return whether the networks are fooled: they are if at least half of the evolved images reach the threshold.

    Experiments with random search that are not small are counted; all experiments if there are none of these.
    """
    counted = counted_experiments(experiments)
    fooling = sum(found.evolution.fooling for found in counted)
    evolved = sum(found.evolution.champions for found in counted)
    networks = list(dict.fromkeys(name for found in counted for name in found.classifiers))
    against = listed(networks) if len(networks) <= MOST_NAMED else f"{len(networks)} networks"
    if 2 * fooling >= evolved:
        answer = "The networks are fooled"
    else:
        answer = "The networks are fooled by some images" if fooling else "The networks are not fooled"
    return (
        f"{answer}: {fooling:,} of {evolved:,} images evolved against {against} get at least "
        f"{short_percent(threshold)} confidence in their class."
    )


def does_evolution_matter(experiments: Sequence[ExperimentSummary]) -> list[str]:
    """Return one sentence for each encoding: whether random search with the same budget finds such images as well.

    Evolution is needed if random search finds less than a tenth of its fooling images; random search finds nearly as
    many from four fifths on.
    """
    sentences = []
    for encoding in dict.fromkeys(found.encoding for found in counted_experiments(experiments)):
        chosen = [found for found in counted_experiments(experiments) if found.encoding == encoding]
        controls = [found.control for found in chosen if found.control is not None]
        if len(controls) == len(chosen):
            evolved = (sum(found.evolution.fooling for found in chosen), sum(f.evolution.champions for f in chosen))
            random = (sum(found.fooling for found in controls), sum(found.champions for found in controls))
            sentences.append(_compared(encoding, evolved, random))
    return sentences


def does_retraining_help(retraining: pd.DataFrame | None, *, threshold: float) -> str:
    """Return whether the last network of the first chain is still fooled; empty without a retrained network.

    It is if the median confidence of the images evolved against it is at or above the threshold. With several chains,
    ``retraining`` (the table ``retraining``) has a row for all of them, with an empty ``first``, which counts.
    """
    rows = _rows_of_chain(retraining)
    if rows is None or len(rows) < 2:
        return ""
    first, last = rows.iloc[0], rows.iloc[-1]
    chains = "1 chain, so no statistics" if last["units"] == 1 else f"{last['units']} chains"
    retrainings = "one retraining" if last["number"] == 2 else f"{last['number'] - 1} retrainings"
    now = in_words(last["median"], "probability")
    if last["median"] >= threshold:
        answer = f"is still fooled: images evolved against it reach a median confidence of {now}"
    else:
        before = in_words(first["median"], "probability")
        answer = f"is harder to fool: images evolved against it reach a median confidence of {now}, before {before}"
    return f"After {retrainings} with a fooling class, the network {answer} ({chains})."


def do_others_agree(transfer: Sequence[pd.DataFrame], encodings: dict[str, str]) -> str:
    """Return how many of the evolved images keep their class on other networks, for each encoding.

    Args:
        transfer: Tables ``transfer``, one for each experiment.
        encodings: Encoding of each experiment.
    """
    parts = []
    for table in transfer:
        rows = table[(table["relation"] != "itself") & (table["images"] == "all") & (table["label"] == "class")]
        rows = rows[rows["transfer_rate"].notna()]
        if len(rows):
            rate, chance = float(rows["transfer_rate"].mean()), float(rows["chance"].mean())
            name = str(rows["experiment"].iloc[0])
            parts.append(
                f"{share_percent(rate)} of the images of {name} ({encodings.get(name, name)}; by chance: "
                f"{share_percent(chance)})"
            )
    return f"Other networks give the same label to {listed(parts)}." if parts else ""


def why(distances: Sequence[pd.DataFrame], *, threshold: float) -> str:
    """Return how many fooling images are farther from the training images than 99 % of the real test images.

    One sentence for each classifier. ``distances`` are tables ``distances``, one for each classifier.
    """
    found = [sentence for table in distances if (sentence := _far(table, threshold))]
    if not found:
        return ""
    text = (
        "This study does not explain it, but shows where fooling images lie. Farther from every training image than "
        f"99 % of the real test images are: {'; '.join(found)}."
    )
    if _noise_is_far(distances):
        text += " Noise is as far away and gets lower confidence: distance alone does not make a network confident."
    return text


def can_it_be_fixed(effects: pd.DataFrame | None) -> str:
    """Return the effect of the fooling class compared with its controls, from the table ``effects``."""
    return " ".join(_effects(effects)) if effects is not None else ""


def _compared(encoding: str, evolved: tuple[int, int], random: tuple[int, int]) -> str:
    share = random[0] / evolved[0] if evolved[0] else math.nan
    ours, theirs = f"{evolved[0]:,} of {evolved[1]:,}", f"{random[0]:,} of {random[1]:,}"
    name = f"With the {EXPLAINED.get(encoding, encoding)},"
    if math.isnan(share):
        return f"{name} neither evolution nor random search finds such images."
    if share < FEW:
        few = "hardly any" if random[0] else "none"
        return f"{name} evolution finds {ours}, and random search with the same budget {few} ({theirs})."
    if share >= NEARLY_ALL:
        return f"{name} evolution finds {ours}, and random search with the same budget nearly as many: {theirs}."
    return f"{name} evolution finds {ours}, and random search with the same budget fewer: {theirs}."


def which_are_fooled_most(audits: pd.DataFrame | None, attacks: pd.DataFrame | None = None) -> str:
    """Return the networks in the order of how many of their classes were fooled, for each number of classes.

    The share of a network is that of its most successful search, averaged over the seeds. Then follows what other
    attacks fool, beside their controls. The arguments are the tables ``audits`` and ``audit_attacks``. Networks with
    other numbers of classes are not compared. Empty without audits.
    """
    if audits is None:
        return ""
    shares = audits.assign(share=audits["fooled"] / audits["network_classes"])
    best = shares.loc[shares.groupby("network", sort=False)["share"].idxmax()]
    groups = []
    for classes, networks in best.groupby("network_classes"):
        ordered = networks.sort_values("share", ascending=False, kind="stable")
        ranks = (f"{row['network']} {share_percent(row['share'])}" for _, row in ordered.iterrows())
        groups.append(f"{classes:,} classes: {', '.join(ranks)}")
    first = audits.iloc[0]
    return (
        f"Classes fooled at {short_percent(first['threshold'])} or more by the most successful search of each network, "
        f"of {first['budget']:,} images. {'; '.join(groups)}.{_fooled_by_others(attacks)}"
    )


def _fooled_by_others(attacks: pd.DataFrame | None) -> str:
    found = ""
    for attack, rows in () if attacks is None else attacks.groupby("attack", sort=False):
        sums = rows.groupby("network", sort=False)[["tried", "fooled", "control"]].sum()
        parts = (
            f"{network} {share_percent(fooled / tried)} of {tried:,} ({share_percent(control / tried)})"
            for network, tried, fooled, control in sums.itertuples()
        )
        found += f" {OF_ATTACKS[str(attack)]}: {', '.join(parts)}."
    return found


def how_small_is_enough(means: pd.DataFrame | None) -> str:
    """Return the smallest changes that make networks wrong, a sentence for each attack, from ``adversarial_means``.

    Of the methods that look for the smallest change in l2, the one that changes most labels counts, and among equals
    the one with the smallest changes.
    """
    if means is None:
        return ""
    sentences = []
    for attack, rows in means[means["size"].isna() & (means["norm"] == "l2")].groupby("attack", sort=False):
        found = rows[(rows["change"] == "method") & rows["rms"].notna()]
        if found.empty:
            continue
        best = found.sort_values(["unrounded_misclassified", "rms"], ascending=[False, True], kind="stable").iloc[0]
        noise = rows.loc[(rows["method"] == best["method"]) & (rows["change"] == "noise"), "unrounded_misclassified"]
        sentences.append(
            f"{attack}: with {best['method']} the networks misclassify "
            f"{share_percent(float(best['unrounded_misclassified']))} of the real images, at a mean root mean square "
            f"of {share_percent(float(best['rms']))} of the range of levels; noise of the same norm: "
            f"{share_percent(float(noise.mean()))}."
        )
    caveat = " What these methods do not change may still be changed by others." if sentences else ""
    return " ".join(sentences) + caveat


def _rows_of_chain(retraining: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return the networks retrained on champions, by number: of all chains, or of the only one."""
    if retraining is None or retraining.empty:
        return None
    rows = retraining[retraining["retraining"] == retraining["retraining"].iloc[0]]
    rows = rows[rows["filled_with"] == RETRAINED]
    of_all = rows[rows["first"].isna()]
    of_chain: pd.DataFrame = of_all if len(of_all) else rows.drop_duplicates("number")
    return of_chain.sort_values("number")


def _effects(effects: pd.DataFrame) -> Iterator[str]:
    several = effects["retraining"].nunique() > 1
    for row in effects.to_dict("records"):
        against = f"a fooling class filled with {row['control']}"
        if row["control"] == "nothing":
            against = "equally long training without fooling images"
        interval = (
            "" if math.isnan(row["low"]) else f" (interval of the difference: {row['low']:.1f} to {row['high']:.1f})"
        )
        note = "" if pd.isna(row["note"]) else f" ({row['note']}, so no interval)"
        times = math.exp(min(abs(row["difference"]), MOST_LOG_ODDS))
        side = "lower" if row["difference"] < 0 else "higher"
        effect = "harder to fool" if row["difference"] < 0 else "no harder to fool"
        compared = f"{row['retraining']}: compared" if several else "Compared"
        yield (
            f"{compared} with {against}, training on fooling images makes the networks {effect}: the median odds of "
            f"images evolved against them are {times:,.3g} times {side}, {abs(row['difference']):.1f} in "
            f"log-odds{interval}{note}."
        )


def _far(table: pd.DataFrame, threshold: float) -> str:
    champions = table[table["kind"] == "champion"]
    fooling = champions[champions["confidence"].astype(float) >= threshold]
    if fooling.empty:
        return ""
    pixels, features = int(fooling["pixel_beyond"].sum()), int(fooling["feature_beyond"].sum())
    return f"{pixels:,} of {len(fooling):,} on {table['classifier'].iloc[0]} in pixels, {features:,} in its features"


def _noise_is_far(distances: Sequence[pd.DataFrame]) -> bool:
    """Return whether most noise images are beyond the real ones in both distances, with lower confidence."""
    rows = pd.concat(distances, ignore_index=True)
    noise, champions = rows[rows["kind"] == "noise"], rows[rows["kind"] == "champion"]
    is_far = len(noise) > 0 and bool((noise[["pixel_beyond", "feature_beyond"]].mean() > MOST).all())
    return is_far and float(noise["confidence"].median()) < float(champions["confidence"].median())


def encodings_of(experiments: Sequence[ExperimentSummary]) -> dict[str, str]:
    """Return the encoding of each experiment in words."""
    return {found.name: found.encoding for found in experiments}
