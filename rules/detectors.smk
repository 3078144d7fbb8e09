# Put detectors in front of classifiers, attack both together, and compare with the images that were found without them.


rule guard_classifier:
    input:
        classifier=of_each(classifiers.file, classifiers.this),
        others=by_wildcards(guards.others),
        dataset=by_wildcards(classifiers.dataset),
        architecture=classifiers.network_files(guards.on),
    output:
        hard="<results>/detectors/{guards}/{classifier}/{detector}/hard.safetensors",
        smooth="<results>/detectors/{guards}/{classifier}/{detector}/smooth.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.classifiers:guard_classifier", guards.on),
        environment=environment("attacks"),
        options=options("others", "dataset", "smooth"),
        settings=by_wildcards(guards.settings),
        own_files=by_wildcards(guards.own_files),
    log:
        "<logs>/detectors/{guards}/{classifier}/{detector}.log",
    benchmark:
        "<benchmarks>/detectors/{guards}/{classifier}/{detector}.tsv"
    wildcard_constraints:
        detector=one_of(guards.kinds()),
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/attacks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
        gpu=gpus,
    message:
        "Put the detector {wildcards.detector} in front of {wildcards.classifier}"
    shell:
        "fooling guard-classifier {input.classifier} --name {wildcards.classifier}/{wildcards.detector} {params.options}"
        " {params.own_files} --settings {params.settings:q} --output {output.hard} 2> {log}"


rule evolve_guarded:
    input:
        classifier=by_wildcards(guards.network),
        architecture=classifiers.network_files(guards.on),
    output:
        run="<results>/detectors/{guards}/{classifier}/{detector}/evolution.safetensors",
        random_search="<results>/detectors/{guards}/{classifier}/{detector}/random-search.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.attack:attack", guards.on, guards.evolution_modules),
        environment=environment("networks"),
        settings=by_wildcards(guards.evolution),
        seed=by_wildcards(guards.seed),
        own_files=by_wildcards(guards.own_files),
        controls=named_files("controls", "random_search", separator="-"),
    log:
        "<logs>/detectors/{guards}/{classifier}/{detector}/evolution.log",
    benchmark:
        "<benchmarks>/detectors/{guards}/{classifier}/{detector}/evolution.tsv"
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Evolve images against {wildcards.classifier} with the detector {wildcards.detector}"
    shell:
        "fooling attack evolution --classifier {input.classifier} {params.own_files} --settings {params.settings:q}"
        " --seed {params.seed} --output {output.run} {params.controls} 2> {log}"


use rule evolve_guarded as evolve_smooth with:
    input:
        classifier=by_wildcards(guards.smooth),
        architecture=classifiers.network_files(guards.on),
    output:
        run="<results>/detectors/{guards}/{classifier}/{detector}/smooth-evolution.safetensors",
    params:
        controls="",
    log:
        "<logs>/detectors/{guards}/{classifier}/{detector}/smooth-evolution.log",
    benchmark:
        "<benchmarks>/detectors/{guards}/{classifier}/{detector}/smooth-evolution.tsv"
    wildcard_constraints:
        detector=one_of(guards.kinds()),
    message:
        "Evolve images against {wildcards.classifier} with the smooth detector {wildcards.detector}"


rule ascend_guarded:
    input:
        classifier=by_wildcards(guards.smooth),
        architecture=classifiers.network_files(guards.on),
    output:
        "<results>/detectors/{guards}/{classifier}/{detector}/ascent.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.attack:attack", guards.on, guards.ascent_modules),
        environment=environment("networks"),
        settings=by_wildcards(guards.ascent),
        own_files=by_wildcards(guards.own_files),
    log:
        "<logs>/detectors/{guards}/{classifier}/{detector}/ascent.log",
    benchmark:
        "<benchmarks>/detectors/{guards}/{classifier}/{detector}/ascent.tsv"
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
        gpu=gpus,
    message:
        "Ascend gradients of {wildcards.classifier} with the detector {wildcards.detector}"
    shell:
        "fooling attack ascent --name {wildcards.guards} --classifier {input.classifier} {params.own_files}"
        " --settings {params.settings:q} --output {output} 2> {log}"


rule measure_detectors:
    input:
        classifiers=guards.networks(),
        evolution=guards.attacks("evolution"),
        random_search=guards.attacks("random-search"),
        smooth=guards.attacks("smooth-evolution"),
        ascent=guards.attacks("ascent"),
        architecture=classifiers.network_files(guards.guarded),
    output:
        detectors="<results>/findings/detectors.csv",
        means="<results>/findings/detector_means.csv",
        images="<results>/findings/detector_images.parquet",
    params:
        code=classifiers.fingerprint("fooling.cli.attack_tables:measure_detectors", guards.guarded, guards.own_modules),
        environment=environment("networks"),
        attacked=guards.measured(),
        settings=guards.table_settings(),
        own_files=guards.every_own_file(),
        files=options("detectors", "means", "images"),
    log:
        "<logs>/findings/measure_detectors.log",
    benchmark:
        "<benchmarks>/findings/measure_detectors.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Measure what remains of each detector under attack"
    shell:
        "fooling measure-detectors {params.attacked} {params.own_files} --settings {params.settings:q} {params.files}"
        " 2> {log}"
