# Get and verify the data. Data sets are shared by all studies.
# All else waits for data and networks: their jobs go before all others.


rule fetch_digits:
    output:
        "results/datasets/{dataset}.safetensors",
    params:
        code=fingerprint("fooling.cli.fetch_digits"),
        environment=environment("datasets"),
        kind="digits",
        settings=dataset_settings,
    log:
        "logs/datasets/{dataset}.log",
    benchmark:
        "logs/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("digits")),
    priority: 3
    conda:
        "../envs/datasets.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Fetch and verify the data set {wildcards.dataset} ({params.kind})"
    shell:
        "fooling fetch-{params.kind} --name {wildcards.dataset} --settings {params.settings:q} --output {output} 2> {log}"


use rule fetch_digits as fetch_shapes with:
    params:
        code=fingerprint("fooling.cli.fetch_shapes"),
        kind="shapes",
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("shapes")),


use rule fetch_digits as fetch_mnist with:
    params:
        code=fingerprint("fooling.cli.fetch_mnist"),
        kind="mnist",
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("mnist")),


rule list_folder:
    output:
        "results/datasets/{dataset}.pictures.csv",
    params:
        code=fingerprint("fooling.cli.list_folder"),
        environment=environment("datasets"),
        kind="folder",
        settings=dataset_settings,
        seen=pictures_seen,
    log:
        "logs/datasets/{dataset}.pictures.log",
    benchmark:
        "logs/datasets/{dataset}.pictures.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("folder")),
    priority: 3
    conda:
        "../envs/datasets.yaml"
    threads: 1
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
        code=fingerprint("fooling.cli.fetch_folder"),
        environment=environment("datasets"),
        kind="folder",
        settings=dataset_settings,
    log:
        "logs/datasets/{dataset}.log",
    benchmark:
        "logs/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("folder")),
    priority: 3
    conda:
        "../envs/datasets.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Read and scale the pictures of the data set {wildcards.dataset}"
    shell:
        "fooling fetch-{params.kind} --name {wildcards.dataset} --manifest {input.manifest}"
        " --settings {params.settings:q} --output {output} --threads {threads} 2> {log}"


# A million pictures keep several threads and a disk busy for a while.
use rule list_folder as list_imagenet with:
    params:
        code=fingerprint("fooling.cli.list_imagenet"),
        kind="imagenet",
        classes=classes_seen,
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("imagenet")),
    threads: 8
    resources:
        mem_mb=4000,
        runtime=600,


use rule fetch_folder as fetch_imagenet with:
    input:
        manifest="results/datasets/{dataset}.pictures.csv",
    params:
        code=fingerprint("fooling.cli.fetch_imagenet"),
        kind="imagenet",
        classes=classes_seen,
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("imagenet")),
    threads: 8
    resources:
        mem_mb=memory(4000, large=16000),
        runtime=600,
