# What the rules of the figures are given: files and narrow slices of the settings.

ASKED = ("condition", "study with responses")  # what the figures of the human study are of

figures = drawings(study)

# The captions in the workflow's own report read these.
config["captions"] = {name: drawing.declared.caption for name, drawing in figures.items()}


def module_of_figure(wildcards):
    """The module that draws a figure."""
    return figures[wildcards.figure].figure


def code_of_figure(wildcards):
    """The fingerprint of the code that draws a figure."""
    return fingerprint_of("fooling.cli.draw", f"fooling.figures.{figures[wildcards.figure].figure}")


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


def stimuli_of_figure(wildcards):
    """The questionnaire with the stimuli that a figure shows; it tells the checksums of their files."""
    return survey_files() if figures[wildcards.figure].declared.needs_stimuli else []


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
    named += [f"--stimuli {drawing.condition}={path}" for path in stimuli_of_figure(wildcards)]
    named += [f"--dataset {dataset_file(name)}" for name in [dataset_of(drawing, study)] if name is not None]
    return " ".join(named)


def figure_settings(wildcards):
    """The options that a figure has."""
    options = set(figures[wildcards.figure].declared.options)
    return as_json(study.settings.figures.model_dump(mode="json", include=options))


def figure_files(*kinds, shown=figures):
    """The files of all figures, or of those that are named, in these kinds."""
    return expand("{results}/figures/{figure}.{kind}", results=study.results, figure=shown, kind=kinds)


def survey_figures(*kinds):
    """The files of the figures of the human study, in these kinds."""
    asked = [name for name, drawing in figures.items() if drawing.declared.one_per in ASKED]
    return figure_files(*kinds, shown=asked)
