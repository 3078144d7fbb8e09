# Attack classifiers: find images that they assign to their classes, or change real images until they are wrong. A job of
# evolution makes a run and its controls: random search, and drift (unselected) unless the experiment leaves it out. An
# audit makes all searches on one network.

from fooling.findings.ascent import AscentComparisonSettings
from fooling.findings.intervals import IntervalSettings


rule attack:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=classifiers.network_files(classifiers.this),
        pilots=by_wildcards(attacks.pilots),
    output:
        "<results>/{kind}/{classifier}/{attack}.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.attack:attack", classifiers.this, attacks.modules),
        environment=environment("networks"),
        kind=by_wildcards(attacks.kind),
        settings=by_wildcards(attacks.settings),
        options=options("pilots"),
        threshold=by_wildcards(attacks.threshold),
        own_files=chains.own_files,
    log:
        "<logs>/{kind}/{classifier}/{attack}.log",
    benchmark:
        "<benchmarks>/{kind}/{classifier}/{attack}.tsv"
    wildcard_constraints:
        kind=one_of(attacks.kinds(on_real_images=False)),
    priority: by_wildcards(priorities.classifier)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(120),
        gpu=gpus,
    message:
        "Attack {wildcards.classifier}: {wildcards.attack}"
    shell:
        "fooling attack {params.kind} --name {wildcards.attack} --classifier {input.classifier} {params.own_files}"
        " --settings {params.settings:q} {params.options} {params.threshold} --output {output} 2> {log}"


use rule attack as attack_images with:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=classifiers.network_files(classifiers.this),
        pilots=by_wildcards(attacks.pilots),
        dataset=by_wildcards(classifiers.dataset),
    params:
        environment=environment("attacks"),
        options=options("dataset"),
    wildcard_constraints:
        kind=one_of(attacks.kinds(on_real_images=True)),
    conda:
        "../envs/attacks.yaml"
    message:
        "Attack {wildcards.classifier} with real images: {wildcards.attack}"


rule evolve:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        dataset=by_wildcards(classifiers.screened_on),
        architecture=classifiers.network_files(classifiers.this),
    output:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        random_search="<results>/evolution/{classifier}/{experiment}/seed{seed}.random-search.safetensors",
        drift="<results>/evolution/{classifier}/{experiment}/seed{seed}.drift.safetensors",
    params:
        code=classifiers.fingerprint("fooling.cli.attack:attack", classifiers.this, experiments.modules),
        environment=environment("networks"),
        settings=by_wildcards(experiments.settings),
        dataset=options("dataset"),
        own_files=chains.own_files,
        controls=named_files("controls", "random_search", "drift", separator="-"),
    log:
        "<logs>/evolution/{classifier}/{experiment}/seed{seed}.log",
    benchmark:
        "<benchmarks>/evolution/{classifier}/{experiment}/seed{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments.names(drift=True)),
    priority: by_wildcards(priorities.run)
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Evolve images: {wildcards.experiment} on {wildcards.classifier}, seed {wildcards.seed}"
    shell:
        "fooling attack evolution --classifier {input.classifier} {params.own_files} --settings {params.settings:q}"
        " {params.dataset} --seed {wildcards.seed} --output {output.run} {params.controls} 2> {log}"


use rule evolve as evolve_without_drift with:
    output:
        run="<results>/evolution/{classifier}/{experiment}/seed{seed}.safetensors",
        random_search="<results>/evolution/{classifier}/{experiment}/seed{seed}.random-search.safetensors",
    params:
        controls=named_files("controls", "random_search", separator="-"),
    wildcard_constraints:
        experiment=one_of(experiments.names(drift=False)),


rule tabulate_ascent:
    input:
        ascents=attacks.ascents(),
        pilots=attacks.pilot_files(),
        history=tables("history/{experiment}.parquet"),
        times=tables("times/{experiment}.parquet"),
    output:
        images="<results>/findings/ascent.parquet",
        ascent_times="<results>/findings/ascent_times.parquet",
        curves=attacks.curves(),
        evaluations="<results>/findings/ascent_evaluations.csv",
        sweeps=attacks.sweeps(),
    params:
        code=fingerprint("fooling.cli.tables:tabulate_ascent"),
        environment=environment("findings"),
        tables=options("history", "times"),
        curves=options("curves"),
        pilots=attacks.named_pilots,
        sweeps=options("sweeps"),
        settings=findings.settings(AscentComparisonSettings),
    log:
        "<logs>/findings/tabulate_ascent.log",
    benchmark:
        "<benchmarks>/findings/tabulate_ascent.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    message:
        "Tabulate gradient ascent, compared with evolution and random search"
    shell:
        "fooling tabulate-ascent {input.ascents} {params.tables} --settings {params.settings:q}"
        " --images {output.images} --ascent-times {output.ascent_times} {params.curves}"
        " --evaluations {output.evaluations} {params.pilots} {params.sweeps} 2> {log}"


