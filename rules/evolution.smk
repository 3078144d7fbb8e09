# Evolve images against the networks. One job makes a run and its controls: random search, and drift without selection
# unless the experiment leaves that out.


rule evolve_direct:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=network_files(the_classifier),
    output:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        random_search="<results>/evolution/{classifier}/{experiment}/seed{seed}.random-search.safetensors",
        drift="<results>/evolution/{classifier}/{experiment}/seed{seed}.drift.safetensors",
    params:
        code=fingerprint("fooling.cli.evolve_direct", the_classifier),
        environment=environment("networks"),
        encoding="direct",
        settings=evolution_settings,
        own_files=own_files,
        controls=controls_of_run,
    log:
        "<logs>/evolution/{classifier}/{experiment}/seed{seed}.log",
    benchmark:
        "<benchmarks>/evolution/{classifier}/{experiment}/seed{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_in("direct", drift=True)),
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Evolve images: {wildcards.experiment} on {wildcards.classifier}, seed {wildcards.seed}"
    shell:
        "fooling evolve-{params.encoding} --classifier {input.classifier} {params.own_files} --settings"
        " {params.settings:q} --seed {wildcards.seed} --output {output.run} {params.controls} 2> {log}"


use rule evolve_direct as evolve_cppn with:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=network_files(the_classifier),
    params:
        code=fingerprint("fooling.cli.evolve_cppn", the_classifier),
        encoding="cppn",
    wildcard_constraints:
        experiment=one_of(experiments_in("cppn", drift=True)),


use rule evolve_direct as evolve_direct_without_drift with:
    output:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        random_search="<results>/evolution/{classifier}/{experiment}/seed{seed}.random-search.safetensors",
    wildcard_constraints:
        experiment=one_of(experiments_in("direct", drift=False)),


use rule evolve_cppn as evolve_cppn_without_drift with:
    output:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        random_search="<results>/evolution/{classifier}/{experiment}/seed{seed}.random-search.safetensors",
    wildcard_constraints:
        experiment=one_of(experiments_in("cppn", drift=False)),
