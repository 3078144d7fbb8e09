"""Estimands of random and real images, inputs far from the data, and champions changed or beside real images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fooling.claims.estimand import Context, NotRun, estimand
from fooling.findings.boundary import REAL_IMAGE, START, distance_ratio
from fooling.findings.intervals import Estimate, estimated_mean, estimated_share, probability_of, run_grid
from fooling.findings.stress import survival_over_real

LINEAR = 0.01  # largest relative difference between the measured slope and that of the theorem
SATURATED = 0.01  # largest change of the log-odds over the last doubling of the factor
ABOVE = {"median": "above_median", "95th percentile": "above_95th"}  # columns of the table ``fooled``
NEEDS, TAKES = ("built_as",), ("weight_decay",)


@estimand(
    "mean over the classifiers of the median over the classes of the log-odds of the best random image of the family "
    "{random_images}, minus that of as many random CPPNs",
    needs=("random_images",),
)
def family_gain_in_log_odds(context: Context) -> Estimate:
    """One value for each classifier, with the same number of images of both families."""
    chosen, cppns = _medians(context, str(context.filter.random_images)), _medians(context, "cppn")
    both = (chosen - cppns).dropna()
    if both.empty:
        raise NotRun(f"no classifier of {context.dataset} was shown both families")
    gains = np.asarray(both, dtype=np.float64)[:, None]
    return estimated_mean(gains, level=context.settings.confidence_level, nested=True)


@estimand(
    "median over the classes of the confidence in the best random image of the family {random_images}, averaged over "
    "classifiers",
    needs=("random_images",),
)
def median_of_random_images(context: Context) -> Estimate:
    """One value for each classifier."""
    medians = np.asarray(_medians(context, str(context.filter.random_images)), dtype=np.float64)[:, None]
    return estimated_mean(medians, level=context.settings.confidence_level, nested=True, back=probability_of)


@estimand(
    "share of the champions with their class as label that keep it after the change {change} of strength {strength}, "
    "minus the same share of correctly classified real images",
    needs=("experiment", "change", "strength"),
)
def survival_over_real_images(context: Context) -> Estimate:
    """Positive if champions survive the change more often than real images."""
    rows = context.of_experiment(context.tables.robustness)
    change, strength = str(context.filter.change), context.filter.strength
    assert strength is not None
    if not ((rows["change"] == change) & (rows["strength"] == strength)).any():
        raise NotRun(f"the study has no change {change} of strength {strength:g}")
    return survival_over_real(rows, change=change, strength=strength, level=context.settings.confidence_level)


@estimand(
    "share of the champions whose logit of their class exceeds that of every real test image",
)
def share_supernormal(context: Context) -> Estimate:
    """Only classifiers that give logits."""
    rows = context.known(context.of_experiment(context.tables.supernormal), "beyond_logit")
    beyond = run_grid(
        rows.assign(beyond_logit=rows["beyond_logit"].astype(float)), "beyond_logit", within_run="class_index"
    )
    return context.share(beyond == 1)


@estimand(
    "median distance of the champions to the nearest decision boundary, as a multiple of that of correctly classified "
    "real test images, geometric mean over the classifiers",
)
def boundary_distance_over_real(context: Context) -> Estimate:
    """Above 1 if champions lie deeper in the region of their class than real images."""
    return _distance_ratio(context, REAL_IMAGE)


@estimand(
    "median distance of the champions to the nearest decision boundary, as a multiple of that of the best images of "
    "the random starts, geometric mean over the classifiers",
)
def boundary_distance_over_start(context: Context) -> Estimate:
    """Above 1 if evolution leads away from the boundary."""
    return _distance_ratio(context, START)


def _distance_ratio(context: Context, kind: str) -> Estimate:
    table = context.tables.boundary
    rows = table if table.empty else table[table["classifier"].isin(context.networks()["classifier"])]
    level, found = context.settings.confidence_level, None
    if not rows.empty:
        found = distance_ratio(rows, experiment=str(context.filter.experiment), kind=kind, level=level)
    if found is None:
        raise NotRun(f"no distances of {context.filter.experiment} to the boundary on classifiers of {context.dataset}")
    return found


def _medians(context: Context, family: str) -> pd.Series[float]:
    """Return the median log-odds over the classes of the best images of a family, by classifier."""
    table = context.tables.families
    if len(table):
        table = table[table["classifier"].isin(context.networks()["classifier"]) & (table["family"] == family)]
    if table.empty:
        raise NotRun(f"no random images of the family {family} were shown to classifiers of {context.dataset}")
    return table.groupby("classifier")["log_odds"].median()


@estimand(
    "mean over the classifiers of the share of random inputs from N(0, I) that get a class with more than 50 %",
    needs=NEEDS,
    takes=TAKES,
)
def rubbish_share(context: Context) -> Estimate:
    """One value for each classifier; the inputs are not clipped to images."""
    return _mean(context, "rubbish_share")


@estimand(
    "mean over the classifiers of the mean confidence in those random inputs from N(0, I) that get a class with more "
    "than 50 %",
    needs=NEEDS,
    takes=TAKES,
)
def confidence_in_rubbish(context: Context) -> Estimate:
    """One value for each classifier with such inputs."""
    return _mean(context, "mistaken_confidence")


@estimand(
    "mean over the chains of the share of random inputs from N(0, I) that get a class with more than 50 %, of network "
    "{network} minus that of the first network",
    needs=("retraining", "network"),
    takes=("filled_with",),
)
def change_of_rubbish_share(context: Context) -> Estimate:
    """One value for each chain; a fooling class counts as no mistake."""
    chosen, rubbish = context.filter, context.tables.rubbish
    if not rubbish.empty:
        rubbish = rubbish[~rubbish["clipped"].astype(bool)]
        first = rubbish[rubbish["number"] == 1].set_index("classifier")["rubbish_share"]
        later = rubbish[(rubbish["retraining"] == chosen.retraining) & (rubbish["number"] == chosen.network)]
        later = later[(later["filled_with"] == chosen.filled_with) & later["first"].isin(first.index)]
        rubbish = later[later["first"].isin(context.networks()["classifier"])]
    if rubbish.empty:
        raise NotRun(f"no random inputs on the networks of a retraining {chosen.retraining} of {context.dataset}")
    changes = rubbish["rubbish_share"].to_numpy(dtype=np.float64) - first[rubbish["first"]].to_numpy(dtype=np.float64)
    level = context.settings.confidence_level
    return estimated_mean(changes[:, None], level=level, nested=True, unit="chain", within=(-1, 1))


@estimand(
    "share of the rays along which the log-odds grow, at the largest factor, at the rate of their gradient (to 1 %)",
    needs=NEEDS,
    takes=TAKES,
)
def share_of_linear_rays(context: Context) -> Estimate:
    """Rays that are not clipped to images."""
    rays = _rays(context)
    return _share(context, rays.assign(holds=rays["slope_difference"] <= LINEAR))


@estimand(
    "share of the rays along which the log-odds change by less than .01 over the last doubling of the factor",
    needs=NEEDS,
    takes=TAKES,
)
def share_of_saturated_rays(context: Context) -> Estimate:
    """Rays that are not clipped to images."""
    rays = _rays(context)
    return _share(context, rays.assign(holds=rays["last_change"].abs() < SATURATED))


@estimand(
    "share of the rays with at least the threshold as confidence at the largest factor",
    needs=NEEDS,
    takes=TAKES,
)
def share_of_sure_rays(context: Context) -> Estimate:
    """Rays that are not clipped to images."""
    return _share(context, _rays(context).rename(columns={"sure": "holds"}))


@estimand(
    "mean over the classifiers of the share of the classes whose champion has higher log-odds than the {real_images} "
    "of the correctly classified real test images",
    needs=("experiment",),
    takes=("search", "real_images", "built_as", "weight_decay"),
)
def classes_above_real_images(context: Context) -> Estimate:
    """One value for each classifier, at the end of its runs; equal log-odds are not higher."""
    shares = _of_champions(context, context.filter.search, ABOVE[context.filter.real_images])
    return estimated_share(np.asarray(shares)[:, None], level=context.settings.confidence_level, nested=True)


@estimand(
    "the same share under evolution minus that under random search with as many evaluations, for the {real_images}",
    needs=("experiment",),
    takes=("real_images", "built_as", "weight_decay"),
)
def classes_above_beside_random_search(context: Context) -> Estimate:
    """One value for each classifier."""
    column = ABOVE[context.filter.real_images]
    evolved, random = (_of_champions(context, name, column) for name in ("map-elites", "random-search"))
    gains = np.asarray((evolved - random).dropna(), dtype=np.float64)[:, None]
    if not len(gains):
        raise NotRun("no classifier has both searches")
    return estimated_mean(gains, level=context.settings.confidence_level, nested=True, within=(-1, 1))


@estimand(
    "mean over the classifiers of the share of the champions that a bound on the log-odds rejects, below which 5 % of "
    "the correctly classified real test images lie",
    needs=("experiment",),
    takes=("search", "built_as", "weight_decay"),
)
def champions_rejected(context: Context) -> Estimate:
    """One value for each classifier, at the end of its runs."""
    shares = _of_champions(context, context.filter.search, "rejected")
    return estimated_share(np.asarray(shares)[:, None], level=context.settings.confidence_level, nested=True)


def _of_champions(context: Context, search: str, column: str) -> pd.Series[float]:
    """Return a share of the table ``fooled`` by classifier, at the largest budget."""
    chosen, rows = context.filter, context.tables.fooled
    if not rows.empty:
        rows = rows[rows["classifier"].isin(context.networks()["classifier"]) & (rows["search"] == search)]
        rows = rows[(rows["experiment"] == chosen.experiment) & rows[column].notna()]
        rows = rows if chosen.built_as is None else rows[rows["built_as"] == chosen.built_as]
        rows = rows if chosen.weight_decay is None else rows[rows["weight_decay"] == chosen.weight_decay]
    if rows.empty:
        raise NotRun(f"no {search} of {chosen.experiment} beside real images on classifiers of {context.dataset}")
    last = rows.sort_values("budget").drop_duplicates("classifier", keep="last")
    return last.set_index("classifier")[column].astype("float64")


def _mean(context: Context, column: str) -> Estimate:
    rows = _chosen(context, context.tables.rubbish)
    if not rows.empty:
        rows = rows[~rows["clipped"].astype(bool) & (rows["number"] == 1) & rows[column].notna()]
    if rows.empty:
        raise NotRun(f"no random inputs on such classifiers of {context.dataset}, or none gets a class")
    values = rows[column].to_numpy(dtype=np.float64)[:, None]
    return estimated_mean(values, level=context.settings.confidence_level, nested=True, within=(0, 1))


def _rays(context: Context) -> pd.DataFrame:
    rows = _chosen(context, context.tables.ray_slopes)
    if rows.empty:
        raise NotRun(f"no rays of such classifiers of {context.dataset}")
    return rows


def _share(context: Context, rays: pd.DataFrame) -> Estimate:
    shares = rays.groupby("classifier", sort=False)["holds"].mean().to_numpy(dtype=np.float64)[:, None]
    return estimated_share(shares, level=context.settings.confidence_level, nested=True)


def _chosen(context: Context, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the classifiers of the claim."""
    if table.empty:
        return table
    chosen = context.filter
    rows = table[table["classifier"].isin(context.networks()["classifier"]) & (table["built_as"] == chosen.built_as)]
    return rows if chosen.weight_decay is None else rows[rows["weight_decay"] == chosen.weight_decay]


