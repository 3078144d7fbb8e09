# Train networks again and again, with the images that fooled those before them as one more class.
# In a chain one job follows the other: they go before all others, so that no core is idle when only they are left.


rule evolve_many_direct:
    input:
        classifier=classifier_in_chain,
        architecture=network_files(first_in_chain_of_network),
    output:
        "<results>/retraining/{network}/runs{block}.safetensors",
    params:
        code=fingerprint("fooling.cli.evolve_many_direct", first_in_chain_of_network),
        environment=environment("networks"),
        encoding="direct",
        settings=evolution_in_chain,
        seeds=seeds_in_chain,
        own_files=own_files,
    log:
        "<logs>/retraining/{network}/runs{block}.log",
    benchmark:
        "<benchmarks>/retraining/{network}/runs{block}.tsv"
    wildcard_constraints:
        network=one_of(networks_in_chains("direct")),
    priority: 1
    conda:
        "../envs/networks.yaml"
    threads: 1
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
    input:
        classifier=classifier_in_chain,
        architecture=network_files(first_in_chain_of_network),
    params:
        code=fingerprint("fooling.cli.evolve_many_cppn", first_in_chain_of_network),
        encoding="cppn",
        settings=evolution_in_chain,
        seeds=seeds_in_chain,
    wildcard_constraints:
        network=one_of(networks_in_chains("cppn")),


rule collect_champions:
    input:
        runs=runs_that_supply,
    output:
        "<results>/retraining/{chain}/images{number}.safetensors",
    params:
        code=fingerprint("fooling.cli.collect_champions"),
        environment=environment("networks"),
        settings=supply_settings,
    log:
        "<logs>/retraining/{chain}/images{number}.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/images{number}.tsv"
    wildcard_constraints:
        chain=one_of(chains_filled_with("champions")),
    priority: 1
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    message:
        "Collect the images that fooled network {wildcards.number} of {wildcards.chain}"
    shell:
        "fooling collect-champions {input.runs} --settings {params.settings:q} --output {output} 2> {log}"


rule paint_direct:
    input:
        dataset=dataset_of_chain,
    output:
        "<results>/retraining/{chain}/images{number}.safetensors",
    params:
        code=fingerprint("fooling.cli.paint_direct"),
        environment=environment("networks"),
        encoding="direct",
        settings=paint_settings,
    log:
        "<logs>/retraining/{chain}/images{number}.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/images{number}.tsv"
    wildcard_constraints:
        chain=one_of(chains_painted_in("direct")),
    priority: 1
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    message:
        "Paint random images as fooling images, set {wildcards.number} of {wildcards.chain}"
    shell:
        "fooling paint-{params.encoding} --dataset {input.dataset} --settings {params.settings:q} --output {output}"
        " 2> {log}"


use rule paint_direct as paint_cppn with:
    input:
        dataset=dataset_of_chain,
    params:
        code=fingerprint("fooling.cli.paint_cppn"),
        encoding="cppn",
        settings=paint_settings,
    wildcard_constraints:
        chain=one_of(chains_painted_in("cppn")),


rule retrain:
    input:
        dataset=dataset_of_chain,
        fooling=fooling_images_so_far,
        architecture=network_files(first_in_chain),
    output:
        "<results>/retraining/{chain}/dnn{number}.safetensors",
    params:
        code=fingerprint("fooling.cli.retrain", first_in_chain),
        environment=environment("networks"),
        fooling=repeated("fooling"),
        settings=retrain_settings,
        pictures="",
    log:
        "<logs>/retraining/{chain}/dnn{number}.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/dnn{number}.tsv"
    wildcard_constraints:
        chain=one_of(chains_trained_on("kept")),
    priority: 1
    conda:
        "../envs/networks.yaml"
    threads: 1
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
        dataset=dataset_of_chain,
        manifest=manifest_of_chain,
        fooling=fooling_images_so_far,
        architecture=network_files(first_in_chain),
    params:
        code=fingerprint("fooling.cli.retrain", first_in_chain),
        fooling=repeated("fooling"),
        settings=retrain_settings,
        pictures=pictures_of_chain,
    wildcard_constraints:
        chain=one_of(chains_trained_on("all")),
    threads: decoders
    resources:
        mem_mb=memory(4000, large=32000),
        runtime=minutes(576),
        gpu=gpus,


rule match_refusal:
    input:
        classifier=last_in_chain,
        dataset=dataset_of_chain,
        architecture=network_files(first_in_chain),
    output:
        "<results>/retraining/{chain}/dnn{number}/refusing.safetensors",
    params:
        code=fingerprint("fooling.cli.match_refusal", first_in_chain),
        environment=environment("networks"),
        settings=match_settings,
        own_files=own_files,
    log:
        "<logs>/retraining/{chain}/dnn{number}/refusing.log",
    benchmark:
        "<benchmarks>/retraining/{chain}/dnn{number}/refusing.tsv"
    wildcard_constraints:
        chain=one_of(chain.name for chain, _ in refusing.values()),
    priority: 1
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
        gpu=gpus,
    message:
        "Let network {wildcards.number} of {wildcards.chain} refuse a share of real images"
    shell:
        "fooling match-refusal --classifier {input.classifier} {params.own_files} --dataset {input.dataset} --settings"
        " {params.settings:q} --output {output} 2> {log}"
