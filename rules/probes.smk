# Probe networks with other images: random images of several families, changed champions, inputs far from the data, and
# the way of champions to the nearest decision boundary. Collect one image of each kind.

from fooling.ablation.probe_images import FamilySettings
from fooling.findings.stress import StressSettings


rule sample_families:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=classifiers.network_files(classifiers.this),
    output:
        table="<results>/findings/families/{classifier}.parquet",
        images="<results>/findings/family_images/{classifier}.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.probes:sample_families", classifiers.this, findings.cppn_modules),
        environment=environment("networks"),
        settings=findings.settings(FamilySettings),
        own_files=chains.own_files,
    log:
        "<logs>/findings/sample_families/{classifier}.log",
    benchmark:
        "<benchmarks>/findings/sample_families/{classifier}.tsv"
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Score random images of several families on {wildcards.classifier}"
    shell:
        "fooling sample-families --classifier {input.classifier} {params.own_files} --settings {params.settings:q}"
        " --output {output.table} --images {output.images} 2> {log}"


rule stress:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        runs=by_wildcards(findings.runs_to_measure),
        dataset=by_wildcards(classifiers.dataset),
        architecture=classifiers.network_files(classifiers.this),
    output:
        robustness="<results>/findings/robustness/{classifier}.csv",
        supernormal="<results>/findings/supernormal/{classifier}.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.examination:stress", classifiers.this),
        environment=environment("networks"),
        runs=by_wildcards(findings.runs_to_measure_options),
        settings=findings.settings(StressSettings),
        own_files=chains.own_files,
    log:
        "<logs>/findings/stress/{classifier}.log",
    benchmark:
        "<benchmarks>/findings/stress/{classifier}.tsv"
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Change the champions on {wildcards.classifier}, and real images, as print and camera do"
    shell:
        "fooling stress --classifier {input.classifier} {params.own_files} --dataset {input.dataset} {params.runs}"
        " --settings {params.settings:q} --robustness {output.robustness} --supernormal {output.supernormal} 2> {log}"


rule probe_far:
    input:
        classifiers=findings.far_files(),
        dataset=findings.far_dataset(),
        architecture=classifiers.network_files(findings.far_built),
    output:
        rubbish="<results>/findings/far/rubbish.csv",
        summary="<results>/findings/far/rubbish_summary.csv",
        rays="<results>/findings/far/rays.csv",
        slopes="<results>/findings/far/ray_slopes.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.probes:probe_far", findings.far_built),
        environment=environment("networks"),
        settings=findings.far_settings(),
        own_files=chains.own_files,
        files=options("dataset", "rubbish", "summary", "rays", "slopes"),
    log:
        "<logs>/findings/probe_far.log",
    benchmark:
        "<benchmarks>/findings/probe_far.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=minutes(120),
        gpu=gpus,
    message:
        "Measure the confidence in inputs far from the data"
    shell:
        "fooling probe-far {input.classifiers} {params.own_files} {params.files} --settings {params.settings:q} 2> {log}"


rule probe_boundary:
    input:
        classifiers=findings.boundary_files(),
        dataset=findings.boundary_dataset(),
        runs=findings.boundary_runs(),
        architecture=classifiers.network_files(findings.boundary_classifiers),
    output:
        "<results>/findings/boundary.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.comparisons:probe_boundary", findings.boundary_classifiers),
        environment=environment("networks"),
        runs=findings.boundary_runs_options(),
        settings=findings.boundary_settings(),
        own_files=chains.own_files,
        dataset=options("dataset"),
    log:
        "<logs>/findings/probe_boundary.log",
    benchmark:
        "<benchmarks>/findings/probe_boundary.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Measure how far champions lie from the nearest decision boundary"
    shell:
        "fooling probe-boundary {input.classifiers} {params.own_files} {params.dataset} {params.runs}"
        " --settings {params.settings:q} --output {output} 2> {log}"


rule compare_kinds:
    input:
        classifier=findings.kinds_file(),
        other=findings.kinds_other_file(),
        runs=findings.kinds_runs(),
        ascents=findings.kinds_attacks("ascent"),
        examples=findings.kinds_attacks("adversarial", "universal", "label-only"),
        families=findings.kinds_families("families"),
        family_images=findings.kinds_families("family_images"),
        architecture=classifiers.network_files(findings.kinds_other),
    output:
        "<results>/findings/kinds.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.comparisons:compare_kinds", findings.kinds_other),
        environment=environment("networks"),
        files=options("other", "ascents", "examples"),
        runs=findings.kinds_runs_options(),
        tables=named_files("tables", "families", "family_images"),
        own_files=chains.own_files,
    log:
        "<logs>/findings/compare_kinds.log",
    benchmark:
        "<benchmarks>/findings/compare_kinds.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=10,
        gpu=gpus,
    message:
        "Collect one image for each way to fool a network"
    shell:
        "fooling compare-kinds {input.classifier} {params.files} {params.runs} {params.tables} {params.own_files}"
        " --output {output} 2> {log}"


rule tabulate_hardening:
    input:
        classifiers=findings.hardening.files(),
        champions=tables("champions/{experiment}.parquet", findings.hardening.experiments()),
        retrained=retrainings.tables("champions.parquet", findings.hardening.retrainings()),
        real=findings.hardening.real(),
        dataset=findings.hardening.dataset(),
        architecture=classifiers.network_files(findings.hardening.names),
    output:
        hardened="<results>/findings/hardened.csv",
        hardening="<results>/findings/hardening.csv",
    params:
        code=classifiers.fingerprint("fooling.cli.probes:tabulate_hardening", findings.hardening.names),
        environment=environment("networks"),
        tables=options("champions", "retrained", "real", "dataset"),
        settings=findings.hardening.settings(),
        own_files=chains.own_files,
    log:
        "<logs>/findings/tabulate_hardening.log",
    benchmark:
        "<benchmarks>/findings/tabulate_hardening.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Compare ways of training that may make networks harder to fool"
    shell:
        "fooling tabulate-hardening {input.classifiers} {params.own_files} {params.tables}"
        " --settings {params.settings:q} --hardened {output.hardened} --hardening {output.hardening} 2> {log}"
