# What the rules of gradient ascent are given: files and narrow slices of the settings.


def ascent_settings(wildcards):
    """The settings of a gradient ascent."""
    return as_json(study.every_ascent[wildcards.setting].section())


def pilots_of_ascent(wildcards):
    """The gradient ascents that decide the settings of this one: those of its sweep, on the pilots."""
    return study.pilot_ascents(wildcards.setting)


def threshold_of_choice(wildcards):
    """The option with the confidence that the settings of a sweep are compared at; none without a sweep."""
    return f"--threshold {study.settings.findings.threshold}" if wildcards.setting in study.sweeps else ""


def pilot_files():
    """The files of all gradient ascents on pilots."""
    return [file for sweep in study.sweeps for file in study.pilot_ascents(sweep)]


def named_pilots(wildcards, input):
    """The option for each of them, with its sweep."""
    return " ".join(f"--pilots {sweep}={file}" for sweep in study.sweeps for file in study.pilot_ascents(sweep))


def ascent_sweeps():
    """The table of the settings that were tried, where there are any."""
    return [f"{study.results}/findings/ascent_sweeps.csv"] if study.sweeps else []


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
