# Get and verify the data. Data sets are shared by all studies.


rule fetch_digits:
    input:
        code=sources("fooling.cli.fetch_digits"),
        environment="envs/datasets.yaml",
    output:
        "results/datasets/{dataset}.safetensors",
    params:
        kind="digits",
        settings=dataset_settings,
    log:
        "logs/datasets/{dataset}.log",
    benchmark:
        "logs/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("digits")),
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
    input:
        code=sources("fooling.cli.fetch_shapes"),
        environment="envs/datasets.yaml",
    params:
        kind="shapes",
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("shapes")),


use rule fetch_digits as fetch_mnist with:
    input:
        code=sources("fooling.cli.fetch_mnist"),
        environment="envs/datasets.yaml",
    params:
        kind="mnist",
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("mnist")),


rule list_pictures:
    input:
        code=sources("fooling.cli.list_pictures"),
        environment="envs/datasets.yaml",
    output:
        "results/datasets/{dataset}.pictures.csv",
    params:
        settings=dataset_settings,
        seen=pictures_seen,
    log:
        "logs/datasets/{dataset}.pictures.log",
    benchmark:
        "logs/datasets/{dataset}.pictures.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("folder")),
    conda:
        "../envs/datasets.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    message:
        "List the pictures of the data set {wildcards.dataset}"
    shell:
        "fooling list-pictures --settings {params.settings:q} --output {output} 2> {log}"


rule fetch_folder:
    input:
        manifest="results/datasets/{dataset}.pictures.csv",
        code=sources("fooling.cli.fetch_folder"),
        environment="envs/datasets.yaml",
    output:
        "results/datasets/{dataset}.safetensors",
    params:
        settings=dataset_settings,
    log:
        "logs/datasets/{dataset}.log",
    benchmark:
        "logs/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("folder")),
    conda:
        "../envs/datasets.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Read and scale the pictures of the data set {wildcards.dataset}"
    shell:
        "fooling fetch-folder --name {wildcards.dataset} --manifest {input.manifest} --settings {params.settings:q}"
        " --output {output} 2> {log}"
