# Evolve images against networks, and optimise images by gradient ascent. One job evolves a run and its controls:
# random search, and drift without selection unless the experiment leaves that out.

from fooling.findings.ascent import AscentComparisonSettings


rule evolve_direct:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=classifiers.network_files(classifiers.this),
    output:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        random_search="<results>/evolution/{classifier}/{experiment}/seed{seed}.random-search.safetensors",
        drift="<results>/evolution/{classifier}/{experiment}/seed{seed}.drift.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.evolve_direct", classifiers.this),
        environment=environment("networks"),
        encoding="direct",
        settings=by_wildcards(experiments.settings),
        own_files=chains.own_files,
        controls=options("random_search", "drift"),
    log:
        "<logs>/evolution/{classifier}/{experiment}/seed{seed}.log",
    benchmark:
        "<benchmarks>/evolution/{classifier}/{experiment}/seed{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments.in_encoding("direct", drift=True)),
    conda:
        "../envs/networks.yaml"
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
    params:
        code=classifiers.fingerprint("fooling.cli.evolve_cppn", classifiers.this),
        encoding="cppn",
    wildcard_constraints:
        experiment=one_of(experiments.in_encoding("cppn", drift=True)),


use rule evolve_direct as evolve_direct_without_drift with:
    output:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        random_search="<results>/evolution/{classifier}/{experiment}/seed{seed}.random-search.safetensors",
    params:
        controls=options("random_search"),
    wildcard_constraints:
        experiment=one_of(experiments.in_encoding("direct", drift=False)),


use rule evolve_cppn as evolve_cppn_without_drift with:
    output:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        random_search="<results>/evolution/{classifier}/{experiment}/seed{seed}.random-search.safetensors",
    params:
        controls=options("random_search"),
    wildcard_constraints:
        experiment=one_of(experiments.in_encoding("cppn", drift=False)),


rule ascend:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=classifiers.network_files(classifiers.this),
        pilots=by_wildcards(ascents.pilots),
    output:
        "<results>/ascent/{classifier}/{setting}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.ascend", classifiers.this),
        environment=environment("networks"),
        settings=by_wildcards(ascents.settings),
        own_files=chains.own_files,
        pilots=options("pilots"),
        threshold=by_wildcards(ascents.threshold),
    log:
        "<logs>/ascent/{classifier}/{setting}.log",
    benchmark:
        "<benchmarks>/ascent/{classifier}/{setting}.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(120),
        gpu=gpus,
    message:
        "Let images climb: {wildcards.setting} on {wildcards.classifier}"
    shell:
        "fooling ascend --name {wildcards.setting} --classifier {input.classifier} {params.own_files} --settings"
        " {params.settings:q} {params.pilots} {params.threshold} --output {output} 2> {log}"


rule tabulate_ascent:
    input:
        ascents=ascents.files(),
        pilots=ascents.pilot_files(),
        history=tables("history/{experiment}.parquet"),
        times=tables("times/{experiment}.parquet"),
    output:
        images="<results>/findings/ascent.parquet",
        ascent_times="<results>/findings/ascent_times.parquet",
        curves=ascents.curves(),
        evaluations="<results>/findings/ascent_evaluations.csv",
        sweeps=ascents.sweeps(),
    params:
        code=fingerprint("fooling.cli.tabulate_ascent"),
        environment=environment("findings"),
        tables=options("history", "times"),
        curves=options("curves"),
        pilots=ascents.named_pilots,
        sweeps=options("sweeps"),
        settings=findings.settings(AscentComparisonSettings),
    log:
        "<logs>/findings/tabulate_ascent.log",
    benchmark:
        "<benchmarks>/findings/tabulate_ascent.tsv"
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    message:
        "Tabulate the gradient ascents, beside evolution and random search"
    shell:
        "fooling tabulate-ascent {input.ascents} {params.tables} --settings {params.settings:q}"
        " --images {output.images} --ascent-times {output.ascent_times} {params.curves}"
        " --evaluations {output.evaluations} {params.pilots} {params.sweeps} 2> {log}"
