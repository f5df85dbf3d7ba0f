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
    shell:
        "exec rawtone convert {wildcards.name} --log {log}"
