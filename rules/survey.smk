# Ask people what they see: choose what they are shown, build the page that asks them, and analyse their answers.


rule survey_sample:
    input:
        runs=runs_surveyed,
        ascents=ascents_surveyed,
        classifier=classifier_surveyed,
        architecture=network_files(surveyed),
        dataset=dataset_surveyed,
    output:
        questionnaire="<results>/survey/questionnaire.json",
        stimuli=directory("<results>/survey/stimuli"),
    params:
        code=fingerprint("fooling.cli.survey_sample", surveyed),
        environment=environment("survey"),
        study=study.name,
        runs=runs_surveyed_by_name,
        ascents=repeated("ascents"),
        settings=survey_settings,
        own_files=own_files,
    log:
        "<logs>/survey/sample.log",
    benchmark:
        "<benchmarks>/survey/sample.tsv"
    conda:
        "../envs/survey.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
        gpu=gpus,
    message:
        "Draw the images that people are shown"
    shell:
        "fooling survey sample --study {params.study} {params.runs} {params.ascents} --classifier {input.classifier}"
        " {params.own_files} --dataset {input.dataset} --settings {params.settings:q}"
        " --output {output.questionnaire} 2> {log}"


rule survey_analyse:
    input:
        questionnaire="<results>/survey/questionnaire.json",
        responses=responses_given,
    output:
        files="<results>/findings/survey/files.csv",
        exclusions="<results>/findings/survey/exclusions.csv",
        accuracy="<results>/findings/survey/accuracy.csv",
        images="<results>/findings/survey/images.csv",
        agreement="<results>/findings/survey/agreement.csv",
        confidence="<results>/findings/survey/confidence.csv",
        confusion="<results>/findings/survey/confusion.csv",
    params:
        code=fingerprint("fooling.cli.survey_analyse"),
        environment=environment("survey"),
        folder=response_folder,
        settings=analysis_settings,
    log:
        "<logs>/survey/analyse.log",
    benchmark:
        "<benchmarks>/survey/analyse.tsv"
    conda:
        "../envs/survey.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    message:
        "Analyse what people answered"
    shell:
        "fooling survey analyse {params.folder} --questionnaire {input.questionnaire} --settings {params.settings:q}"
        " --files {output.files} --exclusions {output.exclusions} --accuracy {output.accuracy} --images {output.images}"
        " --agreement {output.agreement} --confidence {output.confidence} --confusion {output.confusion} 2> {log}"


# Asked for by `make survey` alone, which installs the packages: nothing else of a study needs npm.
rule survey_page:
    input:
        questionnaire=questionnaire_of_page,
    output:
        directory("<results>/survey/page"),
    params:
        code=fingerprint("fooling.cli.survey_build"),
        environment=environment("survey"),
        packages="results/.packages/node_modules",
    log:
        "<logs>/survey/page.log",
    benchmark:
        "<benchmarks>/survey/page.tsv"
    conda:
        "../envs/survey.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Build the page that asks people"
    shell:
        "fooling survey build --questionnaire {input.questionnaire} --packages {params.packages} --output {output}"
        " 2> {log}"
