# What the rules of gradient ascent are given: files and narrow slices of the settings.


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
