# What the rules of evolution are given: files and narrow slices of the settings.

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
