# Turn runs and networks into tables: every number of a figure, of the report and of the claims comes from one of them.


rule describe_classifiers:
    input:
        classifiers=classifier_files(),
        code=sources("fooling.cli.describe_classifiers"),
        environment="envs/findings.yaml",
    output:
        training="<results>/findings/training.csv",
        networks="<results>/findings/classifiers.csv",
        errors="<results>/findings/test_errors.csv",
    params:
        settings=findings_settings(IntervalSettings),
    log:
        "<logs>/findings/describe_classifiers.log",
    benchmark:
        "<benchmarks>/findings/describe_classifiers.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "List the networks, their training and their test errors"
    shell:
        "fooling describe-classifiers {input.classifiers} --settings {params.settings:q} --training {output.training}"
        " --networks {output.networks} --errors {output.errors} 2> {log}"


rule calibrate:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        dataset=dataset_of_classifier,
        architecture=architecture_of_classifier,
        code=sources("fooling.cli.calibrate"),
        environment="envs/networks.yaml",
    output:
        calibration="<results>/findings/calibration/{classifier}.csv",
        images="<results>/findings/real/{classifier}.parquet",
    params:
        settings=findings_settings(CalibrationSettings),
    log:
        "<logs>/findings/calibrate/{classifier}.log",
    benchmark:
        "<benchmarks>/findings/calibrate/{classifier}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        gpu=gpus,
    message:
        "Show {wildcards.classifier} the real test images, and calibrate it"
    shell:
        "fooling calibrate --classifier {input.classifier} --dataset {input.dataset} --settings {params.settings:q}"
        " --calibration {output.calibration} --images {output.images} 2> {log}"


rule sample_direct:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=architecture_of_classifier,
        code=sources("fooling.cli.sample_direct"),
        environment="envs/networks.yaml",
    output:
        "<results>/findings/start/{classifier}/{experiment}.parquet",
    params:
        encoding="direct",
        settings=sample_settings,
    log:
        "<logs>/findings/sample/{classifier}/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/sample/{classifier}/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_in("direct")),
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        gpu=gpus,
    message:
        "Show {wildcards.classifier} single random images in the encoding of {wildcards.experiment}"
    shell:
        "fooling sample-{params.encoding} --classifier {input.classifier} --experiment {wildcards.experiment}"
        " --settings {params.settings:q} --output {output} 2> {log}"


use rule sample_direct as sample_cppn with:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=architecture_of_classifier,
        code=sources("fooling.cli.sample_cppn"),
        environment="envs/networks.yaml",
    params:
        encoding="cppn",
    wildcard_constraints:
        experiment=one_of(experiments_in("cppn")),


rule examine:
    input:
        runs=runs_to_examine,
        calibration="<results>/findings/calibration/{classifier}.csv",
        images="<results>/findings/real/{classifier}.parquet",
        dataset=dataset_of_classifier,
        independent=independent_of_classifier,
        code=sources("fooling.cli.examine"),
        environment="envs/networks.yaml",
    output:
        "<results>/findings/examined/{classifier}/{experiment}.parquet",
    params:
        independent=independent_option,
        settings=findings_settings(ExaminationSettings),
    log:
        "<logs>/findings/examine/{classifier}/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/examine/{classifier}/{experiment}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=gpus,
    message:
        "Compare the champions of {wildcards.experiment} on {wildcards.classifier} with real images"
    shell:
        "fooling examine {input.runs} --experiment {wildcards.experiment} --calibration {input.calibration}"
        " --images {input.images} --dataset {input.dataset} {params.independent} --settings {params.settings:q}"
        " --output {output} 2> {log}"


rule ablate:
    input:
        runs=runs_to_ablate,
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=architecture_of_classifier,
        code=sources("fooling.cli.ablate"),
        environment="envs/networks.yaml",
    output:
        "<results>/findings/ablation/{classifier}/{experiment}.parquet",
    params:
        settings=findings_settings(AblationSettings),
    log:
        "<logs>/findings/ablate/{classifier}/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/ablate/{classifier}/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_in("cppn")),
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=gpus,
    message:
        "Remove repeated elements from the champions of {wildcards.experiment} on {wildcards.classifier}"
    shell:
        "fooling ablate {input.runs} --classifier {input.classifier} --experiment {wildcards.experiment}"
        " --settings {params.settings:q} --output {output} 2> {log}"


rule summarise_ablation:
    input:
        ablations=ablation_tables(),
        code=sources("fooling.cli.summarise_ablation"),
        environment="envs/findings.yaml",
    output:
        "<results>/findings/ablation_summary.csv",
    params:
        settings=findings_settings(IntervalSettings),
    log:
        "<logs>/findings/summarise_ablation.log",
    benchmark:
        "<benchmarks>/findings/summarise_ablation.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "Sum up what repeated elements are worth"
    shell:
        "fooling summarise-ablation {input.ablations} --settings {params.settings:q} --output {output} 2> {log}"


