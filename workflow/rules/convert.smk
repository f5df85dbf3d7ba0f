rule convert:
    input:
        "data/raw/{name}/files.csv",
        settings="settings/convert/{name}.json",
        code=code("convert"),
    output:
        report(
            "data/tracks/{name}/tracks.csv",
            caption="../report/tracks.rst",
            category="Recordings {name}",
            labels={"what": "tracks"},
        ),
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
