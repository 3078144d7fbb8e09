# The human study: sample its stimuli, build its page, and analyse the answers.


rule survey_sample:
    input:
        runs=by_wildcards(human_study.runs),
        ascents=by_wildcards(human_study.ascents),
        classifier=of_each(classifiers.file, human_study.classifier),
        architecture=classifiers.network_files(human_study.classifier),
        dataset=of_each(classifiers.dataset, human_study.classifier),
    output:
        questionnaire="<results>/survey/questionnaire.json",
        stimuli=directory("<results>/survey/stimuli"),
    params:
        code=classifiers.fingerprint("fooling.cli.survey:survey_sample", human_study.classifier),
        environment=environment("survey"),
        study=study.name,
        runs=by_wildcards(human_study.run_options),
        ascents=options("ascents"),
        settings=by_wildcards(human_study.settings),
        own_files=chains.own_files,
    log:
        "<logs>/survey/sample.log",
    benchmark:
        "<benchmarks>/survey/sample.tsv"
    priority: SHOWN
    conda:
        "../envs/survey.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=60,
        gpu=gpus,
    message:
        "Sample the stimuli of the human study"
    shell:
        "fooling survey sample --study {params.study} {params.runs} {params.ascents} --classifier {input.classifier}"
        " {params.own_files} --dataset {input.dataset} --settings {params.settings:q}"
        " --output {output.questionnaire} 2> {log}"


rule survey_analyse:
    input:
        questionnaire="<results>/survey/questionnaire.json",
        responses=by_wildcards(human_study.responses),
    output:
        files="<results>/findings/survey/files.csv",
        exclusions="<results>/findings/survey/exclusions.csv",
        accuracy="<results>/findings/survey/accuracy.csv",
        images="<results>/findings/survey/images.csv",
        agreement="<results>/findings/survey/agreement.csv",
        confidence="<results>/findings/survey/confidence.csv",
        confusion="<results>/findings/survey/confusion.csv",
        consistency="<results>/findings/survey/consistency.csv",
        trials="<results>/findings/survey/trials.csv",
    params:
        code=fingerprint("fooling.cli.survey:survey_analyse"),
        environment=environment("survey"),
        folder=by_wildcards(human_study.response_folder),
        settings=by_wildcards(human_study.analysis),
    log:
        "<logs>/survey/analyse.log",
    benchmark:
        "<benchmarks>/survey/analyse.tsv"
    priority: SHOWN
    conda:
        "../envs/survey.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
    message:
        "Analyse the answers of the human study"
    shell:
        "fooling survey analyse {params.folder} --questionnaire {input.questionnaire} --settings {params.settings:q}"
        " --files {output.files} --exclusions {output.exclusions} --accuracy {output.accuracy} --images {output.images}"
        " --agreement {output.agreement} --confidence {output.confidence} --confusion {output.confusion}"
        " --consistency {output.consistency} --trials {output.trials} 2> {log}"


# Only `make survey` builds the page. It installs the npm packages, which nothing else in a study needs.
rule survey_build:
    input:
        questionnaire=by_wildcards(human_study.questionnaire),
    output:
        directory("<results>/survey/page"),
    params:
        code=fingerprint("fooling.cli.survey:survey_build"),
        environment=environment("survey"),
        packages="results/.packages/node_modules",
        settings=by_wildcards(human_study.recruitment),
    log:
        "<logs>/survey/build.log",
    benchmark:
        "<benchmarks>/survey/build.tsv"
    conda:
        "../envs/survey.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Build the page of the human study"
    shell:
        "fooling survey build --questionnaire {input.questionnaire} --packages {params.packages}"
        " --settings {params.settings:q} --output {output} 2> {log}"
