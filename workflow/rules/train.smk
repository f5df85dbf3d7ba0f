rule train:
    input:
        chunks_of,
        settings="settings/train/{name}.json",
        code=code("train"),
    output:
        "results/{name}/config.json",
        "results/{name}/checkpoints.json",
        directory("results/{name}/checkpoints"),
        "results/{name}/train.log",
    log:
        "logs/train/{name}.log",
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    shell:
        "exec rawtone train {wildcards.name} --log {log}"
