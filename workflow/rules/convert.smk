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
    resources:
        mem_mb=4000,
        runtime=120,
    shell:
        "exec rawtone convert {wildcards.name} --log {log}"
