# What the rules of the human study are given: files and narrow slices of the settings.


def survey_files():
    """The questionnaire, if the study has one; its images lie beside it."""
    return [f"{study.results}/survey/questionnaire.json"] if study.survey else []


def answer_tables(*names):
    """These tables of people's answers, where there are any."""
    return [f"{study.results}/findings/survey/{name}.csv" for name in names] if responses_of(study) else []


def responses_given(wildcards):
    """The files with people's answers."""
    return responses_of(study)


def response_folder(wildcards):
    """The folder in which they lie."""
    return shlex.quote(str(study.survey.settings.response_folder))


def analysis_settings(wildcards):
    """Whose answers count, what counts as chance, and how intervals are made."""
    return as_json(study.survey.analysis() | study.findings(IntervalSettings))


def survey_settings(wildcards):
    """The settings that decide the questionnaire."""
    return as_json(study.survey.questionnaire())


def classifier_surveyed(wildcards):
    """The network whose images people are shown."""
    return classifier_file(study.survey.classifier)


def surveyed(wildcards):
    """This network, as a list of one name."""
    return [study.survey.classifier]


def dataset_surveyed(wildcards):
    """The data set whose real images people are shown."""
    return dataset_file(study.classifiers[study.survey.classifier].dataset)


def runs_surveyed(wildcards):
    """The runs whose images people may be shown."""
    return [run for runs in named_runs_surveyed().values() for run in runs]


def runs_surveyed_by_name(wildcards):
    """The options that name these runs, each with its experiment."""
    named = [(name, run) for name, runs in named_runs_surveyed().items() for run in runs]
    return " ".join(f"--runs {name}={run}" for name, run in named)


def named_runs_surveyed():
    """Every experiment whose images people may be shown, with its runs."""
    network = study.survey.classifier
    return {name: runs_of_experiment(name, network, searches=SEARCHES[:1]) for name in study.survey.experiments}


def ascents_surveyed(wildcards):
    """The gradient ascents whose images people may be shown."""
    network = study.survey.classifier
    return [f"{study.results}/ascent/{network}/{name}.safetensors" for name in study.survey.ascents]


def questionnaire_of_page(wildcards):
    """The questionnaire that the page asks; `make survey` says so where the study has none."""
    if not study.survey:
        raise WorkflowError(f"the study {study.name} asks nobody: add the key `survey: {{}}` to its file")
    return survey_files()
