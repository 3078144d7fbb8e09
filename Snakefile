"""From data sets to figures: every step of a study, each a command of `fooling`, run when what decides it changes."""

from snakemake.utils import min_version

min_version("9.27")


if not workflow.configfiles:

    configfile: "config/config.yaml" if os.path.exists("config/config.yaml") else workflow.source_path("config/config.yaml")


include: "rules/common.smk"


pathvars:
    results=f"results/{study.name}",
    logs=f"logs/{study.name}",
    benchmarks=f"logs/{study.name}",


wildcard_constraints:
    classifier=one_of(study.classifiers),
    experiment=one_of(study.experiments),
    setting=one_of(study.every_ascent),
    seed=r"\d+",
    retraining=one_of(entry.name for entry in study.settings.retraining),
    number=r"\d+",
    block=r"\d+",


include: "rules/datasets.smk"
include: "rules/classifiers.smk"
include: "rules/evolution.smk"
include: "rules/retraining.smk"
include: "rules/examination.smk"
include: "rules/findings.smk"
include: "rules/ascent.smk"
include: "rules/survey.smk"
include: "rules/figures.smk"
include: "rules/report.smk"


onerror:
    jobs = workflow.scheduler
    say(message_at_end(failed=len(jobs.failed), left=len(jobs.remaining_jobs) + len(jobs.running)))


rule all:
    default_target: True
    input:
        everything_but_the_report(),
        report_files(),
    message:
        "Everything of the study is there"


rule datasets:
    input:
        dataset_files(),
    message:
        "The data sets are there"


rule classifiers:
    input:
        classifier_files(),
    message:
        "The networks are there"


rule evolution:
    input:
        run_files(),
    message:
        "The runs are there"


rule retraining:
    input:
        retraining_files(),
    message:
        "The retrained networks are there"


rule ascent:
    input:
        ascent_files(),
    message:
        "The gradient ascents are there"


rule findings:
    input:
        finding_files(),
        claim_files(),
        summary_files(),
    message:
        "The tables are there"


rule survey:
    input:
        survey_files(),
        answer_tables("accuracy"),
        survey_figures("png", "pdf"),
    message:
        "What people can be asked is there, and what they answered"


rule figures:
    input:
        figure_files("png", "pdf"),
    message:
        "The figures are there"


rule report:
    input:
        report_files(),
    message:
        "The page is there"