rule tabulate_adversarial:
    input:
        attacks=attacks.adversarial(),
        classifiers=[classifiers.file(name) for name in attacks.shown_adversarial()],
        architecture=classifiers.network_files(attacks.shown_adversarial),
    output:
        images="<results>/findings/adversarial.parquet",
        means="<results>/findings/adversarial_means.csv",
        transfer="<results>/findings/adversarial_transfer.csv",
    params:
        code=classifiers.fingerprint("fooling.cli.attack_tables:tabulate_adversarial", attacks.shown_adversarial),
        environment=environment("networks"),
        classifiers=options("classifiers"),
        settings=findings.settings(IntervalSettings),
        own_files=chains.own_files,
        files=options("images", "means", "transfer"),
    log:
        "<logs>/findings/tabulate_adversarial.log",
    benchmark:
        "<benchmarks>/findings/tabulate_adversarial.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Tabulate adversarial examples, and show them to other networks"
    shell:
        "fooling tabulate-adversarial {input.attacks} {params.classifiers} {params.own_files}"
        " --settings {params.settings:q} {params.files} 2> {log}"


rule tabulate_universal:
    input:
        attacks=attacks.universal(),
        classifiers=[classifiers.file(name) for name in attacks.shown_universal()],
        architecture=classifiers.network_files(attacks.shown_universal),
        datasets=attacks.datasets_of_universal(),
    output:
        perturbations="<results>/findings/universal.csv",
        means="<results>/findings/universal_means.csv",
        labels="<results>/findings/universal_labels.csv",
        transfer="<results>/findings/universal_transfer.csv",
    params:
        code=classifiers.fingerprint("fooling.cli.attack_tables:tabulate_universal", attacks.shown_universal),
        environment=environment("networks"),
        shown=options("classifiers", "datasets"),
        settings=findings.settings(IntervalSettings),
        own_files=chains.own_files,
        files=options("perturbations", "means", "labels", "transfer"),
    log:
        "<logs>/findings/tabulate_universal.log",
    benchmark:
        "<benchmarks>/findings/tabulate_universal.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
        gpu=gpus,
    message:
        "Tabulate universal perturbations, and show images with them to other networks"
    shell:
        "fooling tabulate-universal {input.attacks} {params.shown} {params.own_files}"
        " --settings {params.settings:q} {params.files} 2> {log}"


rule tabulate_label_only:
    input:
        attacks=attacks.label_only(),
        own=attacks.own_runs(),
        classifiers=[classifiers.file(name) for name in attacks.asked_for_labels()],
        architecture=classifiers.network_files(attacks.asked_for_labels),
    output:
        images="<results>/findings/label_only.parquet",
        curves="<results>/findings/label_only_curves.parquet",
        transfer="<results>/findings/label_only_transfer.csv",
    params:
        code=classifiers.fingerprint("fooling.cli.attack_tables:tabulate_label_only", attacks.asked_for_labels),
        environment=environment("networks"),
        own=attacks.named_own,
        classifiers=options("classifiers"),
        settings=findings.settings(IntervalSettings),
        own_files=chains.own_files,
        files=options("images", "curves", "transfer"),
    log:
        "<logs>/findings/tabulate_label_only.log",
    benchmark:
        "<benchmarks>/findings/tabulate_label_only.tsv"
    priority: SHOWN
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
        gpu=gpus,
    message:
        "Tabulate what labels alone reach, and show champions of other networks"
    shell:
        "fooling tabulate-label-only {input.attacks} {params.own} {params.classifiers} {params.own_files}"
        " --settings {params.settings:q} {params.files} 2> {log}"


rule audit:
    input:
        files=by_wildcards(audits.network_files),
        test_images=by_wildcards(audits.test_images),
    output:
        numbers="<results>/audits/{audited}/seed{seed}/audit.json",
        page="<results>/audits/{audited}/seed{seed}/index.html",
        images=directory("<results>/audits/{audited}/seed{seed}/images"),
    params:
        code=by_wildcards(audits.fingerprint),
        environment=environment("networks"),
        network=by_wildcards(audits.network),
        settings=by_wildcards(audits.settings),
        tested=options("test_images"),
        folder=parent_of("numbers"),
    log:
        "<logs>/audits/{audited}/seed{seed}.log",
    benchmark:
        "<benchmarks>/audits/{audited}/seed{seed}.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=4000,
        runtime=600,
        gpu=gpus,
    message:
        "Audit {wildcards.audited}, seed {wildcards.seed}"
    shell:
        "fooling audit {params.network:q} --name {wildcards.audited} --settings {params.settings:q}"
        " --seed {wildcards.seed} {params.tested} {params.folder} 2> {log}"


rule tabulate_audits:
    input:
        audits=audits.files(),
    output:
        seeds="<results>/findings/audit_seeds.csv",
        attacks="<results>/findings/audit_attacks.csv",
        audits="<results>/findings/audits.csv",
    params:
        code=fingerprint("fooling.cli.tables:tabulate_audits"),
        environment=environment("findings"),
    log:
        "<logs>/findings/tabulate_audits.log",
    benchmark:
        "<benchmarks>/findings/tabulate_audits.tsv"
    priority: SHOWN
    conda:
        "../envs/findings.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "Rank the networks by their audits"
    shell:
        "fooling tabulate-audits {input.audits} --seeds {output.seeds} --attacks {output.attacks}"
        " --output {output.audits} 2> {log}"
