# The study that was asked for, and the functions that give rules their files and their narrow slices of the settings.

import hashlib
import json
import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

# The code beside this file is read, wherever the package may be installed.
sys.path[:0] = [str(Path(workflow.basedir)), str(Path(workflow.basedir, "src"))]

from fooling.classifiers.architectures import architecture_source
from fooling.errors import FoolingError
from fooling.findings.ablation import AblationSettings
from fooling.findings.ancestry import LineageSettings
from fooling.findings.ascent import AscentComparisonSettings
from fooling.findings.calibration import CalibrationSettings
from fooling.findings.distances import DistanceSettings
from fooling.findings.examination import ExaminationSettings
from fooling.findings.intervals import IntervalSettings
from fooling.findings.measurement import MeasurementSettings
from fooling.findings.retraining import RetrainingFindingsSettings
from fooling.findings.sampling import SampleSettings
from fooling.findings.tables import ThresholdSettings
from fooling.findings.transfer import TransferSettings
from fooling.parsing import parsed_yaml, read_text, require_reasonable
from fooling.retraining.plan import jobs_for, network_seed, random_images_seed, supply
from fooling.settings import with_exponents_read
from fooling.study.resolved import resolved_study
from rules.drawings import ascents_of, chain_of, dataset_of, drawings, runs_of, tables_of
from rules.sources import sources, sources_of_file
from sharing.provenance import take_up
from sharing.studies import pack_of


def checked_study(values):
    """The settings in a study file, and the study; what is wrong with it is said without a traceback."""
    source = " + ".join(map(str, workflow.configfiles))
    try:
        for file in workflow.configfiles:
            if not str(file).endswith(".json"):
                parsed_yaml(read_text(Path(file)), source=str(file))  # Snakemake takes the last of keys given twice
        require_reasonable(values, source=source)
        settings = with_exponents_read(values)
        return settings, resolved_study(settings, source=source)
    except FoolingError as error:
        raise WorkflowError(str(error)) from None


settings, study = checked_study(config)
validate(settings, "../config/schema.json", set_default=False)

# A study that was pulled from the store brings the records of its results along.
if workflow.is_main_process:
    take_up(pack_of(study.name))

# Facts of the machine reach the commands as environment variables: they decide no result and are never params.
for variable, value in study.machine_variables().items():
    os.environ.setdefault(variable, value)

# GPUs of a job that computes on a network. With `auto` it takes what it finds, and no scheduler is asked for more.
gpus = int(os.getenv("FOOLING_DEVICE", "").startswith("cuda"))


def one_of(names):
    """The wildcard constraint that allows these names and no others."""
    return "|".join(map(re.escape, names)) or "(?!)"


def as_json(settings):
    """Settings as one JSON value, the same text for the same settings."""
    return json.dumps(settings, sort_keys=True)


def repeated(name):
    """The params function that gives the option `--name` once for every input, or else output, of that name."""

    def options(wildcards, input, output):
        paths = input[name] if name in input.keys() else output[name]
        return " ".join(f"--{name.replace('_', '-')} {path}" for path in paths)

    return options


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


