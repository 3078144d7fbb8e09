# Draw the figures, describe how the study was run, and write the page with all results.


rule draw:
    input:
        tables=by_wildcards(figures.tables),
        runs=by_wildcards(figures.runs),
        batches=by_wildcards(figures.batches),
        ascents=by_wildcards(figures.ascents),
        stimuli=by_wildcards(figures.stimuli),
        dataset=by_wildcards(figures.dataset),
    output:
        png=report("<results>/figures/{figure}.png", caption="../docs/captions/figure.rst", category="Figures"),
        pdf="<results>/figures/{figure}.pdf",
    params:
        code=by_wildcards(figures.fingerprint),
        environment=environment("figures"),
        figure=by_wildcards(figures.entry),
        drawn_from=by_wildcards(figures.drawn_from),
        settings=by_wildcards(figures.settings),
    log:
        "<logs>/figures/{figure}.log",
    benchmark:
        "<benchmarks>/figures/{figure}.tsv"
    wildcard_constraints:
        figure=one_of(figures.all),
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=10,
    message:
        "Draw {wildcards.figure}"
    shell:
        "fooling draw {params.figure} {params.drawn_from} --settings {params.settings:q} --png {output.png}"
        " --pdf {output.pdf} 2> {log}"


rule run_info:
    input:
        champions=tables("champions/{experiment}.parquet", study.experiments),
        classifiers="<results>/findings/classifiers.csv",
        after=everything_but_the_report,
    output:
        "<results>/run-info.json",
    params:
        code=fingerprint("fooling.cli.run_info:run_info"),
        environment=environment("networks"),
        study=study.name,
        champions=options("champions"),
        logs=f"--logs logs/{study.name} --logs logs/datasets",
    log:
        "<logs>/run-info.log",
    benchmark:
        "<benchmarks>/run-info.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=10,
        gpu=gpus,
    message:
        "Collect run times and versions"
    shell:
        "fooling run-info --study {params.study} {params.champions} --classifiers {input.classifiers} {params.logs}"
        " --output {output} 2> {log}"


rule report_page:
    input:
        claims="<results>/claims.csv",
        champions=tables("champions/{experiment}.parquet"),
        examined=tables("examined/{classifier}/{experiment}.parquet"),
        runs=figures.gallery_runs(),
        figures=figures.files("png"),
        run_info="<results>/run-info.json",
    output:
        report("<results>/report/index.html", caption="../docs/captions/report.rst", category="Report"),
    params:
        code=fingerprint("fooling.cli.report:report"),
        environment=environment("figures"),
        study=study.name,
        deviations=address("docs/deviations.md"),
        threshold=study.settings.findings.threshold,
        tables=named_files("tables", "claims", "champions", "examined"),
        runs=figures.gallery_options(),
        figures=options("figures"),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Write the report"
    shell:
        "fooling report --study {params.study} {params.tables} {params.runs} {params.figures}"
        " --run-info {input.run_info} --deviations {params.deviations} --threshold {params.threshold}"
        " --output {output} 2> {log}"
