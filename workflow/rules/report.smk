rule report:
    input:
        expand("data/raw/{corpus}/files.csv", corpus=CORPORA),
        expand("data/tracks/{corpus}/tracks.csv", corpus=CORPORA),
        expand(
            "data/chunks/{corpus}/{file}",
            corpus=CORPORA,
            file=["chunks.npy", "chunks.csv", "corpus.json"],
        ),
        expand("results/{name}/{part}", name=EXPERIMENTS, part=PUBLISHED),
        settings="settings/report/all.json",
        code=code("report"),
    output:
        report(
            directory("report"),
            patterns=["{experiment}/listen.html"],
            caption="../report/listen.rst",
            category="Experiment {experiment}",
            labels={"what": "clips to listen to"},
        ),
    log:
        "logs/report.log",
    localrule: True
    conda:
        "../envs/rawtone.yaml"
    shell:
        "exec rawtone report --log {log}"
