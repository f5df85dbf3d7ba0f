rule evaluate:
    input:
        chunks_of,
        tracks_of,
        "results/{name}/config.json",
        "results/{name}/checkpoints.json",
        "results/{name}/checkpoints",
        "results/{name}/clips.json",
        "results/{name}/clips",
        settings="settings/evaluate/{name}.json",
        code=code("evaluate"),
    output:
        report(
            "results/{name}/metrics.json",
            caption="../report/metrics.rst",
            category="Experiment {name}",
            labels={"what": "metrics"},
        ),
        "results/{name}/evaluation.json",
        "results/{name}/bits_by_track.csv",
        "results/{name}/sets.csv",
        "results/{name}/preview.mp3",
        report(
            "results/{name}/clips.csv",
            caption="../report/clips.rst",
            category="Experiment {name}",
            labels={"what": "what was heard in each clip, and its rank"},
        ),
        report(
            "results/{name}/bits.csv",
            caption="../report/bits.rst",
            category="Experiment {name}",
            labels={"what": "bits of each checkpoint"},
        ),
        report(
            "results/{name}/melody.csv",
            caption="../report/melody.rst",
            category="Experiment {name}",
            labels={"what": "melody of each clip"},
        ),
    log:
        "logs/evaluate/{name}.log",
    conda:
        "../envs/rawtone.yaml"
    threads: workflow.cores
    resources:
        mem_mb=8000,
        runtime=240,
    shell:
        "exec rawtone evaluate {wildcards.name} --log {log}"
