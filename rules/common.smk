# Read the study, and create the objects that provide the inputs and params of the rules. Their classes are in the Python
# modules beside these files.

import functools
import importlib.util
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import LocalSourceFile
from snakemake.utils import validate

# The modules of this folder. If another workflow imports this one from a remote repository, Snakemake fetches these
# files, and the package must be installed.
MODULES = (
    "attacks",
    "classifiers",
    "detectors",
    "drawings",
    "findings",
    "page",
    "parts",
    "priorities",
    "process",
    "retraining",
    "run_output",
    "steps",
    "study_file",
    "survey",
)

base = workflow.current_basedir
root = (
    Path(os.path.abspath(base.get_path_or_uri(secret_free=True))).parent if isinstance(base, LocalSourceFile) else None
)


def part(path):
    """Return the path of a file of this workflow, relative to the working directory."""
    return workflow.source_path(f"../{path}") if root is None else os.path.relpath(root / path)


def part_if_any(path):
    """Return the same path as a list; empty if the workflow has no such file."""
    exists = workflow.sourcecache.exists(base.join(f"../{path}")) if root is None else (root / path).is_file()
    return [part(path)] if exists else []


def address(path):
    """Return the path of a file of this workflow; its URL if the workflow is remote."""
    return base.join(f"../{path}").get_path_or_uri(secret_free=True) if root is None else part(path)


def find_modules(*files):
    """Make the packages that hold these files of the workflow importable."""
    sys.path[:0] = sorted({str(Path(part(file)).resolve().parents[1]) for file in files})


find_modules(*(f"rules/{name}.py" for name in MODULES))
if root is not None:
    sys.path.insert(0, str(root / "src"))  # use this code even if another version is installed
elif importlib.util.find_spec("fooling") is None:
    raise WorkflowError("a remote workflow needs its package: install `fooling` in the environment of Snakemake")

from fooling.datasets.fetching import MIRROR_VARIABLE
from fooling.findings.detectors import NONE
from fooling.fingerprint import KEPT_VARIABLE, fingerprint
from fooling.inputs import read_text
from rules.attacks import Attacks, Audits, Experiments
from rules.classifiers import Classifiers, Datasets
from rules.detectors import Guards
from rules.drawings import Figures
from rules.findings import Findings
from rules.page import Page, folder_of
from rules.parts import Parts
from rules.priorities import SHOWN, Priorities
from rules.process import (
    end_without_traceback_on_ctrl_c,
    lock_alone,
    lock_shared,
    message_at_end,
    only_reads,
    unlocks,
    without_traceback,
)
from rules.retraining import Chains, Retrainings
from rules.run_output import expect, found, found_by_audits, makes, remove_draft, write_draft
from rules.steps import Needs, by_wildcards, of_each, one_of, named_files, options, packages_digest, parent_of
from rules.study_file import paths_in, require_no_braces, study_from
from rules.survey import HumanStudy

with without_traceback():
    require_no_braces({"the folder of this repository": workflow.basedir})
    arguments = workflow.config_settings.config_args or ()
    settings, study = study_from(config, files=workflow.configfiles, arguments=arguments)
    require_no_braces(paths_in(study, mirror=os.getenv(MIRROR_VARIABLE)))
    if workflow.is_main_process and not only_reads(sys.argv) and not hasattr(workflow, "folder_lock"):
        # Held until the workflow ends, so that no other process unlocks its folder.
        workflow.folder_lock = lock_alone() if unlocks(sys.argv) else lock_shared()
validate(settings, "../config/schema.json", set_default=False)
if workflow.is_main_process:
    end_without_traceback_on_ctrl_c()

# Settings of the machine do not decide results. They reach the commands as environment variables, never as params.
for variable, value in study.machine_variables().items():
    os.environ.setdefault(variable, value)
os.environ.setdefault(KEPT_VARIABLE, ".snakemake/fingerprints.json")

with without_traceback():
    needs = Needs(study, os.environ)
memory, minutes, gpus, gpus_in_training = needs.memory, needs.minutes, needs.gpus, needs.gpus_in_training

datasets = Datasets(study)
classifiers = Classifiers(study, datasets)
experiments = Experiments(study)
attacks = Attacks(study)
audits = Audits(study)
chains = Chains(study, classifiers)
retrainings = Retrainings(study, chains)
guards = Guards(study, classifiers)
human_study = HumanStudy(study, experiments)
findings = Findings(study, experiments, attacks, audits, retrainings, guards, human_study)
figures = Figures(study, datasets, chains, human_study)
report_page = Page(study, datasets)
tables = findings.tables
parts = Parts(study, experiments)
priorities = Priorities(study)

# The captions of figures in Snakemake's own report (docs/captions) read these.
config["captions"] = figures.captions()

# The record that the report shows beside the results of the study: its checksums stand for its other files. A remote
# workflow has none, because Snakemake fetches single files.
recorded_study = part_if_any("docs/results/mnist/record.json") if root is not None else []

everything_but_the_report = [
    *(
        file
        for each in (datasets, classifiers, experiments, chains, attacks, audits, guards, human_study, findings)
        for file in each.files()
    ),
    *findings.conclusions(),
    *figures.files(),
    *report_page.replays(),
]


@functools.cache
def environment(name):
    """Return a digest of the packages in an environment, which can change results."""
    file = part(f"envs/{name}.yaml")
    return packages_digest(read_text(Path(file)), source=file)
