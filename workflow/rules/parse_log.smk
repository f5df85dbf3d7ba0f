rule parse_log:
    input:
        "results/{name}/config.json",
        "results/{name}/train.log",
        settings="settings/parse-log/{name}.json",
        code=code("parse-log"),
    output:
        "results/{name}/history.csv",
        directory("results/{name}/curves"),
    log:
        "logs/parse-log/{name}.log",
    localrule: True
    conda:
        "../envs/rawtone.yaml"
    shell:
        "exec rawtone parse-log {wildcards.name} --log {log}"
