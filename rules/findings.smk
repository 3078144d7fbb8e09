# Turn runs and networks into tables: every number of a figure, of the report and of the claims comes from one of them.


rule describe_classifiers:
    input:
        classifiers=classifier_files(),
    output:
        training="<results>/findings/training.csv",
        networks="<results>/findings/classifiers.csv",
        errors="<results>/findings/test_errors.csv",
    params:
        code=fingerprint("fooling.cli.describe_classifiers"),
        environment=environment("findings"),
        settings=findings_settings(IntervalSettings),
    log:
        "<logs>/findings/describe_classifiers.log",
    benchmark:
        "<benchmarks>/findings/describe_classifiers.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "List the networks, their training and their test errors"
    shell:
        "fooling describe-classifiers {input.classifiers} --settings {params.settings:q} --training {output.training}"
        " --networks {output.networks} --errors {output.errors} 2> {log}"


rule summarise_ablation:
    input:
        ablations=ablation_tables(),
    output:
        "<results>/findings/ablation_summary.csv",
    params:
        code=fingerprint("fooling.cli.summarise_ablation"),
        environment=environment("findings"),
        settings=findings_settings(IntervalSettings),
    log:
        "<logs>/findings/summarise_ablation.log",
    benchmark:
        "<benchmarks>/findings/summarise_ablation.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Sum up what repeated elements are worth"
    shell:
        "fooling summarise-ablation {input.ablations} --settings {params.settings:q} --output {output} 2> {log}"


rule tabulate:
    input:
        runs=runs_to_tabulate,
    output:
        champions="<results>/findings/champions/{experiment}.parquet",
        history="<results>/findings/history/{experiment}.parquet",
        times="<results>/findings/times/{experiment}.parquet",
    params:
        code=fingerprint("fooling.cli.tabulate"),
        environment=environment("findings"),
        settings=findings_settings(ThresholdSettings),
    log:
        "<logs>/findings/tabulate/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/tabulate/{experiment}.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
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
        classifiers=networks_of_retraining,
        runs=measured_runs_of_retraining,
    output:
        champions="<results>/findings/retraining/{retraining}.champions.parquet",
        networks="<results>/findings/retraining/{retraining}.networks.csv",
        effects="<results>/findings/retraining/{retraining}.effects.csv",
    params:
        code=fingerprint("fooling.cli.tabulate_retraining"),
        environment=environment("findings"),
        runs=repeated("runs"),
        measured_runs=measured_runs,
        generations=generations_of_retraining,
        settings=findings_settings(RetrainingFindingsSettings),
    log:
        "<logs>/findings/retraining/{retraining}.log",
    benchmark:
        "<benchmarks>/findings/retraining/{retraining}.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
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
        classifiers=last_networks_of_retraining,
        runs=measured_runs_of_last_networks,
    output:
        "<results>/findings/retraining/{retraining}.budget.csv",
    params:
        code=fingerprint("fooling.cli.tabulate_budget"),
        environment=environment("findings"),
        runs=repeated("runs"),
        measured_runs=measured_runs,
        settings=findings_settings(IntervalSettings),
    log:
        "<logs>/findings/retraining/{retraining}.budget.log",
    benchmark:
        "<benchmarks>/findings/retraining/{retraining}.budget.tsv"
    wildcard_constraints:
        retraining=one_of(retrainings_with_longer_runs()),
    conda:
        "../envs/findings.yaml"
    threads: 1
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
        runs=runs_to_trace,
    output:
        ancestry="<results>/findings/ancestry/{experiment}.parquet",
        lineage="<results>/findings/lineage/{experiment}.csv",
    params:
        code=fingerprint("fooling.cli.trace_lineage"),
        environment=environment("findings"),
        settings=findings_settings(LineageSettings),
    log:
        "<logs>/findings/trace_lineage/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/trace_lineage/{experiment}.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Trace the champions of {wildcards.experiment} back to the random start"
    shell:
        "fooling trace-lineage {input.runs} --experiment {wildcards.experiment} --settings {params.settings:q}"
        " --ancestry {output.ancestry} --lineage {output.lineage} 2> {log}"


rule compare_networks:
    input:
        history=tables("history/{experiment}.parquet", study.plain_experiments),
        examined=tables("examined/{classifier}/{experiment}.parquet", study.plain_experiments),
    output:
        "<results>/findings/foolability.csv",
    params:
        code=fingerprint("fooling.cli.compare_networks"),
        environment=environment("findings"),
        history=repeated("history"),
        examined=repeated("examined"),
        settings=findings_settings(FoolabilitySettings),
    log:
        "<logs>/findings/compare_networks.log",
    benchmark:
        "<benchmarks>/findings/compare_networks.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=30,
    message:
        "Compare how easily the networks are fooled"
    shell:
        "fooling compare-networks {params.history} {params.examined} --settings {params.settings:q} --output {output}"
        " 2> {log}"


