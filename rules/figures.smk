# Draw the figures. Each is one module, drawn as PNG and PDF from tables, runs and a data set.


rule draw:
    input:
        tables=tables_of_figure,
        runs=runs_of_figure,
        batches=batches_of_figure,
        ascents=ascents_of_figure,
        stimuli=stimuli_of_figure,
        dataset=dataset_of_figure,
    output:
        png=report("<results>/figures/{figure}.png", caption="../docs/captions/figure.rst", category="Figures"),
        pdf="<results>/figures/{figure}.pdf",
    params:
        code=code_of_figure,
        environment=environment("figures"),
        figure=module_of_figure,
        drawn_from=inputs_of_figure,
        settings=figure_settings,
    log:
        "<logs>/figures/{figure}.log",
    benchmark:
        "<benchmarks>/figures/{figure}.tsv"
    wildcard_constraints:
        figure=one_of(figures),
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    message:
        "Draw {wildcards.figure}"
    shell:
        "fooling draw {params.figure} {params.drawn_from} --settings {params.settings:q} --png {output.png}"
        " --pdf {output.pdf} 2> {log}"
