# Judge the claims, summarise the study, draw the figures, collect run times and versions, and write the report.

from fooling.claims.estimand import ContextSettings
from fooling.findings.adversarial import ADVERSARIAL, ADVERSARIAL_MEANS, ADVERSARIAL_TRANSFER
from fooling.findings.detectors import DETECTOR_MEANS, DETECTORS
from fooling.findings.audits import AUDIT_ATTACKS
from fooling.findings.label_only import LABEL_ONLY, LABEL_ONLY_TRANSFER
from fooling.findings.runs import ThresholdSettings
from fooling.findings.universal import UNIVERSAL, UNIVERSAL_LABELS, UNIVERSAL_MEANS, UNIVERSAL_TRANSFER


rule claims:
    input:
        declared=part("config/claims.yaml"),
        classifiers="<results>/findings/classifiers.csv",
        history=tables("history/{experiment}.parquet"),
        times=tables("times/{experiment}.parquet"),
        start=tables("start/{classifier}/{experiment}.parquet"),
        examined=tables("examined/{classifier}/{experiment}.parquet"),
        ancestry=tables("ancestry/{experiment}.parquet"),
        real=tables("real/{classifier}.parquet"),
        distances=findings.distances(),
        families=findings.families(),
        robustness=findings.stressed("robustness"),
        supernormal=findings.stressed("supernormal"),
        transfer=findings.transfer("pairs.csv"),
        retrained=retrainings.tables("champions.parquet"),
        retraining=retrainings.tables("networks.csv"),
        refusal=retrainings.tables("refusal.csv", retrainings.with_refusal()),
        ablation=findings.ablations(),
        boundary=findings.boundary(),
        rubbish=findings.far("rubbish.csv"),
        hardened=findings.hardening.table("hardened"),
        fooled=findings.fooled("fooled.csv"),
        ray_slopes=findings.far("ray_slopes.parquet"),
        detectors=guards.tables(DETECTORS),
        ascent=attacks.tables("ascent.parquet"),
        ascent_times=attacks.tables("ascent_times.parquet"),
        adversarial=attacks.adversarial_tables(ADVERSARIAL),
        adversarial_transfer=attacks.adversarial_tables(ADVERSARIAL_TRANSFER),
        universal=attacks.universal_tables(UNIVERSAL),
        universal_labels=attacks.universal_tables(UNIVERSAL_LABELS),
        universal_transfer=attacks.universal_tables(UNIVERSAL_TRANSFER),
        label_only=attacks.label_only_tables(LABEL_ONLY),
        label_only_transfer=attacks.label_only_tables(LABEL_ONLY_TRANSFER),
        survey_accuracy=human_study.tables("accuracy"),
        lock=part_if_any("config/claims.lock"),
    output:
        table=report("<results>/claims.csv", caption="../docs/captions/claims.rst", category="Claims"),
        page="<results>/claims.md",
    params:
        code=fingerprint("fooling.cli.claims:claims"),
        environment=environment("findings"),
        tables=named_files(
            "tables",
            *("classifiers", "history", "times", "start", "examined", "ancestry", "real", "distances", "transfer"),
            *("families", "robustness", "supernormal", "retrained", "retraining", "refusal", "ablation"),
            *("boundary", "rubbish", "fooled", "ray_slopes", "hardened", "ascent", "ascent_times"),
            *("adversarial", "adversarial_transfer"),
            *(
                "universal",
                "universal_labels",
                "universal_transfer",
                "label_only",
                "label_only_transfer",
                "detectors",
                "survey_accuracy",
            ),
        ),
        lock=options("lock"),
        settings=findings.settings(ContextSettings),
    log:
        "<logs>/claims.log",
    benchmark:
        "<benchmarks>/claims.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
    message:
        "Judge the claims"
    shell:
        "fooling claims --declared {input.declared} {params.tables} {params.lock} --settings {params.settings:q}"
        " --table {output.table} --page {output.page} 2> {log}"


rule summarise:
    input:
        classifiers="<results>/findings/classifiers.csv",
        champions=tables("champions/{experiment}.parquet"),
        history=tables("history/{experiment}.parquet"),
        claims="<results>/claims.csv",
    output:
        metrics="<results>/metrics.json",
        curves=findings.curves(),
    params:
        code=fingerprint("fooling.cli.claims:summarise"),
        environment=environment("findings"),
        tables=named_files("tables", "classifiers", "champions", "history", "claims"),
        curves=options("curves"),
        settings=findings.settings(ThresholdSettings),
    log:
        "<logs>/summarise.log",
    benchmark:
        "<benchmarks>/summarise.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Summarise the study"
    shell:
        "fooling summarise {params.tables} --settings {params.settings:q} --output {output.metrics} {params.curves}"
        " 2> {log}"


