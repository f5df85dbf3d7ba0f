"""What it costs to find that nothing is to be done, over the number of experiments.

Builds throw-away projects of stand-in stages, as the tests do, and times `snakemake` and
`dvc repro` in turns. Prints seconds, and how they grow. Usage: python benchmarks/nothing_to_do.py
"""

import importlib.util
import statistics
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests/workflow/conftest.py"
COUNTS = (1, 4, 16)
ROUNDS = 3
CORPUS = "corpora:\n  demo: {sources: [{demo: music}], sample_rate: 8000}\nexperiments:\n"


def main() -> None:
    """Time both tools where nothing is to be done."""
    spec = importlib.util.spec_from_file_location("projects", TESTS)
    projects = importlib.util.module_from_spec(spec)
    sys.modules["projects"] = projects
    spec.loader.exec_module(projects)
    print(f"{'experiments':>11}  {'snakemake':>9}  {'dvc repro':>9}   seconds, median of {ROUNDS}")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            project = built(projects, Path(folder) / "project", count)
            times = [
                [seconds(project, *tool) for tool in (("snakemake",), ("dvc", "repro"))]
                for _ in range(ROUNDS)
            ]
            medians = [statistics.median(each) for each in zip(*times, strict=True)]
            print(f"{count:>11}  {medians[0]:>9.2f}  {medians[1]:>9.2f}", flush=True)


def built(projects, root: Path, experiments: int):
    """Return a project with nothing to do."""
    lines = [f"  e{n}: {{corpus: demo, preset: wavenet-demo}}\n" for n in range(experiments)]
    project = projects.stand_in_project(root, CORPUS + "".join(lines))
    project.run("snakemake")
    return project


def seconds(project, *command: str) -> float:
    """Return how long a command takes that has nothing to do."""
    start = time.perf_counter()
    done = project.run(*command)
    took = time.perf_counter() - start
    assert "Running stage" not in done.stdout
    assert not project.plan()
    return took


if __name__ == "__main__":
    main()
