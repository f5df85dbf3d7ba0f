rule train:
    input:
        chunks_of,
        origin_of,
        settings="settings/train/{name}.json",
        code=code("train"),
    output:
        report(
            "results/{name}/config.json",
            caption="../report/config.rst",
            category="Experiment {name}",
            labels={"what": "settings"},
        ),
        "results/{name}/checkpoints.json",
        directory("results/{name}/checkpoints"),
        report(
            "results/{name}/train.log",
            caption="../report/log.rst",
            category="Experiment {name}",
            labels={"what": "training log"},
        ),
    log:
        "logs/train/{name}.log",
    # After a crash. What ended on purpose, by a signal or an error of the user's, knows from the
    # number of the attempt that it was tried before, and ends again at once. In a job of a cluster
    # nobody tries again but the one who submitted it.
    retries: 3 if internals.is_main_process(workflow) else 0
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    resources:
        attempt=lambda wildcards, attempt: attempt,
        mem_mb=lambda wildcards, attempt: 16000 * attempt,
        runtime=1440,
    shell:
        "exec rawtone train {wildcards.name} --attempt {resources.attempt} --log {log}"
