"""Run all steps of a study, from data sets to the report."""

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.27")


if not workflow.configfiles:

    configfile: "config/config.yaml" if os.path.exists("config/config.yaml") else workflow.source_path("config/config.yaml")


include: "rules/common.smk"


find_modules("sharing/__init__.py", "sharing/provenance.py", "sharing/records.py", "sharing/studies.py")

from sharing.provenance import import_records
from sharing.records import refuse_broken_records
from sharing.studies import pack_of

# A study that was restored from the store includes the records of its results.
if workflow.is_main_process:
    with without_traceback():
        refuse_broken_records()
        import_records(pack_of(study.name))


pathvars:
    results=f"results/{study.name}",
    logs=f"logs/{study.name}",
    benchmarks=f"logs/{study.name}",


wildcard_constraints:
    classifier=one_of(study.classifiers),
    experiment=one_of(study.experiments),
    attack=one_of(study.every_attack),
    audited=one_of(study.audited),
    seed=r"\d+",
    retraining=one_of(retrainings.all),
    guards=one_of(guards.all),
    detector=one_of([NONE, *guards.kinds()]),
    number=r"\d+",
    block=r"\d+",


include: "rules/classifiers.smk"
include: "rules/attacks.smk"
include: "rules/retraining.smk"
include: "rules/detectors.smk"
include: "rules/examination.smk"
include: "rules/probes.smk"
include: "rules/findings.smk"
include: "rules/survey.smk"
include: "rules/report.smk"


onstart:
    expect(workflow.dag, workflow.logger_manager.get_log_handlers())
    if makes(workflow.dag, figures.report):
        with without_traceback():
            write_draft(figures.draft, study=study.name, figures=figures.pictures(), report=figures.report)
        logger.info(f"Draft of the report, which shows each figure once it is drawn: {figures.draft}")


onsuccess:
    if makes(workflow.dag, figures.report):
        remove_draft(figures.draft)
        for line in (
            *(
                line
                for file in findings.metrics
                for line in found(file, threshold=study.settings.findings.threshold)
            ),
            *(line for file in audits.ranking() for line in found_by_audits(file)),
            f"Done: open {figures.report}",
        ):
            logger.info(line)


onerror:
    jobs = workflow.scheduler
    logger.error(message_at_end(failed=len(jobs.failed), left=len(jobs.remaining_jobs) + len(jobs.running)))


rule all:
    default_target: True
    input:
        everything_but_the_report,
        "<results>/run-info.json",
        "<results>/report/index.html",
    message:
        "All results are there"


rule datasets:
    input:
        datasets.files(),
    message:
        "Done: data sets"


rule classifiers:
    input:
        classifiers.files(),
    message:
        "Done: classifiers"


rule evolution:
    input:
        experiments.files(),
    message:
        "Done: evolution runs"


rule retraining:
    input:
        chains.files(),
    message:
        "Done: retrained networks"


rule ascent:
    input:
        attacks.ascents(),
    message:
        "Done: gradient ascent"


rule adversarial:
    input:
        attacks.adversarial(),
    message:
        "Done: adversarial examples"


rule universal:
    input:
        attacks.universal(),
    message:
        "Done: universal perturbations"


rule label_only:
    input:
        attacks.label_only(),
    message:
        "Done: attacks with labels alone"


rule detectors:
    input:
        guards.files(),
        guards.tables(),
    message:
        "Done: detectors"


rule audits:
    input:
        audits.files(),
        audits.tables(),
    message:
        "Done: audits"


rule findings:
    input:
        findings.files(),
        findings.conclusions(),
    message:
        "Done: tables"


rule survey:
    input:
        human_study.files(),
        human_study.tables("accuracy"),
        figures.of_human_study(),
    message:
        "Done: human study"


rule figures:
    input:
        figures.files(),
    message:
        "Done: figures"
