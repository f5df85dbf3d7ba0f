rule sample:
    input:
        "results/{name}/config.json",
        "results/{name}/checkpoints.json",
        "results/{name}/checkpoints",
        settings="settings/sample/{name}.json",
        code=code("sample"),
    output:
        directory("results/{name}/clips"),
        "results/{name}/clips.json",
    log:
        "logs/sample/{name}.log",
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    resources:
        mem_mb=8000,
        runtime=240,
    shell:
        "exec rawtone sample {wildcards.name} --log {log}"
