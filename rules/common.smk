# The study that was asked for, what all rules share, and the targets. What each rule is given stands in inputs/.

import functools
import hashlib
import importlib.util
import json
import os
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import LocalSourceFile
from snakemake.utils import validate

# Where this workflow lies. As a module of another one it may come from elsewhere: then Snakemake fetches its files, and
# the package has to be installed.
PYTHON_FILES = (
    "drawings.py",
    "environments.py",
    "folder_lock.py",
    "interruptions.py",
    "records.py",
    "study_file.py",
    "../sharing/__init__.py",
    "../sharing/provenance.py",
    "../sharing/studies.py",
)

base = workflow.current_basedir
if isinstance(base, LocalSourceFile):
    root = Path(os.path.abspath(base.get_path_or_uri(secret_free=True))).parent
    sys.path[:0] = [str(root), str(root / "src")]  # this code, whatever else is installed
else:
    root = None
    sys.path[:0] = {str(Path(workflow.source_path(file)).resolve().parents[1]) for file in PYTHON_FILES}
    if importlib.util.find_spec("fooling") is None:
        raise WorkflowError(
            "this workflow comes from elsewhere and needs its package: install `fooling` beside Snakemake"
        )

from fooling.classifiers.architectures import architecture_source, names_a_file
from fooling.datasets.fetching import MIRROR_VARIABLE, found_path
from fooling.encodings.direct_settings import DirectSettings
from fooling.errors import FoolingError
from fooling.findings.ablation import AblationSettings
from fooling.findings.ancestry import LineageSettings
from fooling.findings.ascent import AscentComparisonSettings
from fooling.findings.calibration import CalibrationSettings
from fooling.findings.class_sets import ClassSetSettings
from fooling.findings.distances import DistanceSettings
from fooling.findings.examination import ExaminationSettings
from fooling.findings.foolability import FoolabilitySettings
from fooling.findings.intervals import IntervalSettings
from fooling.findings.measurement import MeasurementSettings
from fooling.findings.retraining import RetrainingFindingsSettings
from fooling.findings.sampling import SampleSettings
from fooling.findings.tables import ThresholdSettings
from fooling.findings.transfer import TransferSettings
from fooling.fingerprint import KEPT_VARIABLE, fingerprint as fingerprint_of
from fooling.parsing import read_text
from fooling.progress import say
from fooling.retraining.plan import jobs_for, network_seed, random_images_seed, supply
from fooling.retraining.settings import PAINTED
from rules.drawings import ascents_of, chain_of, dataset_of, drawings, responses_of, runs_of, tables_of
from rules.environments import packages_digest
from rules.folder_lock import lock_alone, lock_shared, only_reads, unlocks
from rules.interruptions import end_without_traceback_on_ctrl_c, message_at_end
from rules.records import refuse_broken_records
from rules.study_file import paths_in, require_no_braces, study_from, without_wildcards
from sharing.provenance import take_up
from sharing.studies import pack_of

try:
    require_no_braces({"the folder of this repository": workflow.basedir})
    arguments = workflow.config_settings.config_args or ()
    settings, study = study_from(config, files=workflow.configfiles, arguments=arguments)
    require_no_braces(paths_in(study, mirror=os.getenv(MIRROR_VARIABLE)))
    if workflow.is_main_process and not only_reads(sys.argv) and not hasattr(workflow, "folder_lock"):
        # Held as long as the workflow lives, so that no other process unlocks its folder.
        workflow.folder_lock = lock_alone() if unlocks(sys.argv) else lock_shared()
except FoolingError as error:
    raise WorkflowError(str(error)) from None
validate(settings, "../config/schema.json", set_default=False)
if workflow.is_main_process:
    end_without_traceback_on_ctrl_c()

# A study that was pulled from the store brings the records of its results along.
if workflow.is_main_process:
    try:
        refuse_broken_records()
        take_up(pack_of(study.name))
    except FoolingError as error:
        raise WorkflowError(str(error)) from None

# Facts of the machine reach the commands as environment variables: they decide no result and are never params.
for variable, value in study.machine_variables().items():
    os.environ.setdefault(variable, value)
os.environ.setdefault(KEPT_VARIABLE, ".snakemake/fingerprints.json")

# GPUs of a job that computes on a network. With `auto` it takes what it finds, and no scheduler is asked for more.
gpus = int(os.getenv("FOOLING_DEVICE", "").startswith("cuda"))
processes = os.getenv("FOOLING_TRAINING_PROCESSES", "1")
if not processes.isdecimal():
    raise WorkflowError(f"FOOLING_TRAINING_PROCESSES is no number: {processes!r}; set it to 1 or more, or unset it")
