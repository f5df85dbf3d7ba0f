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
    # number of the attempt that it was tried before, and ends again at once.
    retries: 3
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    resources:
        attempt=lambda wildcards, attempt: attempt,
    shell:
        "exec rawtone train {wildcards.name} --attempt {resources.attempt} --log {log}"
