rule fetch:
    input:
        settings="settings/fetch/{name}.json",
        code=code("fetch"),
    output:
        "data/raw/{name}/files.csv",
    log:
        "logs/fetch/{name}.log",
    localrule: True
    conda:
        "../envs/rawtone.yaml"
    shell:
        "exec rawtone fetch {wildcards.name} --log {log}"