@estimand(
    "median over the runs of each run's median distance to the nearest training image, in features, divided "
    "by that of real images",
)
def feature_distance_ratio(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.median_ratio(np.median(context.distances("feature_ratio"), axis=2))


@estimand(
    "share of the champions that are farther from the training images, in pixels, than 99 % of real images",
)
def share_beyond_in_pixels(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.share(context.distances("pixel_beyond") == 1)


@estimand(
    "share of the champions that are farther from the training images, in features, than 99 % of real images",
)
def share_beyond_in_features(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.share(context.distances("feature_beyond") == 1)


@estimand(
    "median over the runs of each run's median distance to the nearest training image, in pixels, divided by "
    "that of its random start, averaged over classifiers",
)
def distance_over_start(context: Context) -> Estimate:
    """Champions compared with those of the random start of the same run, in pixels."""
    rows = context.of_experiment(context.tables.distances)
    start = np.median(run_grid(rows[rows["kind"] == "start"], "pixel_distance", within_run="image"), axis=2)
    if (start == 0).any():
        raise NotRun("the random start of a run consists of training images")
    return context.median_ratio(np.median(context.distances("pixel_distance"), axis=2) / start)


@estimand(
    "median confidence in real test images, averaged over classifiers",
    needs=("architecture",),
)
def median_in_real_images(context: Context) -> Estimate:
    """One value for each classifier, for all test images."""
    return _median_in(context, _real_images(context))


@estimand(
    "median confidence in correctly classified real test images, averaged over classifiers",
    needs=("architecture",),
)
def median_in_images_judged_rightly(context: Context) -> Estimate:
    """One value for each classifier, for the test images that it classifies correctly."""
    real = _real_images(context)
    return _median_in(context, real[real["label"] == real["predicted"]])


@estimand(
    "median confidence in misclassified real test images, averaged over classifiers",
    needs=("architecture",),
)
def median_in_images_judged_wrongly(context: Context) -> Estimate:
    """One value for each classifier, for the test images that it misclassifies."""
    real = _real_images(context)
    return _median_in(context, real[real["label"] != real["predicted"]])


def _real_images(context: Context) -> pd.DataFrame:
    return context.tables.real[context.tables.real["classifier"].isin(context.networks()["classifier"])]


def _median_in(context: Context, real: pd.DataFrame) -> Estimate:
    if real.empty:
        raise NotRun(f"no such real test image of {context.dataset}")
    medians = real.groupby("classifier")["log_odds"].median().to_numpy(dtype=np.float64)[:, None]
    return estimated_mean(medians, level=context.settings.confidence_level, nested=True, back=probability_of)
