# The study that was asked for, and the functions that give rules their files and their narrow slices of the settings.

import json
import os
import re
import sys
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

# The code beside this file is read, wherever the package may be installed.
sys.path[:0] = [str(Path(workflow.basedir)), str(Path(workflow.basedir, "src"))]

from fooling.classifiers.architectures import architecture_source
from fooling.errors import FoolingError
from fooling.figures.catalogue import FIGURES
from fooling.settings import with_exponents_read
from fooling.study.resolved import resolved_study
from rules.sources import sources, sources_of_file


def checked_study(config):
    """The study in `config`; what is wrong with it is said without a traceback."""
    try:
        return resolved_study(config, source=" + ".join(map(str, workflow.configfiles)))
    except FoolingError as error:
        raise WorkflowError(str(error)) from None


config = with_exponents_read(config)
study = checked_study(config)
validate(config, "../config/schema.json", set_default=False)

# Facts of the machine reach the commands as environment variables: they decide no result and are never params.
for variable, value in study.machine_variables().items():
    os.environ.setdefault(variable, value)


def one_of(names):
    """The wildcard constraint that allows these names and no others."""
    return "|".join(map(re.escape, names)) or r"(?!)"


def as_json(settings):
    """Settings as one JSON value, the same text for the same settings."""
    return json.dumps(settings, sort_keys=True)


# --- data sets ----------------------------------------------------------------------------------------------------


def datasets_of_kind(kind):
    """Names of the study's data sets of this kind."""
    return [name for name, dataset in study.datasets.items() if dataset.kind == kind]


def dataset_file(name):
    """The file of a data set."""
    return f"results/datasets/{name}.safetensors"


def dataset_files():
    """The files of all data sets."""
    return [dataset_file(name) for name in study.datasets]


def dataset_settings(wildcards):
    """The settings of a data set."""
    return as_json(study.datasets[wildcards.dataset].section())


# --- classifiers --------------------------------------------------------------------------------------------------


def classifiers_of_kind(kind):
    """Names of the study's classifiers that are `trained` or `imported`."""
    return [name for name, classifier in study.classifiers.items() if classifier.kind == kind]


def classifier_file(name):
    """The file of a classifier."""
    return f"<results>/classifiers/{name}.safetensors"


def classifier_files():
    """The files of all classifiers."""
    return [classifier_file(name) for name in study.classifiers]


def classifier_settings(wildcards):
    """The settings of a classifier."""
    return as_json(study.classifiers[wildcards.classifier].section())


def dataset_of_classifier(wildcards):
    """The data set that a classifier is trained or tested on."""
    return dataset_file(study.classifiers[wildcards.classifier].dataset)


def weights_of_classifier(wildcards):
    """The weights that an imported classifier is given."""
    return str(study.classifiers[wildcards.classifier].weights)


def architecture_of(name):
    """The files that decide what a classifier's network is; they are found by its name, not by an import."""
    return sources_of_file(architecture_source(study.classifiers[name].architecture))


def architecture_of_classifier(wildcards):
    """The files that decide what the network of the classifier is."""
    return architecture_of(wildcards.classifier)


# --- evolution ----------------------------------------------------------------------------------------------------

SEARCHES = ("", ".random-search", ".drift")  # a run and its controls


def experiments_in(encoding):
    """Names of the experiments in this encoding."""
    return [name for name, experiment in study.experiments.items() if experiment.encoding == encoding]


def evolution_settings(wildcards):
    """The settings of an experiment's runs."""
    return as_json(study.experiments[wildcards.experiment].evolution())


def runs_of(experiment, *, classifiers=None):
    """The files of an experiment's runs with their controls, on all its classifiers or on these."""
    settings = study.experiments[experiment].settings
    return expand(
        "<results>/evolution/{classifier}/{experiment}/seed{seed}{search}.safetensors",
        classifier=settings.classifiers if classifiers is None else classifiers,
        experiment=experiment,
        seed=settings.seeds.values(),
        search=SEARCHES,
    )


def run_files():
    """The files of all runs."""
    return [run for experiment in study.experiments for run in runs_of(experiment)]
