rule convert:
    input:
        "data/raw/{name}/files.csv",
        settings="settings/convert/{name}.json",
        code=code("convert"),
    output:
        "data/tracks/{name}/tracks.csv",
    log:
        "logs/convert/{name}.log",
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    shell:
        "exec rawtone convert {wildcards.name} --log {log}"
