# Fetch and verify data sets, and train networks or import trained ones. All studies share the data sets.
# All other jobs depend on data sets and networks.


rule fetch_digits:
    output:
        "results/datasets/{dataset}.safetensors",
    params:
        code=fingerprint("fooling.cli.data_sets:fetch_digits"),
        environment=environment("datasets"),
        kind="digits",
        settings=by_wildcards(datasets.settings),
    log:
        "logs/datasets/{dataset}.log",
    benchmark:
        "logs/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets.of_kind("digits")),
    priority: by_wildcards(priorities.dataset)
    conda:
        "../envs/datasets.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Fetch and verify the data set {wildcards.dataset} ({params.kind})"
    shell:
        "fooling fetch-{params.kind} --name {wildcards.dataset} --settings {params.settings:q} --output {output} 2> {log}"


use rule fetch_digits as fetch_shapes with:
    params:
        code=fingerprint("fooling.cli.data_sets:fetch_shapes"),
        kind="shapes",
    wildcard_constraints:
        dataset=one_of(datasets.of_kind("shapes")),


use rule fetch_digits as fetch_mnist with:
    params:
        code=fingerprint("fooling.cli.data_sets:fetch_mnist"),
        kind="mnist",
    wildcard_constraints:
        dataset=one_of(datasets.of_kind("mnist")),


rule list_folder:
    output:
        "results/datasets/{dataset}.pictures.csv",
    params:
        code=fingerprint("fooling.cli.data_sets:list_folder"),
        environment=environment("datasets"),
        kind="folder",
        settings=by_wildcards(datasets.settings),
        seen=by_wildcards(datasets.pictures_seen),
        classes=by_wildcards(datasets.classes_seen),
    log:
        "logs/datasets/{dataset}.pictures.log",
    benchmark:
        "logs/datasets/{dataset}.pictures.tsv"
    wildcard_constraints:
        dataset=one_of(datasets.of_kind("folder")),
    priority: by_wildcards(priorities.dataset)
    conda:
        "../envs/datasets.yaml"
    resources:
        mem_mb=1000,
        runtime=60,
    message:
        "List the pictures of the data set {wildcards.dataset}"
    shell:
        "fooling list-{params.kind} --settings {params.settings:q} --output {output} --threads {threads} 2> {log}"


rule fetch_folder:
    input:
        manifest="results/datasets/{dataset}.pictures.csv",
    output:
        "results/datasets/{dataset}.safetensors",
    params:
        code=fingerprint("fooling.cli.data_sets:fetch_folder"),
        environment=environment("datasets"),
        kind="folder",
        settings=by_wildcards(datasets.settings),
        classes=by_wildcards(datasets.classes_seen),
    log:
        "logs/datasets/{dataset}.log",
    benchmark:
        "logs/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets.of_kind("folder")),
    priority: by_wildcards(priorities.dataset)
    conda:
        "../envs/datasets.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Read and scale the pictures of the data set {wildcards.dataset}"
    shell:
        "fooling fetch-{params.kind} --name {wildcards.dataset} --manifest {input.manifest}"
        " --settings {params.settings:q} --output {output} --threads {threads} 2> {log}"


# ImageNet has over a million pictures: several threads read them.
use rule list_folder as list_imagenet with:
    params:
        code=fingerprint("fooling.cli.data_sets:list_imagenet"),
        kind="imagenet",
    wildcard_constraints:
        dataset=one_of(datasets.of_kind("imagenet")),
    threads: 8
    resources:
        mem_mb=4000,
        runtime=600,


use rule fetch_folder as fetch_imagenet with:
    params:
        code=fingerprint("fooling.cli.data_sets:fetch_imagenet"),
        kind="imagenet",
    wildcard_constraints:
        dataset=one_of(datasets.of_kind("imagenet")),
    threads: 8
    resources:
        mem_mb=memory(4000, large=16000),
        runtime=600,


