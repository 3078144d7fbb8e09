# Train networks again and again, with the images that fooled those before them as one more class.
# In a chain one job follows the other: they go before all others, so that no core is idle when only they are left.


rule evolve_many_direct:
    input:
        classifier=by_wildcards(chains.file),
        architecture=classifiers.network_files(chains.first_of),
    output:
        "<results>/retraining/{network}/runs{block}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.evolve_many_direct", chains.first_of),
        environment=environment("networks"),
        encoding="direct",
        settings=by_wildcards(chains.evolution),
        seeds=by_wildcards(chains.seeds),
        own_files=chains.own_files,
    log:
        "<logs>/retraining/{network}/runs{block}.log",
    benchmark:
        "<benchmarks>/retraining/{network}/runs{block}.tsv"
    wildcard_constraints:
        network=one_of(chains.networks_in("direct")),
    priority: 1
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Evolve images against {wildcards.network}, job {wildcards.block}"
    shell:
        "fooling evolve-many-{params.encoding} --classifier {input.classifier} {params.own_files} --settings"
        " {params.settings:q} {params.seeds} --output {output} 2> {log}"


use rule evolve_many_direct as evolve_many_cppn with:
    params:
        code=classifiers.fingerprint("fooling.cli.evolve_many_cppn", chains.first_of),
        encoding="cppn",
    wildcard_constraints:
        network=one_of(chains.networks_in("cppn")),


rule collect_champions:
    input:
        runs=by_wildcards(chains.supplying_runs),
    output:
        "<results>/retraining/{chain}/images{number}.safetensors",
    params:
        code=fingerprint("fooling.cli.collect_champions"),
        environment=environment("networks"),
        settings=by_wildcards(chains.supply),
    log:
        "<logs>/retraining/{chain}/images{number}.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/images{number}.tsv"
    wildcard_constraints:
        chain=one_of(chains.filled_with("champions")),
    priority: 1
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    message:
        "Collect the images that fooled network {wildcards.number} of {wildcards.chain}"
    shell:
        "fooling collect-champions {input.runs} --settings {params.settings:q} --output {output} 2> {log}"


rule paint_direct:
    input:
        dataset=of_each(classifiers.dataset, chains.first),
    output:
        "<results>/retraining/{chain}/images{number}.safetensors",
    params:
        code=fingerprint("fooling.cli.paint_direct"),
        environment=environment("networks"),
        encoding="direct",
        settings=by_wildcards(chains.painting),
    log:
        "<logs>/retraining/{chain}/images{number}.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/images{number}.tsv"
    wildcard_constraints:
        chain=one_of(chains.painted_in("direct")),
    priority: 1
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    message:
        "Paint random images as fooling images, set {wildcards.number} of {wildcards.chain}"
    shell:
        "fooling paint-{params.encoding} --dataset {input.dataset} --settings {params.settings:q} --output {output}"
        " 2> {log}"


use rule paint_direct as paint_cppn with:
    params:
        code=fingerprint("fooling.cli.paint_cppn"),
        encoding="cppn",
    wildcard_constraints:
        chain=one_of(chains.painted_in("cppn")),


rule retrain:
    input:
        dataset=of_each(classifiers.dataset, chains.first),
        fooling=by_wildcards(chains.fooling_images),
        architecture=classifiers.network_files(chains.first),
    output:
        "<results>/retraining/{chain}/dnn{number}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.retrain", chains.first),
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
    priority: 1
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
        code=classifiers.fingerprint("fooling.cli.match_refusal", chains.first),
        environment=environment("networks"),
        settings=by_wildcards(chains.matched_refusal),
        own_files=chains.own_files,
    log:
        "<logs>/retraining/{chain}/dnn{number}/refusing.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/dnn{number}/refusing.tsv"
    wildcard_constraints:
        chain=one_of(chains.that_refuse()),
    priority: 1
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
        gpu=gpus,
    message:
        "Let network {wildcards.number} of {wildcards.chain} refuse a share of real images"
    shell:
        "fooling match-refusal --classifier {input.classifier} {params.own_files} --dataset {input.dataset} --settings"
        " {params.settings:q} --output {output} 2> {log}"
