# What the rules of evolution are given: files and narrow slices of the settings.

SEARCHES = ("", ".random-search", ".drift")  # a run and its controls


def experiments_in(encoding, *, drift=None):
    """Names of the experiments in this encoding; only those with drift beside their runs, or without it, if asked."""
    return [
        name
        for name, experiment in study.experiments.items()
        if experiment.encoding == encoding and drift in (None, experiment.settings.drift)
    ]


def controls_of_run(wildcards, output):
    """The options that name the controls of a run."""
    return " ".join(f"--{name.replace('_', '-')} {path}" for name, path in output.items() if name != "run")


def evolution_settings(wildcards):
    """The settings of an experiment's runs."""
    return as_json(study.experiments[wildcards.experiment].evolution())


def runs_of_experiment(experiment, *classifiers, searches=SEARCHES):
    """The files of an experiment's runs with their controls, on these classifiers or on all that it names."""
    settings = study.experiments[experiment].settings
    searches = [search for search in searches if settings.drift or search != ".drift"]
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