rule compare_class_sets:
    input:
        champions=tables("champions/{experiment}.parquet", study.plain_experiments),
    output:
        classes="<results>/findings/set_classes.parquet",
        sets="<results>/findings/class_sets.csv",
    params:
        code=fingerprint("fooling.cli.compare_class_sets"),
        environment=environment("findings"),
        settings=findings_settings(ClassSetSettings),
    log:
        "<logs>/findings/compare_class_sets.log",
    benchmark:
        "<benchmarks>/findings/compare_class_sets.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Compare sets of classes with all others"
    shell:
        "fooling compare-class-sets {input.champions} --settings {params.settings:q} --classes {output.classes}"
        " --output {output.sets} 2> {log}"


rule variance:
    input:
        champions=tables("champions/{experiment}.parquet", study.plain_experiments),
    output:
        "<results>/findings/variance.csv",
    params:
        code=fingerprint("fooling.cli.variance"),
        environment=environment("findings"),
    log:
        "<logs>/findings/variance.log",
    benchmark:
        "<benchmarks>/findings/variance.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Split the variance between champions into network, seed and class"
    shell:
        "fooling variance {input.champions} --output {output} 2> {log}"


rule compare:
    input:
        times=tables("times/{experiment}.parquet", study.experiments),
    output:
        survival="<results>/findings/survival.csv",
        presets="<results>/findings/presets.csv",
    params:
        code=fingerprint("fooling.cli.compare"),
        environment=environment("findings"),
        settings=comparison_settings,
    log:
        "<logs>/findings/compare.log",
    benchmark:
        "<benchmarks>/findings/compare.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    message:
        "Compare how soon the experiments reach the threshold"
    shell:
        "fooling compare {input.times} --settings {params.settings:q} --survival {output.survival}"
        " --presets {output.presets} 2> {log}"


rule claims:
    input:
        declared=part("config/claims.yaml"),
        networks="<results>/findings/classifiers.csv",
        history=tables("history/{experiment}.parquet", study.plain_experiments),
        times=tables("times/{experiment}.parquet", study.plain_experiments),
        start=tables("start/{classifier}/{experiment}.parquet", study.plain_experiments),
        examined=tables("examined/{classifier}/{experiment}.parquet", study.plain_experiments),
        ancestry=tables("ancestry/{experiment}.parquet", study.plain_experiments),
        real=tables("real/{classifier}.parquet", study.plain_experiments),
        distances=distance_tables(),
        transfer=transfer_tables("pairs.csv"),
        retrained=tables_of_retrainings("champions.parquet"),
        retraining=tables_of_retrainings("networks.csv"),
        refusal=tables_of_retrainings("refusal.csv", names=retrainings_with_refusal()),
        ablation=ablation_tables(),
        ascent=ascent_tables("ascent.parquet"),
        ascent_times=ascent_tables("ascent_times.parquet"),
        people=answer_tables("accuracy"),
        lock=part_if_any("config/claims.lock"),
    output:
        table=report("<results>/claims.csv", caption="../docs/captions/claims.rst", category="Claims"),
        page="<results>/claims.md",
    params:
        code=fingerprint("fooling.cli.claims"),
        environment=environment("findings"),
        history=repeated("history"),
        times=repeated("times"),
        start=repeated("start"),
        examined=repeated("examined"),
        ancestry=repeated("ancestry"),
        real=repeated("real"),
        distances=repeated("distances"),
        transfer=repeated("transfer"),
        retrained=repeated("retrained"),
        retraining=repeated("retraining"),
        refusal=repeated("refusal"),
        ablation=repeated("ablation"),
        ascent=repeated("ascent"),
        ascent_times=repeated("ascent_times"),
        people=repeated("people"),
        lock=repeated("lock"),
        settings=findings_settings(MeasurementSettings),
    log:
        "<logs>/claims.log",
    benchmark:
        "<benchmarks>/claims.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    message:
        "Judge the claims of the paper"
    shell:
        "fooling claims --declared {input.declared} --networks {input.networks} {params.history} {params.times}"
        " {params.start} {params.examined} {params.ancestry} {params.real} {params.distances} {params.transfer}"
        " {params.retrained} {params.retraining} {params.refusal} {params.ablation} {params.ascent} {params.ascent_times}"
        " {params.people} {params.lock} --settings {params.settings:q} --table {output.table} --page {output.page} 2> {log}"


rule summarise:
    input:
        networks="<results>/findings/classifiers.csv",
        champions=tables("champions/{experiment}.parquet", study.plain_experiments),
        history=tables("history/{experiment}.parquet", study.plain_experiments),
        claims="<results>/claims.csv",
    output:
        metrics="<results>/metrics.json",
        curves=curve_files(),
    params:
        code=fingerprint("fooling.cli.summarise"),
        environment=environment("findings"),
        champions=repeated("champions"),
        history=repeated("history"),
        curves=repeated("curves"),
        settings=findings_settings(ThresholdSettings),
    log:
        "<logs>/summarise.log",
    benchmark:
        "<benchmarks>/summarise.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Sum the study up in a few numbers"
    shell:
        "fooling summarise --networks {input.networks} {params.champions} {params.history} --claims {input.claims}"
        " --settings {params.settings:q} --output {output.metrics} {params.curves} 2> {log}"
