# Train networks, or take in those that others have trained. Their jobs go before all others but those of the data.


rule train:
    input:
        dataset=dataset_of_classifier,
        architecture=network_files(the_classifier),
    output:
        "<results>/classifiers/{classifier}.safetensors",
    params:
        code=fingerprint("fooling.cli.train", the_classifier),
        environment=environment("networks"),
        settings=classifier_settings,
        pictures="",
    log:
        "<logs>/classifiers/{classifier}.log",
    benchmark:
        "<benchmarks>/classifiers/{classifier}.tsv"
    wildcard_constraints:
        classifier=one_of(classifiers_trained_on("kept")),
    priority: 2
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=240,
        gpu=gpus_in_training,
    message:
        "Train the network {wildcards.classifier}"
    shell:
        "fooling train --name {wildcards.classifier} --dataset {input.dataset} --settings {params.settings:q}"
        " {params.pictures} --workers {threads} --output {output} 2> {log}"


# Pictures that are decoded as they are needed keep a GPU waiting unless several cores decode them.
use rule train as train_on_all_pictures with:
    input:
        dataset=dataset_of_classifier,
        manifest=manifest_of_classifier,
        architecture=network_files(the_classifier),
    params:
        code=fingerprint("fooling.cli.train", the_classifier),
        settings=classifier_settings,
        pictures=pictures_of_classifier,
    wildcard_constraints:
        classifier=one_of(classifiers_trained_on("all")),
    threads: decoders
    resources:
        mem_mb=memory(4000, large=32000),
        runtime=minutes(576),
        gpu=gpus_in_training,


rule assemble_ensemble:
    input:
        members=members_of_ensemble,
        dataset=dataset_of_classifier,
        architecture=network_files(the_classifier),
    output:
        "<results>/classifiers/{classifier}.safetensors",
    params:
        code=fingerprint("fooling.cli.assemble_ensemble", the_classifier),
        environment=environment("networks"),
        own_files=own_files,
    log:
        "<logs>/classifiers/{classifier}.log",
    benchmark:
        "<benchmarks>/classifiers/{classifier}.tsv"
    wildcard_constraints:
        classifier=one_of(classifiers_of_kind("ensemble")),
    priority: 2
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
        gpu=gpus,
    message:
        "Make one network of several: {wildcards.classifier}"
    shell:
        "fooling assemble-ensemble {input.members} --name {wildcards.classifier} --dataset {input.dataset}"
        " {params.own_files} --output {output} 2> {log}"


rule import_network:
    input:
        dataset=dataset_of_classifier,
        weights=weights_of_classifier,
        architecture=network_files(the_classifier),
    output:
        "<results>/classifiers/{classifier}.safetensors",
    params:
        code=fingerprint("fooling.cli.import_network", the_classifier),
        environment=environment("networks"),
        settings=classifier_settings,
    log:
        "<logs>/classifiers/{classifier}.log",
    benchmark:
        "<benchmarks>/classifiers/{classifier}.tsv"
    wildcard_constraints:
        classifier=one_of(classifiers_of_kind("imported")),
    priority: 2
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
        gpu=gpus,
    message:
        "Take in the network {wildcards.classifier} and test it"
    shell:
        "fooling import-network --name {wildcards.classifier} --dataset {input.dataset} --settings {params.settings:q}"
        " --output {output} 2> {log}"
