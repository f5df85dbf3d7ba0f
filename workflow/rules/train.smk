rule train:
    input:
        chunks_of,
        origin_of,
        settings="settings/train/{name}.json",
        code=code("train"),
    output:
        "results/{name}/config.json",
        "results/{name}/checkpoints.json",
        directory("results/{name}/checkpoints"),
        "results/{name}/train.log",
    log:
        "logs/train/{name}.log",
    # After a crash. What ended on purpose, by a signal or an error of the user's, knows from the
    # number of the attempt that it was tried before, and ends again at once.
    retries: 3
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    resources:
        attempt=lambda wildcards, attempt: attempt,
        mem_mb=16000,
        runtime=1440,
    shell:
        "exec rawtone train {wildcards.name} --attempt {resources.attempt} --log {log}"
