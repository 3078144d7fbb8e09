# Retrain networks repeatedly, with the images that fooled the networks before them as an additional class.
# The jobs of a chain run one after another. They start early, so that cores are not idle at the end of a study
# (rules/priorities.py).


rule evolve_many:
    input:
        classifier=by_wildcards(chains.file),
        dataset=by_wildcards(chains.screened_on),
        architecture=classifiers.network_files(chains.first_of),
    output:
        "<results>/retraining/{network}/runs{block}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.attack:attack", chains.first_of, chains.modules),
        environment=environment("networks"),
        settings=by_wildcards(chains.evolution),
        dataset=options("dataset"),
        seeds=by_wildcards(chains.seeds),
        own_files=chains.own_files,
    log:
        "<logs>/retraining/{network}/runs{block}.log",
    benchmark:
        "<benchmarks>/retraining/{network}/runs{block}.tsv"
    wildcard_constraints:
        network=one_of(chains.evolved_against()),
    priority: by_wildcards(priorities.chained)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Evolve images against {wildcards.network}, job {wildcards.block}"
    shell:
        "fooling attack evolution --classifier {input.classifier} {params.own_files} --settings {params.settings:q}"
        " {params.dataset} {params.seeds} --output {output} 2> {log}"


rule collect_champions:
    input:
        runs=by_wildcards(chains.supplying_runs),
    output:
        "<results>/retraining/{chain}/images{number}.safetensors",
    params:
        code=fingerprint("fooling.cli.retraining:collect_champions"),
        environment=environment("networks"),
        settings=by_wildcards(chains.supply),
    log:
        "<logs>/retraining/{chain}/images{number}.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/images{number}.tsv"
    wildcard_constraints:
        chain=one_of(chains.filled_with("champions")),
    priority: by_wildcards(priorities.chain)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    message:
        "Collect the images that fooled network {wildcards.number} of {wildcards.chain}"
    shell:
        "fooling collect-champions {input.runs} --settings {params.settings:q} --output {output} 2> {log}"


rule paint:
    input:
        dataset=of_each(classifiers.dataset, chains.first),
    output:
        "<results>/retraining/{chain}/images{number}.safetensors",
    params:
        code=chains.painting_code,
        environment=environment("networks"),
        settings=by_wildcards(chains.painting),
    log:
        "<logs>/retraining/{chain}/images{number}.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/images{number}.tsv"
    wildcard_constraints:
        chain=one_of(chains.painted()),
    priority: by_wildcards(priorities.chain)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    message:
        "Make random images as fooling images, set {wildcards.number} of {wildcards.chain}"
    shell:
        "fooling paint --dataset {input.dataset} --settings {params.settings:q} --output {output} 2> {log}"


rule retrain:
    input:
        dataset=of_each(classifiers.dataset, chains.first),
        fooling=by_wildcards(chains.fooling_images),
        architecture=classifiers.network_files(chains.first),
    output:
        "<results>/retraining/{chain}/dnn{number}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.training:retrain", chains.first),
        environment=environment("networks"),
        fooling=options("fooling"),
        settings=by_wildcards(chains.retraining),
        pictures="",
    log:
        "<logs>/retraining/{chain}/dnn{number}.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/dnn{number}.tsv"
    wildcard_constraints:
        chain=one_of(chains.trained_on("kept")),
    priority: by_wildcards(priorities.chain)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(240),
        gpu=gpus,
    message:
        "Retrain network {wildcards.number} of {wildcards.chain}"
    shell:
        "fooling retrain --name {wildcards.chain}/dnn{wildcards.number} --dataset {input.dataset} {params.fooling}"
        " --settings {params.settings:q} {params.pictures} --workers {threads} --output {output} 2> {log}"


# As with the first network, several cores decode the pictures.
use rule retrain as retrain_on_all_pictures with:
    input:
        dataset=of_each(classifiers.dataset, chains.first),
        manifest=of_each(classifiers.manifest, chains.first),
        fooling=by_wildcards(chains.fooling_images),
        architecture=classifiers.network_files(chains.first),
    params:
        pictures=by_wildcards(chains.pictures),
    wildcard_constraints:
        chain=one_of(chains.trained_on("all")),
    threads: needs.decoders
    resources:
        mem_mb=memory(4000, large=32000),
        runtime=minutes(576),
        gpu=gpus,


rule match_refusal:
    input:
        classifier=by_wildcards(chains.last),
        dataset=of_each(classifiers.dataset, chains.first),
        architecture=classifiers.network_files(chains.first),
    output:
        "<results>/retraining/{chain}/dnn{number}/refusing.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.classifiers:match_refusal", chains.first),
        environment=environment("networks"),
        settings=by_wildcards(chains.matched_refusal),
        own_files=chains.own_files,
    log:
        "<logs>/retraining/{chain}/dnn{number}/refusing.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/dnn{number}/refusing.tsv"
    wildcard_constraints:
        chain=one_of(chains.with_refusal()),
    priority: by_wildcards(priorities.chain)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
        gpu=gpus,
    message:
        "Match the refusal rate of network {wildcards.number} of {wildcards.chain}"
    shell:
        "fooling match-refusal --classifier {input.classifier} {params.own_files} --dataset {input.dataset} --settings"
        " {params.settings:q} --output {output} 2> {log}"
