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
    # After a crash, as of train: clips go on where they were left.
    retries: 3 if internals.is_main_process(workflow) else 0
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    resources:
        attempt=lambda wildcards, attempt: attempt,
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=240,
    shell:
        "exec rawtone sample {wildcards.name} --attempt {resources.attempt} --log {log}"