rule train:
    input:
        dataset=by_wildcards(classifiers.dataset),
        outliers=by_wildcards(classifiers.outliers),
        architecture=classifiers.network_files(classifiers.this),
    output:
        "<results>/classifiers/{classifier}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.training:train", classifiers.this, classifiers.training_modules),
        environment=environment("networks"),
        settings=by_wildcards(classifiers.settings),
        outliers=options("outliers"),
        pictures="",
    log:
        "<logs>/classifiers/{classifier}.log",
    benchmark:
        "<benchmarks>/classifiers/{classifier}.tsv"
    wildcard_constraints:
        classifier=one_of(classifiers.trained_on("kept")),
    priority: by_wildcards(priorities.network)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=240,
        gpu=gpus_in_training,
    message:
        "Train {wildcards.classifier}"
    shell:
        "fooling train --name {wildcards.classifier} --dataset {input.dataset} --settings {params.settings:q}"
        " {params.outliers} {params.pictures} --workers {threads} --output {output} 2> {log}"


# The pictures are decoded during training. Several processes decode them, so that a GPU does not wait for pictures.
use rule train as train_on_all_pictures with:
    input:
        dataset=by_wildcards(classifiers.dataset),
        outliers=by_wildcards(classifiers.outliers),
        manifest=by_wildcards(classifiers.manifest),
        architecture=classifiers.network_files(classifiers.this),
    params:
        pictures=by_wildcards(classifiers.pictures),
    wildcard_constraints:
        classifier=one_of(classifiers.trained_on("all")),
    threads: needs.decoders
    resources:
        mem_mb=memory(4000, large=32000),
        runtime=minutes(576),
        gpu=gpus_in_training,


rule fit:
    input:
        dataset=by_wildcards(classifiers.dataset),
    output:
        "<results>/classifiers/{classifier}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.training:fit", classifiers.this),
        environment=environment("networks"),
        settings=by_wildcards(classifiers.settings),
    log:
        "<logs>/classifiers/{classifier}.log",
    benchmark:
        "<benchmarks>/classifiers/{classifier}.tsv"
    wildcard_constraints:
        classifier=one_of(classifiers.fitted),
    priority: by_wildcards(priorities.network)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=240,
    message:
        "Fit {wildcards.classifier}"
    shell:
        "fooling fit --name {wildcards.classifier} --dataset {input.dataset} --settings {params.settings:q}"
        " --output {output} 2> {log}"


rule assemble_ensemble:
    input:
        members=of_each(classifiers.file, classifiers.members),
        dataset=by_wildcards(classifiers.dataset),
        architecture=classifiers.network_files(classifiers.this),
    output:
        "<results>/classifiers/{classifier}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.classifiers:assemble_ensemble", classifiers.this),
        environment=environment("networks"),
        own_files=chains.own_files,
    log:
        "<logs>/classifiers/{classifier}.log",
    benchmark:
        "<benchmarks>/classifiers/{classifier}.tsv"
    wildcard_constraints:
        classifier=one_of(classifiers.ensembles),
    priority: by_wildcards(priorities.network)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=60,
        gpu=gpus,
    message:
        "Assemble the ensemble {wildcards.classifier}"
    shell:
        "fooling assemble-ensemble {input.members} --name {wildcards.classifier} --dataset {input.dataset}"
        " {params.own_files} --output {output} 2> {log}"


rule import_network:
    input:
        dataset=by_wildcards(classifiers.dataset),
        weights=by_wildcards(classifiers.weights),
        architecture=classifiers.network_files(classifiers.this),
    output:
        "<results>/classifiers/{classifier}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.classifiers:import_network", classifiers.this),
        environment=environment("networks"),
        settings=by_wildcards(classifiers.settings),
    log:
        "<logs>/classifiers/{classifier}.log",
    benchmark:
        "<benchmarks>/classifiers/{classifier}.tsv"
    wildcard_constraints:
        classifier=one_of(classifiers.imported),
    priority: by_wildcards(priorities.network)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=60,
        gpu=gpus,
    message:
        "Import and test the network {wildcards.classifier}"
    shell:
        "fooling import-network --name {wildcards.classifier} --dataset {input.dataset} --settings {params.settings:q}"
        " --output {output} 2> {log}"