rule measure_distances:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        runs=runs_to_measure,
        calibration="<results>/findings/calibration/{classifier}.csv",
        images="<results>/findings/real/{classifier}.parquet",
        dataset=dataset_of_classifier,
        architecture=architecture_of_classifier,
        code=sources("fooling.cli.measure_distances"),
        environment="envs/networks.yaml",
    output:
        "<results>/findings/distances/{classifier}.parquet",
    params:
        runs=runs_to_measure_options,
        settings=findings_settings(DistanceSettings),
    log:
        "<logs>/findings/measure_distances/{classifier}.log",
    benchmark:
        "<benchmarks>/findings/measure_distances/{classifier}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
        gpu=gpus,
    message:
        "Measure how far images of {wildcards.classifier} lie from its training images"
    shell:
        "fooling measure-distances --classifier {input.classifier} --dataset {input.dataset} {params.runs}"
        " --calibration {input.calibration} --images {input.images} --settings {params.settings:q}"
        " --output {output} 2> {log}"


rule tabulate:
    input:
        runs=runs_to_tabulate,
        code=sources("fooling.cli.tabulate"),
        environment="envs/findings.yaml",
    output:
        champions="<results>/findings/champions/{experiment}.parquet",
        history="<results>/findings/history/{experiment}.parquet",
        times="<results>/findings/times/{experiment}.parquet",
    params:
        settings=findings_settings(ThresholdSettings),
    log:
        "<logs>/findings/tabulate/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/tabulate/{experiment}.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=2000,
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
        code=sources("fooling.cli.tabulate_retraining"),
        environment="envs/findings.yaml",
    output:
        champions="<results>/findings/retraining/{retraining}.champions.parquet",
        networks="<results>/findings/retraining/{retraining}.networks.csv",
        effects="<results>/findings/retraining/{retraining}.effects.csv",
    params:
        runs=repeated("runs"),
        measured_runs=measured_runs,
        settings=findings_settings(RetrainingFindingsSettings),
    log:
        "<logs>/findings/retraining/{retraining}.log",
    benchmark:
        "<benchmarks>/findings/retraining/{retraining}.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    message:
        "Tabulate the networks of {wildcards.retraining}"
    shell:
        "fooling tabulate-retraining {input.classifiers} {params.runs} --retraining {wildcards.retraining}"
        " --measured-runs {params.measured_runs} --settings {params.settings:q} --champions {output.champions}"
        " --networks {output.networks} --effects {output.effects} 2> {log}"


rule transfer:
    input:
        classifiers=classifiers_shown,
        runs=evolved_runs,
        architecture=architectures_shown,
        code=sources("fooling.cli.transfer"),
        environment="envs/networks.yaml",
    output:
        shown="<results>/findings/transfer/{experiment}.shown.parquet",
        pairs="<results>/findings/transfer/{experiment}.pairs.csv",
    params:
        runs=repeated("runs"),
        settings=findings_settings(TransferSettings),
    log:
        "<logs>/findings/transfer/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/transfer/{experiment}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=gpus,
    message:
        "Show the champions of {wildcards.experiment} to all networks of their data set"
    shell:
        "fooling transfer {input.classifiers} {params.runs} --experiment {wildcards.experiment}"
        " --settings {params.settings:q} --shown {output.shown} --pairs {output.pairs} 2> {log}"


rule transfer_in_chain:
    input:
        classifiers=networks_of_chain,
        batches=measured_runs_of_chain,
        architecture=architecture_of_chain,
        code=sources("fooling.cli.transfer"),
        environment="envs/networks.yaml",
    output:
        shown="<results>/findings/transfer/{chain}.shown.parquet",
        pairs="<results>/findings/transfer/{chain}.pairs.csv",
    params:
        batches=repeated("batches"),
        measured_runs=measured_runs_in_chain,
        settings=findings_settings(TransferSettings),
    log:
        "<logs>/findings/transfer/{chain}.log",
    benchmark:
        "<benchmarks>/findings/transfer/{chain}.tsv"
    wildcard_constraints:
        chain=one_of(chains_filled_with("champions")),
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=gpus,
    message:
        "Show the champions against each network of {wildcards.chain} to all of them"
    shell:
        "fooling transfer {input.classifiers} {params.batches} --measured-runs {params.measured_runs}"
        " --experiment {wildcards.chain} --settings {params.settings:q} --shown {output.shown} --pairs {output.pairs}"
        " 2> {log}"


