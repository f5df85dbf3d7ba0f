rule evaluate:
    input:
        chunks_of,
        "results/{name}/config.json",
        "results/{name}/checkpoints.json",
        "results/{name}/checkpoints",
        "results/{name}/clips.json",
        "results/{name}/clips",
        settings="settings/evaluate/{name}.json",
        code=code("evaluate"),
    output:
        "results/{name}/metrics.json",
        "results/{name}/evaluation.json",
        "results/{name}/bits.csv",
        "results/{name}/melody.csv",
    log:
        "logs/evaluate/{name}.log",
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    shell:
        "exec rawtone evaluate {wildcards.name} --log {log}"