rule draw:
    input:
        tables=by_wildcards(figures.tables),
        runs=by_wildcards(figures.runs),
        batches=by_wildcards(figures.batches),
        ascents=by_wildcards(figures.ascents),
        examples=by_wildcards(figures.examples),
        stimuli=by_wildcards(figures.stimuli),
        dataset=by_wildcards(figures.dataset),
    output:
        png=report("<results>/figures/{figure}.png", caption="../docs/captions/figure.rst", category="Figures"),
        pdf=figures.pdf_outputs(),
    params:
        code=by_wildcards(figures.fingerprint),
        environment=environment("figures"),
        figure=by_wildcards(figures.entry),
        drawn_from=by_wildcards(figures.drawn_from),
        files=options("png", "pdf"),
        settings=by_wildcards(figures.settings),
    log:
        "<logs>/figures/{figure}.log",
    benchmark:
        "<benchmarks>/figures/{figure}.tsv"
    wildcard_constraints:
        figure=one_of(figures.all),
    priority: by_wildcards(priorities.figure)
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=10,
    message:
        "Draw {wildcards.figure}"
    shell:
        "fooling draw {params.figure} {params.drawn_from} --settings {params.settings:q} {params.files}" " 2> {log}"


rule run_info:
    input:
        champions=tables("champions/{experiment}.parquet", study.experiments),
        classifiers=findings.classifiers,
        after=everything_but_the_report,
    output:
        "<results>/run-info.json",
    params:
        code=fingerprint("fooling.cli.report:run_info"),
        environment=environment("networks"),
        study=study.name,
        files=options("champions", "classifiers"),
        logs=f"--logs logs/{study.name} --logs logs/datasets",
    log:
        "<logs>/run-info.log",
    benchmark:
        "<benchmarks>/run-info.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=10,
        gpu=gpus,
    message:
        "Collect run times and versions"
    shell:
        "fooling run-info --study {params.study} {params.files} {params.logs} --output {output} 2> {log}"


rule replay:
    input:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=classifiers.network_files(classifiers.this),
    output:
        "<results>/evolution/{classifier}/{experiment}/seed{seed}.replay.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.attack:replay", classifiers.this, experiments.encoding_modules),
        environment=environment("networks"),
        own_files=chains.own_files,
    log:
        "<logs>/evolution/{classifier}/{experiment}/seed{seed}.replay.log",
    benchmark:
        "<benchmarks>/evolution/{classifier}/{experiment}/seed{seed}.replay.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Repeat the run {wildcards.experiment} on {wildcards.classifier}, seed {wildcards.seed}, for the report"
    shell:
        "fooling replay {input.run} --classifier {input.classifier} {params.own_files} --output {output} 2> {log}"


rule report:
    input:
        claims=findings.claims,
        audits=audits.ranking(),
        audit_attacks=audits.table(AUDIT_ATTACKS),
        champions=tables("champions/{experiment}.parquet"),
        examined=tables("examined/{classifier}/{experiment}.parquet"),
        real=tables("real/{classifier}.parquet"),
        transfer=findings.transfer("pairs.csv"),
        distances=findings.distances(),
        retraining=retrainings.tables("networks.csv"),
        effects=retrainings.tables("effects.csv"),
        boundary=findings.boundary(),
        hardening=findings.hardening.table("hardening"),
        rubbish_summary=findings.far("rubbish_summary.csv"),
        fooled_summary=findings.fooled("fooled_summary.csv"),
        ray_slopes=findings.far("ray_slopes.parquet"),
        families=findings.families(),
        robustness=findings.stressed("robustness"),
        supernormal=findings.stressed("supernormal"),
        adversarial_means=attacks.adversarial_tables(ADVERSARIAL_MEANS),
        universal_means=attacks.universal_tables(UNIVERSAL_MEANS),
        label_only=attacks.label_only_tables(LABEL_ONLY),
        label_only_transfer=attacks.label_only_tables(LABEL_ONLY_TRANSFER),
        detector_means=guards.tables(DETECTOR_MEANS),
        runs=report_page.runs(),
        replays=report_page.replays(),
        dataset=report_page.dataset(),
        figures=figures.files("png"),
        declared=[part("config/claims.yaml")] if findings.claims else [],
        recorded=recorded_study if findings.claims else [],
        run_info="<results>/run-info.json",
    output:
        report("<results>/report/index.html", caption="../docs/captions/report.rst", category="Report"),
    params:
        code=fingerprint("fooling.cli.report:report"),
        environment=environment("figures"),
        study=study.name,
        deviations=address("docs/deviations.md"),
        threshold=study.settings.findings.threshold,
        tables=named_files(
            "tables",
            *("claims", "audits", "audit_attacks", "champions", "examined", "real"),
            *("transfer", "distances", "retraining", "effects", "adversarial_means", "universal_means"),
            *("boundary", "families", "robustness", "supernormal", "rubbish_summary", "ray_slopes"),
            *("label_only", "label_only_transfer", "hardening", "fooled_summary", "detector_means"),
        ),
        runs=report_page.runs_options(),
        replays=report_page.replays_options(),
        recorded=folder_of("recorded"),
        files=options("dataset", "figures", "declared", "run_info"),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    priority: SHOWN
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Write the report"
    shell:
        "fooling report --study {params.study} {params.tables} {params.runs} {params.replays} {params.files}"
        " {params.recorded} --deviations {params.deviations} --threshold {params.threshold} --output {output} 2> {log}"
