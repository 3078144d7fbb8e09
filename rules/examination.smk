# Score images with networks: real images, random images, champions, and champions without repeated elements.

from fooling.findings.ablation import AblationSettings
from fooling.findings.calibration import CalibrationSettings
from fooling.findings.distances import DistanceSettings
from fooling.findings.examination import ExaminationSettings
from fooling.findings.transfer import TransferSettings


rule calibrate:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        dataset=by_wildcards(classifiers.dataset),
        architecture=classifiers.network_files(classifiers.this),
    output:
        calibration="<results>/findings/calibration/{classifier}.csv",
        images="<results>/findings/real/{classifier}.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.classifiers:calibrate", classifiers.this),
        environment=environment("networks"),
        settings=findings.settings(CalibrationSettings),
        own_files=chains.own_files,
    log:
        "<logs>/findings/calibrate/{classifier}.log",
    benchmark:
        "<benchmarks>/findings/calibrate/{classifier}.tsv"
    priority: by_wildcards(priorities.calibration)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Calibrate {wildcards.classifier} on real test images"
    shell:
        "fooling calibrate --classifier {input.classifier} {params.own_files} --dataset {input.dataset} --settings"
        " {params.settings:q} --calibration {output.calibration} --images {output.images} 2> {log}"


rule sample:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=classifiers.network_files(classifiers.this),
    output:
        "<results>/findings/start/{classifier}/{experiment}.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.probes:sample", classifiers.this, experiments.encoding_modules),
        environment=environment("networks"),
        settings=by_wildcards(findings.sample),
        own_files=chains.own_files,
    log:
        "<logs>/findings/sample/{classifier}/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/sample/{classifier}/{experiment}.tsv"
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Score random images in the encoding of {wildcards.experiment} on {wildcards.classifier}"
    shell:
        "fooling sample --classifier {input.classifier} {params.own_files} --experiment {wildcards.experiment}"
        " --settings {params.settings:q} --output {output} 2> {log}"


rule examine:
    input:
        runs=by_wildcards(experiments.runs_on),
        calibration="<results>/findings/calibration/{classifier}.csv",
        images="<results>/findings/real/{classifier}.parquet",
        dataset=by_wildcards(classifiers.dataset),
        independent=of_each(classifiers.file, classifiers.independent),
        architecture=classifiers.network_files(classifiers.independent),
    output:
        "<results>/findings/examined/{classifier}/{experiment}.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.examination:examine", classifiers.independent),
        environment=environment("networks"),
        independent=options("independent"),
        settings=findings.settings(ExaminationSettings),
        own_files=chains.own_files,
    log:
        "<logs>/findings/examine/{classifier}/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/examine/{classifier}/{experiment}.tsv"
    priority: by_wildcards(priorities.examination)
    conda:
        "../envs/networks.yaml"
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
        runs=by_wildcards(experiments.evolved_on),
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=classifiers.network_files(classifiers.this),
    output:
        "<results>/findings/ablation/{classifier}/{experiment}.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.examination:ablate", classifiers.this),
        environment=environment("networks"),
        settings=findings.settings(AblationSettings),
        own_files=chains.own_files,
    log:
        "<logs>/findings/ablate/{classifier}/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/ablate/{classifier}/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments.in_encoding("cppn")),
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/networks.yaml"
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
        runs=by_wildcards(findings.runs_to_measure),
        calibration="<results>/findings/calibration/{classifier}.csv",
        images="<results>/findings/real/{classifier}.parquet",
        dataset=by_wildcards(classifiers.dataset),
        architecture=classifiers.network_files(classifiers.this),
    output:
        "<results>/findings/distances/{classifier}.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.examination:measure_distances", classifiers.this),
        environment=environment("networks"),
        runs=by_wildcards(findings.runs_to_measure_options),
        settings=findings.settings(DistanceSettings),
        own_files=chains.own_files,
    log:
        "<logs>/findings/measure_distances/{classifier}.log",
    benchmark:
        "<benchmarks>/findings/measure_distances/{classifier}.tsv"
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Measure distances to the training images of {wildcards.classifier}"
    shell:
        "fooling measure-distances --classifier {input.classifier} {params.own_files} --dataset {input.dataset}"
        " {params.runs} --calibration {input.calibration} --images {input.images} --settings {params.settings:q}"
        " --output {output} 2> {log}"


rule label_champions:
    input:
        classifiers=of_each(classifiers.file, parts.labelling),
        runs=by_wildcards(parts.labelled_runs),
        architecture=classifiers.network_files(parts.labelling),
    output:
        "<results>/findings/own_labels/{experiment}/{part}.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.claims:label_champions", parts.labelling),
        environment=environment("networks"),
        runs=options("runs"),
        own_files=chains.own_files,
    log:
        "<logs>/findings/label_champions/{experiment}/{part}.log",
    benchmark:
        "<benchmarks>/findings/label_champions/{experiment}/{part}.tsv"
    wildcard_constraints:
        part="[0-9]+",
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
        gpu=gpus,
    message:
        "Label the champions of {wildcards.experiment} with their own networks, part {wildcards.part}"
    shell:
        "fooling label-champions {input.classifiers} {params.own_files} {params.runs} --output {output} 2> {log}"


