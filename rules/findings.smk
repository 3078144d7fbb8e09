# Compute tables from runs and networks. All numbers in figures, report and claims come from these tables.

from fooling.findings.ancestry import LineageSettings
from fooling.findings.variance import ClassSetSettings
from fooling.findings.classifiers import FoolabilitySettings
from fooling.findings.fooled import ComparedModelsSettings
from fooling.findings.intervals import IntervalSettings
from fooling.findings.retraining import RetrainingFindingsSettings
from fooling.findings.runs import ThresholdSettings


rule describe_classifiers:
    input:
        classifiers=classifiers.files(),
    output:
        training="<results>/findings/training.csv",
        networks="<results>/findings/classifiers.csv",
        errors="<results>/findings/test_errors.csv",
    params:
        code=fingerprint("fooling.cli.tables:describe_classifiers"),
        environment=environment("findings"),
        settings=findings.settings(IntervalSettings),
    log:
        "<logs>/findings/describe_classifiers.log",
    benchmark:
        "<benchmarks>/findings/describe_classifiers.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "Tabulate the classifiers, their training and their test errors"
    shell:
        "fooling describe-classifiers {input.classifiers} --settings {params.settings:q} --training {output.training}"
        " --networks {output.networks} --errors {output.errors} 2> {log}"


rule summarise_ablation:
    input:
        ablations=findings.ablations(),
    output:
        "<results>/findings/ablation_summary.csv",
    params:
        code=fingerprint("fooling.cli.tables:summarise_ablation"),
        environment=environment("findings"),
        settings=findings.settings(IntervalSettings),
    log:
        "<logs>/findings/summarise_ablation.log",
    benchmark:
        "<benchmarks>/findings/summarise_ablation.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Summarise the effect of repeated elements"
    shell:
        "fooling summarise-ablation {input.ablations} --settings {params.settings:q} --output {output} 2> {log}"


rule tabulate:
    input:
        runs=by_wildcards(experiments.all_runs),
    output:
        champions="<results>/findings/champions/{experiment}.parquet",
        history="<results>/findings/history/{experiment}.parquet",
        times="<results>/findings/times/{experiment}.parquet",
    params:
        code=fingerprint("fooling.cli.tables:tabulate"),
        environment=environment("findings"),
        settings=findings.settings(ThresholdSettings),
    log:
        "<logs>/findings/tabulate/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/tabulate/{experiment}.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Tabulate the runs of {wildcards.experiment}"
    shell:
        "fooling tabulate {input.runs} --experiment {wildcards.experiment} --settings {params.settings:q}"
        " --champions {output.champions} --history {output.history} --times {output.times} 2> {log}"


rule tabulate_retraining:
    input:
        classifiers=of_each(chains.file, retrainings.networks),
        runs=by_wildcards(retrainings.measuring_runs),
    output:
        champions="<results>/findings/retraining/{retraining}.champions.parquet",
        networks="<results>/findings/retraining/{retraining}.networks.csv",
        effects="<results>/findings/retraining/{retraining}.effects.csv",
    params:
        code=fingerprint("fooling.cli.retraining:tabulate_retraining"),
        environment=environment("findings"),
        runs=options("runs"),
        measured_runs=by_wildcards(retrainings.measured_runs),
        generations=by_wildcards(retrainings.generations),
        settings=findings.settings(RetrainingFindingsSettings),
    log:
        "<logs>/findings/retraining/{retraining}.log",
    benchmark:
        "<benchmarks>/findings/retraining/{retraining}.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=60,
    message:
        "Tabulate the networks of {wildcards.retraining}"
    shell:
        "fooling tabulate-retraining {input.classifiers} {params.runs} --retraining {wildcards.retraining}"
        " --measured-runs {params.measured_runs} --generations {params.generations} --settings {params.settings:q}"
        " --champions {output.champions} --networks {output.networks} --effects {output.effects} 2> {log}"


rule tabulate_budget:
    input:
        classifiers=of_each(chains.file, retrainings.last_networks),
        runs=by_wildcards(retrainings.runs_against_last),
    output:
        "<results>/findings/retraining/{retraining}.budget.csv",
    params:
        code=fingerprint("fooling.cli.retraining:tabulate_budget"),
        environment=environment("findings"),
        runs=options("runs"),
        measured_runs=by_wildcards(retrainings.measured_runs),
        settings=findings.settings(IntervalSettings),
    log:
        "<logs>/findings/retraining/{retraining}.budget.log",
    benchmark:
        "<benchmarks>/findings/retraining/{retraining}.budget.tsv"
    wildcard_constraints:
        retraining=one_of(retrainings.with_longer_runs()),
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=60,
    message:
        "Tabulate the budget of the runs against the last networks of {wildcards.retraining}"
    shell:
        "fooling tabulate-budget {input.classifiers} {params.runs} --retraining {wildcards.retraining}"
        " --measured-runs {params.measured_runs} --settings {params.settings:q} --output {output} 2> {log}"


