# What the rules of the findings are given: files and narrow slices of the settings.


def evolved_runs(wildcards):
    """The runs of an experiment without their controls."""
    return runs_of_experiment(wildcards.experiment, searches=SEARCHES[:1])


def classifiers_beside_experiment(wildcards):
    """Names of the networks that are shown the images of an experiment: all of its data set."""
    return study.classifiers_beside(wildcards.experiment)


def classifiers_shown(wildcards):
    """The files of these networks."""
    return [classifier_file(name) for name in classifiers_beside_experiment(wildcards)]


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


def tables_of_retrainings(kind, *, names=retrainings):
    """One table of every retraining, or of those with these names."""
    return [f"{study.results}/findings/retraining/{name}.{kind}" for name in names]


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


def generations_of_retraining(wildcards):
    """The generation at which the runs of a retraining are read; those against its last networks may be longer."""
    return retrainings[wildcards.retraining].search.generations


def retrainings_with_longer_runs():
    """Names of the retrainings whose runs against the last networks are longer."""
    return [name for name, entry in retrainings.items() if entry.measured_generations is not None]


def retrainings_with_refusal():
    """Names of the retrainings whose networks are compared at equal refusal rates."""
    return [name for name, entry in retrainings.items() if entry.refusal is not None]


def last_networks(retraining):
    """The names of the last networks of all chains of a retraining."""
    last = retrainings[retraining].networks
    return [name for name in networks_of(retraining) if numbered[name][1] == last]


def last_networks_of_retraining(wildcards):
    """The files of these networks."""
    return [network_file(name) for name in last_networks(wildcards.retraining)]


def measured_runs_of_last_networks(wildcards):
    """The runs that tell how easily they are fooled."""
    jobs = jobs_for(measured_runs(wildcards))
    return sum([runs_against(name, jobs) for name in last_networks(wildcards.retraining)], [])


def refusing_in(retraining):
    """The names of the networks of a retraining that refuse real images."""
    return [name for name, (chain, _) in refusing.items() if chain.settings.name == retraining]


def refusing_of_retraining(wildcards):
    """The files of these networks."""
    return [network_file(name) for name in refusing_in(wildcards.retraining)]


def refusing_runs_of_retraining(wildcards):
    """The runs against them."""
    return sum([refusing_runs(name) for name in refusing_in(wildcards.retraining)], [])


def firsts_of_retraining(wildcards):
    """The names of the first networks of all chains of a retraining."""
    return list(retrainings[wildcards.retraining].classifiers)


def dataset_of_retraining(wildcards):
    """The data set that the networks of a retraining are trained on."""
    return dataset_file(study.classifiers[firsts_of_retraining(wildcards)[0]].dataset)


def refusal_table_settings(wildcards):
    """The rates at which the networks of a retraining are compared, and how intervals are made."""
    entry = retrainings[wildcards.retraining]
    settings = entry.refusal.model_dump(mode="json") | {"seed": entry.seed}
    return as_json(settings | study.findings(IntervalSettings))


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


def distance_tables():
    """How far images lie from the training images: one table for each network that has any."""
    compared = [name for name in study.plain_experiments if study.dataset_of(name).has_training_images]
    return tables("distances/{classifier}.parquet", compared)


def painted_experiments():
    """The plain experiments in the CPPN encoding: their champions may hold repeated elements."""
    return [name for name in study.plain_experiments if name in experiments_in("cppn")]


def ablation_tables():
    """What removals do to the champions of these experiments: one table for each and each of its classifiers."""
    return tables("ablation/{classifier}/{experiment}.parquet", painted_experiments())


def independent_of_classifier(wildcards):
    """The file of the independent network that a classifier names; nothing where it names none."""
    return [classifier_file(name) for name in independent(wildcards)]


def independent(wildcards):
    """The independent network that a classifier names, as a list of one name or none."""
    name = study.classifiers[wildcards.classifier].independent
    return [] if name is None else [name]


def independent_option(wildcards, input):
    """The option that names the independent network."""
    return f"--independent {input.independent}" if input.independent else ""


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