rule trace_lineage:
    input:
        runs=runs_to_trace,
        code=sources("fooling.cli.trace_lineage"),
        environment="envs/findings.yaml",
    output:
        ancestry="<results>/findings/ancestry/{experiment}.parquet",
        lineage="<results>/findings/lineage/{experiment}.csv",
    params:
        settings=findings_settings(LineageSettings),
    log:
        "<logs>/findings/trace_lineage/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/trace_lineage/{experiment}.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "Trace the champions of {wildcards.experiment} back to the random start"
    shell:
        "fooling trace-lineage {input.runs} --experiment {wildcards.experiment} --settings {params.settings:q}"
        " --ancestry {output.ancestry} --lineage {output.lineage} 2> {log}"


rule variance:
    input:
        champions=tables("champions/{experiment}.parquet", study.plain_experiments),
        code=sources("fooling.cli.variance"),
        environment="envs/findings.yaml",
    output:
        "<results>/findings/variance.csv",
    log:
        "<logs>/findings/variance.log",
    benchmark:
        "<benchmarks>/findings/variance.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "Split the variance between champions into network, seed and class"
    shell:
        "fooling variance {input.champions} --output {output} 2> {log}"


rule compare:
    input:
        times=tables("times/{experiment}.parquet", study.experiments),
        code=sources("fooling.cli.compare"),
        environment="envs/findings.yaml",
    output:
        survival="<results>/findings/survival.csv",
        presets="<results>/findings/presets.csv",
    params:
        settings=comparison_settings,
    log:
        "<logs>/findings/compare.log",
    benchmark:
        "<benchmarks>/findings/compare.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Compare how soon the experiments reach the threshold"
    shell:
        "fooling compare {input.times} --settings {params.settings:q} --survival {output.survival}"
        " --presets {output.presets} 2> {log}"


rule claims:
    input:
        declared="config/claims.yaml",
        networks="<results>/findings/classifiers.csv",
        history=tables("history/{experiment}.parquet", study.plain_experiments),
        times=tables("times/{experiment}.parquet", study.plain_experiments),
        start=tables("start/{classifier}/{experiment}.parquet", study.plain_experiments),
        examined=tables("examined/{classifier}/{experiment}.parquet", study.plain_experiments),
        ancestry=tables("ancestry/{experiment}.parquet", study.plain_experiments),
        distances=tables("distances/{classifier}.parquet", study.plain_experiments),
        transfer=transfer_tables("pairs.csv"),
        retrained=tables_of_retrainings("champions.parquet"),
        retraining=tables_of_retrainings("networks.csv"),
        ablation=ablation_tables(),
        ascent=ascent_tables("ascent.parquet"),
        ascent_times=ascent_tables("ascent_times.parquet"),
        code=sources("fooling.cli.claims"),
        environment="envs/findings.yaml",
    output:
        table=report("<results>/claims.csv", caption="../docs/captions/claims.rst", category="Claims"),
        page="<results>/claims.md",
    params:
        history=repeated("history"),
        times=repeated("times"),
        start=repeated("start"),
        examined=repeated("examined"),
        ancestry=repeated("ancestry"),
        distances=repeated("distances"),
        transfer=repeated("transfer"),
        retrained=repeated("retrained"),
        retraining=repeated("retraining"),
        ablation=repeated("ablation"),
        ascent=repeated("ascent"),
        ascent_times=repeated("ascent_times"),
        settings=findings_settings(MeasurementSettings),
    log:
        "<logs>/claims.log",
    benchmark:
        "<benchmarks>/claims.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Judge the claims of the paper"
    shell:
        "fooling claims --declared {input.declared} --networks {input.networks} {params.history} {params.times}"
        " {params.start} {params.examined} {params.ancestry} {params.distances} {params.transfer} {params.retrained}"
        " {params.retraining} {params.ablation} {params.ascent} {params.ascent_times} --settings {params.settings:q}"
        " --table {output.table} --page {output.page} 2> {log}"


rule summarise:
    input:
        networks="<results>/findings/classifiers.csv",
        champions=tables("champions/{experiment}.parquet", study.plain_experiments),
        history=tables("history/{experiment}.parquet", study.plain_experiments),
        claims="<results>/claims.csv",
        code=sources("fooling.cli.summarise"),
        environment="envs/findings.yaml",
    output:
        metrics="<results>/metrics.json",
        curves=curve_files(),
    params:
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
        mem_mb=2000,
        runtime=30,
    message:
        "Sum the study up in a few numbers"
    shell:
        "fooling summarise --networks {input.networks} {params.champions} {params.history} --claims {input.claims}"
        " --settings {params.settings:q} --output {output.metrics} {params.curves} 2> {log}"
