# Tell how the study was run, and put everything on one page.


rule run_info:
    input:
        champions=tables("champions/{experiment}.parquet", study.experiments),
        classifiers="<results>/findings/classifiers.csv",
        after=everything_but_the_report(),
    output:
        "<results>/run-info.json",
    params:
        code=fingerprint("fooling.cli.run_info"),
        environment=environment("networks"),
        study=study.name,
        champions=repeated("champions"),
        logs=f"--logs logs/{study.name} --logs logs/datasets",
    log:
        "<logs>/run-info.log",
    benchmark:
        "<benchmarks>/run-info.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
        gpu=gpus,
    message:
        "Gather how the study was run"
    shell:
        "fooling run-info --study {params.study} {params.champions} --classifiers {input.classifiers} {params.logs}"
        " --output {output} 2> {log}"


rule report_page:
    input:
        claims="<results>/claims.csv",
        champions=tables("champions/{experiment}.parquet", study.plain_experiments),
        examined=tables("examined/{classifier}/{experiment}.parquet", study.plain_experiments),
        runs=gallery_runs(),
        figures=figure_files("png"),
        run_info="<results>/run-info.json",
    output:
        report("<results>/report/index.html", caption="../docs/captions/report.rst", category="Report"),
    params:
        code=fingerprint("fooling.cli.report"),
        environment=environment("figures"),
        study=study.name,
        deviations=address("docs/deviations.md"),
        threshold=study.settings.findings.threshold,
        champions=repeated("champions"),
        examined=repeated("examined"),
        runs=gallery_options(),
        figures=repeated("figures"),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Put the study on one page"
    shell:
        "fooling report --study {params.study} --claims {input.claims} {params.champions} {params.examined} {params.runs}"
        " {params.figures} --run-info {input.run_info} --deviations {params.deviations} --threshold {params.threshold}"
        " --output {output} 2> {log}"
