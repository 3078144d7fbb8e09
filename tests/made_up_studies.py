"""Made-up studies in which every estimand of a claim lies at one end of its range."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

from fooling.claims.claim import Claim
from fooling.claims.estimand import Tables
from fooling.findings.stronger_attacks import ADAPTIVE

ENDS = {"low": 0.0, "high": 1.0}
LOG_ODDS = {"low": -12.0, "high": 20.0}
OPPOSITE = {"low": "high", "high": "low"}
LATE, EARLY, END = 190, 1, 200  # generations


def made_up_study(claim: Claim, end: str, *, units: int, first_seed: int = 1) -> Tables:
    """A study of the claim's data set in which the claim's estimand is as ``low`` or as ``high`` as it can be.

    As many networks as ``units``, each with as many seeds; every chain of retrained networks has as many runs.
    """
    study = _Study(claim, end, units, first_seed)
    name = str(claim.experiment)
    return Tables(
        networks=study.networks(),
        history={name: study.history()},
        times={name: study.times()},
        start={name: study.single_images()},
        examined={name: study.examined()},
        real=study.real(),
        families=study.families(),
        transfer={name: study.transfer()},
        retrained={str(claim.retraining): study.retrained()},
        retraining={str(claim.retraining): study.retraining()},
        refusal={str(claim.retraining): study.refusal()},
        ancestry={name: study.ancestry()},
        distances={name: study.distances()},
        ablation={name: study.ablation()},
        robustness={name: study.robustness()},
        supernormal={name: study.supernormal()},
        boundary=study.boundary(),
        ascent={str(claim.ascent): study.ascent()},
        ascent_times={str(claim.ascent): study.ascent_times()},
        adversarial={str(claim.adversarial): study.adversarial()},
        adversarial_transfer={str(claim.adversarial): study.adversarial_transfer()},
        universal={str(claim.universal): study.universal()},
        universal_labels={str(claim.universal): study.universal_labels()},
        universal_transfer={str(claim.universal): study.universal_transfer()},
        label_only={str(claim.label_only): study.label_only()},
        label_only_transfer={str(claim.label_only): study.label_only_transfer()},
        people={name: study.people()},
        rubbish=study.rubbish(),
        detectors=study.detectors(),
        fooled=study.fooled(),
        ray_slopes=study.ray_slopes(),
        hardened=study.hardened(),
    )


class _Study:
    def __init__(self, claim: Claim, end: str, units: int, first_seed: int) -> None:
        self.claim, self.end, self.units = claim, end, units
        self.names = [f"net-{index:03}" for index in range(units)]
        self.seeds = np.arange(first_seed, first_seed + units)
        self.classes = 1000 if claim.classes else max(10, claim.count or 0)

    def networks(self) -> pd.DataFrame:
        own = pd.DataFrame({"classifier": self.names, "seed": self.seeds, "dataset": self.claim.dataset})
        own = own.assign(architecture=self.claim.architecture or "lenet", test_error=ENDS[self.end])
        other = own.iloc[:1].assign(classifier="other", architecture=self.claim.shown_to or "other", dataset="other")
        return pd.concat([own, other], ignore_index=True)

    def history(self) -> pd.DataFrame:
        generation = END if self.claim.generation is None else self.claim.generation
        own = self._champions(self.end).assign(search=self.claim.search)
        control = self._champions(OPPOSITE[self.end]).assign(search=self.claim.control or "none")
        return pd.concat([own, control]).assign(generation=generation, evaluations=200 * (generation + 1))

    def times(self) -> pd.DataFrame:
        """Late where a time is to be high, never where a share is to be low."""
        is_share, is_high = self.claim.unit == "share", self.end == "high"
        if self.claim.estimand == "ascent-evaluations-ratio":
            generation, reached = 100, True
        elif is_share:
            generation, reached = (EARLY, True) if is_high else (END, False)
        else:
            generation, reached = LATE if is_high else EARLY, True
        runs = [self._runs().assign(target=target) for target in ("median", "all")]
        table = pd.concat(runs).assign(generation=generation, reached=reached, search=self.claim.search)
        return table.assign(evaluations=200 * (table["generation"] + 1))

    def single_images(self) -> pd.DataFrame:
        return pd.DataFrame({"classifier": self.names, "top_confidence": ENDS[self.end]})

    def examined(self) -> pd.DataFrame:
        table = self._champions(self.end).assign(search=self.claim.search)
        same = table["class_index"] if self.end == "high" else (table["class_index"] + 1) % self.classes
        confidences = {f"{kind}_confidence": table["confidence"] for kind in ("calibrated", "independent")}
        return table.assign(similar_class=same, **confidences)

    def real(self) -> pd.DataFrame:
        rows = [
            {"classifier": name, "image": image, "label": 0, "predicted": image % 2}
            for name, image in itertools.product(self.names, range(4))
        ]
        return pd.DataFrame(rows).assign(confidence=ENDS[self.end], log_odds=LOG_ODDS[self.end])

    def transfer(self) -> pd.DataFrame:
        pairs = itertools.permutations([*self.names[:8], "other"], 2)
        table = pd.DataFrame(pairs, columns=["source", "target"])
        label = "source-label" if self.claim.estimand == "labelled-alike" else "class"
        table = table.assign(relation=self.claim.relation, images="all", label=label, runs=self.units)
        return table.assign(
            transfer_rate=ENDS[self.end],
            chance=0.1,
            higher_on_source=ENDS[self.end],
            highest_joint_confidence=ENDS[self.end],
        )

    def retrained(self) -> pd.DataFrame:
        tables = []
        for filling, end in self._fillings():
            of_filling = self._champions(end).rename(columns={"classifier": "first"})
            last = self.claim.network or 3
            tables += [of_filling.assign(number=number, filled_with=filling) for number in {1, 2, last}]
        return pd.concat(tables, ignore_index=True)

    def retraining(self) -> pd.DataFrame:
        rows = [
            {"first": name, "number": number, "filled_with": filling, "test_error": ENDS[end]}
            for name, number, (filling, end) in itertools.product(self.names, (1, 2, 3), self._fillings())
        ]
        return pd.DataFrame(rows)

    def refusal(self) -> pd.DataFrame:
        rows = [
            {"first": name, "filled_with": filling, "accepted": ENDS[end], "log_odds": LOG_ODDS[end]}
            for name, (filling, end) in itertools.product(self.names, self._fillings())
        ]
        return pd.DataFrame(rows).assign(attack=ADAPTIVE, number=2, rate=0.01, runs=self.units)

    def ancestry(self) -> pd.DataFrame:
        table = self._champions(self.end)
        return table.assign(switches=ENDS[self.end], similarity=ENDS[self.end], similarity_unrelated=0.5)

    def distances(self) -> pd.DataFrame:
        ratio = {"low": 0.5, "high": 2.0}[self.end]
        table = self._champions(self.end).rename(columns={"class_index": "image"})
        beyond = {f"{space}_beyond": ENDS[self.end] == 1 for space in ("pixel", "feature")}
        champions = table.assign(kind="champion", pixel_distance=ratio, feature_ratio=ratio, **beyond)
        return pd.concat([champions, champions.assign(kind="start", pixel_distance=1.0, feature_ratio=1.0)])

    def ablation(self) -> pd.DataFrame:
        share = ENDS[self.end]
        repeats = self.claim.estimand != "share-of-champions-repeating" or self.end == "high"
        intact = self._champions("high").assign(copies=4 * repeats, fill=None, kind="intact", draw=0, removed=0)
        tables = [intact.assign(change=0.0)]
        for kind, removed in itertools.product(("copy", "control"), (1, 2)):
            worth = {"copy": 5 * share, "control": 5 * (1 - share)}[kind]
            tables.append(
                intact.assign(kind=kind, fill=self.claim.fill, removed=removed, change=worth, confidence=share)
            )
        return pd.concat(tables)

    def families(self) -> pd.DataFrame:
        ends = {"cppn": OPPOSITE[self.end], self.claim.random_images or "blobs": self.end}
        rows = [
            {"classifier": name, "family": family, "class_index": index, "log_odds": LOG_ODDS[end]}
            for name, (family, end), index in itertools.product(self.names, ends.items(), range(self.classes))
        ]
        return pd.DataFrame(rows)

    def robustness(self) -> pd.DataFrame:
        table = self._runs().assign(change=self.claim.change, strength=self.claim.strength)
        survived = {"kept": 10 * ENDS[self.end], "real_kept": 10 * ENDS[OPPOSITE[self.end]]}
        return table.assign(images=10, real_images=10, **survived)

    def boundary(self) -> pd.DataFrame:
        ends = {"champion": self.end, "real": OPPOSITE[self.end], "start": OPPOSITE[self.end]}
        rows = [
            {"classifier": name, "kind": kind, "experiment": None if kind == "real" else self.claim.experiment}
            | {"distance": ENDS[end] + 0.01}
            for name, (kind, end) in itertools.product(self.names, ends.items())
        ]
        return pd.DataFrame(rows)

    def supernormal(self) -> pd.DataFrame:
        return self._champions(self.end).assign(beyond_logit=int(ENDS[self.end]))

    def ascent(self) -> pd.DataFrame:
        return self._champions(self.end)

    def ascent_times(self) -> pd.DataFrame:
        evaluations = {"low": 100, "high": 200_000}[self.end]
        return self._runs().assign(target="median", evaluations=evaluations, reached=True)

    def rubbish(self) -> pd.DataFrame:
        table = self._far().assign(clipped=False, number=1)
        table = table.assign(rubbish_share=ENDS[self.end], mistaken_confidence=ENDS[self.end])
        if self.claim.retraining is None:
            return table
        first = table.assign(rubbish_share=ENDS[OPPOSITE[self.end]])
        place = {"retraining": self.claim.retraining, "filled_with": self.claim.filled_with}
        later = table.assign(first=self.names, number=self.claim.network, **place)
        return pd.concat([first, later.assign(classifier=later["classifier"] + "/dnn")], ignore_index=True)

    def detectors(self) -> pd.DataFrame:
        shares = {"adaptive_sure": ENDS[self.end], "static_sure": ENDS[OPPOSITE[self.end]]}
        table = pd.DataFrame({"classifier": self.names}).assign(guards=self.claim.guards, **shares)
        return table.assign(detector=self.claim.detector)

    def hardened(self) -> pd.DataFrame:
        """Plain networks, and one of each seed that was trained in the way of the claim."""
        plain = pd.DataFrame({"classifier": self.names}).assign(way="plain", counterpart=None)
        other = plain.assign(classifier=plain["classifier"] + "/other", way=self.claim.way, counterpart=self.names)
        parts = [
            part.assign(log_odds=LOG_ODDS[end], excess=LOG_ODDS[end])
            for part, end in ((plain, OPPOSITE[self.end]), (other, self.end))
        ]
        return pd.concat(parts).assign(experiment=self.claim.experiment, search=self.claim.search, runs=1)

    def fooled(self) -> pd.DataFrame:
        """Random search reaches the other end."""
        rows = []
        for search, end in (("map-elites", self.end), ("random-search", OPPOSITE[self.end])):
            shares = dict.fromkeys(("above_median", "above_95th", "rejected"), ENDS[end])
            rows.append(self._far().assign(search=search, experiment=self.claim.experiment, budget=40_200, **shares))
        return pd.concat(rows, ignore_index=True)

    def ray_slopes(self) -> pd.DataFrame:
        """Linear, saturated and sure where the claim is to hold."""
        wrong = ENDS[OPPOSITE[self.end]]
        table = self._far().assign(direction="noise", sure=ENDS[self.end])
        return table.assign(slope_difference=wrong, last_change=wrong)

    def _far(self) -> pd.DataFrame:
        decay = self.claim.weight_decay or 0.0
        return pd.DataFrame({"classifier": self.names}).assign(built_as=self.claim.built_as, weight_decay=decay)

    def adversarial(self) -> pd.DataFrame:
        """Every image is misclassified where a distortion is claimed."""
        method = True if self.claim.estimand == "mean-distortion" else self.end == "high"
        rows = [
            {"classifier": name, "change": change, "unrounded_misclassified": wrong, "rms": ENDS[self.end]}
            for name in self.names
            for change, wrong in (("method", method), ("noise", self.end == "low"))
        ]
        return pd.DataFrame(rows).assign(method=self.claim.method, size=self._size())

    def adversarial_transfer(self) -> pd.DataFrame:
        pairs = pd.DataFrame(itertools.permutations(self.names[:8], 2), columns=["source", "target"])
        excess = {"low": -1.0, "high": 1.0}[self.end]
        return pairs.assign(
            relation=self.claim.relation,
            training_images=self.claim.training_images or "same",
            method=self.claim.method,
            size=self._size(),
            excess=excess,
        )

    def universal(self) -> pd.DataFrame:
        shares = {"unseen": ENDS[self.end], "random": ENDS[OPPOSITE[self.end]]}
        return self._perturbations(pd.DataFrame({"classifier": self.names}).assign(images=100, **shares))

    def universal_labels(self) -> pd.DataFrame:
        return self._perturbations(pd.DataFrame({"classifier": self.names}).assign(rank=1, share=ENDS[self.end]))

    def universal_transfer(self) -> pd.DataFrame:
        pairs = pd.DataFrame(itertools.permutations(self.names[:8], 2), columns=["source", "target"])
        excess = {"low": -1.0, "high": 1.0}[self.end]
        return self._perturbations(pairs.assign(relation=self.claim.relation, excess=excess))

    def _perturbations(self, table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(norm=self.claim.norm, size=self._size(), round=self.claim.round)

    def label_only(self) -> pd.DataFrame:
        rows = [
            {"classifier": name, "seed": 1, "search": search, "class_index": index, "confidence": ENDS[end]}
            for name in self.names
            for search, end in (("map-elites", self.end), ("random-search", OPPOSITE[self.end]))
            for index in range(2)
        ]
        return pd.DataFrame(rows).assign(label_correct=True, found_at=100)

    def label_only_transfer(self) -> pd.DataFrame:
        pairs = pd.DataFrame(itertools.permutations(self.names[:8], 2), columns=["source", "target"])
        return pairs.assign(transferred={"low": 0.0, "high": 1.0}[self.end], runs=self.units)

    def people(self) -> pd.DataFrame:
        share = {"low": 0.02, "high": 0.98}[self.end]
        block, _, foils = str(self.claim.asked).rpartition("-")
        row = {
            "block": block,
            "foils": foils,
            "network": self.names[0],
            "synthetic": False,
            "people": self.units,
            "answers": 60,
        }
        return pd.DataFrame([row | {"share": share, "low": share - 0.01, "high": share + 0.01, "upper": share + 0.01}])

    def _size(self) -> float:
        return np.nan if self.claim.size is None else self.claim.size

    def _fillings(self) -> list[tuple[str, str]]:
        return [
            (self.claim.filled_with, self.end),
            (self.claim.control_filling or "random", OPPOSITE[self.end]),
        ]

    def _runs(self) -> pd.DataFrame:
        runs = itertools.product(self.names, self.seeds)
        return pd.DataFrame(runs, columns=["classifier", "seed"])

    def _champions(self, end: str) -> pd.DataFrame:
        places: Any = np.indices((self.units, self.units, self.classes)).reshape(3, -1)
        table = {"classifier": np.array(self.names)[places[0]], "seed": self.seeds[places[1]], "class_index": places[2]}
        return pd.DataFrame(table).assign(confidence=ENDS[end], log_odds=LOG_ODDS[end])