rule show_champions:
    input:
        classifiers=of_each(classifiers.file, parts.targets),
        runs=by_wildcards(parts.shown_runs),
        labelled=by_wildcards(parts.labels),
        architecture=classifiers.network_files(parts.targets),
    output:
        shown="<results>/findings/shown/{experiment}/{part}.parquet",
        pairs="<results>/findings/shown/{experiment}/{part}.pairs.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.claims:show_champions", parts.targets),
        environment=environment("networks"),
        files=options("runs", "labelled"),
        settings=findings.settings(TransferSettings),
        own_files=chains.own_files,
    log:
        "<logs>/findings/show_champions/{experiment}/{part}.log",
    benchmark:
        "<benchmarks>/findings/show_champions/{experiment}/{part}.tsv"
    wildcard_constraints:
        part="[0-9]+",
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
        gpu=gpus,
    message:
        "Score the champions of {wildcards.experiment} on the networks of their data set, part {wildcards.part}"
    shell:
        "fooling show-champions {input.classifiers} {params.own_files} {params.files} --experiment {wildcards.experiment}"
        " --settings {params.settings:q} --shown {output.shown} --pairs {output.pairs} 2> {log}"


rule join_transfer:
    input:
        shown=by_wildcards(parts.shown_tables),
        pair_parts=by_wildcards(parts.pair_tables),
    output:
        shown="<results>/findings/transfer/{experiment}.shown.parquet",
        pairs="<results>/findings/transfer/{experiment}.pairs.csv",
    params:
        code=fingerprint("fooling.cli.claims:join_transfer"),
        environment=environment("findings"),
        parts=options("pair_parts"),
    log:
        "<logs>/findings/transfer/{experiment}.log",
    benchmark:
        "<benchmarks>/findings/transfer/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(study.experiments),
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    message:
        "Tabulate the transfer of the champions of {wildcards.experiment}"
    shell:
        "fooling join-transfer {input.shown} {params.parts} --images {output.shown} --pairs {output.pairs} 2> {log}"


rule transfer_in_chain:
    input:
        classifiers=of_each(chains.file, chains.networks),
        batches=by_wildcards(chains.measuring_runs),
        architecture=classifiers.network_files(chains.first),
    output:
        shown="<results>/findings/transfer/{chain}.shown.parquet",
        pairs="<results>/findings/transfer/{chain}.pairs.csv",
    params:
        code=classifiers.fingerprint("fooling.cli.examination:transfer", chains.first),
        environment=environment("networks"),
        batches=options("batches"),
        measured_runs=by_wildcards(chains.measured_runs),
        settings=findings.settings(TransferSettings),
        own_files=chains.own_files,
    log:
        "<logs>/findings/transfer/{chain}.log",
    benchmark:
        "<benchmarks>/findings/transfer/{chain}.tsv"
    wildcard_constraints:
        chain=one_of(chains.filled_with("champions")),
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Score the champions against each network of {wildcards.chain} on all of these networks"
    shell:
        "fooling transfer {input.classifiers} {params.own_files} {params.batches}"
        " --measured-runs {params.measured_runs} --experiment {wildcards.chain} --settings {params.settings:q}"
        " --shown {output.shown} --pairs {output.pairs} 2> {log}"


rule tabulate_refusal:
    input:
        classifiers=of_each(chains.file, retrainings.networks),
        runs=by_wildcards(retrainings.measuring_runs),
        refusing=of_each(chains.file, retrainings.refusing),
        refusing_runs=by_wildcards(retrainings.runs_against_refusing),
        dataset=of_each(classifiers.dataset, retrainings.firsts),
        architecture=classifiers.network_files(retrainings.firsts),
    output:
        "<results>/findings/retraining/{retraining}.refusal.csv",
    params:
        code=classifiers.fingerprint("fooling.cli.retraining:tabulate_refusal", retrainings.firsts),
        environment=environment("networks"),
        runs=options("runs", "refusing", "refusing_runs"),
        measured_runs=by_wildcards(retrainings.measured_runs),
        settings=by_wildcards(retrainings.refusal),
        own_files=chains.own_files,
    log:
        "<logs>/findings/retraining/{retraining}.refusal.log",
    benchmark:
        "<benchmarks>/findings/retraining/{retraining}.refusal.tsv"
    wildcard_constraints:
        retraining=one_of(retrainings.with_refusal()),
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Compare the networks of {wildcards.retraining} at equal refusal rates"
    shell:
        "fooling tabulate-refusal {input.classifiers} {params.own_files} {params.runs} --dataset {input.dataset}"
        " --retraining {wildcards.retraining} --measured-runs {params.measured_runs}"
        " --settings {params.settings:q} --output {output} 2> {log}"
