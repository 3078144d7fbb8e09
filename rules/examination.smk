# Show images to networks: real ones, random ones, champions, and champions of which something was taken away.


rule calibrate:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        dataset=dataset_of_classifier,
        architecture=network_files(the_classifier),
    output:
        calibration="<results>/findings/calibration/{classifier}.csv",
        images="<results>/findings/real/{classifier}.parquet",
    params:
        code=fingerprint("fooling.cli.calibrate", the_classifier),
        environment=environment("networks"),
        settings=findings_settings(CalibrationSettings),
        own_files=own_files,
    log:
        "<logs>/findings/calibrate/{classifier}.log",
    benchmark:
        "<benchmarks>/findings/calibrate/{classifier}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Show {wildcards.classifier} the real test images, and calibrate it"
    shell:
        "fooling calibrate --classifier {input.classifier} {params.own_files} --dataset {input.dataset} --settings"
        " {params.settings:q} --calibration {output.calibration} --images {output.images} 2> {log}"


rule sample_direct:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=network_files(the_classifier),
    output:
        "<results>/findings/start/{classifier}/{experiment}.parquet",
    params:
        code=fingerprint("fooling.cli.sample_direct", the_classifier),
        environment=environment("networks"),
        encoding="direct",
        settings=sample_settings,
        own_files=own_files,
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
        mem_mb=memory(2000),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Show {wildcards.classifier} single random images in the encoding of {wildcards.experiment}"
    shell:
        "fooling sample-{params.encoding} --classifier {input.classifier} {params.own_files} --experiment"
        " {wildcards.experiment} --settings {params.settings:q} --output {output} 2> {log}"


use rule sample_direct as sample_cppn with:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=network_files(the_classifier),
    params:
        code=fingerprint("fooling.cli.sample_cppn", the_classifier),
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
        architecture=network_files(independent),
    output:
        "<results>/findings/examined/{classifier}/{experiment}.parquet",
    params:
        code=fingerprint("fooling.cli.examine", independent),
        environment=environment("networks"),
        independent=independent_option,
        settings=findings_settings(ExaminationSettings),
        own_files=own_files,
    log:
        "<logs>/findings/examine/{classifier}/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/examine/{classifier}/{experiment}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Compare the champions of {wildcards.experiment} on {wildcards.classifier} with real images"
    shell:
        "fooling examine {input.runs} --experiment {wildcards.experiment} --calibration {input.calibration}"
        " --images {input.images} --dataset {input.dataset} {params.independent} {params.own_files} --settings"
        " {params.settings:q} --output {output} 2> {log}"


rule ablate:
    input:
        runs=runs_to_ablate,
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=network_files(the_classifier),
    output:
        "<results>/findings/ablation/{classifier}/{experiment}.parquet",
    params:
        code=fingerprint("fooling.cli.ablate", the_classifier),
        environment=environment("networks"),
        settings=findings_settings(AblationSettings),
        own_files=own_files,
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
        mem_mb=memory(2000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Remove repeated elements from the champions of {wildcards.experiment} on {wildcards.classifier}"
    shell:
        "fooling ablate {input.runs} --classifier {input.classifier} {params.own_files} --experiment"
        " {wildcards.experiment} --settings {params.settings:q} --output {output} 2> {log}"


rule measure_distances:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        runs=runs_to_measure,
        calibration="<results>/findings/calibration/{classifier}.csv",
        images="<results>/findings/real/{classifier}.parquet",
        dataset=dataset_of_classifier,
        architecture=network_files(the_classifier),
    output:
        "<results>/findings/distances/{classifier}.parquet",
    params:
        code=fingerprint("fooling.cli.measure_distances", the_classifier),
        environment=environment("networks"),
        runs=runs_to_measure_options,
        settings=findings_settings(DistanceSettings),
        own_files=own_files,
    log:
        "<logs>/findings/measure_distances/{classifier}.log",
    benchmark:
        "<benchmarks>/findings/measure_distances/{classifier}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Measure how far images of {wildcards.classifier} lie from its training images"
    shell:
        "fooling measure-distances --classifier {input.classifier} {params.own_files} --dataset {input.dataset}"
        " {params.runs}"
        " --calibration {input.calibration} --images {input.images} --settings {params.settings:q}"
        " --output {output} 2> {log}"


rule transfer:
    input:
        classifiers=classifiers_shown,
        runs=evolved_runs,
        architecture=network_files(classifiers_beside_experiment),
    output:
        shown="<results>/findings/transfer/{experiment}.shown.parquet",
        pairs="<results>/findings/transfer/{experiment}.pairs.csv",
    params:
        code=fingerprint("fooling.cli.transfer", classifiers_beside_experiment),
        environment=environment("networks"),
        runs=repeated("runs"),
        settings=findings_settings(TransferSettings),
        own_files=own_files,
    log:
        "<logs>/findings/transfer/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/transfer/{experiment}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Show the champions of {wildcards.experiment} to all networks of their data set"
    shell:
        "fooling transfer {input.classifiers} {params.own_files} {params.runs} --experiment {wildcards.experiment}"
        " --settings {params.settings:q} --shown {output.shown} --pairs {output.pairs} 2> {log}"


rule transfer_in_chain:
    input:
        classifiers=networks_of_chain,
        batches=measured_runs_of_chain,
        architecture=network_files(first_in_chain),
    output:
        shown="<results>/findings/transfer/{chain}.shown.parquet",
        pairs="<results>/findings/transfer/{chain}.pairs.csv",
    params:
        code=fingerprint("fooling.cli.transfer", first_in_chain),
        environment=environment("networks"),
        batches=repeated("batches"),
        measured_runs=measured_runs_in_chain,
        settings=findings_settings(TransferSettings),
        own_files=own_files,
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
        mem_mb=memory(2000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Show the champions against each network of {wildcards.chain} to all of them"
    shell:
        "fooling transfer {input.classifiers} {params.own_files} {params.batches}"
        " --measured-runs {params.measured_runs} --experiment {wildcards.chain} --settings {params.settings:q}"
        " --shown {output.shown} --pairs {output.pairs} 2> {log}"


rule tabulate_refusal:
    input:
        classifiers=networks_of_retraining,
        runs=measured_runs_of_retraining,
        refusing=refusing_of_retraining,
        refusing_runs=refusing_runs_of_retraining,
        dataset=dataset_of_retraining,
        architecture=network_files(firsts_of_retraining),
    output:
        "<results>/findings/retraining/{retraining}.refusal.csv",
    params:
        code=fingerprint("fooling.cli.tabulate_refusal", firsts_of_retraining),
        environment=environment("networks"),
        runs=repeated("runs"),
        refusing=repeated("refusing"),
        refusing_runs=repeated("refusing_runs"),
        measured_runs=measured_runs,
        settings=refusal_table_settings,
        own_files=own_files,
    log:
        "<logs>/findings/retraining/{retraining}.refusal.log",
    benchmark:
        "<benchmarks>/findings/retraining/{retraining}.refusal.tsv"
    wildcard_constraints:
        retraining=one_of(retrainings_with_refusal()),
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Compare the networks of {wildcards.retraining} at equal refusal rates"
    shell:
        "fooling tabulate-refusal {input.classifiers} {params.own_files} {params.runs} {params.refusing}"
        " {params.refusing_runs}"
        " --dataset {input.dataset} --retraining {wildcards.retraining} --measured-runs {params.measured_runs}"
        " --settings {params.settings:q} --output {output} 2> {log}"