rule trace_lineage:
    input:
        runs=by_wildcards(parts.traced),
    output:
        ancestry="<results>/findings/traced/{experiment}/{part}.parquet",
        replays="<results>/findings/traced/{experiment}/{part}.replays.parquet",
    params:
        code=fingerprint("fooling.cli.tables:trace_lineage"),
        environment=environment("findings"),
        settings=findings.settings(LineageSettings),
    log:
        "<logs>/findings/trace_lineage/{experiment}/{part}.log",
    benchmark:
        "<benchmarks>/findings/trace_lineage/{experiment}/{part}.tsv"
    wildcard_constraints:
        part="[0-9]+",
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Trace the lineage of the champions of {wildcards.experiment}, part {wildcards.part}"
    shell:
        "fooling trace-lineage {input.runs} --experiment {wildcards.experiment} --settings {params.settings:q}"
        " --ancestry {output.ancestry} --replays {output.replays} 2> {log}"


rule join_lineage:
    input:
        ancestry=by_wildcards(parts.ancestry),
        replays=by_wildcards(parts.replays),
    output:
        ancestry="<results>/findings/ancestry/{experiment}.parquet",
        lineage="<results>/findings/lineage/{experiment}.csv",
    params:
        code=fingerprint("fooling.cli.claims:join_lineage"),
        environment=environment("findings"),
        replays=options("replays"),
        settings=findings.settings(LineageSettings),
    log:
        "<logs>/findings/join_lineage/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/join_lineage/{experiment}.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Compare the lineage of the champions of {wildcards.experiment} with random parents"
    shell:
        "fooling join-lineage {input.ancestry} {params.replays} --experiment {wildcards.experiment} --settings"
        " {params.settings:q} --champions {output.ancestry} --lineage {output.lineage} 2> {log}"


rule compare_networks:
    input:
        history=tables("history/{experiment}.parquet"),
        examined=tables("examined/{classifier}/{experiment}.parquet"),
    output:
        "<results>/findings/foolability.csv",
    params:
        code=fingerprint("fooling.cli.tables:compare_networks"),
        environment=environment("findings"),
        tables=options("history", "examined"),
        settings=findings.settings(FoolabilitySettings),
    log:
        "<logs>/findings/compare_networks.log",
    benchmark:
        "<benchmarks>/findings/compare_networks.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=30,
    message:
        "Compare how easily the networks are fooled"
    shell:
        "fooling compare-networks {params.tables} --settings {params.settings:q} --output {output} 2> {log}"


rule compare_class_sets:
    input:
        champions=tables("champions/{experiment}.parquet"),
    output:
        classes="<results>/findings/set_classes.parquet",
        sets="<results>/findings/class_sets.csv",
    params:
        code=fingerprint("fooling.cli.tables:compare_class_sets"),
        environment=environment("findings"),
        settings=findings.settings(ClassSetSettings),
    log:
        "<logs>/findings/compare_class_sets.log",
    benchmark:
        "<benchmarks>/findings/compare_class_sets.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Compare sets of classes with all other classes"
    shell:
        "fooling compare-class-sets {input.champions} --settings {params.settings:q} --classes {output.classes}"
        " --output {output.sets} 2> {log}"


rule variance:
    input:
        champions=tables("champions/{experiment}.parquet"),
    output:
        "<results>/findings/variance.csv",
    params:
        code=fingerprint("fooling.cli.tables:variance"),
        environment=environment("findings"),
    log:
        "<logs>/findings/variance.log",
    benchmark:
        "<benchmarks>/findings/variance.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Compute variance components: network, seed and class"
    shell:
        "fooling variance {input.champions} --output {output} 2> {log}"


rule compare:
    input:
        times=tables("times/{experiment}.parquet", study.experiments),
    output:
        survival="<results>/findings/survival.csv",
        presets="<results>/findings/presets.csv",
    params:
        code=fingerprint("fooling.cli.tables:compare"),
        environment=environment("findings"),
        settings=findings.comparison(),
    log:
        "<logs>/findings/compare.log",
    benchmark:
        "<benchmarks>/findings/compare.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
    message:
        "Compare how soon the experiments reach the threshold"
    shell:
        "fooling compare {input.times} --settings {params.settings:q} --survival {output.survival}"
        " --presets {output.presets} 2> {log}"


rule compare_models:
    input:
        classifiers=findings.compared_files(),
        runs=findings.compared_runs(),
        real=tables("real/{classifier}.parquet"),
        rubbish=findings.far("rubbish.csv"),
    output:
        table="<results>/findings/fooled.csv",
        summary="<results>/findings/fooled_summary.csv",
    params:
        code=fingerprint("fooling.cli.comparisons:compare_models"),
        environment=environment("findings"),
        runs=findings.compared_runs_options,
        files=options("real", "rubbish", "summary"),
        settings=findings.settings(ComparedModelsSettings),
    log:
        "<logs>/findings/compare_models.log",
    benchmark:
        "<benchmarks>/findings/compare_models.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=30,
    message:
        "Compare who is fooled: champions beside the real images of their own model"
    shell:
        "fooling compare-models {input.classifiers} {params.runs} {params.files} --settings {params.settings:q}"
        " --output {output.table} 2> {log}"
