# Let images climb the networks' gradients. One job makes all classes from all starts with one setting.


rule ascend:
    input:
        classifier="<results>/classifiers/{classifier}.safetensors",
        architecture=network_files(the_classifier),
        pilots=pilots_of_ascent,
    output:
        "<results>/ascent/{classifier}/{setting}.safetensors",
    params:
        code=fingerprint("fooling.cli.ascend", the_classifier),
        environment=environment("networks"),
        settings=ascent_settings,
        own_files=own_files,
        pilots=repeated("pilots"),
        threshold=threshold_of_choice,
    log:
        "<logs>/ascent/{classifier}/{setting}.log",
    benchmark:
        "<benchmarks>/ascent/{classifier}/{setting}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
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
        ascents=ascent_files(),
        pilots=pilot_files(),
        history=tables("history/{experiment}.parquet", study.plain_experiments),
        times=tables("times/{experiment}.parquet", study.plain_experiments),
    output:
        images="<results>/findings/ascent.parquet",
        ascent_times="<results>/findings/ascent_times.parquet",
        curves=ascent_curves(),
        evaluations="<results>/findings/ascent_evaluations.csv",
        sweeps=ascent_sweeps(),
    params:
        code=fingerprint("fooling.cli.tabulate_ascent"),
        environment=environment("findings"),
        history=repeated("history"),
        times=repeated("times"),
        curves=repeated("curves"),
        pilots=named_pilots,
        sweeps=repeated("sweeps"),
        settings=findings_settings(AscentComparisonSettings),
    log:
        "<logs>/findings/tabulate_ascent.log",
    benchmark:
        "<benchmarks>/findings/tabulate_ascent.tsv"
    conda:
        "../envs/findings.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    message:
        "Tabulate the gradient ascents, beside evolution and random search"
    shell:
        "fooling tabulate-ascent {input.ascents} {params.history} {params.times} --settings {params.settings:q}"
        " --images {output.images} --ascent-times {output.ascent_times} {params.curves}"
        " --evaluations {output.evaluations} {params.pilots} {params.sweeps} 2> {log}"
