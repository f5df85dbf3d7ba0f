rule parse_log:
    input:
        "results/{name}/config.json",
        "results/{name}/train.log",
        settings="settings/parse-log/{name}.json",
        code=code("parse-log"),
    output:
        report(
            "results/{name}/history.csv",
            caption="../report/history.rst",
            category="Experiment {name}",
            labels={"what": "history"},
        ),
        report(
            directory("results/{name}/curves"),
            patterns=["{curve}.svg"],
            caption="../report/curves.rst",
            category="Experiment {name}",
            labels={"what": "curve of {curve}"},
        ),
    log:
        "logs/parse-log/{name}.log",
    localrule: True
    conda:
        "../envs/rawtone.yaml"
    shell:
        "exec rawtone parse-log {wildcards.name} --log {log}"