def pictures_seen(wildcards):
    """What tells that a folder's pictures changed, without reading them: a hash of their paths and sizes."""
    folder = Path(study.datasets[wildcards.dataset].path)
    found = sorted((str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(as_json(found).encode()).hexdigest()


# --- classifiers --------------------------------------------------------------------------------------------------


def classifiers_of_kind(kind):
    """Names of the study's classifiers that are `trained` or `imported`."""
    return [name for name, classifier in study.classifiers.items() if classifier.kind == kind]


def classifier_file(name):
    """The file of a classifier."""
    return f"{study.results}/classifiers/{name}.safetensors"


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
    """The files that decide what a classifier's network is; it is found by its name, so no import tells of them."""
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


def runs_of_experiment(experiment, *classifiers, searches=SEARCHES):
    """The files of an experiment's runs with their controls, on these classifiers or on all that it names."""
    settings = study.experiments[experiment].settings
    return expand(
        "{results}/evolution/{classifier}/{experiment}/seed{seed}{search}.safetensors",
        results=study.results,
        classifier=classifiers or settings.classifiers,
        experiment=experiment,
        seed=settings.seeds.values(),
        search=searches,
    )


def run_files():
    """The files of all runs."""
    return [run for experiment in study.experiments for run in runs_of_experiment(experiment)]


# --- retraining ---------------------------------------------------------------------------------------------------

retrainings = {entry.name: entry for entry in study.settings.retraining}
numbered = {chain.network(number): (chain, number) for chain in study.chains.values() for number in chain.numbers}


def networks_in_chains(encoding):
    """Names of the networks of all chains that evolve images in this encoding."""
    return [name for name, (chain, _) in numbered.items() if chain.settings.encoding.kind == encoding]


def chains_filled_with(filled_with, *, encoding=None):
    """Names of the chains with this filling, and in this encoding if one is named."""
    return [
        name
        for name, chain in study.chains.items()
        if chain.filled_with == filled_with and encoding in (None, chain.settings.encoding.kind)
    ]


def network_file(name):
    """The file of a network of a chain."""
    chain, number = numbered[name]
    return classifier_file(chain.first) if number == 1 else f"{study.results}/retraining/{name}.safetensors"


def runs_against(name, jobs):
    """The files of the runs that these jobs make against a network of a chain."""
    return [f"{study.results}/retraining/{name}/runs{job}.safetensors" for job in jobs]


def classifier_in_chain(wildcards):
    """The network of a chain that is to be fooled."""
    return network_file(wildcards.network)


def architecture_in_chain(wildcards):
    """The files that decide what the networks of its chain are."""
    return architecture_of(numbered[wildcards.network][0].first)


def evolution_in_chain(wildcards):
    """The settings of the runs against a network of a chain."""
    return as_json(numbered[wildcards.network][0].settings.evolution())


def seeds_in_chain(wildcards):
    """The options that name the seeds of one job."""
    chain, number = numbered[wildcards.network]
    block = chain.blocks(number)[int(wildcards.block)]
    return f"--first-seed {block.first_seed} --runs {block.runs}"


def dataset_of_chain(wildcards):
    """The data set that the networks of a chain are trained on."""
    return dataset_file(study.classifiers[study.chains[wildcards.chain].first].dataset)


def architecture_of_chain(wildcards):
    """The files that decide what the networks of a chain are."""
    return architecture_of(study.chains[wildcards.chain].first)


def supply_settings(wildcards):
    """How many runs supply fooling images after a network."""
    return as_json(supply(study.chains[wildcards.chain].settings, int(wildcards.number)).model_dump(mode="json"))


def runs_that_supply(wildcards):
    """The runs whose champions are fooling images."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    return runs_against(chain.network(number), jobs_for(supply(chain.settings, number).runs))


def paint_settings(wildcards):
    """How many random images of which encoding stand for the champions of a network."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    sizes = supply(chain.settings, number).model_dump(mode="json")
    seed = random_images_seed(chain.settings, chain.first, number)
    return as_json(sizes | {"encoding": chain.settings.evolution()["encoding"], "seed": seed})


def fooling_images_so_far(wildcards):
    """The fooling images that all networks before this one supplied."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    before = range(1, number) if chain.filled_with != "nothing" else ()
    return [f"{study.results}/retraining/{chain.name}/images{other}.safetensors" for other in before]


def retrain_settings(wildcards):
    """The settings of a retrained network: those of the first one with another seed, and its place in the chain."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    seed = network_seed(chain.settings, chain.first, number)
    network = study.classifiers[chain.first].section() | {"seed": seed}
    return as_json({"network": network, "first": chain.first, "filled_with": chain.filled_with, "number": number})


def retraining_files():
    """The files of all retrained networks and of the runs against them."""
    networks = [network_file(name) for name in numbered]
    runs = [runs_against(name, chain.blocks(number)) for name, (chain, number) in numbered.items()]
    return sum(runs, networks)


# --- gradient ascent ----------------------------------------------------------------------------------------------


def ascent_settings(wildcards):
    """The settings of a gradient ascent."""
    return as_json(study.ascents[wildcards.setting].section())


def ascent_files():
    """The files of all gradient ascents."""
    return [file for name in study.classifiers for file in study.ascents_on(name)]


def ascent_tables(*names):
    """These tables of the gradient ascents, where the study has any."""
    return [f"{study.results}/findings/{name}" for name in names] if study.ascents else []


def ascent_curves():
    """The curves of the gradient ascents: one table for each classifier that has any, in the order of their names."""
    ascended = sorted(name for name in study.classifiers if study.ascents_on(name))
    return ascent_tables(*[f"ascent_curves/{name}.parquet" for name in ascended])


# --- findings -----------------------------------------------------------------------------------------------------


def evolved_runs(wildcards):
    """The runs of an experiment without their controls."""
    return runs_of_experiment(wildcards.experiment, searches=SEARCHES[:1])


def classifiers_shown(wildcards):
    """The networks that are shown the images of an experiment: all of its data set."""
    return [classifier_file(name) for name in study.classifiers_beside(wildcards.experiment)]


def architectures_shown(wildcards):
    """The files that decide what these networks are."""
    return sorted({file for name in study.classifiers_beside(wildcards.experiment) for file in architecture_of(name)})


def networks_of_chain(wildcards):
    """The networks of a chain."""
    chain = study.chains[wildcards.chain]
    return [network_file(chain.network(number)) for number in chain.numbers]


def measured_runs_in_chain(wildcards):
    """How many runs tell how easily each network of a chain is fooled."""
    return study.chains[wildcards.chain].settings.measured_runs


def measured_runs_of_chain(wildcards):
    """The runs that tell how easily the networks of a chain are fooled."""
    chain, jobs = study.chains[wildcards.chain], jobs_for(measured_runs_in_chain(wildcards))
    return sum([runs_against(chain.network(number), jobs) for number in chain.numbers], [])


def transfer_tables(kind):
    """One table of every experiment whose images more than one network can be shown."""
    shown = [name for name in study.plain_experiments if len(study.classifiers_beside(name)) > 1]
    return [f"{study.results}/findings/transfer/{name}.{kind}" for name in shown]


def transfer_tables_of_chains(kind):
    """One table of every chain that learns champions."""
    return [f"{study.results}/findings/transfer/{name}.{kind}" for name in chains_filled_with("champions")]


def tables_of_retrainings(kind):
    """One table of every retraining."""
    return [f"{study.results}/findings/retraining/{name}.{kind}" for name in retrainings]


def networks_of(retraining):
    """The names of all networks of a retraining, those of one chain after the other."""
    return [name for name, (chain, _) in numbered.items() if chain.settings.name == retraining]


def networks_of_retraining(wildcards):
    """The files of all networks of a retraining."""
    return [network_file(name) for name in networks_of(wildcards.retraining)]


def measured_runs(wildcards):
    """How many runs tell how easily each network of a retraining is fooled."""
    return retrainings[wildcards.retraining].measured_runs


def measured_runs_of_retraining(wildcards):
    """The runs that tell how easily the networks of a retraining are fooled."""
    jobs = jobs_for(measured_runs(wildcards))
    return sum([runs_against(name, jobs) for name in networks_of(wildcards.retraining)], [])


def findings_settings(section):
    """The part of the findings' settings that a command's class knows."""
    return as_json(study.findings(section))


def runs_to_trace(wildcards):
    """The runs of an experiment without their controls, whose parents are no champions."""
    return runs_of_experiment(wildcards.experiment, searches=[""])


def runs_to_measure(wildcards):
    """The runs on a classifier without their controls, in the experiments that are run as they stand."""
    return [run for _, run in _measured(wildcards.classifier)]


def runs_to_measure_options(wildcards):
    """The options that name these runs, each with its experiment."""
    return " ".join(f"--runs {name}={run}" for name, run in _measured(wildcards.classifier))


def _measured(classifier):
    named = [name for name, plain in study.plain_experiments.items() if classifier in plain.settings.classifiers]
    return [(name, run) for name in named for run in runs_of_experiment(name, classifier, searches=[""])]


def runs_to_tabulate(wildcards):
    """All runs of an experiment."""
    return runs_of_experiment(wildcards.experiment)


def runs_to_examine(wildcards):
    """The runs of an experiment on one classifier."""
    return runs_of_experiment(wildcards.experiment, wildcards.classifier)


def runs_to_ablate(wildcards):
    """The runs of an experiment on one classifier, without their controls."""
    return [run for run in runs_to_examine(wildcards) if Path(run).stem == Path(run).name.partition(".")[0]]


def painted_experiments():
    """The plain experiments in the CPPN encoding: their champions may hold repeated elements."""
    return [name for name in study.plain_experiments if name in experiments_in("cppn")]


def ablation_tables():
    """What removals do to the champions of these experiments: one table for each and each of its classifiers."""
    return tables("ablation/{classifier}/{experiment}.parquet", painted_experiments())


def independent_of_classifier(wildcards):
    """The independent network that a classifier names, with the files that decide it; nothing where it names none."""
    name = study.classifiers[wildcards.classifier].independent
    return [] if name is None else [classifier_file(name), *architecture_of(name)]


def independent_option(wildcards, input):
    """The option that names the independent network."""
    return f"--independent {input.independent[0]}" if input.independent else ""


def sample_settings(wildcards):
    """How many random images of which encoding are shown, and in which form."""
    evolution = study.experiments[wildcards.experiment].evolution()
    shown = {"encoding": evolution["encoding"], "scoring_input": evolution["search"]["scoring_input"]}
    return as_json(study.findings(SampleSettings) | shown)


def curve_files():
    """The curve of every plain experiment."""
    return expand("{results}/curves/{name}.csv", results=study.results, name=study.plain_experiments)


def comparison_settings(wildcards):
    """Which experiments are compared with which, and how intervals are made."""
    return as_json(study.findings(IntervalSettings) | {"comparisons": study.comparisons})


def tables(pattern, experiments):
    """The tables of these experiments: one each, or one for each of its classifiers where the pattern asks for it."""
    pairs = [(name, classifier) for name in experiments for classifier in study.experiments[name].settings.classifiers]
    files = [f"{study.results}/findings/{pattern}".format(experiment=name, classifier=other) for name, other in pairs]
    return list(dict.fromkeys(files))


# --- figures ------------------------------------------------------------------------------------------------------

figures = drawings(study)

# The captions in the workflow's own report read these.
config["captions"] = {name: drawing.declared.caption for name, drawing in figures.items()}


def module_of_figure(wildcards):
    """The module that draws a figure."""
    return figures[wildcards.figure].figure


def code_of_figure(wildcards):
    """The files that decide how a figure is drawn; its module is found by name, so no import tells of it."""
    return sources("fooling.cli.draw", f"fooling.figures.{figures[wildcards.figure].figure}")


def tables_of_figure(wildcards):
    """The tables that a figure shows."""
    return list(dict.fromkeys(path for _, path in tables_of(figures[wildcards.figure], study)))


def runs_of_figure(wildcards):
    """The runs that a figure shows."""
    return runs_of(figures[wildcards.figure], study)


def batches_of_figure(wildcards):
    """The runs against the networks of a chain that a figure shows."""
    drawing = figures[wildcards.figure]
    chain = chain_of(drawing, study)
    return (
        []
        if chain is None or not drawing.declared.batches
        else sum([runs_against(chain.network(number), [1]) for number in chain.numbers], [])
    )


def ascents_of_figure(wildcards):
    """The gradient ascents that a figure shows."""
    return ascents_of(figures[wildcards.figure], study)


def dataset_of_figure(wildcards):
    """The data set that a figure shows."""
    name = dataset_of(figures[wildcards.figure], study)
    return [] if name is None else dataset_file(name)


def inputs_of_figure(wildcards):
    """The options that name what a figure is drawn from."""
    drawing = figures[wildcards.figure]
    named = [f"--tables {name}={path}" for name, path in tables_of(drawing, study)]
    named += [f"--runs {path}" for path in runs_of(drawing, study)]
    named += [f"--batches {path}" for path in batches_of_figure(wildcards)]
    named += [f"--ascents {path}" for path in ascents_of(drawing, study)]
    named += [f"--dataset {dataset_file(name)}" for name in [dataset_of(drawing, study)] if name is not None]
    return " ".join(named)


def figure_settings(wildcards):
    """The options that a figure has."""
    options = set(figures[wildcards.figure].declared.options)
    return as_json(study.settings.figures.model_dump(mode="json", include=options))


def figure_files(*kinds):
    """The files of all figures, in these kinds."""
    return expand("{results}/figures/{figure}.{kind}", results=study.results, figure=figures, kind=kinds)


# --- report -------------------------------------------------------------------------------------------------------

galleries = {drawing.experiment: drawing for drawing in figures.values() if drawing.figure == "gallery"}


def gallery_runs():
    """The runs that the page shows: those of the galleries."""
    return [run for gallery in galleries.values() for run in runs_of(gallery, study)]


def gallery_options():
    """The options that name these runs, each with its experiment."""
    named = [(name, run) for name, gallery in galleries.items() for run in runs_of(gallery, study)]
    return " ".join(f"--runs {name}={run}" for name, run in named)


# --- targets ------------------------------------------------------------------------------------------------------


def finding_files():
    """The files of all findings."""
    plain = study.plain_experiments
    per_experiment = [tables(f"{name}/{{experiment}}.parquet", study.experiments) for name in ("champions", "history")]
    per_network = [tables(f"{name}/{{classifier}}/{{experiment}}.parquet", plain) for name in ("start", "examined")]
    traced = [tables(pattern, plain) for pattern in ("lineage/{experiment}.csv", "ancestry/{experiment}.parquet")]
    measured = [tables("distances/{classifier}.parquet", plain)]
    of_study = [f"{study.results}/findings/{name}.csv" for name in ("classifiers", "variance", "survival", "presets")]
    kinds = ("champions.parquet", "networks.csv", "effects.csv")
    retrained = sum([tables_of_retrainings(kind) for kind in kinds], [])
    kinds = ("shown.parquet", "pairs.csv")
    shown = sum([transfer_tables(kind) + transfer_tables_of_chains(kind) for kind in kinds], [])
    of_ascent = ascent_tables("ascent.parquet", "ascent_evaluations.csv")
    of_ablation = [f"{study.results}/findings/ablation_summary.csv"] if painted_experiments() else []
    return (
        sum(per_experiment + per_network + traced + measured, [])
        + of_study
        + retrained
        + shown
        + of_ascent
        + of_ablation
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
    return made + finding_files() + claim_files() + summary_files() + figure_files("png", "pdf")


def report_files():
    """The page, and how the study was run."""
    return [f"{study.results}/report/index.html", f"{study.results}/run-info.json"]
