# Probe networks with other images: random images of several families, changed champions, and inputs far from the data.

from fooling.encodings.families import FamilySettings
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
