rule chunk:
    input:
        "data/tracks/{name}/tracks.csv",
        settings="settings/chunk/{name}.json",
        code=code("chunk"),
    output:
        "data/chunks/{name}/chunks.npy",
        report(
            "data/chunks/{name}/chunks.csv",
            caption="../report/chunks.rst",
            category="Recordings {name}",
            labels={"what": "chunks"},
        ),
        "data/chunks/{name}/corpus.json",
    log:
        "logs/chunk/{name}.log",
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "exec rawtone chunk {wildcards.name} --log {log}"