gpus_in_training = gpus * int(processes)


# Pictures of that many pixels a side make jobs larger than those on digits.
has_large_images = any(dataset.size >= 100 for dataset in study.datasets.values())


def memory(usual, large=6000):
    """The MB that a job asks for: on large images at least 6000, the most that any has been seen to need twice over."""
    return max(usual, large) if has_large_images else usual


def minutes(usual):
    """The time that a job asks for: on large images ten times as long."""
    return 10 * usual if has_large_images else usual


# How many processes decode pictures for one that trains on them.
decoders = 8 if has_large_images else 2


def one_of(names):
    """The wildcard constraint that allows these names and no others."""
    return "|".join(map(re.escape, names)) or "(?!)"


def part(path):
    """A file of this workflow, seen from the folder in which it runs."""
    return workflow.source_path(f"../{path}") if root is None else os.path.relpath(root / path)


def part_if_any(path):
    """The same file as a list, which is empty where the workflow has no such file."""
    is_there = workflow.sourcecache.exists(base.join(f"../{path}")) if root is None else (root / path).is_file()
    return [part(path)] if is_there else []


def address(path):
    """Where a file of this workflow can be read: its path, or where the workflow comes from elsewhere its URL."""
    return base.join(f"../{path}").get_path_or_uri(secret_free=True) if root is None else part(path)


@functools.cache
def environment(name):
    """A digest of the packages in the environment of this name: another version of one can change results."""
    file = part(f"envs/{name}.yaml")
    return packages_digest(read_text(Path(file)), source=file)


def as_json(settings):
    """Settings as one JSON value, the same text for the same settings."""
    return without_wildcards(json.dumps(settings, sort_keys=True))


def repeated(name):
    """The params function that gives the option `--name` once for every input, or else output, of that name."""

    def options(wildcards, input, output):
        paths = input[name] if name in input.keys() else output[name]
        return " ".join(f"--{name.replace('_', '-')} {path}" for path in paths)

    return options


include: "inputs/datasets.smk"
include: "inputs/classifiers.smk"
include: "inputs/evolution.smk"
include: "inputs/retraining.smk"
include: "inputs/ascent.smk"
include: "inputs/findings.smk"
include: "inputs/survey.smk"
include: "inputs/figures.smk"
include: "inputs/report.smk"


def finding_files():
    """The files of all findings."""
    plain = study.plain_experiments
    per_experiment = [tables(f"{name}/{{experiment}}.parquet", study.experiments) for name in ("champions", "history")]
    per_network = [tables(f"{name}/{{classifier}}/{{experiment}}.parquet", plain) for name in ("start", "examined")]
    traced = [tables(pattern, plain) for pattern in ("lineage/{experiment}.csv", "ancestry/{experiment}.parquet")]
    of_study = [
        f"{study.results}/findings/{name}.csv"
        for name in ("classifiers", "foolability", "variance", "survival", "presets")
    ]
    kinds = ("champions.parquet", "networks.csv", "effects.csv")
    retrained = sum([tables_of_retrainings(kind) for kind in kinds], [])
    retrained += tables_of_retrainings("budget.csv", names=retrainings_with_longer_runs())
    retrained += tables_of_retrainings("refusal.csv", names=retrainings_with_refusal())
    kinds = ("shown.parquet", "pairs.csv")
    shown = sum([transfer_tables(kind) + transfer_tables_of_chains(kind) for kind in kinds], [])
    of_ascent = ascent_tables("ascent.parquet", "ascent_evaluations.csv") + ascent_sweeps()
    of_ablation = [f"{study.results}/findings/ablation_summary.csv"] if painted_experiments() else []
    compared = ("class_sets.csv", "set_classes.parquet") if study.settings.findings.class_sets else ()
    of_class_sets = [f"{study.results}/findings/{name}" for name in compared]
    return (
        sum(per_experiment + per_network + traced, [])
        + distance_tables()
        + of_study
        + retrained
        + shown
        + of_ascent
        + of_ablation
        + of_class_sets
        + answer_tables("accuracy")
    )


def claim_files():
    """The claims and what was found."""
    return [f"{study.results}/claims.csv", f"{study.results}/claims.md"]


def summary_files():
    """The study in a few numbers."""
    return [f"{study.results}/metrics.json", *curve_files()]


def everything_but_the_report():
    """All results that can be told of."""
    made = dataset_files() + classifier_files() + run_files() + retraining_files() + ascent_files()
    return made + survey_files() + finding_files() + claim_files() + summary_files() + figure_files("png", "pdf")


def report_files():
    """The page, and how the study was run."""
    return [f"{study.results}/report/index.html", f"{study.results}/run-info.json"]
