"""What is used of Snakemake and DVC beyond what they promise to keep; used nowhere else.

Of Snakemake its objects, which a Snakefile sees but no manual describes. Of DVC the JSON of
`dvc status`. tests/workflow/test_internals.py tells what a new version changed of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

SNAKEMAKE = {
    "workflow.Workflow": (
        "is_main_process",
        "rules",
        "executor_plugin",
        "output_settings",
        "dryrun",
        "dag",
    ),
    "dag.DAG": ("jobs", "finished", "needrun"),
    "rules.Rule": ("name", "output"),
    "io._IOFile": ("apply_wildcards",),
    "jobs.Job": ("rule", "wildcards"),
}


def is_main_process(workflow: Any) -> bool:
    """Tell whether this Snakemake plans and decides, rather than runs one job for another."""
    return bool(workflow.is_main_process)


def is_running(workflow: Any) -> bool:
    """Tell whether jobs will run, rather than be listed or linted."""
    return workflow.executor_plugin is not None and not workflow.dryrun


def quiet(workflow: Any) -> set[Any]:
    """Return what Snakemake was told to be silent about."""
    return set(workflow.output_settings.quiet or ())


def outputs(workflow: Any, rule: str, name: str) -> list[str]:
    """Return the output paths of a rule, its wildcard `name` filled in."""
    (found,) = (each for each in workflow.rules if each.name == rule)
    return [str(out.apply_wildcards({"name": name})) for out in found.output]


def done(workflow: Any) -> Iterator[tuple[str, str]]:
    """Yield rule and wildcard `name`, or "", of each job with nothing left to do."""
    dag = workflow.dag
    for job in dag.jobs:
        if dag.finished(job) or not dag.needrun(job):
            yield job.rule.name, job.wildcards.get("name") or ""


def changed_outs(verdict: Mapping[str, list[Any]]) -> list[str]:
    """Return the outputs that `dvc status --json` calls changed."""
    changes = [change for listed in verdict.values() for change in listed]
    found = [change["changed outs"] for change in changes if "changed outs" in change]
    return [path for outs in found for path in outs]
